"""The pure parts: how a listing is narrowed, how values read, how a file is written."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.buyers import exports
from exchange.buyers.narrowing import Narrowing
from exchange.buyers.values import described
from exchange.catalog.criteria import EVERYTHING, matches
from exchange.catalog.fields import LeadFields
from exchange.catalog.schemas import load_preset
from exchange.core.errors import Invalid
from exchange.core.money import Currency, Money
from exchange.leads.problems import undefused
from exchange.market.filters import choosable

WORDS = {name: name.title() for name in ("yes", "no", *exports.IDS, *exports.TIMES)}


@pytest.fixture(scope="module")
def fields() -> LeadFields:
    return load_preset("home_improvement_us").fields


def narrowed(fields: LeadFields, **sent: str) -> Narrowing:
    named = {name.replace("__", "."): value for name, value in sent.items()}
    return Narrowing.of(named, fields, region=named.get("region"), fresh_hours=None)


class TestNarrowing:
    def test_nothing_sent_narrows_nothing(self, fields: LeadFields):
        found = narrowed(fields)
        assert found.is_empty
        assert found.criteria(fields) == EVERYTHING
        assert found.order_criteria() == {}
        assert found.arguments() == {}

    def test_what_is_sent_is_what_is_bought(self, fields: LeadFields):
        found = narrowed(fields, a__project="roofing", a__is_homeowner="yes", region="OH")
        attributes = {"project": "roofing", "is_homeowner": True, "region": "OH"}
        assert matches(found.criteria(fields), attributes)
        assert not matches(found.criteria(fields), {**attributes, "is_homeowner": False})
        assert found.arguments() == {
            "region": "OH", "a.project": "roofing", "a.is_homeowner": "yes",
        }  # fmt: skip
        again = Narrowing.of(found.arguments(), fields, region="OH", fresh_hours=None)
        assert again == found
        assert {"field": "region", "is": "OH"} in found.order_criteria()["all"]

    @pytest.mark.parametrize(
        "name", ["phone", "name", "email", "comment", "postal_code", "unknown"]
    )
    def test_no_contact_and_no_free_text_can_be_asked_for(self, fields: LeadFields, name: str):
        assert name not in {spec.name for spec in choosable(fields)}
        assert Narrowing.of({f"a.{name}": "x"}, fields, region=None, fresh_hours=None).is_empty

    def test_a_value_that_no_lead_can_have_is_refused(self, fields: LeadFields):
        for sent in ({"a.project": "spaceship"}, {"a.is_homeowner": "1"}):
            found = Narrowing.of(sent, fields, region=None, fresh_hours=None)
            with pytest.raises(Invalid):
                found.criteria(fields)


def test_values_read_as_what_they_are(fields: LeadFields):
    attributes: dict[str, Any] = {"budget": 1_250_000, "project": "roofing", "gone": 1}
    shown = {
        spec.name: value for spec, value in described(attributes, fields, currency=Currency.USD)
    }
    assert shown == {"project": "roofing", "budget": Money(1_250_000, Currency.USD)}


class TestExport:
    def read(self, content: bytes, separator: str) -> list[list[str]]:
        text = content.decode("utf-8-sig")
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))

    def columns(self, fields: LeadFields, language: str = "en") -> list[exports.Column]:
        reader = exports.Reader(language, ZoneInfo("Europe/Moscow"), WORDS)
        return exports.columns(fields, currency=Currency.USD, reader=reader)

    def test_times_stand_in_the_zone_of_the_reader(self, fields: LeadFields):
        asked = datetime(2026, 11, 21, 22, 30, tzinfo=UTC)
        content = exports.table(self.columns(fields), [{"requested_at": asked}], separator=",")
        head, row = self.read(content, ",")
        assert row[head.index("Requested_At (Europe/Moscow)")] == "2026-11-22 01:30"

    def test_words_are_those_of_the_reader(self):
        russian = load_preset("car_insurance_ru").fields
        content = exports.table(
            self.columns(russian, "ru"), [{"insurance_type": "osago"}], separator=";"
        )
        head, row = self.read(content, ";")
        assert row[head.index("Вид страхования")] == "ОСАГО"

    @pytest.mark.parametrize(
        ("amount", "text"), [(5, "0.05"), (-150, "'-1.50"), (120_000, "1200.00")]
    )
    def test_money_is_a_number_that_adds_up(self, fields: LeadFields, amount: int, text: str):
        content = exports.table(self.columns(fields), [{"budget": amount}], separator=",")
        head, row = self.read(content, ",")
        assert row[head.index("Budget, USD")] == text

    @given(
        cells=st.lists(st.text(max_size=30), min_size=3, max_size=3),
        separator=st.sampled_from(",;\t"),
    )
    def test_nothing_is_lost_and_nothing_is_run(self, cells: list[str], separator: str):
        cells = [cell.replace("\x00", "") for cell in cells]
        columns = [exports.Column(name, name) for name in ("a", "b", "c")]
        row = dict(zip("abc", cells, strict=True))
        content = exports.table(columns, [row], separator=separator)
        _, read = self.read(content, separator)
        assert not [cell for cell in read if cell[:1] in tuple("=+-@\t\r＝＋－＠")]
        clean = [cell.encode("utf-8", "replace").decode() for cell in cells]
        assert [undefused(cell) for cell in read] == clean
