"""The sampling frame: which leaves of a lot may be drawn, as one bit each.

A person who did not agree to a check cannot be called (decision 14). The bits are published with
the draw, the most significant first, so that everybody draws from the same leaves.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

from exchange.verification.draw import first


def make_frame(flags: Iterable[bool]) -> tuple[int, bytes | None]:
    """How many leaves are in the frame, and the bits; no bits where every leaf is in."""
    bits, inside, count = bytearray(), 0, 0
    for flag in flags:
        if count % 8 == 0:
            bits.append(0)
        if flag:
            bits[-1] |= 0x80 >> count % 8
            inside += 1
        count += 1
    return inside, None if inside == count else bytes(bits)


def is_inside(frame: bytes | None, index: int) -> bool:
    """Whether the leaf at this 0-based place may be drawn; False beyond the bits."""
    if frame is None:
        return True
    byte, bit = divmod(index, 8)
    return byte < len(frame) and bool(frame[byte] & 0x80 >> bit)


def size_of(frame: bytes | None, *, population: int) -> int:
    """How many leaves may be drawn."""
    return population if frame is None else sum(byte.bit_count() for byte in frame)


def draw_order(seed: bytes, leaves: Iterable[bytes], *, frame: bytes | None, n: int) -> list[int]:
    """The 0-based places, among all leaves, of the first n drawn from the frame."""
    places = array("L")

    def inside() -> Iterator[bytes]:
        for index, leaf in enumerate(leaves):
            if is_inside(frame, index):
                places.append(index)
                yield leaf

    if frame is None:
        return first(seed, leaves, n=n)
    return [places[drawn] for drawn in first(seed, inside(), n=n)]
