"""People as they are pasted or uploaded: phones and e-mails, a person to a line.

Pure. Read as intake reads them, so that a person on a list and the same person in a file meet.
What is read are contacts: hashed by the caller at once, never kept or shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from exchange.leads.emails import EmailProblem, parse_email
from exchange.leads.fingerprints import IdentityKey, identity_keys
from exchange.leads.phones import PhoneProblem, parse_phone

LINES_MAX: Final = 100_000
BYTES_MAX: Final = 5_000_000
_CELLS: Final = re.compile(r"[,;\t|]")
_LETTERS: Final = re.compile(r"[^\W\d_]{2}")


@dataclass(frozen=True, slots=True)
class People:
    """What a list holds: the identities, and how many of its lines were of use."""

    keys: frozenset[IdentityKey]
    lines_taken: int
    lines_repeated: int  # all of it stood in the list before
    lines_bad: int  # neither a phone nor an e-mail

    def __repr__(self) -> str:
        """Without the people: a representation ends up in logs."""
        return f"<People {self.lines_taken} lines>"


def read_people(text: str, *, region: str) -> People:
    """The people of a text; `region` is where numbers without a country code are from.

    A first line of words alone is a heading. Empty lines do not count.
    """
    keys: set[IdentityKey] = set()
    taken = repeated = bad = 0
    for line in _lines(text):
        found = read_person(line, region=region)
        if not found:
            bad += 1
        elif keys.issuperset(found):
            repeated += 1
        else:
            taken += 1
            keys |= found
    return People(frozenset(keys), taken, repeated, bad)


def read_person(line: str, *, region: str) -> set[IdentityKey]:
    """Every phone and e-mail of one line; nothing where none can be read."""
    return {key for cell in _CELLS.split(line) for key in _identity(cell.strip(), region=region)}


def _identity(cell: str, *, region: str) -> tuple[IdentityKey, ...]:
    try:
        if "@" in cell:
            return identity_keys(None, parse_email(cell).key)
        # Whether a number could be sold is not asked here: whoever is listed is listed.
        return identity_keys(parse_phone(cell, region=region, demo=True).e164, None) if cell else ()
    except (EmailProblem, PhoneProblem):
        return ()


def _lines(text: str) -> list[str]:
    lines = [line for line in text.lstrip("\ufeff").splitlines() if line.strip()]
    return lines[1:] if lines and _is_heading(lines[0]) else lines


def _is_heading(line: str) -> bool:
    has_contact = "@" in line or any(character.isdigit() for character in line)
    return not has_contact and bool(_LETTERS.search(line))
