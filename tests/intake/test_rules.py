"""What the rules of intake say of rows: one person, one consent, one code with its sentence."""

import csv
import io
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from exchange.catalog import fields, values
from exchange.catalog.policies import ConsentPolicy
from exchange.leads.checking import Rules
from exchange.leads.findings import row_sentence
from tests.intake.cases import HEADER, OTHER, ROW
from tests.leads.intake_case import NOW, csv_of, definition, one, take


def test_every_code_of_a_value_has_a_sentence():
    source = "".join(Path(module.__file__).read_text() for module in (fields, values))
    codes = set(re.findall(r'FieldError\(\s*"(\w+)"', source))
    assert len(codes) > 10
    assert not [code for code in codes if row_sentence(code) == code]


def test_consent_is_asked_for_as_the_vertical_says():
    strict = ConsentPolicy(
        quality_check_required=True, text_required=True, time_required=True, url_required=False
    )
    vertical = definition()
    rules = Rules.of(replace(vertical, terms=replace(vertical.terms, consent=strict)), now=NOW)
    bare = take(one(), rules=rules)
    assert [tuple(finding) for finding in bare.checked[0].errors] == [
        ("consent_text", "consent_missing"),
        ("consent_at", "consent_missing"),
    ]
    given = (NOW - timedelta(hours=1)).isoformat()
    proven = take(one(consent_text="I agree to be called.", consent_at=given), rules=rules)
    assert proven.outcomes == {"valid": 1}
    assert proven.checked[0].consent["given_at"] == "2026-11-21T11:00:00Z"


def test_names_in_the_phone_column_are_asked_about():
    swapped = csv_of(HEADER, *[("+14155552671", "Ivan Petrov"), ("+14155552680", "Anna Smith")] * 5)
    taken = take(swapped)
    assert "columns_swapped" in taken.asked
    assert taken.codes == {"not_phone"}


def test_numbers_that_were_counted_up_are_seen():
    counted = [(f"Ivan Petrov {chr(65 + n)}", f"+1415555267{n}") for n in range(6)]
    assert take(csv_of(HEADER, *counted)).runs.rows == 6
    assert not take(csv_of(HEADER, *counted[:4])).runs.is_suspicious


def test_fictional_numbers_are_for_demonstrations():
    assert take(one(phone="212-555-0123"), demo=True).outcomes == {"valid": 1}


def test_spellings_of_one_person_have_one_identity():
    phones = ("+1 415 555 2671", "(415) 555-2671", "14155552671", "415-555-2671 x12")
    assert len({take(one(phone=text)).checked[0].identities for text in phones}) == 1
    emails = ("john+ads@gmail.com", "John@GMAIL.com", "mailto:john@gmail.com")
    assert len({take(one(email=text)).checked[0].identities for text in emails}) == 1
    domains = ("ivan@почта.рф", "ivan@xn--80a1acny.xn--p1ai")
    assert len({take(one(email=text)).checked[0].identities for text in domains}) == 1


def test_names_are_kept_in_one_unicode_form():
    decomposed = take(one(name="Jose\u0301 Nu\u0301n\u0303ez")).checked[0]
    assert decomposed.contact["name"] == "José Núñez"


def test_a_bad_file_of_100_000_rows_is_only_counted():
    bad = csv_of(HEADER, *[("", "x")] * 100_000)
    taken = take(bad)
    assert taken.outcomes == {"invalid": 100_000}
    assert taken.codes == {"missing_required", "not_phone"}


def test_a_row_with_several_faults_names_them_all():
    taken = take(one(name="", phone="911", email="a@b", budget="x"))
    assert [finding.code for finding in taken.checked[0].errors] == [
        "missing_required", "short_code", "email_invalid", "number_invalid",
    ]  # fmt: skip


def test_quoted_files_read_as_unquoted_ones():
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([HEADER, ROW, OTHER])
    assert take(text.getvalue().encode()).outcomes == {"valid": 2}
