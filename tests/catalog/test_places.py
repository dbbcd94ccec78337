"""Places: a gazetteer is read, distances are those of the earth, a radius is postal codes."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from exchange.catalog import places
from exchange.catalog.distances import Point, distance_km, latitudes_within
from exchange.catalog.models import Place
from exchange.core.db import db
from exchange.core.errors import Invalid

MADRID, BARCELONA = Point(40.4168, -3.7038), Point(41.3874, 2.1686)


def line(country: str, code: str, latitude: float, longitude: float) -> str:
    """A line as GeoNames writes it."""
    names = ["Somewhere", "State", "ST", "County", "001", "", ""]
    return "\t".join([country, code, *names, str(latitude), str(longitude), "4"]) + "\n"


AROUND = [
    line("US", "10001", 40.7506, -73.9972),  # Manhattan
    line("US", "07030", 40.7445, -74.0329),  # Hoboken, 3 km away
    line("US", "11201", 40.6940, -73.9903),  # Brooklyn, 6 km away
    line("US", "19104", 39.9612, -75.1999),  # Philadelphia, 130 km away
    line("ES", "28001", 40.4250, -3.6900),
]


class TestDistances:
    def test_known_distances(self):
        assert distance_km(MADRID, BARCELONA) == pytest.approx(505, abs=2)
        assert distance_km(Point(0, 179.5), Point(0, -179.5)) == pytest.approx(111.2, abs=0.1)
        assert distance_km(Point(90, 0), Point(-90, 77)) == pytest.approx(20_015, abs=1)
        assert distance_km(MADRID, MADRID) == 0

    def test_the_band_of_latitudes_holds_all_that_is_within(self):
        low, high = latitudes_within(MADRID, km=distance_km(MADRID, BARCELONA))
        assert low < BARCELONA.latitude < high
        assert distance_km(MADRID, Point(high, MADRID.longitude)) == pytest.approx(505, abs=2)


@pytest.mark.usefixtures("app")
class TestPlaces:
    def test_a_radius_is_the_codes_within_it_the_nearest_first(self):
        assert places.import_places(AROUND) == {"US": 4, "ES": 1}
        assert places.codes_within("US", "10001", km=5) == ["10001", "07030"]
        assert places.codes_within("US", "10001", km=10) == ["10001", "07030", "11201"]

    def test_of_an_unknown_center_only_itself_is_known(self):
        assert places.codes_within("US", "99999", km=500) == ["99999"]

    def test_a_second_file_replaces_its_own_countries_only(self):
        places.import_places(AROUND)
        again = [line("US", "60601", 41.9, -87.6), line("US", "60601", 0, 0)]
        assert places.import_places(again) == {"US": 1}
        assert db.session.scalar(select(func.count()).select_from(Place)) == 2
        found = places.find_point("US", "60601")
        assert found == Point(41.9, -87.6)

    @pytest.mark.parametrize(
        "text",
        ["", "US\t10001", line("US", "10001", 91, 0), line("USA", "10001", 1, 1), "a,b,c\n"],
    )
    def test_a_line_that_is_none_is_refused_with_its_number(self, text):
        with pytest.raises(Invalid, match="Line 2"):
            places.import_places([AROUND[0], text])

    def test_a_radius_that_cannot_be_measured_is_refused_in_words(self):
        def code_of(postal_code):
            found = places.problem_of_center("US", postal_code, pointer="/radius")
            return found and (found.pointer, found.code)

        assert code_of("10001") == ("/radius", "no_places")
        places.import_places(AROUND)
        assert code_of("10001") is None
        assert code_of("99999") == ("/radius", "unknown_place")
