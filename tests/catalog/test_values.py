"""Reading one cell: numbers, dates and words, and refusing what has two readings."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.catalog.values import (
    DateOrder,
    FieldError,
    ParseContext,
    clean,
    is_empty,
    iso_moment,
    parse_boolean,
    parse_date,
    parse_datetime,
    parse_money,
    parse_number,
)
from exchange.core.money import Currency

RUBLES = ParseContext(country="RU", currency=Currency.RUB, decimal_separator=",")
NOTHING_DECLARED = ParseContext()


def refusal(call, *args, **kwargs) -> str:
    with pytest.raises(FieldError) as caught:
        call(*args, **kwargs)
    return caught.value.code


class TestClean:
    @pytest.mark.parametrize(
        ("raw", "text"),
        [
            ("  Ivan \t Petrov\n", "Ivan Petrov"),
            ("Иван\u00a0Петров", "Иван Петров"),
            ("\ufeffИван\u200b", "Иван"),
            ("И\u202eван", "Иван"),
            ("José".encode().decode(), "José"),
            ("Jose\u0301", "José"),
            ("👩\u200d🔧", "👩\u200d🔧"),
        ],
    )
    def test_one_line_of_composed_text(self, raw, text):
        assert clean(raw) == text

    @pytest.mark.parametrize("raw", ["a\x00b", "a\x1bb", "a\x7fb", "a\x85b", "a\ud800b"])
    def test_control_characters_are_refused(self, raw):
        assert refusal(clean, raw) == "control_char"

    @given(st.text(max_size=50))
    def test_cleaning_twice_changes_nothing_more(self, raw):
        try:
            once = clean(raw)
        except FieldError:
            return
        assert clean(once) == once


NOTHING = ["", "-", "—", "...", "N/A", "n/a", "#N/A", "NULL", "(null)", "undefined", "нет данных"]
NOTHING += ["н/д", "Не указано", "sin datos", "no consta", "tiada maklumat"]
NO_NUMBERS = ["1e1000", "NaN", "Infinity", "7.92E+10", "3-4", "12 34", "1,23,456", "²³", "abc"]
NO_NUMBERS += ["5 parrots", "1.234.5", "", "--5", "9" * 65]


class TestEmptyWords:
    @pytest.mark.parametrize("text", NOTHING)
    def test_mean_nothing(self, text):
        assert is_empty(text)

    @pytest.mark.parametrize("text", ["0", "Na Li", "Nullmann", "нет", "no", "tak"])
    def test_do_not_swallow_answers(self, text):
        assert not is_empty(text)


class TestBooleans:
    @pytest.mark.parametrize("text", ["yes", "Y", "TRUE", "1", "да", "Да", "Д", "sí", "Si", "ya"])
    def test_yes(self, text):
        assert parse_boolean(text) is True

    @pytest.mark.parametrize("text", ["no", "N", "false", "0", "нет", "НЕТ", "tidak", "tak"])
    def test_no(self, text):
        assert parse_boolean(text) is False

    @pytest.mark.parametrize("text", ["maybe", "2", "может быть", ""])
    def test_neither(self, text):
        assert parse_boolean(text) is None


class TestNumbers:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("1500", "1500"),
            ("1 500", "1500"),
            ("1,234.56", "1234.56"),
            ("1.234,56", "1234.56"),
            ("1 234,56", "1234.56"),
            ("1’234’567.8", "1234567.8"),
            ("1,234,567", "1234567"),
            ("0,125", "0.125"),
            ("0.125", "0.125"),
            ("12,5", "12.5"),
            ("-5", "-5"),
            ("−5", "-5"),
            ("３０００", "3000"),
            ("3 млн", "3000000"),
            ("1,5 млн", "1500000"),
            ("150k", "150000"),
            ("200 mil", "200000"),
            ("2 juta", "2000000"),
            ("3.0", "3"),
        ],
    )
    def test_have_one_reading(self, text, value):
        assert parse_number(text, separator=None) == Decimal(value)

    @pytest.mark.parametrize(
        ("separator", "value"), [(".", "1234"), (",", "1.234")]
    )  # fmt: skip
    def test_two_readings_are_decided_by_the_declaration(self, separator, value):
        assert refusal(parse_number, "1,234", separator=None) == "number_ambiguous"
        assert parse_number("1,234", separator=separator) == Decimal(value)

    @pytest.mark.parametrize("text", NO_NUMBERS)
    def test_what_is_no_number_is_refused(self, text):
        assert refusal(parse_number, text, separator=None) == "number_invalid"

    @given(st.decimals(-(10**9), 10**9, places=4), st.sampled_from([".", ","]))
    def test_what_is_written_is_read_back(self, number, separator):
        text = f"{number:,.4f}"
        if separator == ",":
            text = text.translate(str.maketrans(",.", ".,"))
        assert parse_number(text, separator=separator) == number


class TestMoney:
    @pytest.mark.parametrize(
        ("text", "minor"),
        [
            ("3 000 000 ₽", 300_000_000),
            ("3 млн руб.", 300_000_000),
            ("450 т.р.", 45_000_000),
            ("1 234,50 р.", 123_450),
            ("RUB 99", 9_900),
            ("150 тыс. рублей", 15_000_000),
        ],
    )
    def test_minor_units_of_the_currency(self, text, minor):
        assert parse_money(text, context=RUBLES) == minor

    @pytest.mark.parametrize(
        ("currency", "text", "minor"),
        [
            (Currency.EUR, "200.000 €", 20_000_000),
            (Currency.EUR, "€ 1.234,56", 123_456),
            (Currency.USD, "$1.5M", 150_000_000),
            (Currency.USD, "US$12,500", 1_250_000),
            (Currency.MYR, "RM 4,200.00", 420_000),
        ],
    )
    def test_each_currency_is_written_as_its_people_do(self, currency, text, minor):
        separator = "," if currency is Currency.EUR else "."
        context = ParseContext(currency=currency, decimal_separator=separator)
        assert parse_money(text, context=context) == minor

    def test_another_currency_is_refused(self):
        assert refusal(parse_money, "100 €", context=RUBLES) == "currency_mismatch"

    def test_parts_of_a_minor_unit_are_not_rounded(self):
        assert refusal(parse_money, "0,005", context=RUBLES) == "precision"


class TestDates:
    @pytest.mark.parametrize(
        ("text", "order", "day"),
        [
            ("2026-11-03", None, date(2026, 11, 3)),
            ("2026/11/03", None, date(2026, 11, 3)),
            ("03.11.2026", DateOrder.DMY, date(2026, 11, 3)),
            ("11/03/2026", DateOrder.MDY, date(2026, 11, 3)),
            ("25.11.2026", None, date(2026, 11, 25)),
            ("11/25/2026", None, date(2026, 11, 25)),
            ("05.05.2026", None, date(2026, 5, 5)),
            ("2026-02-28", DateOrder.MDY, date(2026, 2, 28)),
        ],
    )
    def test_are_read(self, text, order, day):
        assert parse_date(text, context=ParseContext(date_order=order)) == day

    def test_two_readings_without_a_declaration_are_refused(self):
        code = refusal(parse_date, "03/04/2026", context=NOTHING_DECLARED)
        assert code == "date_ambiguous"

    @pytest.mark.parametrize(
        ("text", "order"),
        [
            ("30.02.2026", DateOrder.DMY),
            ("13/25/2026", DateOrder.DMY),
            ("11/25/2026", DateOrder.DMY),
            ("03.11.26", DateOrder.DMY),
            ("1899-12-31", None),
            ("03.11-2026", DateOrder.DMY),
            ("tomorrow", None),
            ("45982", None),
        ],
    )
    def test_what_no_calendar_has_is_refused(self, text, order):
        context = ParseContext(date_order=order)
        assert refusal(parse_date, text, context=context) == "date_invalid"


class TestMoments:
    @pytest.mark.parametrize(
        ("text", "moment"),
        [
            ("2026-11-21T14:05:00Z", "2026-11-21T14:05:00Z"),
            ("2026-11-21T14:05:00.123456+03:00", "2026-11-21T11:05:00Z"),
            ("2026-11-21 14:05 +0300", "2026-11-21T11:05:00Z"),
            ("21.11.2026 14:05", "2026-11-21T11:05:00Z"),
            ("21.11.2026, 2:05 PM", "2026-11-21T11:05:00Z"),
            ("21.11.2026 12:05 a.m.", "2026-11-20T21:05:00Z"),
            ("21.11.2026", "2026-11-20T21:00:00Z"),
        ],
    )
    def test_are_utc_to_the_second(self, text, moment):
        context = ParseContext(time_zone="Europe/Moscow", date_order=DateOrder.DMY)
        assert iso_moment(parse_datetime(text, context=context)) == moment

    def test_the_skipped_hour_of_spring_never_was(self):
        context = ParseContext(time_zone="Europe/Madrid")
        assert refusal(parse_datetime, "2026-03-29 02:30", context=context) == "time_invalid"

    @pytest.mark.parametrize(
        "text", ["2026-11-21T25:00", "2026-11-21 10:61", "2026-11-21 13:00 PM"]
    )
    def test_times_that_no_clock_shows_are_refused(self, text):
        assert refusal(parse_datetime, text, context=NOTHING_DECLARED) == "time_invalid"

    @given(st.datetimes(datetime(1901, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)))
    def test_canonical_text_is_read_back(self, moment):
        text = iso_moment(moment)
        assert iso_moment(parse_datetime(text, context=NOTHING_DECLARED)) == text
