"""The uploaded file of an import: encrypted under a key of its own until that key is destroyed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, islice
from typing import IO

from exchange.catalog import queries as catalog
from exchange.catalog.models import Vertical
from exchange.catalog.values import DateOrder
from exchange.core import clock, ids, storage
from exchange.core.crypto import WrappedKey, new_key
from exchange.core.db import get
from exchange.core.errors import Gone
from exchange.core.keys import keyring
from exchange.identity.models import Organization
from exchange.leads import confined
from exchange.leads.blocks import pack, unpack
from exchange.leads.checking import Checker, Rules
from exchange.leads.confined_child import BLOCK_ROWS
from exchange.leads.findings import Note
from exchange.leads.mapping import ColumnMapping
from exchange.leads.models import Import
from exchange.leads.reading import LIMITS, Format, Recognition, Row

NAME_CHARACTERS_MAX = 255
WORKBOOK_NAMES = ("xlsx", "xls", "xlsm")


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


def examine_upload(draft: Import, answers: Mapping[str, str]) -> Recognition:
    """What the file is, found out in a confined process. Raises FileReject and Invalid."""
    found = confined.examine(_stored(draft), answers=answers)
    extension = draft.file_name.rpartition(".")[2].lower()
    if extension in WORKBOOK_NAMES and found.form != Format.WORKBOOK:
        return replace(found, notes=(Note("not_a_workbook", extension), *found.notes))
    return found


def checker(draft: Import) -> Checker:
    """Checks the rows of a mapped file as its vertical and its seller's answers want it."""
    return Checker(rules(draft), columns=columns(draft))


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
    """The rows of the file below its header, as a confined process packs them.

    Each block holds up to `size` rows, packed by `blocks.pack`.
    """
    with confined.blocks(_stored(draft), recognition(draft)) as found:
        yield found if size == BLOCK_ROWS else _repacked(found, size)


def _repacked(blocks: Iterator[bytes], size: int) -> Iterator[bytes]:
    rows = chain.from_iterable(map(unpack, blocks))
    while part := list(islice(rows, size)):
        yield pack(part)


@contextmanager
def reading(draft: Import) -> Iterator[Iterator[Row]]:
    """The rows of the file below its header; reading stops with the block."""
    with blocks(draft) as found:
        yield unpacked(found)


@contextmanager
def set_aside(stream: IO[bytes]) -> Iterator[confined.StoredFile]:
    """A file that is read once: encrypted under a key that nobody keeps, gone with the block."""
    key, secret = ids.encode(Import.PREFIX, ids.uuid7()), new_key()
    kept = storage.put(key, stream, secret=secret, bytes_max=LIMITS.size)
    try:
        yield confined.StoredFile(storage.path_of(key), secret, kept.size)
    finally:
        storage.delete(key)


def unpacked(blocks: Iterable[bytes]) -> Iterator[Row]:
    """The rows of blocks, one by one."""
    return chain.from_iterable(map(unpack, blocks))


def destroy(draft: Import) -> None:
    """Destroy the key, and with it the file and every problem row."""
    draft.file_key = draft.file_key_version = None
    storage.delete(storage_key(draft))


def recognition(draft: Import) -> Recognition:
    """How the file is to be read, as it was settled."""
    return Recognition.from_settings(draft.recognition)


def is_demo(draft: Import) -> bool:
    """Whether fictional phone ranges are allowed for this seller (decision 29)."""
    return get(Organization, draft.organization_id).is_demo


def _stored(draft: Import) -> confined.StoredFile:
    path = storage.path_of(storage_key(draft))
    return confined.StoredFile(path, secret_of(draft), draft.file_size)
