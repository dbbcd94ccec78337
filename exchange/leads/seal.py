"""The seal of a lot: salted leaves under one Merkle root, so that no lead can be changed unseen.

The scheme is public; whoever has the published leaves recomputes it:

- leaf = SHA-256(00 | salt | record), a salt of 16 random bytes, the record of `canonical`;
- node = SHA-256(01 | left | right); an odd last node moves up unchanged (the tree of RFC 6962);
- the leaves file holds the leaves in row order, 32 bytes each;
- a path proves one leaf: the sibling nodes from the leaf's own up to the root, 32 bytes each. The
  leaf's place tells the sides, left where the bit of the level is set; together with the count of
  leaves it tells the levels at which its node moved up and has no sibling.

The prefixes 00 and 01 keep a node from passing for a leaf; the salt keeps a phone number from being
guessed out of its leaf. Everything here is pure: salts are passed in.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from hmac import compare_digest
from typing import IO

HASH_SIZE = 32  # bytes
SALT_SIZE = 16  # bytes
SEPARATOR = "\x1f"  # U+001F, between the fields of a record

Scalar = int | float | bool
Value = str | Scalar | None

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_E164 = re.compile(r"\+[1-9][0-9]{1,14}")


def canonical(record: Mapping[str, Value]) -> bytes:
    r"""The one way to write a lead's fields as bytes; two different records never share it.

    Fields in ascending order of their names, U+001F between them, UTF-8. A field is

    - `name=text` for text: in NFC, with `\` written `\\` and U+001F written `\u001f`;
    - `name:=true`, `name:=false` or `name:=12.5` for the rest: numbers as JSON carries them, in
      plain decimals without exponent or trailing zeros, so 12 and 12.0 are one number;
    - not written at all when its value is None, which differs from the empty text `name=`.

    Names are lower-case ASCII words with digits and underscores, so neither mark can be part of
    one; `phone` must be E.164. ValueError names the field that breaks a rule, never its value.
    """
    fields = [_field(name, value) for name in sorted(record) if (value := record[name]) is not None]
    return SEPARATOR.join(fields).encode()


def leaf(salt: bytes, record: bytes) -> bytes:
    """The 32 bytes that stand for a lead in public. ValueError for a salt that is not 16 bytes."""
    if len(salt) != SALT_SIZE:
        raise ValueError(f"a salt has {SALT_SIZE} bytes, not {len(salt)}")
    return sha256(b"\x00" + salt + record).digest()


def merkle_root(leaves: Iterable[bytes]) -> bytes:
    """The root over the leaves in their order, in one pass that remembers a few nodes only.

    ValueError where there is no leaf, or one is not 32 bytes.
    """
    return _climb(leaves, wanted=frozenset()).node


def merkle_path(leaves: Iterable[bytes], index: int) -> tuple[bytes, ...]:
    """The siblings of one leaf (0-based), for `verify_path`; errors as for `merkle_paths`."""
    return merkle_paths(leaves, [index])[index]


def merkle_paths(leaves: Iterable[bytes], indices: Collection[int]) -> dict[int, tuple[bytes, ...]]:
    """The siblings from each of these leaves (0-based) up to the root, in the same single pass.

    ValueError as for `merkle_root`; IndexError for an index beyond the leaves.
    """
    top = _climb(leaves, wanted=frozenset(indices))
    missing = set(indices) - top.paths.keys()
    if missing:
        raise IndexError(f"there is no leaf {min(missing)}")
    return {index: tuple(path) for index, path in top.paths.items()}


def verify_path(leaf: bytes, path: Iterable[bytes], *, index: int, count: int, root: bytes) -> bool:
    """Whether the leaf stands at this 0-based place among `count` leaves under the root.

    The count tells where odd nodes moved up; the root does not bind it, so it is published beside.
    """
    siblings = list(path)
    if not 0 <= index < count or any(len(node) != HASH_SIZE for node in (leaf, *siblings)):
        return False
    node, place, width = leaf, index, count
    while width > 1:
        if place ^ 1 < width:
            if not siblings:
                return False
            sibling = siblings.pop(0)
            node = _parent(sibling, node) if place & 1 else _parent(node, sibling)
        place, width = place >> 1, (width + 1) >> 1
    return not siblings and compare_digest(node, root)


def read_leaves(file: IO[bytes]) -> Iterator[bytes]:
    """The leaves of a published leaves file, one at a time. ValueError where it is cut short."""
    while block := file.read(HASH_SIZE * 4096):
        if len(block) % HASH_SIZE:
            raise ValueError(f"the leaves file does not end after a whole {HASH_SIZE}-byte leaf")
        for start in range(0, len(block), HASH_SIZE):
            yield block[start : start + HASH_SIZE]


def _field(name: str, value: str | Scalar) -> str:
    _require_name(name)
    if not isinstance(value, str):
        return f"{name}:={_scalar(name, value)}"
    if name == "phone" and not _E164.fullmatch(value):
        raise ValueError("the field phone is not in E.164")
    if not value.isascii():
        value = _composed(name, value)
    if "\\" in value or SEPARATOR in value:
        value = value.replace("\\", "\\\\").replace(SEPARATOR, "\\u001f")
    return f"{name}={value}"


@lru_cache(maxsize=1024)
def _require_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no field name: use a-z, 0-9 and _, a letter first")


def _composed(name: str, value: str) -> str:
    composed = unicodedata.normalize("NFC", value)
    try:
        composed.encode()
    except UnicodeEncodeError:
        # Not chained: the codec's error carries the whole value.
        raise ValueError(f"the field {name} holds half a character") from None
    return composed


def _scalar(name: str, value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        plain = format(Decimal(repr(value or 0.0)), "f")  # minus zero is zero
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    raise ValueError(f"the field {name} holds neither text nor a finite number nor yes or no")


@dataclass(slots=True)
class _Subtree:
    """A finished node, how many leaves are below it, and the paths that lead up to it so far."""

    node: bytes
    width: int = 1
    paths: dict[int, list[bytes]] = field(default_factory=dict)


def _climb(leaves: Iterable[bytes], *, wanted: frozenset[int]) -> _Subtree:
    """Join equal neighbors as soon as they stand; at the end, the rest from the right.

    What is left over then are the odd nodes that moved up.
    """
    waiting: list[_Subtree] = []
    for index, node in enumerate(leaves):
        if len(node) != HASH_SIZE:
            raise ValueError(f"leaf {index} has {len(node)} bytes, not {HASH_SIZE}")
        tree = _Subtree(node, paths={index: []} if index in wanted else {})
        while waiting and waiting[-1].width == tree.width:
            tree = _join(waiting.pop(), tree)
        waiting.append(tree)
    if not waiting:
        raise ValueError("a lot without leads has no root")
    top = waiting.pop()
    while waiting:
        top = _join(waiting.pop(), top)
    return top


def _join(left: _Subtree, right: _Subtree) -> _Subtree:
    for path in left.paths.values():
        path.append(right.node)
    for path in right.paths.values():
        path.append(left.node)
    paths = left.paths | right.paths if left.paths or right.paths else left.paths
    return _Subtree(_parent(left.node, right.node), left.width + right.width, paths)


def _parent(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()
