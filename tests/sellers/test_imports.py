"""An import at the seller's pages and at the API: left at any step, mended, and sent once."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count
from random import Random

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from exchange.catalog import queries as catalog
from exchange.catalog.definition import VerticalDefinition
from exchange.catalog.policies import QualityClass
from exchange.catalog.services import publish_vertical
from exchange.core import clock, web
from exchange.core.actors import SYSTEM
from exchange.core.db import db, get, parse_id
from exchange.core.events import Event
from exchange.identity.permissions import Role
from exchange.leads import confined, queries, samples
from exchange.leads.draft_models import ImportRow
from exchange.leads.findings import FileReject
from exchange.leads.models import Batch, BatchStatus, Import, ImportStatus
from exchange.leads.reading import LIMITS
from exchange.leads.services import files, forecasts
from exchange.leads.services.batches import refuse_file
from exchange.sellers.drafts import about_so_many, plans_to_come, progress
from tests.cast import Cast, _member
from tests.factories.catalog import make_vertical
from tests.sellers.test_views import keep, led_to, post, text_of, words_of

Work = Callable[[], int]
VERTICAL = {"vertical": "home_improvement_us", "source": "Search ads"}
SAID = {"price": "45", "declared_unsold": "1"}
OHIO = "OH"
_keys = count(1)


@pytest.fixture
def seller(app: Flask, cast: Cast) -> FlaskClient:
    make_vertical()
    return cast.seller.sign_in(app.test_client())


@pytest.fixture
def work(run_jobs: Work) -> Work:
    """Let the workers do what they were rung for, and see what they did."""

    def done() -> int:
        keep()
        ran = run_jobs()
        db.session.expire_all()
        return ran

    return done


def people(count: int, seed: int = 5) -> list[dict[str, str]]:
    definition = catalog.get_definition(make_vertical())
    return samples.invented_rows(definition, random=Random(seed), count=count, now=clock.now())


def table(rows: list[dict[str, str]], *, delimiter: str = ",", header: str = "") -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    first, _, rest = text.getvalue().partition("\r\n")
    return f"{header or first}\r\n{rest}"


def send(client: FlaskClient, *files: tuple[str, bytes], **form: str) -> TestResponse:
    keep()
    streams = [(io.BytesIO(content), name) for name, content in files]
    return client.post("/sellers/imports", data={**VERTICAL, **form, "file": streams})


def mapped(client: FlaskClient, content: str, **form: str) -> str:
    """The address of a draft whose columns are settled, without its step."""
    address = led_to(client, send(client, ("october.csv", content.encode())))
    address = address.rpartition("/")[0]
    text_of(post(client, f"{address}/map", **form), 303)
    return address


def draft_at(address: str) -> Import:
    return get(Import, parse_id(address.split("/")[3], Import))


class TestUpload:
    def test_several_files_become_drafts_and_a_bad_one_says_why(self, seller: FlaskClient):
        files = [
            ("one.csv", table(people(3)).encode()), ("bad.pdf", b"%PDF-1.7\n\xff\xff"),
            ("two.csv", table(people(3, seed=6)).encode()), ("empty.csv", b""),
        ]  # fmt: skip
        answer = send(seller, *files)
        assert answer.headers["Location"] == "/sellers/imports"
        words = words_of(seller.get("/sellers/imports"))
        assert "one.csv is received." in words
        assert "bad.pdf: This is" in words
        assert "empty.csv: The file is empty." in words
        names = db.session.scalars(select(Import.file_name)).all()
        assert sorted(names) == ["one.csv", "two.csv"]
        refused = select(func.count()).where(Event.type == "import.refused")
        assert db.session.scalar(refused) == 2

    def test_too_many_files_are_refused_together(self, seller: FlaskClient):
        files = [(f"{number}.csv", b"name,phone\n") for number in range(21)]
        assert "At most 20 files" in words_of(send(seller, *files), 422)
        assert db.session.scalar(select(func.count()).select_from(Import)) == 0

    def test_rows_are_pasted_from_a_spreadsheet(self, seller: FlaskClient):
        answer = post(
            seller, "/sellers/imports", **VERTICAL, pasted=table(people(3), delimiter="\t")
        )
        draft = draft_at(led_to(seller, answer))
        assert (draft.file_name, draft.recognition["delimiter"]) == ("pasted.tsv", "\t")

    def test_limits_and_fields_are_printed_before_choosing(self, seller: FlaskClient):
        words = words_of(seller.get("/sellers/imports/new"))
        assert "200 MB, 1,000,000 rows, 200 columns" in words
        words = words_of(seller.get("/sellers/templates/home_improvement_us"))
        for part in ("Phone *", "Single-family house", "zip code", "(614) 555-0142"):
            assert part in words

    def test_drafts_wait_on_the_home_page_until_they_are_dropped(self, seller: FlaskClient):
        address = mapped(seller, table(people(3)))
        assert "october.csv" in words_of(seller.get("/sellers/"))
        text_of(post(seller, f"{address}/abandon"), 303)
        assert "october.csv" not in words_of(seller.get("/sellers/"))
        assert draft_at(address).file_key is None


class TestRecognise:
    def cyrillic(self, seller: FlaskClient) -> str:
        rows = people(30)
        for row in rows:
            row["name"] = "Иван Ковалёв"
        content = table(rows, delimiter=";").encode("cp1251")
        return led_to(seller, send(seller, ("заявки.csv", content)))

    def test_a_windows_1251_file_shows_cyrillic_with_no_setting_changed(self, seller: FlaskClient):
        address = self.cyrillic(seller)
        assert address.endswith("/recognise")
        words = words_of(seller.get(address))
        assert "Иван Ковалёв" in words
        assert "Encoding cp1251 Separator semicolon" in words
        assert "Nobody can tell the encoding with certainty" in words
        hidden = re.search(r'name="encoding" value="(\w+)"', text_of(seller.get(address)))
        assert hidden is not None
        answer = post(seller, address, encoding=hidden[1])
        assert led_to(seller, answer).endswith("/map")

    def test_the_preview_shows_what_a_choice_would_give_and_keeps_nothing(
        self, seller: FlaskClient
    ):
        address = self.cyrillic(seller)
        part = seller.get(f"{address}?encoding=cp866", headers={"HX-Request": "true"})
        text = text_of(part)
        assert "<html" not in text
        assert "Иван" not in text
        assert 'value="cp866"' in text
        assert text.strip().splitlines()[0] in text_of(seller.get(f"{address}?encoding=cp866"))
        assert draft_at(address).recognition["encoding"] == "cp1251"
        wrong = words_of(seller.get(f"{address}?encoding=klingon"))
        assert "cannot be read that way" in wrong

    def test_a_file_that_asks_nothing_can_be_read_another_way(self, seller: FlaskClient):
        address = mapped(seller, table(people(3)))
        assert "Read like this" in words_of(seller.get(f"{address}/recognise"))
        text_of(post(seller, f"{address}/recognise", header_row="0"), 303)
        draft = draft_at(address)
        assert (draft.status, draft.mapping) == (ImportStatus.RECOGNISED, {})
        assert draft.recognition["header"][0] == "column 1"

    def test_an_answer_can_be_given_another_time(self, seller: FlaskClient):
        address = self.cyrillic(seller)
        text_of(post(seller, address, encoding="cp1251"), 303)
        page = text_of(seller.get(address))
        assert '<option value="cp1251" selected>' in page
        text_of(post(seller, address, encoding="cp1252"), 303)
        assert draft_at(address).recognition["encoding"] == "cp1252"

    def test_accepting_what_was_settled_changes_nothing(self, seller: FlaskClient):
        address = mapped(seller, table(people(3)))
        before = draft_at(address).mapping
        text_of(post(seller, f"{address}/recognise"), 303)
        assert (draft_at(address).status, draft_at(address).mapping) == ("checked", before)


class TestMap:
    def test_a_second_upload_with_the_same_headers_arrives_mapped(
        self, seller: FlaskClient, work: Work
    ):
        header = "Wer,Ruf," + ",".join(list(people(1)[0])[2:])
        address = led_to(seller, send(seller, ("a.csv", table(people(3), header=header).encode())))
        address = address.rpartition("/")[0]
        chosen = {"column-0": "name", "column-1": "phone"}
        text_of(post(seller, f"{address}/map", **chosen), 303)
        text_of(post(seller, f"{address}/confirm", **SAID), 303)
        work()
        again = table(people(3, seed=9), header=header).encode()
        address = led_to(seller, send(seller, ("b.csv", again)))
        words = words_of(seller.get(address))
        assert words.count("remembered from") >= 2
        reset = words_of(seller.get(f"{address}?automatic=1"))
        assert "remembered from" not in reset
        answer = post(seller, address)
        assert led_to(seller, answer).endswith("/check")
        assert draft_at(address).forecast["valid"] == 3

    def test_what_was_settled_is_shown_again(self, seller: FlaskClient):
        rows = people(3)
        at = list(rows[0]).index("comment")
        address = mapped(seller, table(rows), **{f"column-{at}": "-"})
        page = text_of(seller.get(f"{address}/map"))
        select_ = re.search(rf'name="column-{at}".*?</select>', page, re.DOTALL)
        assert select_ is not None
        assert '<option value="-" selected>' in select_[0]
        assert "Not imported and not stored: comment" in words_of(seller.get(f"{address}/map"))

    def test_one_value_for_all_rows_stands_in_for_a_column(self, seller: FlaskClient, work: Work):
        rows = people(3)
        for row in rows:
            del row["consent_text"]
        address = led_to(seller, send(seller, ("a.csv", table(rows).encode())))
        page = text_of(seller.get(address))
        assert 'name="default-consent_text"' in page
        assert "error-summary" in text_of(post(seller, address), 422)
        agreed = {"default-consent_text": "I agree to be called by contractors near me."}
        assert led_to(seller, post(seller, address, **agreed)).endswith("/check")
        work()
        assert draft_at(address).forecast["valid"] == 3

    def test_two_columns_on_a_phone_are_refused_and_on_a_name_joined(self, seller: FlaskClient):
        rows = people(3)
        address = led_to(seller, send(seller, ("a.csv", table(rows).encode())))
        comment = f"column-{list(rows[0]).index('comment')}"
        columns = {"column-0": "name", "column-1": "phone", comment: "phone"}
        assert "Only one column" in words_of(post(seller, address, **columns), 422)
        text_of(post(seller, address, **{**columns, comment: "name"}), 303)
        assert draft_at(address).status is ImportStatus.CHECKED

    def test_unknown_words_are_listed_with_their_number(self, seller: FlaskClient):
        rows = people(5)
        rows[1]["region"] = rows[2]["region"] = "Buckeye State"
        address = led_to(seller, send(seller, ("a.csv", table(rows).encode())))
        assert "buckeye state 2" in words_of(seller.get(address))
        means = {"word-region-1": "buckeye state", "means-region-1": OHIO}
        text_of(post(seller, address, **means), 303)
        assert draft_at(address).forecast["valid"] == 5


class TestCheck:
    def spoilt(self) -> str:
        rows = people(30)
        for number in range(25):
            rows[number]["phone"] = "12345"
        return table(rows)

    def test_progress_ends_by_itself(self, seller: FlaskClient, work: Work):
        address = mapped(seller, self.spoilt())
        part = {"HX-Request": "true"}
        running = text_of(seller.get(f"{address}/check", headers=part))
        assert 'hx-trigger="load delay:1s"' in running
        assert "Waiting for a worker" in running
        work()
        done = text_of(seller.get(f"{address}/check", headers=part))
        assert "hx-trigger" not in done
        assert "Every row was checked." in done

    def test_rules_lead_to_their_rows_twenty_a_page(self, seller: FlaskClient, work: Work):
        address = mapped(seller, self.spoilt())
        work()
        page = words_of(seller.get(f"{address}/check"))
        assert "refused 25 83.3%" in page
        assert "row 1 1***5" in page  # masked
        found = text_of(seller.get(f"{address}/rows?field=phone&code=short_code"))
        assert found.count('value="12345"') == 20
        after = re.search(r'after=(\d+)[^"]*" *>?', found[found.index('rel="next"') :])
        assert after is not None
        rest = text_of(seller.get(f"{address}/rows?field=phone&code=short_code&after={after[1]}"))
        assert rest.count('value="12345"') == 5

    def test_a_row_is_corrected_in_place_and_the_next_one_has_the_focus(
        self, seller: FlaskClient, work: Work
    ):
        address = mapped(seller, self.spoilt())
        work()
        rule = "field=phone&code=short_code"
        answer = post(seller, f"{address}/rows/1?{rule}", **{"cell-1": "+16142345678"})
        page = text_of(seller.get(answer.headers["Location"]))
        assert "Row 1 is right now." in page
        assert re.search(r'form="row-2" name="cell-1" value="12345"[^>]*data-focus', page)
        answer = post(seller, f"{address}/rows/2?{rule}", **{"cell-1": "nobody"})
        assert "still has a problem" in words_of(seller.get(answer.headers["Location"]))
        assert "Ready 6" in words_of(seller.get(f"{address}/check"))

    def test_a_row_is_found_by_its_number(self, seller: FlaskClient, work: Work):
        address = mapped(seller, self.spoilt())
        work()
        assert "line 8" in words_of(seller.get(f"{address}/rows?row=7"))
        assert "Row 28 has no problem" in words_of(seller.get(f"{address}/rows?row=28"))
        assert seller.get(f"{address}/rows?row=x").status_code == 422

    def test_a_corrected_problem_file_comes_back_into_the_draft(
        self, seller: FlaskClient, work: Work
    ):
        address = mapped(seller, self.spoilt())
        work()
        content = seller.get(f"{address}/problems.csv").get_data(as_text=True)
        assert content.count("\r\n") == 26
        right = content.replace(",12345,", ",'+16142345678,", 1).encode()
        keep()
        answer = seller.post(
            f"{address}/problems", data={"file": (io.BytesIO(right), "corrected.csv")}
        )
        assert "1 of 25 rows were changed" in words_of(seller.get(answer.headers["Location"]))
        work()
        assert draft_at(address).forecast["valid"] == 6
        keep()
        wrong = seller.post(
            f"{address}/problems", data={"file": (io.BytesIO(b"_row,name\n1,x\n"), "c.csv")}
        )
        assert "lacks the column phone" in words_of(wrong, 422)
        assert "error-summary" in text_of(post(seller, f"{address}/problems"), 422)

    def test_who_only_looks_after_the_money_reads_no_refused_rows(
        self, app: Flask, cast: Cast, seller: FlaskClient, work: Work
    ):
        address = mapped(seller, self.spoilt())
        text_of(post(seller, f"{address}/confirm", **SAID), 303)
        work()
        batch = db.session.scalars(select(Batch)).one()
        rows = f"/sellers/batches/{batch.public_id}/problems.csv"
        assert "12345" in text_of(seller.get(rows))
        accountant = _member(cast.seller.organization, "fin@seller.example", Role.FINANCE)
        keep()
        client = accountant.sign_in(app.test_client())
        assert rows not in text_of(client.get(f"/sellers/batches/{batch.public_id}"))
        assert client.get(rows).status_code == 404
        key = cast.seller.key("batch:read")
        api = app.test_client().get(f"/api/v1/batches/{batch.public_id}/problems", headers=key)
        assert api.status_code == 404

    def test_numbers_without_end_are_no_rows_and_no_columns(self, seller: FlaskClient, work: Work):
        address = mapped(seller, self.spoilt())
        work()
        keep()
        endless = f"_row,{','.join(people(1)[0])}\n{'9' * 5_000}\n".encode()
        answer = seller.post(f"{address}/problems", data={"file": (io.BytesIO(endless), "c.csv")})
        assert "holds no number" in words_of(answer, 422)
        assert post(seller, f"{address}/rows/1", **{f"cell-{'9' * 5_000}": "x"}).status_code == 303
        assert post(seller, f"{address}/rows/{'9' * 18}").status_code in {400, 404}

    def test_the_problem_file_is_sent_while_it_is_read(
        self, seller: FlaskClient, work: Work, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(web, "PIECES_PER_BLOCK", 4)
        monkeypatch.setattr(queries, "LEAVES_PER_FETCH", 3)
        address = mapped(seller, self.spoilt())
        work()
        with seller.get(f"{address}/problems.csv") as answer:
            assert answer.is_streamed
            assert len(list(answer.iter_encoded())) == 7
        assert "attachment" in answer.headers["Content-Disposition"]
        assert answer.headers["Cache-Control"] == "private, no-store"

    def test_a_problem_file_that_is_gone_is_an_error_page(self, seller: FlaskClient, work: Work):
        address = mapped(seller, self.spoilt())
        work()
        files.destroy(draft_at(address))
        assert "no longer kept" in words_of(seller.get(f"{address}/problems.csv"), 410)

    def test_the_first_look_says_that_it_is_one(
        self, seller: FlaskClient, work: Work, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(forecasts, "SLICE_ROWS", 10)
        address = mapped(seller, self.spoilt())
        words = words_of(seller.get(f"{address}/check"))
        assert "About, from the first 10 rows; all rows are being checked." in words
        work()
        assert "Every row was checked." in words_of(seller.get(f"{address}/check"))

    def test_a_file_that_ends_badly_is_told_and_becomes_no_batch(
        self, seller: FlaskClient, work: Work, monkeypatch: pytest.MonkeyPatch
    ):
        address = mapped(seller, self.spoilt())
        usual: dict[str, object] = confined.blocks.__wrapped__.__kwdefaults__  # type: ignore[attr-defined]  # a context manager's
        monkeypatch.setitem(usual, "limits", replace(LIMITS, rows=20))
        work()
        words = words_of(seller.get(f"{address}/check"))
        assert "The file has more than 20 rows." in words
        assert "Upload the mended file" in words
        assert "cannot be read to its end" in words_of(seller.get("/notices"))
        answer = post(seller, f"{address}/confirm", **SAID)
        assert "Upload it again, mended." in words_of(answer, 409)
        assert db.session.scalar(select(func.count()).select_from(Batch)) == 0

    def test_a_fix_that_does_not_fit_is_said_at_its_page(self, seller: FlaskClient, work: Work):
        rows = people(3)
        rows[0]["channel"] = ""
        address = mapped(seller, table(rows))
        work()
        rule = "?field=channel&code=missing_required"
        assert "One value for all rows" in words_of(seller.get(f"{address}/rows{rule}"))
        form = {"field": "channel", "value": "smoke signals"}
        answer = post(seller, f"{address}/empty{rule}", **form)
        assert "error-summary" in text_of(answer, 422)
        form["value"] = "email"
        text_of(post(seller, f"{address}/empty{rule}", **form), 303)
        work()
        assert draft_at(address).forecast["valid"] == 3


class TestConfirm:
    def test_only_if_all_are_right_refuses_while_a_row_is_not(
        self, seller: FlaskClient, work: Work
    ):
        rows = people(4)
        rows[0]["phone"] = "12345"
        address = mapped(seller, table(rows))
        form = {**SAID, "only_if_all_right": "1"}
        assert "Not every row is checked yet" in words_of(
            post(seller, f"{address}/confirm", **form), 409
        )
        work()
        words = words_of(seller.get(f"{address}/confirm"))
        assert "Send 3 leads to checking" in words
        assert "nobody is called" in words
        assert re.search(r"(\d) people are called first, at most \1", words)
        refused = post(seller, f"{address}/confirm", **form)
        assert "1 rows are refused" in words_of(refused, 409)
        assert db.session.scalar(select(func.count()).select_from(Batch)) == 0
        rule = {"field": "phone", "code": "short_code"}
        text_of(post(seller, f"{address}/drop", **rule), 303)
        work()
        text_of(post(seller, f"{address}/confirm", **form), 303)

    def test_a_stale_tab_makes_no_second_batch(self, seller: FlaskClient, work: Work):
        address = mapped(seller, table(people(4)))
        text_of(post(seller, f"{address}/confirm", **SAID), 303)
        answer = post(seller, f"{address}/confirm", **SAID)  # with a token of its own
        assert answer.status_code in {303, 409}
        work()
        assert post(seller, f"{address}/confirm", **SAID).status_code in {303, 409}
        assert db.session.scalar(select(func.count()).select_from(Batch)) == 1

    def test_a_file_that_is_refused_while_it_is_taken_in_says_why_and_how_it_goes_on(
        self, seller: FlaskClient, work: Work
    ):
        address = mapped(seller, table(people(4)))
        text_of(post(seller, f"{address}/confirm", **SAID), 303)
        batch = queries.find_batch_of_import(draft_at(address).id)
        assert batch is not None
        refuse_file(batch_id=batch.id, error=FileReject("too_many_rows", limit=1_000_000))
        keep()
        words = words_of(seller.get(f"{address}/result"))
        assert "The file has more than 1000000 rows." in words
        assert "Upload the mended file" in words
        assert "Became leads" not in words
        address_of_batch = f"/sellers/batches/{batch.public_id}"
        assert "Upload the mended file" in words_of(seller.get(address_of_batch))
        assert "“october.csv” cannot be read to its end." in words_of(seller.get("/notices"))
        assert "Failed" in words_of(
            seller.get(f"{address}/running", headers={"HX-Request": "true"})
        )
        work()

    def test_a_seller_is_told_that_a_file_was_taken_in(self, seller: FlaskClient, work: Work):
        rows = people(4)
        rows[0]["phone"] = "12345"
        address = mapped(seller, table(rows))
        text_of(post(seller, f"{address}/confirm", **SAID), 303)
        work()
        words = words_of(seller.get("/notices"))
        assert "is taken in: 3 of 4 rows became leads." in words
        assert "is checked" not in words  # a small file is waited for

    def test_a_class_that_is_not_offered_is_refused_at_both_doors(
        self, seller: FlaskClient, cast: Cast
    ):
        without_prime()
        address = mapped(seller, table(people(4)))
        answer = post(seller, f"{address}/confirm", **SAID, quality_class="prime")
        assert 'href="#f-quality_class"' in text_of(answer, 422)
        answer = ask(seller, cast, table(people(4, seed=8)), quality_class="prime")
        assert answer.status_code == 422
        assert answer.get_json()["errors"][0]["pointer"] == "/quality_class"

    def test_the_receipt_says_what_was_sent_and_what_became_of_it(
        self, seller: FlaskClient, work: Work
    ):
        rows = people(4)
        rows[0]["phone"] = "12345"
        address = mapped(seller, table(rows))
        assert seller.get(f"{address}/receipt.json").status_code == 404
        text_of(post(seller, f"{address}/confirm", **SAID), 303)
        running = text_of(seller.get(f"{address}/running"))
        assert "hx-trigger" in running
        work()
        part = text_of(seller.get(f"{address}/running", headers={"HX-Request": "true"}))
        assert "hx-trigger" not in part
        assert "See the result" in part
        receipt = seller.get(f"{address}/receipt.json").get_json()
        assert receipt["counts"]["rows"] == 4
        assert (receipt["counts"]["valid"], receipt["counts"]["invalid"]) == (3, 1)
        assert receipt["file"]["sha256"] == draft_at(address).file_sha256.hex()
        words = words_of(seller.get(f"{address}/result"))
        assert "4 rows, each in exactly one line." in words
        assert led_to(seller, seller.get(f"{address}/check")).endswith("/result")
        assert db.session.scalar(select(func.count()).select_from(ImportRow)) == 0


def without_prime() -> None:
    """The vertical offers three classes from now on."""
    vertical = make_vertical()
    definition = catalog.get_definition(vertical).to_json()
    del definition["terms"]["typical_prices"]["prime"]
    publish_vertical(definition=VerticalDefinition.from_json(definition), actor=SYSTEM)


def ask(client: FlaskClient, cast: Cast, content: str, **form: str) -> TestResponse:
    """POST /batches as a program of the seller's does."""
    keep()
    said = {"vertical": "home_improvement_us", "price": "4500", "declared_unsold": "true"}
    return client.post(
        "/api/v1/batches",
        data={**said, **form, "file": (io.BytesIO(content.encode()), "a.csv")},
        headers={
            **cast.seller.key("batch:upload", "batch:read"),
            "Idempotency-Key": f"key-{next(_keys)}",
        },
    )


class TestApi:
    def patch(self, client: FlaskClient, cast: Cast, batch: str, **body: object) -> TestResponse:
        keep()
        headers = cast.seller.key("batch:upload", "batch:read")
        return client.patch(f"/api/v1/batches/{batch}", json=body, headers=headers)

    def test_columns_are_joined_gaps_filled_and_words_mapped_in_one_call(
        self, app: Flask, cast: Cast, work: Work
    ):
        rows = people(3)
        for row in rows:
            row["given"], row["family"] = row.pop("name").split(" ", 1)
            del row["consent_text"]
            row["region"] = "Buckeye State"
        answer = ask(
            app.test_client(), cast, table(rows),
            mapping=json.dumps({"name": ["given", "family"]}),
            defaults=json.dumps({"consent_text": "I agree to be called by contractors."}),
            words=json.dumps({"region": {"Buckeye State": OHIO}}),
        )  # fmt: skip
        assert answer.status_code == 202, answer.get_json()
        work()
        batch = db.session.scalars(select(Batch)).one()
        assert (batch.status, batch.valid) == (BatchStatus.SEALED, 3)

    @pytest.mark.parametrize("name", ["mapping", "defaults", "words"])
    def test_what_is_no_json_object_is_named(self, app: Flask, cast: Cast, name: str):
        for text in ("[]", "{", '{"name": 3}'):
            answer = ask(app.test_client(), cast, table(people(2)), **{name: text})
            assert answer.status_code == 422
            assert answer.get_json()["errors"][0]["pointer"] == f"/{name}"

    def test_only_if_all_are_right_keeps_the_draft_until_they_are(
        self, app: Flask, cast: Cast, work: Work
    ):
        client, rows = app.test_client(), people(3)
        rows[0]["region"] = "Buckeye State"
        answer = ask(client, cast, table(rows), only_if_all_right="true")
        batch = answer.get_json()
        assert (answer.status_code, batch["status"]) == (202, "draft")
        work()
        refused = self.patch(client, cast, batch["id"], only_if_all_right=True)
        assert (refused.status_code, refused.get_json()["code"]) == (409, "rows_refused")
        words = {"region": {"buckeye state": OHIO}}
        answer = self.patch(client, cast, batch["id"], words=words, only_if_all_right=True)
        assert answer.get_json()["check"]["valid"] == 3
        work()
        answer = self.patch(client, cast, batch["id"], only_if_all_right=True)
        assert answer.get_json()["status"] == "validating"

    def test_a_draft_of_the_api_is_confirmed_on_the_page(
        self, seller: FlaskClient, app: Flask, cast: Cast, work: Work
    ):
        ask(app.test_client(), cast, table(people(3)), only_if_all_right="true")
        work()
        draft = db.session.scalars(select(Import)).one()
        address = f"/sellers/imports/{draft.public_id}/confirm"
        text_of(post(seller, address, price="50", declared_unsold="1"), 303)
        batch = db.session.scalars(select(Batch)).one()
        assert (batch.price.amount, batch.status) == (50_00, BatchStatus.VALIDATING)


class TestFigures:
    def test_estimates_have_two_digits(self):
        found = [about_so_many(n) for n in (0.4, 7, 42, 41_237, 959_112)]
        assert found == [0, 7, 42, 41_000, 960_000]

    def test_time_left_is_said_only_after_some_seconds(self, app: Flask):
        now = clock.now()
        early = progress(done=10, total=100, started_at=now - timedelta(seconds=2))
        assert (early.rate, early.left, early.every) == (None, None, 1)
        later = progress(done=1_000, total=4_000, started_at=now - timedelta(seconds=10))
        assert (later.rate, later.left, later.every) == (100, timedelta(seconds=30), 1)
        late = progress(done=1_000, total=None, started_at=now - timedelta(seconds=40))
        assert (late.left, late.every) == (None, 3)

    def test_each_class_says_how_many_people_are_called(self):
        grades = list(QualityClass)
        found = plans_to_come(10_000, grades)
        assert [(one.first, one.most) for one in found] == [
            (22, 92), (36, 180), (50, 260), (None, None),
        ]  # fmt: skip
        assert plans_to_come(0, grades)[0].first is None
