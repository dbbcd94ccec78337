"""Records and rows: none is dropped, none swallows another, whatever the quotes are."""

import csv
import io
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.core.errors import Invalid
from exchange.leads import records
from exchange.leads.encodings import guess_code_page
from exchange.leads.findings import FileReject
from exchange.leads.problems import undefused
from exchange.leads.reading import HEAD_BYTES, Limits, Recognition, Tally, examine, rows

# Texts without what has tests of its own: NUL, halves of characters, and formula signs in front.
TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\ufffd"), max_size=12
)
WORD = st.text("abcжñ 1", min_size=1, max_size=8).filter(str.strip)


def read(content, *, answers=None):
    file = io.BytesIO(content)
    recognition = examine(file, answers=answers)
    tally = Tally()
    return recognition, list(rows(file, recognition, tally=tally)), tally


def written(table, **options):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", **options).writerows(table)
    return text.getvalue().encode()


class TestRows:
    @given(st.lists(st.tuples(WORD, TEXT, TEXT), min_size=1, max_size=30))
    def test_what_the_csv_module_wrote_is_read(self, table):
        # An unquoted line break with as many separators as a row has is taken for rows.
        table = [[a, b.replace("\n", " "), c] for a, b, c in table]
        content = written([("one", "two", "three"), *table])
        _, found, tally = read(content, answers={"delimiter": "comma", "encoding": "utf-8"})
        assert [row.number for row in found] == list(range(1, len(table) + 1))
        assert [row.problem for row in found] == [None] * len(table)
        assert [row.cells for row in found] == [[*map(undefused, row)] for row in table]
        assert tally.blank == 0

    @given(st.lists(st.text("ab,;\"\n\t '", max_size=20), max_size=40))
    @settings(max_examples=300)
    def test_every_physical_line_belongs_to_one_record(self, lines):
        content = "\n".join(["one,two,three", *lines, "x,y,z"]).encode()
        recognition = Recognition("utf-8", ",", '"', 1, ("one", "two", "three"))
        tally = Tally()
        found = list(rows(io.BytesIO(content), recognition, tally=tally))
        assert len(found) == tally.rows
        numbers = [row.number for row in found]
        starts = [row.line for row in found]
        assert numbers == sorted(set(numbers))
        assert starts == sorted(set(starts))
        assert numbers[-1] <= tally.rows + tally.blank
        assert starts[-1] <= content.count(b"\n") + 1

    @given(
        st.integers(2, 60),
        st.integers(3, 8),
        st.data(),
    )
    def test_a_quote_that_is_never_closed_costs_its_own_row_alone(self, count, width, data):
        table = [[f"r{row}c{column}" for column in range(width)] for row in range(count)]
        spoiled = data.draw(st.integers(0, count - 1))
        column = data.draw(st.integers(0, width - 1))
        quoted = data.draw(st.sets(st.integers(0, width - 1)))
        lines = [
            ",".join(f'"{c}"' if i in quoted else c for i, c in enumerate(row)) for row in table
        ]
        cells = lines[spoiled].split(",")
        cells[column] = '"' + cells[column].strip('"')
        lines[spoiled] = ",".join(cells)
        header = ",".join(f"h{n}" for n in range(width))
        recognition = Recognition("utf-8", ",", '"', 1, tuple(header.split(",")))
        content = "\n".join([header, *lines]).encode()
        found = list(rows(io.BytesIO(content), recognition))
        assert len(found) == count
        assert [row.number for row in found if row.problem] == [spoiled + 1]
        assert all(row.cells == table[row.number - 1] for row in found if not row.problem)

    def test_rows_between_two_lost_quotes_are_not_one_record(self):
        # Both quotes stand where quotes may stand, and the record would have three columns.
        lines = [b'1,"2,3', *[b"%d,x,y" % n for n in range(10, 60)], b'7,8",9', b"a,b,c"]
        _, found, _ = read(b"one,two,three\n" + b"\n".join(lines))
        assert len(found) == len(lines)
        assert [row.number for row in found if row.problem] == [1]
        assert found[51].cells == ["7", '8"', "9"]

    @given(st.binary(max_size=400))
    @settings(max_examples=400)
    def test_any_bytes_are_refused_or_read(self, content):
        with suppress(FileReject):
            _, found, tally = read(content)
            assert len(found) == tally.rows > 0

    def test_a_hundred_thousand_unclosed_quotes_are_named_row_by_row(self):
        _, found, _ = read(b"a,b,c\n" + b'1,2,"three\n' * 100_000)
        assert len(found) == 100_000
        assert {row.problem for row in found} == {"unclosed_quote"}

    def test_a_file_that_never_lets_a_quote_end_is_refused(self):
        # Each line closes the quote of the one before and opens the next, so none can be trusted.
        with pytest.raises(FileReject) as refused:
            read(b"a,b,c\n" + b'b",c,"d\n' * 400_000)
        assert refused.value.code == "unclosed_quote"
        assert refused.value.facts == {"line": 2}

    @pytest.mark.parametrize("quote", [b"", b'"'])
    def test_a_line_without_end_takes_no_memory(self, quote):
        cell = quote + b"x" * (3 * records.LOOKAHEAD) + quote
        content = b"a,b\n" + cell + b",1\n3,4\n"
        _, found, _ = read(content, answers={"delimiter": "comma"})
        assert [(row.problem, row.line) for row in found] == [("cell_too_long", 2), (None, 3)]
        assert len(found[0].cells[0]) <= 200

    def test_numbers_count_blank_records_and_lines_count_breaks(self):
        _, found, tally = read(b'a,b\n\n1,2\n"x\ny",3\n\n ,\n4,5\n')
        assert [(row.number, row.line) for row in found] == [(2, 3), (3, 4), (6, 8)]
        assert (tally.rows, tally.blank) == (3, 3)

    def test_a_late_byte_that_is_no_utf_8_asks_for_the_encoding(self):
        ascii_rows = b"Ivan Petrov,+79161234567\n" * (HEAD_BYTES // 20)
        content = b"name,phone\n" + ascii_rows + "Ольга Смирнова,1\n".encode("cp1251")
        recognition, found, _ = read(content)
        assert [(q.code, q.guess) for q in recognition.questions] == [("encoding", "cp1251")]
        assert found[-1].cells[0] == "Ольга Смирнова"

    @pytest.mark.parametrize("shift", range(4))
    def test_a_character_across_the_first_bytes_hides_no_later_one(self, shift):
        good = "Ольга Смирнова,+79161234567\n".encode()
        content = b"name,phone\n" + b"x" * shift + b",1\n" + good * (3 * HEAD_BYTES // len(good))
        assert examine(io.BytesIO(content)).questions == ()
        late = content + "Пётр Щукин,1\n".encode("cp1251") * 9_000
        assert [q.code for q in examine(io.BytesIO(late)).questions] == ["encoding"]

    def test_a_damaged_byte_costs_its_row(self):
        good = "Ольга Смирнова,1\n".encode() * 50
        recognition, found, _ = read(b"name,phone\n" + good + b"\xd0\xd0,2\n" + good)
        assert recognition.encoding == "utf-8"
        assert [row.number for row in found if row.problem == "encoding"] == [51]

    def test_the_file_stays_open_and_can_be_read_again(self):
        file = io.BytesIO(b"a,b\n1,2\n")
        recognition = examine(file)
        assert list(rows(file, recognition)) == list(rows(file, recognition))

    def test_what_is_stored_of_a_recognition_reads_the_file_again(self):
        content = 'имя;телефон\n"Иван";1\n'.encode("cp1251")
        recognition, found, _ = read(content)
        settings_ = recognition.settings()
        assert "Иван" not in str(settings_)
        again = Recognition.from_settings(settings_)
        assert list(rows(io.BytesIO(content), again)) == found


class TestRecognise:
    def test_reprs_hold_no_data(self):
        recognition, _, _ = read("имя;телефон\nИван;+79161234567\n".encode("cp1251"))
        assert recognition.sample == (("Иван", "+79161234567"),)
        assert "79161234567" not in repr(recognition)
        assert "Иван" not in repr(recognition)

    def test_a_question_shows_what_each_encoding_would_give(self):
        names = "\n".join(f"{name};1" for name in ("Иван", "Анна", "Пётр", "Ольга", "Юлия", "Олег"))
        recognition, _, _ = read(f"name;phone\n{names}\n".encode("cp1251"))
        (question,) = recognition.questions
        assert question.options == ("cp1251", "koi8-r", "cp1252", "cp866")
        assert question.preview["cp1251"] == ("Иван;1", "Анна;1", "Пётр;1", "Ольга;1", "Юлия;1")
        assert question.preview["cp1252"][0] == "Èâàí;1"

    def test_an_answer_settles_the_question(self):
        content = "имя;телефон\nИван;1\n".encode("koi8-r")
        recognition, found, _ = read(content, answers={"encoding": "koi8-r"})
        assert recognition.questions == ()
        assert found[0].cells[0] == "Иван"

    @pytest.mark.parametrize("answers", [
        {"encoding": "utf-7"}, {"delimiter": "x"}, {"header_row": "-1"}, {"header_row": "99"},
    ])  # fmt: skip
    def test_an_answer_that_is_no_option_is_invalid(self, answers):
        with pytest.raises(Invalid):
            read(b"a,b\n1,2\n", answers=answers)

    @pytest.mark.parametrize("name", ["Иван Петров", "ИВАНОВ", "мария", "Щукин Ефим", "Казань"])
    @pytest.mark.parametrize("page", ["cp1251", "koi8-r", "cp866"])
    def test_one_russian_name_is_enough_for_the_guess(self, name, page):
        assert guess_code_page(f"name,phone\n{name},1\n".encode(page)) == page

    @pytest.mark.parametrize("name", ["José Muñoz", "Peña", "MUÑOZ", "Begoña Núñez"])
    def test_one_spanish_name_is_enough_for_the_guess(self, name):
        assert guess_code_page(f"name,phone\n{name},1\n".encode("cp1252")) == "cp1252"

    def test_titles_above_the_header_are_asked_about(self):
        recognition, found, _ = read(
            b"Report of May\n\nname,phone,city\nIvan,1,Kazan\nAnna,2,Omsk\n"
        )
        assert recognition.header == ("name", "phone", "city")
        assert [q.code for q in recognition.questions] == ["header_row"]
        assert [row.number for row in found] == [1, 2]

    def test_a_file_without_a_header_is_asked_about(self):
        recognition, found, _ = read(b"Ivan,+79161234567\nAnna,+79161234568\n")
        assert recognition.header == ("column 1", "column 2")
        assert [(q.code, q.guess) for q in recognition.questions] == [("header_row", "0")]
        assert [row.number for row in found] == [1, 2]

    def test_two_separators_that_fit_are_asked_about(self):
        recognition, _, _ = read(b"a,b;c,d\n1,2;3,4\n5,6;7,8\n")
        assert "delimiter" in [question.code for question in recognition.questions]

    def test_decimal_commas_do_not_make_columns(self):
        recognition, found, _ = read(b"name;price;city\nIvan;1,5;Kazan\nAnna;2,5;Omsk\n")
        assert (recognition.delimiter, recognition.questions) == (";", ())
        assert found[0].cells == ["Ivan", "1,5", "Kazan"]

    def test_apostrophes_may_quote(self):
        recognition, found, _ = read(b"'name','phone'\n'Petrov, Ivan','1'\n")
        assert recognition.quote == "'"
        assert found[0].cells == ["Petrov, Ivan", "1"]

    def test_nameless_empty_columns_at_the_end_are_left_out(self):
        recognition, found, _ = read(b"name,phone" + b"," * 300 + b"\nIvan,1" + b"," * 300 + b"\n")
        assert recognition.header == ("name", "phone")
        assert found[0].cells == ["Ivan", "1"]

    def test_what_cannot_be_stored_is_not_in_a_header(self):
        recognition, _, _ = read(b"na\0me,phone\nIvan,1\n")
        assert recognition.header == ("na\ufffdme", "phone")

    @pytest.mark.parametrize(
        "content",
        [
            b"a,b\n" + b"1,2\n" * 40_000,
            b"a,b\r\n" + b"1,2\r\n" * 39_999 + b"1,2",
            b'a,b\n"1\n2",3\n',
        ],
        ids=["ended", "not ended", "two lines"],
    )
    def test_as_many_rows_as_are_allowed_pass(self, content):
        count = len(read(content)[1])
        assert examine(io.BytesIO(content), limits=Limits(rows=count)).header == ("a", "b")
        with pytest.raises(FileReject) as refused:
            examine(io.BytesIO(content + b"\n4,5\n"), limits=Limits(rows=count))
        assert refused.value.code == "too_many_rows"


def test_a_refused_row_is_cleaned_of_every_byte_that_is_no_letter():
    # NUL and half a character in one row: whichever is named, none of them goes on.
    _, found, _ = read(b"name,phone\nIv\0an\xff,1\nAnna,2\n", answers={"encoding": "utf-8"})
    assert [row.problem for row in found] == ["control_char", None]
    assert found[0].cells == ["Iv\0an\ufffd", "1"]


def test_what_is_too_long_is_cut_and_nothing_beside_it():
    wording = "I agree to be called. " * 20
    content = f"name,consent,comment\nAnna,{wording},{'x' * 9_000}\n".encode()
    _, (row,), _ = read(content)
    assert (row.problem, row.cells[1]) == ("cell_too_long", wording)
    assert len(row.cells[2]) == 200
