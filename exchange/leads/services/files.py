"""The uploaded file of an import: encrypted under a key of its own until that key is destroyed."""

from __future__ import annotations

import marshal
import re
import unicodedata
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import islice
from typing import BinaryIO, Final

from exchange.catalog import queries as catalog
from exchange.catalog.models import Vertical
from exchange.catalog.values import DateOrder
from exchange.core import clock, storage
from exchange.core.crypto import WrappedKey
from exchange.core.db import get
from exchange.core.errors import Gone
from exchange.core.keys import keyring
from exchange.identity.models import Organization
from exchange.leads.checking import Checker, Rules
from exchange.leads.mapping import ColumnMapping
from exchange.leads.mending import Mending
from exchange.leads.models import Import
from exchange.leads.preparing import Lot, Recipe
from exchange.leads.reading import Recognition, Row, rows
from exchange.leads.suspicion import zones_of

NAME_CHARACTERS_MAX = 255
BLOCK_ROWS: Final = 2_000
NO_ROWS: Final = marshal.dumps([])


def storage_key(draft: Import) -> str:
    """Under which name the file is kept: ours, never the one that was sent."""
    return draft.public_id


def shown_name(file_name: str) -> str:
    """The last part of a file's name without anything that could mislead or be run."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", file_name))[-1]
    visible = "".join(c for c in last if unicodedata.category(c) not in {"Cc", "Cf", "Cs"})
    return visible[:NAME_CHARACTERS_MAX] or "upload"


def secret_of(draft: Import) -> bytes:
    """The file's key. Raises Gone once it was destroyed."""
    if draft.file_key is None or draft.file_key_version is None:
        raise Gone("The uploaded file is no longer kept.", code="file_gone")
    wrapped = WrappedKey(draft.file_key_version, draft.file_key)
    return keyring().unwrap(wrapped, bound_to=draft.id.bytes)


def open_upload(draft: Import) -> BinaryIO:
    """The file as it was sent, seekable."""
    return storage.open_file(storage_key(draft), secret=secret_of(draft), size=draft.file_size)


def checker(draft: Import) -> Checker:
    """Checks the rows of a mapped file as its vertical and its seller's answers want it."""
    return Checker(rules(draft), columns=columns(draft))


def recipe(draft: Import, lot: Lot) -> Recipe:
    """All that other processes need to prepare the rows of a mapped file."""
    zones = zones_of(catalog.get_definition(get(Vertical, draft.vertical_id)))
    return Recipe(
        lot, rules(draft), columns(draft), Mending(), secret_of(draft), keyring(), zones
    )  # fmt: skip


def columns(draft: Import) -> dict[str, int]:
    """The index of the column of each mapped field."""
    return ColumnMapping.from_settings(draft.mapping).index_by_field


def rules(draft: Import) -> Rules:
    """What the rows of a mapped file are checked against."""
    definition = catalog.get_definition(get(Vertical, draft.vertical_id))
    formats = draft.mapping["formats"]
    order, mark = formats["date_order"], formats["decimal_separator"]
    usual = Rules.of(definition, now=clock.now(), demo=is_demo(draft))
    context = replace(usual.context, date_order=order and DateOrder(order), decimal_separator=mark)
    return replace(usual, context=context, defaults=draft.defaults)


@contextmanager
def blocks(draft: Import, *, size: int = BLOCK_ROWS) -> Iterator[Iterator[bytes]]:
    """The rows of the file in blocks, as they are sent to processes."""
    with reading(draft) as found:
        yield iter(lambda: marshal.dumps([tuple(row) for row in islice(found, size)]), NO_ROWS)


@contextmanager
def reading(draft: Import) -> Iterator[Iterator[Row]]:
    """The rows of the file below its header; reading stops with the block."""
    with closing(open_upload(draft)) as upload, closing(rows(upload, recognition(draft))) as found:
        yield found


def destroy(draft: Import) -> None:
    """Destroy the key, and with it the file and every problem row."""
    draft.file_key = draft.file_key_version = None
    storage.delete(storage_key(draft))


def recognition(draft: Import) -> Recognition:
    """How the file is to be read, as it was settled."""
    names = ("encoding", "delimiter", "quote", "header_row", "header")
    return Recognition.from_settings({name: draft.recognition[name] for name in names})


def is_demo(draft: Import) -> bool:
    """Whether fictional phone ranges are allowed for this seller (decision 29)."""
    return get(Organization, draft.organization_id).is_demo
