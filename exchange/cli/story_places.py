"""Where the people of the demo live: some well-known cities, so that a radius can be tried.

The list is our own: a postal code of each city and where it is, to a kilometer or so, in the
format that `exchange places import` reads, with the code of the region as the exchange has it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Final

from exchange.catalog.places import import_places
from exchange.leads.samples import Cells

CITIES: Final = Path(__file__).with_name("story_places.txt")
COUNTRY, CODE, REGION = 0, 1, 4  # columns


def tell_places() -> None:
    """A radius can be measured in the countries of the demo."""
    import_places(_lines())


def settle(rows: Sequence[Cells], *, country: str, homes: Random) -> None:
    """Let people live in the cities of their region, where the list has one."""
    known = _codes_by_region(country)
    for row in rows:
        row["postal_code"] = homes.choice(known.get(row["region"], [row["postal_code"]]))


def _codes_by_region(country: str) -> Mapping[str, Sequence[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for line in _lines():
        cells = line.split("\t")
        if cells[COUNTRY] == country:
            found[cells[REGION]].append(cells[CODE])
    return found


def _lines() -> Sequence[str]:
    return CITIES.read_text(encoding="utf-8").splitlines()
