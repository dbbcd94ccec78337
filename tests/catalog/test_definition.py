"""What a definition may not be: wrong shape, wrong meaning, each mistake with its pointer."""

from __future__ import annotations

from copy import deepcopy

import pytest

from exchange.catalog.definition import VerticalDefinition
from exchange.catalog.schemas import load_definition, load_preset
from exchange.core.errors import Invalid


@pytest.fixture
def data():
    return deepcopy(load_preset("mortgage_es").to_json())


def problems(data) -> set[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        load_definition(data)
    assert all(problem.detail for problem in caught.value.errors)
    return {(problem.pointer, problem.code) for problem in caught.value.errors}


def put(data, pointer: str, value) -> None:
    """Set, or with None remove, what a JSON pointer names."""
    *way, last = pointer.strip("/").split("/")
    for step in way:
        data = data[int(step)] if isinstance(data, list) else data[step]
    if isinstance(data, list):
        last = int(last)
    if value is None:
        del data[last]
    else:
        data[last] = value


def field_at(data, name: str) -> int:
    return next(i for i, field in enumerate(data["fields"]) if field["name"] == name)


class TestShape:
    @pytest.mark.parametrize("wrong", [None, [], "x", 7])
    def test_a_definition_is_an_object(self, wrong):
        assert problems(wrong) == {("/", "invalid")}

    @pytest.mark.parametrize(
        ("pointer", "value"),
        [
            ("/code", "Mortgage ES"),
            ("/country", "es"),
            ("/currency", "XXX"),
            ("/decimal_separator", ";"),
            ("/language", "de"),
            ("/label/xx", "x"),
            ("/fields/0/type", "horoscope"),
            ("/fields/0/name", "Full name"),
            ("/fields/0/colour", "red"),
            ("/fields/0/required", "maybe"),
            ("/fields", None),
            ("/fields/1", "phone"),
            ("/terms/minimum_age", 17.5),
            ("/terms/commission_bps", 10_001),
            ("/terms/typical_prices/gold", 5),
            ("/terms/typical_prices/prime", 0),
            ("/terms/return_reasons/0", "bad_mood"),
            ("/terms/calling_hours/mon/0/0", "9 o'clock"),
            ("/terms/calling_hours/closed_on/0", "02-30"),
            ("/terms/attempts/attempts_max", 100),
            ("/terms/consent/text_required", None),
            ("/scripts/0/lines/0/answers/0/outcome", "bliss"),
            ("/scripts/0/lines/0/answers/0/key", "?"),
            ("/fields/3/choices/0/value", "?"),
            ("/fields/3/choices/0/label/en", ""),
            ("/scripts/0/lines/1/asks", "shoe_size"),
            ("/scripts/0/outcomes/bliss", "Bliss"),
        ],
    )
    def test_a_wrong_value_is_named_by_its_pointer(self, data, pointer, value):
        put(data, pointer, value)
        assert problems(data) == {(pointer, "invalid")}

    def test_every_mistake_is_named_at_once(self, data):
        put(data, "/code", "?")
        put(data, "/terms/minimum_age", "old")
        assert problems(data) == {("/code", "invalid"), ("/terms/minimum_age", "invalid")}


class TestFields:
    def test_two_fields_cannot_share_a_name_or_a_header(self, data):
        data["fields"].append(data["fields"][0])
        found = problems(data)
        assert ("/fields", "duplicate_field") in found
        assert ("/fields", "ambiguous_header") in found

    def test_a_choice_needs_something_to_choose(self, data):
        at = field_at(data, "purpose")
        put(data, f"/fields/{at}/choices", None)
        put(data, f"/fields/{at}/example", None)
        assert problems(data) == {(f"/fields/{at}/choices", "choices_missing")}

    def test_one_word_cannot_mean_two_choices(self, data):
        at = field_at(data, "purpose")
        data["fields"][at]["choices"][0]["synonyms"] = ["Inversión"]
        assert problems(data) == {(f"/fields/{at}/choices", "ambiguous_word")}

    def test_only_choices_have_choices(self, data):
        at = field_at(data, "age")
        data["fields"][at]["choices"] = [{"value": "young", "label": {"en": "Young"}}]
        assert (f"/fields/{at}/choices", "choices_unexpected") in problems(data)

    def test_somebody_must_be_reachable_and_have_a_name(self, data):
        for name in ("phone", "email", "name"):
            data["fields"][field_at(data, name)]["required"] = False
        assert problems(data) == {("/fields", "contact_missing"), ("/fields", "name_missing")}

    def test_a_name_is_never_an_attribute(self, data):
        at = field_at(data, "name")
        data["fields"][at]["contact"] = False
        assert problems(data) == {(f"/fields/{at}/contact", "contact_required")}

    def test_a_lead_says_when_and_where_it_was_asked_for(self, data):
        del data["fields"][field_at(data, "requested_at")]
        del data["fields"][field_at(data, "channel")]
        assert problems(data) == {("/fields", "field_missing")}

    def test_facts_about_the_request_have_their_own_types(self, data):
        at = field_at(data, "requested_at")
        data["fields"][at] |= {"type": "text", "example": "yesterday"}
        assert problems(data) == {(f"/fields/{at}/type", "type_invalid")}

    @pytest.mark.parametrize(
        ("name", "bounds"),
        [
            ("age", {"min": "18"}),
            ("age", {"min": 1.5}),
            ("age", {"min": 90, "max": 80, "example": "85"}),
            ("savings", {"max": True}),
            ("purpose", {"min": 1}),
            ("requested_at", {"min": "2026-01-01"}),
            ("postal_code", {"min": -1}),
        ],
    )
    def test_bounds_have_the_type_of_the_value(self, data, name, bounds):
        at = field_at(data, name)
        data["fields"][at] |= bounds
        assert "bound_invalid" in {code for _, code in problems(data)}

    def test_an_example_passes_its_own_field(self, data):
        at = field_at(data, "age")
        data["fields"][at]["example"] = "not yet born"
        assert problems(data) == {(f"/fields/{at}/example", "example_invalid")}

    def test_the_consent_that_the_terms_ask_for_has_a_field(self, data):
        data["fields"][field_at(data, "consent_url")]["required"] = False
        del data["fields"][field_at(data, "consent_quality_check")]
        assert problems(data) == {("/fields", "field_missing")}

    def test_a_standard_field_is_written_out_and_may_be_changed(self, data):
        at = field_at(data, "phone")
        data["fields"][at] = {"standard": "phone", "required": False}
        phone = load_definition(data).fields.by_name["phone"]
        assert phone.contact
        assert not phone.required
        assert "Номер телефона" in phone.synonyms


class TestTerms:
    @pytest.mark.parametrize(
        ("pointer", "value", "problem"),
        [
            ("/time_zone", "Europe/Atlantis", ("/time_zone", "time_zone_unknown")),
            ("/time_zone", "../../etc", ("/time_zone", "time_zone_unknown")),
            ("/label/es", None, ("/label", "label_missing")),
            (
                "/terms/typical_prices/standard",
                None,
                ("/terms/typical_prices", "class_missing"),
            ),
            (
                "/terms/calling_hours/mon",
                [["15:00", "20:00"], ["09:00", "14:00"]],
                ("/terms/calling_hours", "hours_invalid"),
            ),
            (
                "/terms/attempts/decision_attempts",
                9,
                ("/terms/attempts/decision_attempts", "too_large"),
            ),
        ],
    )
    def test_contradictions_are_named(self, data, *, pointer, value, problem):
        put(data, pointer, value)
        assert problems(data) == {problem}

    def test_somebody_must_be_callable_some_day(self, data):
        data["terms"]["calling_hours"] = {}
        assert problems(data) == {("/terms/calling_hours", "hours_invalid")}


class TestScripts:
    @pytest.mark.parametrize(
        ("pointer", "value", "problem"),
        [
            ("lines/0/text", "Hello {stranger}", ("lines/0/text", "unknown_variable")),
            ("lines/0/text", "Your {savings}?", ("lines/0/text", "unknown_variable")),
            ("lines/0/answers/0/next", "nowhere", ("lines/0/answers/0/next", "line_unknown")),
            ("lines/3/answers/0/next", "request", ("lines/3/answers/0/next", "line_backward")),
            ("lines/0/answers/1/outcome", None, ("lines/0/answers/1", "loose_end")),
            ("lines/0/answers/1/key", "yes", ("lines/0/answers", "duplicate_answer")),
            ("lines/3/answers/0/outcome", None, ("lines", "outcome_unset")),
            ("lines/7/id", "request", ("lines", "duplicate_line")),
            ("outcomes/denies", None, ("outcomes", "outcome_missing")),
        ],
    )
    def test_a_broken_tree_is_refused(self, data, *, pointer, value, problem):
        put(data, f"/scripts/0/{pointer}", value)
        assert (f"/scripts/0/{problem[0]}", problem[1]) in problems(data)

    def test_a_line_that_no_answer_leads_to_is_refused(self, data):
        for script in data["scripts"]:
            del script["lines"][1]["answers"][1]
        found = problems(data)
        assert found == {(f"/scripts/{i}/lines", "line_unreachable") for i in (0, 1)}

    def test_what_is_asked_has_answers_of_its_own(self, data):
        for script in data["scripts"]:
            script["lines"][4]["asks"] = "horizon"
        found = problems(data)
        assert found == {(f"/scripts/{i}/lines/4/answers", "answer_unknown") for i in (0, 1)}

    def test_translations_share_one_tree(self, data):
        del data["scripts"][1]["lines"][0]["answers"][3]
        assert problems(data) == {("/scripts/1", "translation_differs")}

    def test_the_own_language_is_spoken(self, data):
        del data["scripts"][0]
        assert problems(data) == {("/scripts", "script_missing")}

    def test_a_language_has_one_script(self, data):
        data["scripts"].append(data["scripts"][0])
        assert problems(data) == {("/scripts", "duplicate_language")}


def test_a_script_in_a_missing_language_is_the_own_one():
    definition = load_preset("personal_loan_my")
    assert isinstance(definition, VerticalDefinition)
    assert definition.script_in("en").language == "en"
    assert definition.script_in("ru").language == "ms"
