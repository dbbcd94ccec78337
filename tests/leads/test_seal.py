"""The canonical record can be read back, and no leaf can be changed unseen."""

from __future__ import annotations

import io
import json
import re
import tracemalloc
import unicodedata
from fractions import Fraction
from hashlib import sha256
from itertools import permutations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exchange.leads.seal import (
    Value,
    canonical,
    leaf,
    merkle_path,
    merkle_paths,
    merkle_root,
    read_leaves,
    verify_path,
)

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(lambda name: name != "phone")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["\\", "\\u001f", "\x1f", "a=b", "b\x1fc=d", ":=true", "é", "e\u0301", "true", "12"]
)
VALUES = (
    st.none()
    | TEXTS
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
)
RECORDS = st.dictionaries(NAMES, VALUES, max_size=6)
LEAVES = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40)


def meaning(value: Value) -> tuple[str, str | bool | Fraction]:
    if isinstance(value, bool):
        return ("truth", value)
    if isinstance(value, str):
        return ("text", unicodedata.normalize("NFC", value))
    # Shortest decimal text is what a JSON number carries.
    return ("number", Fraction(repr(value)))


def split_fields(written: bytes) -> list[tuple[str, str | bool | Fraction]]:
    parts = written.decode().split("\x1f") if written else []
    return [read_field(part) for part in parts]


def read_field(part: str) -> tuple[str, str | bool | Fraction]:
    """The reader that the documented format promises is possible."""
    mark, value = re.fullmatch(r"[a-z][a-z0-9_]*(:?=)(.*)", part, re.DOTALL).groups()
    if mark == "=":
        marks = {"\\\\": "\\", "\\u001f": "\x1f"}
        return ("text", re.sub(r"\\\\|\\u001f", lambda found: marks[found[0]], value))
    if value in {"true", "false"}:
        return ("truth", value == "true")
    return ("number", Fraction(value))


class TestCanonical:
    @pytest.mark.parametrize(
        ("record", "written"),
        [
            ({}, ""),
            ({"b": "2", "a": "1"}, "a=1\x1fb=2"),
            ({"a": "1", "b": None}, "a=1"),
            ({"a": "1", "b": ""}, "a=1\x1fb="),
            ({"phone": "+15550000001"}, "phone=+15550000001"),
            ({"name": "Jose\u0301"}, "name=José"),
            ({"a": "x\x1fy", "b": "c:\\d"}, "a=x\\u001fy\x1fb=c:\\\\d"),
            ({"a": True, "b": False, "c": 0}, "a:=true\x1fb:=false\x1fc:=0"),
            ({"a": 12.50, "b": 12.0, "c": 12, "d": "12"}, "a:=12.5\x1fb:=12\x1fc:=12\x1fd=12"),
            ({"a": 1e22, "b": 1e-7, "c": -1.5}, f"a:=1{'0' * 22}\x1fb:=0.0000001\x1fc:=-1.5"),
            ({"a": -0.0}, "a:=0"),
            ({"a_b": "1", "a": "2", "a1": "3"}, "a=2\x1fa1=3\x1fa_b=1"),
        ],
    )
    def test_writes(self, record: dict[str, Value], written: str):
        assert canonical(record) == written.encode()

    @given(RECORDS)
    @example({"a": "b\x1fc=d"})
    @example({"a": "\\u001f", "b": "\x1f"})
    def test_can_be_read_back_whole(self, record: dict[str, Value]):
        present = {name: meaning(value) for name, value in record.items() if value is not None}
        written = canonical(record)
        found = dict(zip(sorted(present), split_fields(written), strict=True))
        assert found == present

    @given(RECORDS, RECORDS)
    def test_two_records_never_share_their_bytes(
        self, one: dict[str, Value], other: dict[str, Value]
    ):
        same = all(
            (one.get(name) is None and other.get(name) is None)
            or (
                one.get(name) is not None
                and other.get(name) is not None
                and meaning(one[name]) == meaning(other[name])
            )
            for name in {*one, *other}
        )
        assert (canonical(one) == canonical(other)) == same

    @given(RECORDS)
    def test_the_order_in_which_fields_come_changes_nothing(self, record: dict[str, Value]):
        orders = list(permutations(record.items()))[:6]
        assert len({canonical(dict(order)) for order in orders}) == 1

    def test_survives_json(self):
        record = {"a": 12.0, "b": "é", "c": True, "d": 7, "e": 0.1}
        assert canonical(json.loads(json.dumps(record))) == canonical(record)

    @pytest.mark.parametrize(
        "record",
        [
            {"phone": "5550000001"},
            {"phone": "+1 555 000 0001"},
            {"phone": "+05550000001"},
            {"phone": "+1555000000١"},
            {"Name": "x"},
            {"a=b": "x"},
            {"": "x"},
            {"a": float("nan")},
            {"a": float("inf")},
            {"a": ["x"]},
            {"secret": "5550000001\ud800"},
        ],
    )
    def test_refuses_what_has_no_one_form_without_telling_the_value(self, record):
        with pytest.raises(ValueError, match="field") as refused:
            canonical(record)
        assert "555" not in str(refused.value)
        assert refused.value.__cause__ is None


class TestLeaf:
    def test_is_the_documented_hash(self):
        salt, record = bytes(range(16)), b"a=1"
        assert leaf(salt, record) == sha256(b"\x00" + salt + record).digest()

    @pytest.mark.parametrize("size", [0, 15, 17])
    def test_refuses_another_salt_size(self, size: int):
        with pytest.raises(ValueError, match="salt has 16 bytes"):
            leaf(bytes(size), b"")


def level_by_level(leaves: list[bytes]) -> bytes:
    """The tree as it is defined: pair neighbors, move an odd last node up, repeat."""
    while len(leaves) > 1:
        pairs = [leaves[i : i + 2] for i in range(0, len(leaves), 2)]
        leaves = [sha256(b"\x01" + b"".join(p)).digest() if len(p) == 2 else p[0] for p in pairs]
    return leaves[0]


def audit_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962, section 2.1.1, word by word."""
    if len(leaves) == 1:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if index < half:
        return [*audit_path(index, leaves[:half]), level_by_level(leaves[half:])]
    return [*audit_path(index - half, leaves[half:]), level_by_level(leaves[:half])]


class TestMerkle:
    @given(LEAVES)
    def test_root_is_that_of_the_definition(self, leaves: list[bytes]):
        assert merkle_root(iter(leaves)) == level_by_level(leaves)

    @given(LEAVES)
    def test_every_leaf_proves_its_place(self, leaves: list[bytes]):
        root, count = merkle_root(leaves), len(leaves)
        paths = merkle_paths(iter(leaves), range(count))
        assert sorted(paths) == list(range(count))
        for index, path in paths.items():
            assert verify_path(leaves[index], path, index=index, count=count, root=root)

    @pytest.mark.parametrize("count", range(1, 71))
    def test_a_path_is_that_of_rfc_6962_and_proves_its_place_alone(self, count: int):
        leaves = [sha256(i.to_bytes(4)).digest() for i in range(count)]
        claim = {"count": count, "root": level_by_level(leaves)}
        for index, own in enumerate(leaves):
            path = merkle_path(leaves, index)
            assert list(path) == audit_path(index, leaves)
            proved = [at for at in range(count) if verify_path(own, path, index=at, **claim)]
            assert proved == [index]
            for place in range(len(path)):
                changed = [*path[:place], leaves[0][::-1], *path[place + 1 :]]
                assert not verify_path(own, changed, index=index, **claim)

    @given(LEAVES, st.data())
    def test_any_change_is_found(self, leaves: list[bytes], data: st.DataObject):
        count = len(leaves)
        index = data.draw(st.integers(0, count - 1))
        root, path = merkle_root(leaves), merkle_paths(leaves, [index])[index]
        claim = {"index": index, "count": count, "root": root}
        other = data.draw(st.binary(min_size=32, max_size=32).filter(lambda h: h != leaves[index]))
        assert not verify_path(other, path, **claim)
        assert not verify_path(leaves[index], path, **claim | {"root": sha256(root).digest()})
        assert not verify_path(leaves[index], [*path, other], **claim)
        for place, node in enumerate(path):
            flipped = bytes([node[0] ^ 1]) + node[1:]
            changed = [*path[:place], flipped, *path[place + 1 :]]
            assert not verify_path(leaves[index], changed, **claim)
            assert not verify_path(leaves[index], path[:place], **claim)

    @given(st.sets(st.binary(min_size=32, max_size=32), min_size=2, max_size=40), st.data())
    def test_a_leaf_proves_no_other_place(self, unique: set[bytes], data: st.DataObject):
        leaves = sorted(unique)
        index = data.draw(st.integers(0, len(leaves) - 1))
        elsewhere = data.draw(st.integers(-1, len(leaves)).filter(lambda place: place != index))
        path = merkle_paths(leaves, [index])[index]
        claim = {"index": elsewhere, "count": len(leaves), "root": merkle_root(leaves)}
        assert not verify_path(leaves[index], path, **claim)

    def test_a_node_passes_for_no_leaf(self):
        leaves = [bytes([b]) * 32 for b in range(4)]
        left = sha256(b"\x01" + leaves[0] + leaves[1]).digest()
        right = sha256(b"\x01" + leaves[2] + leaves[3]).digest()
        root = merkle_root(leaves)
        assert verify_path(left, [right], index=0, count=2, root=root)
        assert not verify_path(left, [right], index=0, count=4, root=root)
        # A forged record would need 00 where the node has 01.
        assert leaf(leaves[0][:16], leaves[0][16:] + leaves[1]) != left

    def test_siblings_of_another_size_are_refused(self):
        leaves = [bytes([b]) * 32 for b in range(2)]
        root = merkle_root(leaves)
        assert not verify_path(leaves[0][:31], [leaves[1]], index=0, count=2, root=root)
        assert not verify_path(leaves[0], [leaves[1] + b"x"], index=0, count=2, root=root)

    def test_refuses_nothing_wrong_sizes_and_places_beyond_the_end(self):
        with pytest.raises(ValueError, match="without leads"):
            merkle_root([])
        with pytest.raises(ValueError, match="leaf 1 has 31 bytes"):
            merkle_root([bytes(32), bytes(31)])
        with pytest.raises(IndexError, match="no leaf 2"):
            merkle_paths([bytes(32)] * 2, [0, 2])

    def test_the_root_of_many_remembers_a_few_nodes(self):
        leaves = (sha256(i.to_bytes(4)).digest() for i in range(20_000))
        tracemalloc.start()
        try:
            merkle_root(leaves)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 50_000  # the leaves alone would take 1,300,000 bytes


class TestLeavesFile:
    @given(LEAVES)
    def test_holds_32_bytes_a_leaf(self, leaves: list[bytes]):
        assert list(read_leaves(io.BytesIO(b"".join(leaves)))) == leaves

    def test_longer_than_one_block(self):
        leaves = [i.to_bytes(32) for i in range(10_000)]
        assert list(read_leaves(io.BytesIO(b"".join(leaves)))) == leaves

    def test_cut_short_is_refused(self):
        with pytest.raises(ValueError, match="whole 32-byte leaf"):
            list(read_leaves(io.BytesIO(bytes(40))))
