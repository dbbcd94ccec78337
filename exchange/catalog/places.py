"""Places: reading a gazetteer of postal codes, and the codes around one of them.

The file is the operator's: postal codes in the format of GeoNames, tab separated and without a
header. The exchange brings none along, so a country has places once a file of it was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, NamedTuple

from sqlalchemy import delete, exists, select
from sqlalchemy.dialects.postgresql import insert

from exchange.catalog.distances import Point, distance_km, latitudes_within
from exchange.catalog.models import Place
from exchange.core.db import db
from exchange.core.errors import FieldProblem, Invalid

COLUMNS: Final = 11  # at least: the tenth and the eleventh are latitude and longitude
ROWS_AT_ONCE: Final = 2_000
KM_MAX: Final = 500


class Line(NamedTuple):
    """What is kept of a line of the file."""

    country: str
    postal_code: str
    latitude: float
    longitude: float


def read_lines(lines: Iterable[str]) -> Iterator[Line]:
    """The places of a file. Raises Invalid with the number of a line that is none."""
    for number, text in enumerate(lines, start=1):
        cells = text.rstrip("\r\n").split("\t")
        try:
            yield _line(cells)
        except (IndexError, ValueError) as error:
            raise Invalid(f"Line {number} is not a line of GeoNames postal codes.") from error


def import_places(lines: Iterable[str]) -> dict[str, int]:
    """Put the places of a file in the stead of those of its countries; how many, by country.

    A code that stands there several times is where its first line says. Raises Invalid.
    """
    counts: dict[str, int] = {}
    read = read_lines(lines)
    while rows := list(islice(read, ROWS_AT_ONCE)):
        for country in {row.country for row in rows} - counts.keys():
            db.session.execute(delete(Place).where(Place.country == country))
            counts[country] = 0
        added = insert(Place).on_conflict_do_nothing().returning(Place.country)
        for country in db.session.scalars(added, [row._asdict() for row in rows]):
            counts[country] += 1
    return counts


def has_places(country: str) -> bool:
    """Whether anything is known of the country."""
    return bool(db.session.scalar(select(exists().where(Place.country == country))))


def find_point(country: str, postal_code: str) -> Point | None:
    """Where a postal code is; None for one that is not known."""
    row = db.session.get(Place, (country, postal_code))
    return None if row is None else Point(row.latitude, row.longitude)


def problem_of_center(country: str, postal_code: str, *, pointer: str) -> FieldProblem | None:
    """Why a radius cannot be measured from this postal code, in words; None where it can."""
    if find_point(country, postal_code) is not None:
        return None
    if has_places(country):
        detail = "This postal code is not known here."
        return FieldProblem(pointer, "unknown_place", detail)
    detail = "The exchange has no list of places of this country: list postal codes instead."
    return FieldProblem(pointer, "no_places", detail)


def codes_within(country: str, postal_code: str, *, km: int) -> list[str]:
    """The postal codes at most `km` away, the nearest first; the center itself always.

    What is around a center that is not known (any more) is not known either.
    """
    center = find_point(country, postal_code)
    if center is None:
        return [postal_code]
    low, high = latitudes_within(center, km=km)
    rows = db.session.execute(
        select(Place.postal_code, Place.latitude, Place.longitude).where(
            Place.country == country, Place.latitude.between(low, high)
        )
    )
    found = ((distance_km(center, Point(row[1], row[2])), row[0]) for row in rows)
    around = sorted(one for one in found if one[0] <= km and one[1] != postal_code)
    return [postal_code, *(code for _, code in around)]


def _line(cells: list[str]) -> Line:
    country, postal_code = cells[0].strip().upper(), cells[1].strip().upper()
    latitude, longitude = float(cells[9]), float(cells[10])
    is_on_earth = abs(latitude) <= 90 and abs(longitude) <= 180  # degrees
    if len(cells) < COLUMNS or len(country) != 2 or not postal_code or not is_on_earth:
        raise ValueError
    return Line(country, postal_code, latitude, longitude)
