"""A column of a block of rows, read as a whole: each text that comes in it is read once.

Most texts are plainly right and cost a glance; the rest go to the reader that knows the rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from exchange.catalog.fields import FieldSpec, FieldType, Value
from exchange.leads.cells import PROBLEMS, CellReader, Reading
from exchange.leads.plain import Glance

REMEMBERED_MAX: Final = 8_000_000  # bytes of one column, about
ENTRY_BYTES: Final = 100  # of a remembered text beside its characters
# Texts that are somebody's own: none of them is remembered beyond its block.
_PERSONAL: Final = frozenset({FieldType.NAME, FieldType.PHONE, FieldType.EMAIL})


class Column:
    """Reads the cells of one field. `source` is its place in the row, `default` fills gaps."""

    def __init__(
        self,
        spec: FieldSpec,
        reader: CellReader,
        *,
        glance: Glance | None,
        source: int | None,
        default: str,
    ) -> None:
        self.name = spec.name
        self.type = spec.type
        self.source = source
        self._spec = spec
        self._reader = reader
        self._glance = glance
        self._default = default
        self._values: dict[str, Value | None] = {}
        self._odd: dict[str, Reading] = {}
        self._size = 0  # of both, in bytes

    def read(self, texts: Sequence[str]) -> tuple[list[Value | None], dict[int, Reading]]:
        """The value of each cell, and by their places the cells of which there is more to say."""
        if self._default:
            texts = [text or self._default for text in texts]
        self._forget()
        self._learn(set(texts).difference(self._values))
        values = list(map(self._values.__getitem__, texts))
        return values, dict(self._oddities(texts))

    def _forget(self) -> None:
        if self._spec.contact or self.type in _PERSONAL or self._size > REMEMBERED_MAX:
            self._values.clear()
            self._odd.clear()
            self._size = 0

    def _learn(self, texts: set[str]) -> None:
        self._size += sum(map(len, texts)) + ENTRY_BYTES * len(texts)
        glance = self._glance
        if glance is not None:
            plain = {text: value for text in texts if (value := glance(text)) is not None}
            self._values.update(plain)
            texts = texts.difference(plain)
        for text in texts:
            found = self._reading(text)
            self._values[text] = found.value
            if found.is_odd:
                self._odd[text] = found

    def _reading(self, text: str) -> Reading:
        try:
            if text:
                return self._reader.read(text)
        except PROBLEMS as problem:
            return Reading(None, error=problem.code)
        return Reading(None, error="missing_required" if self._spec.required else "")

    def _oddities(self, texts: Sequence[str]) -> Iterator[tuple[int, Reading]]:
        odd = self._odd
        if odd and not odd.keys().isdisjoint(texts):
            for place, text in enumerate(texts):
                if text in odd:
                    yield place, odd[text]
