"""Names of buyers in a consent, and how an organization is found again by one of them.

Pure. A consent names a buyer by trade name, by legal name or by the id of the organization; case,
spaces and the way letters are composed make no difference.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

NAMES_MAX: Final = 50  # of one consent
NAME_CHARACTERS_MAX: Final = 200
_BETWEEN: Final = re.compile(r"[;|\r\n]+")  # a comma belongs to "Acme, Inc."


def fold(name: str) -> str:
    """The one way in which a name is compared."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())[:NAME_CHARACTERS_MAX]


def split_names(text: str) -> tuple[str, ...]:
    """The folded names of a cell such as `Acme, Inc.; Best Roofs`, each once."""
    names = (fold(part) for part in _BETWEEN.split(text))
    return tuple(dict.fromkeys(name for name in names if name))[:NAMES_MAX]


def names_of(*, public_id: str, trade_name: str, legal_name: str) -> frozenset[str]:
    """By what a consent may name this organization."""
    return frozenset(map(fold, (public_id, trade_name, legal_name))) - {""}
