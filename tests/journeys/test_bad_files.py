"""Files as sellers really send them, through the API's door: a clear word, never a 500."""

import csv
import io
from random import Random

import pytest
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from exchange.catalog import queries as catalog
from exchange.core import clock
from exchange.core.db import db
from exchange.leads import queries, samples
from exchange.leads.models import Batch, BatchStatus, Lead
from tests.factories.catalog import make_vertical

HEADER_ONLY = b"name,phone,email\r\n"


@pytest.fixture
def vertical(app):
    return make_vertical("home_improvement_us")


@pytest.fixture
def post(client, cast, vertical):
    """Upload some bytes as the seller's program does."""
    headers = cast.seller.key("batch:upload", "batch:read")

    def send(content, *, key="one", **fields):
        form = {
            "vertical": vertical.code,
            "price": "4500",
            "declared_unsold": "true",
            "file": FileStorage(io.BytesIO(content), "leads.csv"),
            **fields,
        }
        boundary, body = encode_multipart(form)
        return client.post(
            "/api/v1/batches",
            data=body,
            content_type=f"multipart/form-data; boundary={boundary}",
            headers={**headers, "Idempotency-Key": key},
        )

    return send


def good_rows(vertical, count=40, seed=1):
    definition = catalog.get_definition(vertical)
    return samples.invented_rows(definition, random=Random(seed), count=count, now=clock.now())


def text_of(vertical, rows):
    return samples.as_csv(catalog.get_definition(vertical), rows).decode()


def taken_in(response, run_jobs):
    """The batch after its intake, with the row equation checked over the tables."""
    assert response.status_code == 202, response.get_json()
    run_jobs()
    batch = db.session.scalars(select(Batch).execution_options(populate_existing=True)).one()
    ends = batch.valid + batch.in_review + batch.invalid + batch.duplicate + batch.suppressed
    assert ends == batch.rows_done == batch.rows_total
    return batch


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (HEADER_ONLY, "no_rows"),
        (HEADER_ONLY + b"\r\n \r\n,,\r\n", "no_rows"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "type"),
        (b"name,city\r\nAnn,Boise\r\n", "missing_column"),
    ],
    ids=["empty", "header", "blank", "pdf", "columns"],
)
def test_a_file_that_is_no_table_is_refused_with_its_code(post, content, code):
    response = post(content)
    assert response.status_code in {413, 415, 422}
    assert response.content_type == "application/problem+json"
    assert response.get_json()["code"] == code
    assert db.session.scalars(select(Batch)).all() == []


def test_utf_16_is_read(post, vertical, run_jobs):
    batch = taken_in(post(text_of(vertical, good_rows(vertical)).encode("utf-16")), run_jobs)
    assert (batch.status, batch.valid) == (BatchStatus.SEALED, 40)


def test_cyrillic_of_windows_is_asked_about_and_then_read(post, client, cast, vertical, run_jobs):
    rows = good_rows(vertical)
    for row in rows:
        row["name"] = "Иван Ковалёв"
    cells = csv.reader(io.StringIO(text_of(vertical, rows)))
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows(cells)
    draft = post(text.getvalue().encode("cp1251")).get_json()
    assert draft["status"] == "draft"
    question = draft["questions"][0]
    assert (question["field"], question["guess"]) == ("encoding", "cp1251")
    response = client.patch(
        f"/api/v1/batches/{draft['id']}",
        json={"answers": {"encoding": "cp1251"}},
        headers=cast.seller.key("batch:upload"),
    )
    batch = taken_in(response, run_jobs)
    assert batch.valid + batch.in_review == 40, queries.problem_counts(batch.id)
    preview = db.session.scalars(select(Lead.preview)).first()
    assert preview["name"].startswith("И")


def test_a_nul_byte_costs_one_row(post, vertical, run_jobs):
    text = text_of(vertical, good_rows(vertical)).replace("Taylor", "Tay\0lor", 1)
    batch = taken_in(post(text.encode()), run_jobs)
    assert batch.invalid in {0, 1}
    if batch.invalid:
        assert queries.problem_counts(batch.id) == {"control_char": 1}


def test_a_cell_of_a_megabyte_costs_one_row(post, vertical, run_jobs):
    rows = good_rows(vertical)
    rows[3]["comment"] = "x" * 1_000_000
    batch = taken_in(post(text_of(vertical, rows).encode()), run_jobs)
    assert (batch.valid, batch.invalid) == (39, 1)
    assert queries.problem_counts(batch.id) == {"cell_too_long": 1}


def test_an_unclosed_quote_is_named_and_loses_no_row(post, vertical, run_jobs):
    rows = good_rows(vertical)
    for row in rows:
        # Without a comma in any cell no other quotation mark stands in the file.
        row.update(consent_text="I agree to be called", budget="", living_area="")
    lines = text_of(vertical, rows).split("\r\n")
    lines[5] = '"' + lines[5]
    response = post("\r\n".join(lines).encode())
    if response.status_code == 202:
        batch = taken_in(response, run_jobs)
        assert "unclosed_quote" in queries.problem_counts(batch.id)
        assert batch.rows_done == 40
    else:
        assert response.get_json()["code"] == "unclosed_quote"


def test_ten_thousand_bad_rows_each_have_a_reason(post, vertical, run_jobs):
    rows = good_rows(vertical, count=200)
    for row in rows:
        row["phone"] = "12345"
    batch = taken_in(post(text_of(vertical, rows * 50).encode()), run_jobs)
    assert (batch.status, batch.invalid) == (BatchStatus.WITHDRAWN, 10_000)
    assert queries.problem_counts(batch.id) == {"short_code": 10_000}


def test_the_same_upload_sent_twice_is_one_batch(post, vertical, run_jobs):
    content = text_of(vertical, good_rows(vertical)).encode()
    first, second = post(content), post(content)
    assert first.get_data() == second.get_data()
    taken_in(first, run_jobs)


def test_a_refused_upload_leaves_no_file_behind(post, settings):
    before = stored_files(settings)
    assert post(b"%PDF-1.7\n").status_code == 415
    assert post(HEADER_ONLY, key="two").status_code == 422
    assert stored_files(settings) == before


def stored_files(settings):
    return {path for path in (settings.data_folder / "files").rglob("*") if path.is_file()}


def test_another_file_under_the_same_key_is_refused(post, vertical):
    assert post(text_of(vertical, good_rows(vertical)).encode()).status_code == 202
    other = post(text_of(vertical, good_rows(vertical, seed=2)).encode())
    assert (other.status_code, other.get_json()["code"]) == (409, "idempotency_conflict")
