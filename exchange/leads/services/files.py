"""The uploaded file of an import: encrypted under a key of its own until that key is destroyed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import BinaryIO

from exchange.catalog import queries as catalog
from exchange.catalog.models import Vertical
from exchange.catalog.values import DateOrder
from exchange.core import clock, storage
from exchange.core.crypto import WrappedKey, keyring
from exchange.core.db import get
from exchange.core.errors import Gone
from exchange.identity.models import Organization
from exchange.leads.checking import Checker, Rules
from exchange.leads.mapping import ColumnMapping
from exchange.leads.models import Import
from exchange.leads.reading import Recognition, Row, examine, rows

NAME_CHARACTERS_MAX = 255


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


def examine_upload(draft: Import, answers: Mapping[str, str]) -> Recognition:
    """What the file is when these answers settle it. Raises FileReject, and Invalid for others."""
    with open_upload(draft) as upload:
        return examine(upload, answers=answers)


def checker(draft: Import) -> Checker:
    """Checks the rows of a mapped file as its vertical and its seller's answers want it."""
    definition = catalog.get_definition(get(Vertical, draft.vertical_id))
    formats = draft.mapping["formats"]
    order, mark = formats["date_order"], formats["decimal_separator"]
    rules = Rules.of(definition, now=clock.now(), demo=is_demo(draft))
    context = replace(rules.context, date_order=order and DateOrder(order), decimal_separator=mark)
    columns = ColumnMapping.from_settings(draft.mapping).index_by_field
    return Checker(replace(rules, context=context), columns=columns)


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
