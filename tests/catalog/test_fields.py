"""Fields: one value at a time, headers, and a whole row."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.catalog.fields import Choice, FieldSpec, FieldType, LeadFields, parse
from exchange.catalog.values import DateOrder, FieldError, ParseContext
from exchange.core.money import Currency
from tests.catalog.rows import parse_row

CONTEXT = ParseContext(
    country="RU",
    currency=Currency.RUB,
    time_zone="Europe/Moscow",
    date_order=DateOrder.DMY,
    decimal_separator=",",
)
DRIVERS = (
    Choice("named", {"en": "Named drivers", "ru": "Ограниченный список"}, ("список",)),
    Choice("unlimited", {"en": "Anybody", "ru": "Без ограничений"}),
    Choice("none", {"en": "None", "ru": "Нет"}),
)


def spec(kind: FieldType, **changes) -> FieldSpec:
    return FieldSpec(name="x", type=kind, label={"en": "X"}, **changes)


def refusal(field: FieldSpec, raw: str, context: ParseContext = CONTEXT) -> str:
    with pytest.raises(FieldError) as caught:
        parse(field, raw, context)
    return caught.value.code


class TestParse:
    @pytest.mark.parametrize(
        ("field", "raw", "value"),
        [
            (spec(FieldType.TEXT), "  Vesta  SW ", "Vesta SW"),
            (spec(FieldType.INTEGER, unit="hp"), "106 л.с.", 106),
            (spec(FieldType.INTEGER), "3.0", 3),
            (spec(FieldType.DECIMAL), "1,6", 1.6),
            (spec(FieldType.DECIMAL, unit="m2"), "54,3 м²", 54.3),
            (spec(FieldType.MONEY), "1,5 млн ₽", 150_000_000),
            (spec(FieldType.DATE), "03.11.2026", "2026-11-03"),
            (spec(FieldType.DATETIME), "03.11.2026 10:00", "2026-11-03T07:00:00Z"),
            (spec(FieldType.BOOLEAN), "да", True),
            (spec(FieldType.CHOICE, choices=DRIVERS), "БЕЗ ОГРАНИЧЕНИЙ", "unlimited"),
            (spec(FieldType.CHOICE, choices=DRIVERS), "Named-drivers", "named"),
            (spec(FieldType.CHOICE, choices=DRIVERS), "None", "none"),
            (spec(FieldType.POSTAL_CODE), "420 111", "420111"),
            (spec(FieldType.POSTAL_CODE), "420111.0", "420111"),
            (spec(FieldType.COUNTRY), "ru", "RU"),
            (spec(FieldType.NAME), "ИВАН  ПЕТРОВ", "ИВАН ПЕТРОВ"),
            (spec(FieldType.PHONE), " 8 (912) 345-67-89 ", "8 (912) 345-67-89"),
            (spec(FieldType.URL), "https://example.com/form?a=1", "https://example.com/form?a=1"),
        ],
    )
    def test_gives_one_normal_value(self, field, raw, value):
        found = parse(field, raw, CONTEXT)
        assert found == value
        assert type(found) is type(value)

    @pytest.mark.parametrize(
        ("field", "raw", "code"),
        [
            (spec(FieldType.TEXT, required=True), " n/a ", "missing_required"),
            (spec(FieldType.TEXT, min=3), "ab", "too_short"),
            (spec(FieldType.TEXT, max=3), "abcd", "too_long"),
            (spec(FieldType.TEXT), "a" * 501, "too_long"),
            (spec(FieldType.INTEGER, min=18), "17", "too_small"),
            (spec(FieldType.INTEGER, max=100), "101", "too_large"),
            (spec(FieldType.INTEGER), "1e9", "number_invalid"),
            (spec(FieldType.INTEGER), "9" * 30, "too_large"),
            (spec(FieldType.DECIMAL), "9" * 30, "too_large"),
            (spec(FieldType.DECIMAL), "9" * 64, "too_large"),
            (spec(FieldType.INTEGER), "2,5", "precision"),
            (spec(FieldType.DECIMAL), "0,1234567", "precision"),
            (spec(FieldType.MONEY, min=1), "-5", "too_small"),
            (spec(FieldType.MONEY), "100 $", "currency_mismatch"),
            (spec(FieldType.DATE, min="2026-01-01"), "31.12.2025", "too_small"),
            (spec(FieldType.BOOLEAN), "perhaps", "value_not_allowed"),
            (spec(FieldType.CHOICE, choices=DRIVERS), "кто угодно", "value_not_allowed"),
            (spec(FieldType.POSTAL_CODE), "4201", "too_short"),
            (spec(FieldType.POSTAL_CODE), "042011", "postal_code_invalid"),
            (spec(FieldType.COUNTRY), "Russia", "value_not_allowed"),
            (spec(FieldType.NAME), "12345", "not_a_person"),
            (spec(FieldType.URL), "javascript:alert(1)", "url_invalid"),
            (spec(FieldType.URL), "https://user@example.com", "url_invalid"),
            (spec(FieldType.URL), "http://[", "url_invalid"),
            (spec(FieldType.TEXT), "a\x00b", "control_char"),
        ],
    )
    def test_refuses_with_a_stable_code(self, field, raw, code):
        assert refusal(field, raw) == code

    @pytest.mark.parametrize("raw", ["", "-", "N/A", "нет данных", "\u00a0"])
    @pytest.mark.parametrize("kind", [t for t in FieldType if t is not FieldType.CHOICE])
    def test_an_optional_cell_may_be_empty(self, kind, raw):
        assert parse(spec(kind), raw, CONTEXT) is None

    @given(st.sampled_from(list(FieldType)), st.text(max_size=40))
    def test_never_fails_otherwise_and_gives_json(self, kind, raw):
        field = spec(kind, choices=DRIVERS if kind is FieldType.CHOICE else ())
        try:
            value = parse(field, raw, CONTEXT)
        except FieldError:
            return
        assert json.loads(json.dumps(value)) == value

    @given(
        st.text("0123456789 .,-kмлнEe+₽$", max_size=20),
        st.sampled_from([FieldType.INTEGER, FieldType.DECIMAL, FieldType.MONEY]),
        st.sampled_from([None, ".", ","]),
    )
    def test_numbers_never_fail_otherwise(self, raw, kind, separator):
        with suppress(FieldError):
            parse(spec(kind), raw, ParseContext(decimal_separator=separator))

    def test_an_error_never_repeats_the_cell(self):
        with pytest.raises(FieldError) as caught:
            parse(spec(FieldType.INTEGER), "+7 916 123-45-67", CONTEXT)
        assert str(caught.value) == caught.value.code == "number_invalid"


FIELDS = LeadFields(
    (
        FieldSpec("name", FieldType.NAME, {"en": "Name"}, required=True, contact=True),
        FieldSpec("phone", FieldType.PHONE, {"en": "Phone"}, contact=True, synonyms=("Телефон",)),
        FieldSpec("age", FieldType.INTEGER, {"en": "Age"}, required=True, min=0, max=120),
        FieldSpec("drivers", FieldType.CHOICE, {"en": "Drivers"}, choices=DRIVERS),
        FieldSpec("requested_at", FieldType.DATETIME, {"en": "Requested at"}, required=True),
    )
)


class TestLeadFields:
    def test_contacts_attributes_and_facts_about_the_request_are_apart(self):
        assert [s.name for s in FIELDS.contacts] == ["name", "phone"]
        assert [s.name for s in FIELDS.attributes] == ["age", "drivers"]
        assert [s.name for s in FIELDS.required] == ["name", "age", "requested_at"]

    @pytest.mark.parametrize("header", ["Phone", "PHONE:", " телефон ", "\ufeffphone"])
    def test_a_column_is_known_by_its_header(self, header):
        found = FIELDS.find_by_header(header)
        assert found is not None
        assert found.name == "phone"

    def test_an_unknown_column_is_not_guessed(self):
        assert FIELDS.find_by_header("utm_x") is None

    def test_every_field_of_a_row_ends_in_a_value_an_error_or_nothing(self):
        row = {"name": "Иван", "age": "old", "drivers": "-", "requested_at": "", "other": "1"}
        values, errors = parse_row(FIELDS, row, CONTEXT)
        assert values == {"name": "Иван"}
        assert errors == {"age": "number_invalid", "requested_at": "missing_required"}

    def test_a_choice_is_shown_by_its_label(self):
        field = FIELDS.by_name["drivers"]
        assert field.value_label("unlimited", language="ru") == "Без ограничений"
        assert field.value_label("unlimited", language="ms") == "Anybody"
        assert FIELDS.by_name["age"].value_label(35, language="ru") == "35"
