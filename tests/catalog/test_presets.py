"""The verticals that come with the program: each is sound, complete and can be talked through."""

from __future__ import annotations

import pytest

from exchange.catalog.fields import CONTACTS, FieldType, parse
from exchange.catalog.policies import QualityClass
from exchange.catalog.schemas import load_definition, load_preset, preset_codes
from exchange.catalog.scripts import Asked, Outcome, Right, render
from exchange.catalog.words import fold
from tests.catalog.rows import parse_row

CODES = [
    "audit_services_ru",
    "car_insurance_ru",
    "home_improvement_us",
    "mortgage_es",
    "personal_loan_my",
]


def test_five_verticals_come_with_the_program():
    assert preset_codes() == CODES


def test_another_code_is_refused():
    with pytest.raises(KeyError):
        load_preset("../car_insurance_ru")


@pytest.fixture(params=CODES)
def definition(request):
    return load_preset(request.param)


class TestPreset:
    def test_survives_the_round_trip_through_json(self, definition):
        assert load_definition(definition.to_json()) == definition

    def test_sells_what_people_say_and_locks_who_they_are(self, definition):
        assert 6 <= len(definition.fields.attributes) <= 14
        assert not {spec.type for spec in definition.fields.attributes} & CONTACTS
        # Free text may hold anything, a telephone number too.
        free = {s.name for s in definition.fields.attributes if s.type is FieldType.TEXT}
        assert free <= {"car_model"}

    def test_every_field_has_an_example_that_passes(self, definition):
        for spec in definition.fields.specs:
            assert spec.example or spec.name in {"requested_at", "consent_at"}, spec.name
            if spec.example:
                assert parse(spec, spec.example, definition.context()) is not None

    def test_labels_exist_in_english_and_in_its_own_language(self, definition):
        labels = [spec.label for spec in definition.fields.specs]
        labels += [c.label for spec in definition.fields.specs for c in spec.choices]
        for label in (definition.label, definition.description, *labels):
            assert {"en", definition.language} <= set(label) | {"en"}, label

    def test_speaks_english_and_its_own_language(self, definition):
        languages = [script.language for script in definition.scripts]
        assert languages == list(dict.fromkeys([definition.language, "en"]))

    def test_prices_rise_with_the_promise(self, definition):
        price = definition.typical_price
        assert (
            price(QualityClass.UNVERIFIED)
            < price(QualityClass.STANDARD)
            < price(QualityClass.SELECT)
            < price(QualityClass.PRIME)
        )
        assert definition.inspection_price < price(QualityClass.STANDARD)

    def test_knows_the_region_and_its_clock(self, definition):
        region = definition.fields.by_name["region"]
        for choice in region.choices:
            assert definition.time_zone_of(choice.value) == choice.time_zone
            for word in (choice.value, *choice.label.values(), *choice.synonyms):
                assert region.choice_by_word[fold(word)] == choice.value
        assert definition.time_zone_of(None) == definition.time_zone

    def test_the_first_line_says_who_calls_why_and_where_the_number_comes_from(self, definition):
        for script in definition.scripts:
            for variable in ("{caller}", "{exchange}", "{source}", "{requested_on}", "{name}"):
                assert variable in script.lines[0].text

    def test_the_script_asks_for_facts_and_honors_rights(self, definition):
        for script in definition.scripts:
            answers = [answer for line in script.lines for answer in line.answers]
            assert {line.asks for line in script.lines} == {None, *Asked}
            assert {answer.right for answer in answers} == {None, *Right}
            # Dead numbers and unanswered calls never come to a line; the key is pressed alone.
            assert {answer.outcome for answer in answers} >= set(Outcome) - {
                Outcome.NUMBER_DEAD,
                Outcome.NOT_REACHED,
            }

    def test_people_of_the_demo_have_something_to_say_for_every_outcome(self, definition):
        for script in definition.scripts:
            assert set(script.planted) == set(Outcome)
            assert all(len(set(texts)) >= 2 for texts in script.planted.values())

    def test_nobody_is_called_at_night(self, definition):
        for day in definition.terms.calling_hours.days:
            for start, end in day:
                assert (start.hour, end.hour) >= (9, 0)
                assert end.hour <= 20


def test_a_line_is_filled_in_and_shows_a_gap_where_nothing_is_known():
    script = load_preset("mortgage_es").script_in("en")
    text = render(script.lines[0].text, {"caller": "Ana", "exchange": "Exchange"})
    assert "my name is Ana and I am calling from Exchange" in text
    assert "source: …" in text
    assert "{" not in text


@pytest.mark.parametrize(
    ("code", "row", "values"),
    [
        (
            "car_insurance_ru",
            {"Регион": "СПб", "Марка": "ВАЗ", "Год": "2019", "Полис до": "15.12.2026"},
            {
                "region": "SPE",
                "car_brand": "lada",
                "car_year": 2019,
                "policy_ends_on": "2026-12-15",
            },
        ),
        (
            "mortgage_es",
            {"Provincia": "Guipúzcoa", "Nómina": "2.850 €", "Código postal": "20001"},
            {"region": "SS", "monthly_income": 285_000, "postal_code": "20001"},
        ),
        (
            "personal_loan_my",
            {"Negeri": "KL", "Jumlah": "RM 25,000", "Gaji bank": "ya", "Sektor": "kerajaan"},
            {
                "region": "14",
                "amount": 2_500_000,
                "salary_by_bank": True,
                "employment": "government",
            },
        ),
        (
            "home_improvement_us",
            {"State": "oh", "ZIP": "43004-1234", "Project": "Roof", "Homeowner": "Y"},
            {
                "region": "OH",
                "postal_code": "43004-1234",
                "project": "roofing",
                "is_homeowner": True,
            },
        ),
        (
            "audit_services_ru",
            {"ОПФ": "ЗАО", "Выручка": "850 млн ₽", "ЛПР": "да", "Должность": "Главбух"},
            {
                "legal_form": "ao",
                "turnover": 85_000_000_000,
                "is_decision_maker": True,
                "role": "chief_accountant",
            },
        ),
    ],
)
def test_a_file_of_its_country_is_understood(code, row, values):
    definition = load_preset(code)
    fields = {definition.fields.find_by_header(header): text for header, text in row.items()}
    found, errors = parse_row(
        definition.fields,
        {spec.name: text for spec, text in ((s, t) for s, t in fields.items() if s)},
        definition.context(),
    )
    assert found == values
    assert set(errors.values()) == {"missing_required"}
