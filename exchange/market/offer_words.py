"""What a buyer may write about an offer: nothing that leads around the exchange. Pure.

Sellers know a buyer by its pseudonym (decision 1), so no address, no number and no name stands in
the words that everybody reads.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from exchange.core.errors import FieldProblem
from exchange.leads.naming import fold

HEADLINE_MAX: Final = 120  # characters
DESCRIPTION_MAX: Final = 4_000
DIGITS_MAX: Final = 6  # in a row, spaces and dashes between them not counted
_ADDRESS: Final = re.compile(
    r"@|://|\bwww\.|\b[\w-]+\.(?:com|net|org|io|ru|es|my|info|biz|рф)\b", re.IGNORECASE
)
_NUMBER: Final = re.compile(r"\d(?:[ ().\-/]{0,2}\d)+")


def problems(*, headline: str, description: str, names: Collection[str]) -> Iterator[FieldProblem]:
    """Everything that keeps the words from being shown; `names` are those of the buyer."""
    texts = (("headline", headline, HEADLINE_MAX), ("description", description, DESCRIPTION_MAX))
    for field, text, most in texts:
        pointer = f"/{field}"
        if not text.strip():
            yield FieldProblem(pointer, "required", "Say what the offer is about.")
        elif len(text) > most:
            yield FieldProblem(pointer, "too_long", f"At most {most} characters.")
        elif _leads_around(text) or any(name in fold(text) for name in map(fold, names) if name):
            detail = "No name, number or address of the company: sellers know a pseudonym."
            yield FieldProblem(pointer, "names_somebody", detail)


def _leads_around(text: str) -> bool:
    numbers = (re.sub(r"\D", "", found) for found in _NUMBER.findall(text))
    return bool(_ADDRESS.search(text)) or any(len(number) > DIGITS_MAX for number in numbers)
