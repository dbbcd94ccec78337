"""The cities of the demo: each where its country and region say, and a radius around them works."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest

from exchange.catalog import places
from exchange.catalog.fields import postal_code_pattern
from exchange.catalog.schemas import load_preset, preset_codes
from exchange.cli import story_places
from exchange.leads import samples

CITIES = story_places.CITIES.read_text(encoding="utf-8").splitlines()
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize("code", preset_codes())
def test_invented_people_live_in_them(code):
    definition = load_preset(code)
    rows = samples.invented_rows(definition, random=Random(1), count=300, now=NOW)
    story_places.settle(rows, country=definition.country, homes=Random(2))
    codes = {row["postal_code"] for row in rows}
    assert all(map(postal_code_pattern(definition.country).fullmatch, codes))
    known = {line.split("\t")[story_places.CODE] for line in CITIES}
    assert len(codes & known) > 10


def test_every_city_is_in_a_region_of_the_exchange():
    regions = {}
    for code in preset_codes():
        definition = load_preset(code)
        choices = definition.fields.by_name["region"].choices
        regions[definition.country] = {choice.value for choice in choices}
    for line in CITIES:
        cells = line.split("\t")
        assert cells[story_places.REGION] in regions[cells[story_places.COUNTRY]], line


@pytest.mark.usefixtures("app")
def test_a_radius_can_be_tried_in_every_country():
    story_places.tell_places()
    for country, center, near in (
        ("US", "43215", "43085"), ("RU", "101000", "141400"), ("ES", "28013", "28901"),
        ("MY", "50050", "46000"),
    ):  # fmt: skip
        assert places.problem_of_center(country, center, pointer="/radius") is None
        assert near in places.codes_within(country, center, km=30)
    assert "44113" not in places.codes_within("US", "43215", km=30)  # Cleveland, 200 km away
