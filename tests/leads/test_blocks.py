"""Blocks of rows: what the reader packs is what is read, and nothing else is believed."""

from __future__ import annotations

import marshal

import pytest

from exchange.leads.blocks import pack, unpack
from exchange.leads.findings import FileReject
from exchange.leads.reading import Row


def test_rows_come_back_as_they_were() -> None:
    rows = [Row(1, 2, ["a", "b\0", "\ufffd"]), Row(7, 9, [], "columns")]
    assert unpack(pack(rows)) == rows
    assert unpack(pack([])) == []


@pytest.mark.parametrize(
    "block",
    [
        marshal.dumps([(1, 2, ["a"], None)]),
        b"",
        b"[1]",
        b'{"a": 1}',
        b"[[1, 2, []]]",
        b"[[1, 2, [], null, 5]]",
        b'[["1", 2, [], null]]',
        b"[[1, true, [], null]]",
        b'[[1, 2, "abc", null]]',
        b"[[1, 2, [3], null]]",
        b"[[1, 2, [null], null]]",
        b"[[1, 2, [], 4]]",
        b'[[1, 2, ["\\ud800"], null]]',
    ],
)
def test_anything_else_refuses_the_file(block: bytes) -> None:
    with pytest.raises(FileReject) as refused:
        unpack(block)
    assert refused.value.code == "damaged"
