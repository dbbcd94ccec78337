"""The catalogue of bad input (files, headers, phones, e-mails, names, dates, consent) as one table.

Whatever the case: nothing but a refusal by code ends a file, every record ends in one state, and no
sentence repeats what stood in a cell.
"""

import csv
import io
import re
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from exchange.catalog import fields, values
from exchange.catalog.policies import ConsentPolicy
from exchange.leads.checking import Rules
from exchange.leads.findings import row_sentence
from exchange.leads.reading import Limits
from tests.leads.intake_case import GOOD, NOW, csv_of, definition, one, take

HEADER = ("name", "phone")
ROW = ("Ivan Petrov", "+14155552671")
OTHER = ("Anna Smith", "+14155552680")
RUSSIANS = ("Иван Петров", "Анна Сидорова", "Пётр Кузнецов", "Ольга Смирнова", "Юлия Щукина")


@dataclass(frozen=True)
class Case:
    """An input and what must come of it; `valid` is how many rows are valid."""

    number: int  # in the catalogue
    name: str
    content: bytes = field(repr=False)
    codes: frozenset[str] = frozenset()
    notes: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    outcome: str = ""
    valid: int | None = None
    options: dict[str, object] = field(default_factory=dict)


def case(number, name, content, *, codes="", notes="", asked="", **more):
    words = {
        key: frozenset(value.split()) for key, value in (
            ("codes", codes), ("notes", notes), ("asked", asked))
    }  # fmt: skip
    return pytest.param(Case(number, name, content, **words, **more), id=f"{number}-{name}")


def russian(encoding):
    records = [("имя", "телефон"), *((name, "+79161234567") for name in RUSSIANS)]
    return csv_of(*records, delimiter=";").decode().encode(encoding)


def refused(number, name, content, *code, **options):
    return case(number, name, content, codes=" ".join(code), options=options)


GOOD_FILE = csv_of(HEADER, ROW, OTHER)
FILES = [
    refused(1, "no bytes", b"", "empty"),
    refused(2, "header only", b"name,phone\n", "no_rows"),
    refused(2, "header without line end", b"name,phone", "no_rows"),
    refused(3, "blank lines only", b"\n\r\n\n", "no_rows"),
    refused(3, "commas only", b",,,\n,,,\n,,,\n", "no_rows"),
    refused(3, "header and blank lines", b"name,phone\n\n,\n  ,  \n", "no_rows"),
    case(4, "utf-8 with mark", b"\xef\xbb\xbf" + GOOD_FILE, notes="bom", valid=2),
    case(5, "utf-16", GOOD_FILE.decode().encode("utf-16"), notes="encoding", valid=2),
    case(5, "utf-16 be", b"\xfe\xff" + GOOD_FILE.decode().encode("utf-16-be"), notes="encoding",
         valid=2),
    case(6, "utf-16 le without mark", GOOD_FILE.decode().encode("utf-16-le"), notes="encoding",
         valid=2),
    case(6, "utf-16 be without mark", russian("utf-16-be"), notes="encoding", valid=5,
         options={"country": "ru"}),
    case(7, "cp1251", russian("cp1251"), asked="encoding", valid=5, options={"country": "ru"}),
    case(8, "koi8-r", russian("koi8-r"), asked="encoding", valid=5, options={"country": "ru"}),
    case(8, "cp866", russian("cp866"), asked="encoding", valid=5, options={"country": "ru"}),
    case(8, "cp1252", csv_of(HEADER, ("José Muñoz", ROW[1])).decode().encode("cp1252"),
         asked="encoding", valid=1),
    case(10, "double encoded", one(name="Иван Петров".encode().decode("latin-1")),
         codes="mojibake", outcome="in_review"),
    case(10, "read as cp1251", one(name="Иван Петров".encode().decode("cp1251", "replace")
                                   .replace("\ufffd", "\u0098")), codes="mojibake", outcome="in_review"),
    case(11, "NUL in a cell", csv_of(HEADER, ("Iv\0an", ROW[1]), OTHER), codes="control_char",
         valid=1),
    case(13, "semicolons", csv_of(HEADER, ROW, delimiter=";"), notes="delimiter", valid=1),
    case(14, "tabs", csv_of(HEADER, ROW, delimiter="\t"), notes="delimiter", valid=1),
    case(15, "pipes", csv_of(HEADER, ROW, delimiter="|"), notes="delimiter", valid=1),
    case(15, "declared separator", b"sep=;\n" + csv_of(HEADER, ROW, delimiter=";"), valid=1),
    refused(17, "mixed separators", csv_of(HEADER, ROW) + csv_of(ROW, OTHER, delimiter=";"),
            "delimiter_unclear"),
    case(17, "one row mixed", csv_of(HEADER, *[ROW] * 9) + csv_of(OTHER, delimiter=";"),
         codes="columns", valid=9),
    case(18, "carriage returns", GOOD_FILE.replace(b"\n", b"\r"), notes="line_ends", valid=2),
    case(18, "mixed line ends", b"name,phone\r\nIvan P,+14155552671\rAnna S,+14155552680\n",
         notes="line_ends", valid=2),
    case(19, "line break in a cell", b'name,phone\n"Ivan\nPetrov",+14155552671\n', valid=1),
    case(21, "quotes inside a cell", b'name,phone\nBob "B" Lee,+14155552671\n', valid=1),
    case(22, "a cell of 1 MB", csv_of(HEADER, ("x" * 1_000_000, ROW[1]), OTHER),
         codes="cell_too_long", valid=1),
    case(22, "a quoted cell of 1 MB", b'name,phone\n"' + b"xy\n" * 350_000 + b'",1\nAnna S,'
         b"+14155552680\n", codes="cell_too_long", valid=1),
    case(22, "a cell of 9 KB", csv_of(HEADER, ("x" * 9_000, ROW[1]), OTHER), codes="cell_too_long",
         valid=1),
    case(22, "a row of 70 KB",
         csv_of((*HEADER, *(f"c{n}" for n in range(20))), (*ROW, *["x" * 3_500] * 20)),
         codes="row_too_long"),
    refused(23, "10,000 columns", csv_of([f"column {n}" for n in range(10_000)], ["1"] * 10_000),
            "too_many_columns"),
    refused(23, "201 columns", csv_of([f"c{n}" for n in range(201)], ["1"] * 201),
            "too_many_columns"),
    refused(24, "a row too many", csv_of(HEADER, *[ROW] * 11), "too_many_rows",
            limits=Limits(rows=10)),
    refused(25, "too large", GOOD_FILE, "too_large", limits=Limits(size=20)),
    refused(29, "html as csv", b"<html><table><tr><td>name</td></tr></table>", "type"),
    refused(29, "spreadsheetml", b'<?xml version="1.0"?><Workbook></Workbook>', "type"),
    refused(29, "json", b'{"name": "Ivan", "phone": "+14155552671"}\n', "type"),
    refused(30, "old xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "xls_old"),
    refused(32, "gzip", b"\x1f\x8b\x08\x00" + bytes(60), "archive"),
    refused(32, "zip", b"PK\x03\x04\x14\x00" + b"leads.csv" + bytes(60), "archive"),
    refused(32, "7z", b"7z\xbc\xaf\x27\x1c" + bytes(60), "archive"),
    refused(32, "rar", b"Rar!\x1a\x07\x00" + bytes(60), "archive"),
    refused(32, "tar", b"leads.csv".ljust(257, b"\0") + b"ustar" + bytes(60), "archive"),
    refused(33, "pdf", b"%PDF-1.7\n%\xe2\xe3", "type"),
    refused(33, "png", b"\x89PNG\r\n\x1a\n" + bytes(30), "type"),
    refused(33, "jpeg", b"\xff\xd8\xff\xe0" + bytes(30), "type"),
    refused(33, "program", b"MZ\x90\x00\x03" + bytes(60), "type"),
    refused(33, "random bytes", bytes(range(256)) * 8, "type"),
    refused(33, "workbook named csv", b"PK\x03\x04\x14\x00[Content_Types].xml" + bytes(60), "type"),
    refused(35, "protected workbook", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512)
            + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
]  # fmt: skip

HEADERS = [
    case(52, "the same header twice", csv_of((*HEADER, "phone"), (*ROW, "+14155552680")),
         asked="duplicate_header"),
    case(52, "two words for one field", csv_of(("name", "mobile", "phone number"),
         (*ROW, "+14155552680")), asked="several_columns"),
    case(53, "case, space and mark", csv_of(("\ufeff NAME ", "Phone"), ROW), valid=1),
    case(53, "no-break and zero-width", csv_of(("full\u00a0name", "ph\u200bone"), ROW), valid=1),
    case(53, "underscore", csv_of(("Full_Name", "PHONE-NUMBER"), ROW), valid=1),
    case(55, "Russian", csv_of(("Имя", "Телефон"), ROW), valid=1),
    case(55, "Spanish", csv_of(("name", "TELEFONO"), ROW), valid=1),
    case(55, "by the cells", csv_of(("Wer", "Rufnummer"), ROW, OTHER), valid=2),
    refused(56, "no phone column", csv_of(("name", "city"), *[("Ivan Petrov", "Kazan")] * 50),
            "missing_column"),
    case(57, "unknown columns", csv_of((*HEADER, "utm_x"), (*ROW, "secret")), valid=1),
    refused(58, "card header", csv_of((*HEADER, "Card Number"), (*ROW, "1")), "forbidden_data"),
    refused(58, "cvv header", csv_of((*HEADER, "CVV"), (*ROW, "1")), "forbidden_data"),
    refused(58, "ssn header", csv_of((*HEADER, "SSN"), (*ROW, "1")), "forbidden_data"),
    refused(58, "password header", csv_of((*HEADER, "Пароль"), (*ROW, "1")), "forbidden_data"),
    refused(58, "health header", csv_of((*HEADER, "Diagnosis"), (*ROW, "1")), "forbidden_data"),
    refused(58, "card cells", csv_of((*HEADER, "x"), (*ROW, "4111 1111 1111 1111")),
            "forbidden_data"),
    refused(58, "ssn cells", csv_of((*HEADER, "x"), (*ROW, "078-05-1120")), "forbidden_data"),
    case(58, "a yes about cards", csv_of((*HEADER, "has credit card"), (*ROW, "yes")), valid=1),
    case(60, "total line", csv_of(HEADER, ROW, ("Total", "500")), codes="short_code", valid=1),
    case(60, "total line without a phone", csv_of(HEADER, ROW, ("Total", "")),
         codes="missing_required", valid=1),
    case(61, "too few cells", csv_of(HEADER, ROW, ("Anna",)), codes="columns", valid=1),
    case(61, "too many cells", csv_of(HEADER, ROW, (*OTHER, "x")), codes="columns", valid=1),
    case(61, "empty cells too many", csv_of(HEADER, (*ROW, "", " ")), valid=1),
]  # fmt: skip


def phone(number, text, code="", *, note="", country="us", outcome=""):
    outcome = outcome or ("invalid" if code else "valid")
    options = {"country": country}
    name = f"phone {text[:24]!a}"
    content = one(phone=text)
    return case(number, name, content, codes=code, notes=note, outcome=outcome, options=options)


def review(number, text, code, **more):
    return phone(number, text, code, outcome="in_review", **more)


PHONES = [
    phone(62, "+1 415 555 2671"), phone(62, "(415) 555-2671"), phone(62, "14155552671"),
    phone(63, "7.9161234567E+10", note="excel_float", country="ru"),
    phone(64, "7.92E+10", "excel_lost_digits", country="ru"),
    phone(64, "7,91235E+10", "excel_lost_digits", country="ru"),
    phone(66, "79161234567.0", note="excel_float", country="ru"),
    phone(67, "441234567", "too_short"),
    phone(68, "415555267", "too_short"),
    phone(69, "41555526711", "too_long"),
    phone(71, "212-555-1212", "type"), phone(71, "8005551212", "type"),
    phone(72, "888-123-4567", "toll_free"), phone(72, "+1 800 555 0000", "toll_free"),
    phone(72, "8 800 555 35 35", "toll_free", country="ru"),
    phone(73, "+1 900 555 1234", "premium"), phone(73, "+7 809 123 45 67", "premium", country="ru"),
    phone(74, "0000000000", "fake_pattern"), phone(74, "1111111111", "fake_pattern"),
    phone(74, "1234567890", "fake_pattern"), phone(74, "2222222222", "fake_pattern"),
    review(75, "2345678901", "fake_pattern"),
    review(75, "+7 999 999 99 99", "fake_pattern", country="ru"),
    phone(78, "+1 415 555 2671 x123", note="extension"),
    phone(78, "+1 415 555 2671 ext. 99", note="extension"),
    phone(78, "+14155552671;ext=5", note="extension"),
    phone(79, "415 555 2671/415 555 2680", "two_numbers"),
    phone(79, "4155552671, 4155552680", "two_numbers"),
    phone(79, "+14155552671 +14155552680", "two_numbers"),
    phone(80, "４１５５５５２６７１", note="unicode_digits"),
    phone(80, "٤١٥٥٥٥٢٦٧١", note="unicode_digits"),
    review(80, "415555267١", "unicode_digits"),
    phone(81, "415555267²", "not_phone"),
    phone(83, "1-800-FLOWERS", "vanity"),
    phone(84, "John Smith", "not_phone"),
    phone(15, "O4155552671", "not_phone"),
    review(85, "\u202e4155552671", "bidi", note="invisible"),
    phone(85, "\u202a+14155552671\u202c", note="invisible"),
    phone(85, "415\u200b555\u00a026–71", note="invisible"),
    phone(86, "''4155552671", note="apostrophe"), phone(86, "'+14155552671"),
    phone(86, "\t4155552671"), phone(86, '="4155552671"', "formula"),
    review(87, "+44 20 7183 8750", "country_mismatch"),
    phone(90, "911", "short_code"), phone(90, "112", "short_code"),
    phone(91, "4" * 300, "too_long"), phone(91, "4" * 8_000, "too_long"),
    phone(92, "8 916 123-45-67", country="ru"),
    phone(15, "212-555-0123", "fictional"),
]  # fmt: skip


def email(number, text, code="", *, note="", outcome=""):
    outcome = outcome or ("invalid" if code else "valid")
    name = f"email {text[:24]!a}"
    return case(number, name, one(email=text), codes=code, notes=note, outcome=outcome)


def named(number, text, code="", *, outcome="", note=""):
    outcome = outcome or ("in_review" if code else "valid")
    name = f"name {text[:24]!a}"
    return case(number, name, one(name=text), codes=code, notes=note, outcome=outcome)


TEXTS = [
    email(93, "User@Example.COM"), email(93, "user@example.com. ", note="trimmed"),
    email(93, "mailto:user@example.com", note="trimmed"),
    email(96, "p\u0430ypal@example.com", "homoglyph", outcome="in_review", note="international"),
    email(96, "ivan@ex\u0430mple.com", "homoglyph", outcome="in_review", note="international"),
    email(97, "ivan@почта.рф", note="international"),
    email(99, "a@example.com, b@example.com", "email_invalid"),
    email(99, "no-at-sign.example", "email_invalid"), email(99, "a@b", "email_invalid"),
    email(99, "a" * 300 + "@example.com", "email_invalid"),
    email(99, '"a b"@example.com', "email_invalid"),
    email(99, "a@example.com\r\nBcc: b@example.com", "email_invalid"),
    email(99, "a@example.com\n", "email_invalid"),
    email(99, "ivan@mailinator.com", "disposable", outcome="in_review"),
    email(99, "info@example.com", note="role"),
    named(100, '=HYPERLINK("http://x","y")', "unsafe_content"),
    named(100, "@SUM", "unsafe_content"), named(100, "-1+1", "unsafe_content not_a_person"),
    named(101, "<script>alert(1)</script>", "unsafe_content"),
    named(101, "{{7*7}}", "unsafe_content not_a_person"),
    named(101, "Robert'; DROP TABLE leads"),
    case(101, "comment as text", one(comment="=1+1"), notes="unsafe_content", outcome="valid"),
    named(102, "Иван\u202eПетров"), named(102, "Ivan 🎈 Petrov"),
    named(102, "12345", "not_a_person"),
    named(104, "Test Test", "not_a_person"), named(104, "asdf", "not_a_person"),
    named(104, "Mickey Mouse", "not_a_person"), named(104, "йцукен", "not_a_person"),
    named(104, "N/A", "missing_required", outcome="invalid"),
    named(104, "null", "missing_required", outcome="invalid"),
    named(104, "-", "missing_required", outcome="invalid"),
]  # fmt: skip


def dated(number, text, code="", *, asked="", field="requested_at"):
    outcome = "invalid" if code else "valid"
    name = f"{field} {text!a}"
    return case(number, name, one(**{field: text}), codes=code, asked=asked, outcome=outcome)


VALUES = [
    case(107, "price 0", one(budget="0"), codes="too_small", outcome="invalid"),
    case(107, "price -5", one(budget="-5"), codes="too_small", outcome="invalid"),
    *(
        case(108, f"price {text}", one(budget=text), codes="number_invalid", outcome="invalid")
        for text in ("1e1000", "Infinity", "9" * 80)
    ),
    case(108, "price NaN says nothing", one(budget="NaN"), outcome="valid"),
    case(110, "1,234.56", one(budget="1,234.56"), outcome="valid"),
    case(110, "1.234,56", one(budget="1.234,56"), outcome="valid"),
    case(110, "decimals as elsewhere", one(budget="19,90"), asked="decimal_separator",
         outcome="valid"),
    case(111, "half a cent", one(budget="0.005"), codes="precision", outcome="invalid"),
    dated(115, "03/04/2026", "too_old"),
    dated(115, "20/11/2026", "date_invalid", asked="date_order"),
    dated(116, "2026-02-30", "date_invalid"), dated(116, "1899-12-30", "date_invalid"),
    dated(116, "2026-11-21T25:00", "time_invalid"),
    dated(116, "2026-11-21T12:06:01Z", "requested_in_future"),
    dated(116, "2026-11-21T12:04:00Z"),
    dated(117, "2025-11-21T12:00:00Z", "too_old"),
    dated(119, "javascript:alert(1)", "url_invalid", field="consent_url"),
    dated(120, "2026-11-22T12:00:00Z", "consent_in_future", field="consent_at"),
    case(122, "seventeen", one(age="17"), codes="age", outcome="invalid"),
    case(122, "ten", one(age="10"), codes="age", outcome="invalid"),
    case(122, "eighteen", one(age="18"), outcome="valid"),
    case(122, "eighteen tomorrow", one(birth_date="2008-11-22"), codes="age", outcome="invalid"),
    case(122, "eighteen today", one(birth_date="2008-11-21"), outcome="valid"),
    case(58, "a card in a comment", one(comment="pay with 4111-1111-1111-1111 please"),
         codes="forbidden_data"),
]  # fmt: skip


@pytest.mark.parametrize("case", [*FILES, *HEADERS, *PHONES, *TEXTS, *VALUES])
def test_every_input_has_its_answer(case):
    taken = take(case.content, **case.options)
    assert taken.codes == case.codes
    assert case.notes <= taken.notes
    assert case.asked <= taken.asked
    if case.valid is not None:
        assert taken.outcomes["valid"] == case.valid
    if case.outcome:
        assert set(taken.outcomes) == {case.outcome}
    check_accounts(taken)
    check_sentences(taken, case.content)


def check_accounts(taken):
    """Row equation: every record that is not blank is a row with one end."""
    if taken.reject:
        return
    assert sum(taken.outcomes.values()) == taken.tally.rows == len(taken.read)
    assert [row.number for row in taken.checked] == [row.number for row in taken.read]
    for row in taken.checked:
        assert bool(row.errors) == (row.outcome == "invalid")
        assert row.outcome != "invalid" or not row.contact


def check_sentences(taken, content):
    """Each code has a sentence, and none of them holds what stood in a cell."""
    for code in taken.codes if not taken.reject else ():
        assert row_sentence(code) != code
    sentence = str(taken.reject or "")
    assert GOOD["name"] not in sentence
    assert "4111" not in sentence
    assert taken.reject is None or taken.reject.status in {413, 415, 422}


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
