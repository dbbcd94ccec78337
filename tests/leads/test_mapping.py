"""Columns and fields: every column is accounted for and each guess says how it is known."""

import pytest

from exchange.core.errors import Invalid
from exchange.leads.findings import FileReject
from exchange.leads.forbidden import holds_card
from exchange.leads.formats import settle_formats
from exchange.leads.mapping import (
    ColumnMapping,
    find_column,
    guess_mapping,
    header_key,
    require_complete,
)
from exchange.leads.shapes import Shape, find_shape
from tests.leads.intake_case import FIELDS, definition

SAMPLE = [("Ivan Petrov", "+14155552671", "ivan@example.com"), ("Anna Smith", "+14155552680", "")]


def guess(header, sample=SAMPLE, **known):
    return guess_mapping(header, sample, fields=FIELDS, **known)


def reasons(mapping):
    return [(column.field, str(column.reason)) for column in mapping.columns]


class TestGuessMapping:
    def test_names_come_before_synonyms_and_synonyms_before_cells(self):
        mapping = guess(("Full name", "phone", "x"))
        assert reasons(mapping) == [("name", "synonym"), ("phone", "name"), ("email", "values")]

    def test_what_was_remembered_comes_first(self):
        known = {header_key("Wert 1"): "name", "phone": "phone", "x": None, "gone": "no such"}
        mapping = guess(("Wert 1", "phone", "x"), remembered=known)
        assert reasons(mapping) == [
            ("name", "remembered"), ("phone", "remembered"), (None, "remembered"),
        ]  # fmt: skip
        assert mapping.ignored == ("x",)
        assert mapping.remembered() == {"wert 1": "name", "phone": "phone", "x": None}

    def test_the_sellers_choice_is_stronger_than_all(self):
        mapping = guess(("name", "phone", "email"), chosen={0: "comment", 2: "name"})
        assert reasons(mapping) == [("comment", "chosen"), ("phone", "name"), ("name", "chosen")]

    @pytest.mark.parametrize("chosen", [{0: "no such field"}, {7: "name"}])
    def test_a_choice_that_does_not_exist_is_invalid(self, chosen):
        with pytest.raises(Invalid):
            guess(("name", "phone", "email"), chosen=chosen)

    def test_the_better_of_two_columns_wins_and_the_other_is_listed(self):
        mapping = guess(("name", "mobile", "phone"), [("Ivan", "+14155552671", "+14155552680")])
        assert reasons(mapping)[1:] == [(None, "taken"), ("phone", "name")]
        assert mapping.ignored == ("mobile",)
        assert mapping.questions == ()

    def test_equal_columns_are_asked_about_with_examples(self):
        mapping = guess(("phone", "phone", "name"), [("+14155552671", "+14155552680", "Ivan")])
        (question,) = mapping.questions
        assert (question.code, question.field, question.options) == (
            "duplicate_header", "phone", ("1", "2"),
        )  # fmt: skip
        assert question.preview == {"1": ("+14155552671",), "2": ("+14155552680",)}
        assert mapping.index_by_field["phone"] == 0
        settled = guess(("phone", "phone", "name"), chosen={0: None, 1: "phone"})
        assert settled.questions == ()

    def test_unknown_columns_twice_are_no_question(self):
        assert guess(("name", "phone", "utm", "utm")).questions == ()

    def test_missing_columns_are_named_together_and_once(self):
        mapping = guess(("colour", "size"), [("red", "1")])
        assert mapping.missing == ("name", "phone")
        with pytest.raises(FileReject) as refused:
            require_complete(mapping)
        assert (refused.value.code, refused.value.facts) == (
            "missing_column", {"fields": "name, phone"},
        )  # fmt: skip

    def test_what_the_batch_supplies_is_not_missing(self):
        require_complete(guess(("phone",), [("+14155552671",)], defaults={"name": "x"}))

    def test_what_is_stored_holds_no_example(self):
        mapping = guess(("name", "phone", "email"))
        assert mapping.columns[1].examples == ("+14155552671", "+14155552680")
        assert "+14155552671" not in f"{mapping.settings()} {mapping!r}"
        again = ColumnMapping.from_settings(mapping.settings())
        assert again.index_by_field == mapping.index_by_field

    def test_a_column_is_found_as_a_command_line_names_it(self):
        assert find_column(("Full name", "Phone"), "full_NAME") == 0
        assert find_column(("phone", "Phone"), "phone") is None


class TestShapes:
    @pytest.mark.parametrize(
        ("cell", "is_phone"),
        [
            ("+1 (614) 234-1234", True),
            ("614.234.1234", True),
            ("01.23.45.67.89", True),
            ("916.234.56.78", True),  # more than 255: no computer
            ("198.51.100.254", False),
            ("10.0.0.1", False),
        ],
    )
    def test_the_address_of_a_computer_is_no_phone(self, cell, is_phone):
        assert find_shape([cell] * 3) is (Shape.PHONE if is_phone else None)


class TestForbidden:
    @pytest.mark.parametrize("text", [
        "4111111111111111", "4111 1111 1111 1111", "my card 5500-0000-0000-0004 thanks",
        "2200 0000 0000 0004", "378282246310005",
    ])  # fmt: skip
    def test_cards_are_seen(self, text):
        assert holds_card(text)

    @pytest.mark.parametrize("text", [
        "4111111111111112", "+79161234567", "8 916 123-45-67", "123456789012345678901234567890",
        "2026-11-21 14:05:33", "490154203237518",
    ])  # fmt: skip
    def test_other_digits_are_not(self, text):
        assert not holds_card(text)

    def test_the_vertical_may_ask_for_a_header(self):
        spec = next(spec for spec in FIELDS.specs if spec.name == "comment")
        assert guess(("name", "phone", spec.name)).columns[2].field == "comment"


class TestFormats:
    COLUMNS = {"requested_at": 0, "budget": 1}  # noqa: RUF012 - a constant of the tests

    def settle(self, *sample, **answers):
        context, questions = settle_formats(
            self.COLUMNS,
            sample,
            fields=FIELDS,
            context=definition().context(),
            answers=answers,
        )
        return context, {question.code: question.guess for question in questions}

    def test_what_the_country_usually_writes_is_not_asked(self):
        context, asked = self.settle(("11/21/2026", "1,234.50"), ("03/04/2026", "7.5"))
        assert (context.date_order, context.decimal_separator, asked) == ("mdy", ".", {})

    def test_another_order_is_asked_with_the_order_seen(self):
        context, asked = self.settle(("21/11/2026", "19,90"))
        assert asked == {"date_order": "dmy", "decimal_separator": ","}
        assert (context.date_order, context.decimal_separator) == ("dmy", ",")

    def test_both_readings_are_asked(self):
        _, asked = self.settle(("21/11/2026", ""), ("11/21/2026", ""), ("11/22/2026", ""))
        assert asked == {"date_order": "mdy"}

    def test_an_answer_settles_it(self):
        context, asked = self.settle(("21/11/2026", "1"), date_order="dmy")
        assert (context.date_order, asked) == ("dmy", {})
        with pytest.raises(Invalid):
            self.settle(("21/11/2026", "1"), date_order="dym")
