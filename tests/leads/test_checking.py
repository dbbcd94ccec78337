"""Checked rows: what is kept where, what may be shown, and what comes back from a problem file."""

import io
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.catalog.fields import FieldSpec, FieldType, parse
from exchange.leads.cells import cell_reader
from exchange.leads.checking import Checker, Rules
from exchange.leads.emails import EmailProblem, is_homoglyph, parse_email
from exchange.leads.mask import masked_email, masked_name, masked_phone
from exchange.leads.problems import ProblemRow, defused, undefused, write_problems
from exchange.leads.reading import examine, rows
from exchange.leads.texts import is_no_person, is_unsafe, repaired
from tests.leads.intake_case import GOOD, NOW, definition, one, take


class TestChecker:
    def test_a_lead_is_taken_apart(self):
        given_at = (NOW - timedelta(hours=2)).isoformat()
        row = take(one(email="Ivan@Example.com", budget="1,500.50", age="35", comment="Call me",
                       requested_at=given_at, consent_at=given_at, consent_text="I agree"))  # fmt: skip
        (checked,) = row.checked
        assert checked.attributes == {"budget": 150050, "age": 35}
        assert checked.contact == {
            "name": "Ivan Petrov", "phone": "+14155552671", "email": "Ivan@example.com",
            "comment": "Call me",
        }  # fmt: skip
        assert checked.consent == {"text": "I agree", "given_at": "2026-11-21T10:00:00Z"}
        assert checked.requested_at == NOW - timedelta(hours=2)
        assert checked.preview == {
            "name": "I*** P.", "phone": "+1 4** *** ** 71", "email": "I***@example.com",
        }  # fmt: skip
        assert [tuple(key) for key in checked.identities] == [
            ("phone", "+14155552671"), ("email", "ivan@example.com"),
        ]  # fmt: skip

    def test_an_extension_is_a_contact_of_its_own(self):
        checked = take(one(phone="+1 415 555 2671 x12")).checked[0]
        assert checked.contact["phone_extension"] == "12"
        assert checked.identities[0].value == "+14155552671"

    def test_a_repr_holds_no_contact(self):
        checked = take(one(email="ivan@example.com")).checked[0]
        for secret in (GOOD["phone"], "Petrov", "ivan@example"):
            assert secret not in repr(checked)

    def test_a_post_is_checked_as_a_row_is(self):
        rules = Rules.of(definition(), now=NOW)
        posted = Checker(rules).check_values(GOOD | {"budget": "10"}, number=7)
        (read,) = take(one(budget="10")).checked
        assert replace(posted, number=1, line=2) == read
        assert Checker(rules).check_values({"name": "Ivan"}).codes == ("missing_required",)

    def test_what_the_batch_declares_fills_empty_cells_only(self):
        rules = replace(Rules.of(definition(), now=NOW), defaults={"comment": "from the batch"})
        assert take(one(), rules=rules).checked[0].contact["comment"] == "from the batch"
        assert take(one(comment="own"), rules=rules).checked[0].contact["comment"] == "own"

    @given(st.datetimes(min_value=datetime(1901, 1, 1), max_value=datetime(2099, 1, 1)),
           st.sampled_from(("%Y-%m-%dT%H:%M:%SZ", "%d.%m.%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S+03:00",
                            "%d/%m/%Y %I:%M:%S %p", "%Y-%m-%d %H:%M:%S:07", "%H:%M:%S")))  # fmt: skip
    def test_times_are_read_as_the_catalog_reads_them(self, moment, style):
        spec = FieldSpec("requested_at", FieldType.DATETIME, {"en": "x"})
        context = definition("ru").context()
        reader = cell_reader(spec, context, phone_region="RU", demo=False)
        text = moment.strftime(style)
        for _ in range(2):  # the second time from memory
            found = _result(lambda text: reader.read(text).value, text)
            assert found == _result(parse, spec, text, context)


def _result(function, *args):
    try:
        return function(*args)
    except ValueError as error:
        return str(error)


class TestMasks:
    @pytest.mark.parametrize(("name", "masked"), [
        ("Ivan Petrov", "I*** P."), ("Иван Сергеевич Петров", "И*** П."), ("Ivan", "I***"),
        ("I", "***"), ("", "***"), ("123", "***"), ("ivan 🎈", "I***"), ("Li Wu", "L*** W."),
    ])  # fmt: skip
    def test_names(self, name, masked):
        assert masked_name(name) == masked

    @pytest.mark.parametrize(("phone", "masked"), [
        ("+79161234512", "+7 9** *** ** 12"), ("+34600123123", "+34 6** ** ** 23"),
        ("+14155552671", "+1 4** *** ** 71"), ("+60123456789", "+60 1** ** ** 89"),
        ("+3541234567", "+354 ***"), ("+1234", "+1 ***"), ("", "***"), ("+", "***"),
    ])  # fmt: skip
    def test_phones(self, phone, masked):
        assert masked_phone(phone) == masked

    @pytest.mark.parametrize(("address", "masked"), [
        ("ivan@mail.ru", "i***@mail.ru"), ("i@mail.ru", "***@mail.ru"),
        ("ivan@petrov-family.org", "i***@***.org"), ("", "***"), ("nobody", "***"),
    ])  # fmt: skip
    def test_emails(self, address, masked):
        assert masked_email(address) == masked

    @given(st.text(max_size=40))
    def test_no_word_of_a_name_is_shown(self, name):
        shown = masked_name(name)
        assert sum(c.isalnum() for c in shown) <= 4  # two letters; some letters have two capitals


class TestEmails:
    @given(st.text(max_size=40) | st.emails())
    def test_any_text_is_an_address_of_one_line_or_refused(self, text):
        try:
            email = parse_email(text)
        except EmailProblem:
            return
        assert email.address.count("@") >= 1
        assert not any(c in email.address for c in "\r\n \t")
        assert parse_email(email.address).key == email.key

    def test_the_list_of_throw_away_domains_covers_what_is_below_them(self):
        assert parse_email("a@x.tmp.test.example", disposable={"test.example"}).reviews
        assert not parse_email("a@best.example", disposable={"test.example"}).reviews

    @pytest.mark.parametrize(("address", "holds"), [
        ("p\u0430ypal@mail.com", True), ("ivan@\u0441\u043e\u0441\u043e.com", True),
        ("иван@почта.рф", False), ("josé@correo.es", False), ("ivan@пример.com", False),
    ])  # fmt: skip
    def test_alphabets_that_look_alike(self, address, holds):
        assert is_homoglyph(address) is holds


class TestTexts:
    @pytest.mark.parametrize("text", [
        "Иван Петров", "Сёмин", "José", "Çağla", "Škoda", "РСФСР", "Ñandú", "Ð",
    ])  # fmt: skip
    def test_right_texts_are_not_repaired(self, text):
        assert repaired(text) is None

    @given(st.text("абвгдеёжзИПСё ñéüАЯ", min_size=1, max_size=20))
    def test_texts_read_in_the_wrong_encoding_come_back(self, text):
        if not text.isascii():
            assert repaired(text.encode().decode("latin-1")) == text

    @pytest.mark.parametrize("name", ["Анна", "Li Wu", "Test Smith", "Asdis Jonsdottir", "Нанаева"])
    def test_people_are_people(self, name):
        assert not is_no_person(name)

    @pytest.mark.parametrize("text", ["- call after 5", "+7 916", "5 < 6", "a@b.c", "{ok}"])
    def test_ordinary_comments_are_not_flagged(self, text):
        assert not is_unsafe(text)


CELL = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n\ufffd"), max_size=12
)


class TestProblemFile:
    @given(st.text())
    def test_the_apostrophe_in_front_comes_off_again(self, text):
        assert undefused(defused(text)) == text
        assert defused(text)[:1] not in {"=", "+", "-", "@", "\t", "\r", "\n"}

    def test_other_apostrophes_stay(self):
        assert undefused("'t Hooft") == "'t Hooft"
        assert undefused("'=1+1") == "=1+1"

    @given(st.lists(st.tuples(st.text("abcж", min_size=1), CELL, CELL), min_size=1, max_size=20))
    def test_a_file_of_problem_rows_reads_as_it_was(self, table):
        problems = [
            ProblemRow(number, cells, ["short_code", "email_invalid"], ["role"])
            for number, cells in enumerate(table, start=5)
        ]
        header = ("name", "=phone", "city")
        content = b"".join(write_problems(header, problems))
        file = io.BytesIO(content)
        recognition = examine(file, answers={"delimiter": "comma"})
        assert recognition.header == (*header, "_row", "_errors", "_warnings")
        found = [row.cells for row in rows(file, recognition)]
        tail = ["short_code email_invalid", "role"]
        expected = [[*row.cells, str(row.number), *tail] for row in problems]
        assert found == expected

    def test_short_and_long_rows_keep_their_cells(self):
        problems = [ProblemRow(1, ["a"], ["columns"]), ProblemRow(2, ["a", "b", "c"], ["columns"])]
        lines = b"".join(write_problems(("x", "y"), problems)).decode("utf-8-sig").splitlines()
        assert lines == ["x,y,_row,_errors,_warnings", "a,,1,columns,", "a,b,2,columns,,c"]
