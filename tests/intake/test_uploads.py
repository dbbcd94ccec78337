"""Uploads at the door: too large, cut, and with names that want more than to be shown."""

import io
import os
import time
from datetime import timedelta

import pytest
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from exchange.core import clock, ids, storage
from exchange.core.db import db
from exchange.core.errors import TooLarge
from exchange.leads.models import Batch, Import
from exchange.leads.services.files import shown_name
from tests.factories.catalog import make_vertical
from tests.intake.cases import GOOD_FILE
from tests.intake.workbooks import workbook

SECRET = bytes(32)


@pytest.fixture
def kept(settings, app):
    """The files in the store; none at the beginning."""
    folder = settings.data_folder / "files"
    for path in folder.rglob("*.*") if folder.exists() else ():
        path.unlink()

    def files():
        return [path for path in folder.rglob("*") if path.is_file()]

    for path in files():
        path.unlink()
    return files


@pytest.fixture
def send(client, seller):
    """Send a body to the API's door for batches."""
    headers = seller.key("batch:upload", "batch:read")
    code = make_vertical().code

    def send(content, *, name="leads.csv", cut=0, **options):
        form = {
            "vertical": code,
            "price": "4500",
            "declared_unsold": "true",
            "file": FileStorage(io.BytesIO(content), name),
        }
        boundary, body = encode_multipart(form)
        return client.post(
            "/api/v1/batches",
            input_stream=io.BytesIO(body[: len(body) - cut]),
            content_length=len(body),
            content_type=f"multipart/form-data; boundary={boundary}",
            headers={**headers, "Idempotency-Key": name},
            **options,
        )

    return send


# The parser of forms leaves its nameless temporary file to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("cut", [1, 60, 400])
def test_a_cut_upload_leaves_nothing(send, kept, cut):
    response = send(GOOD_FILE * 20, cut=cut)
    assert 400 <= response.status_code < 500
    assert response.content_type == "application/problem+json"
    assert db.session.scalars(select(Import)).all() == []
    assert kept() == []


class Untouched(io.RawIOBase):
    """A body that nobody may read."""

    def readable(self):
        return True

    at = 0

    def tell(self):
        return self.at

    def seek(self, offset, whence=io.SEEK_SET):
        self.at = 300_000_000 if whence == io.SEEK_END else offset
        return self.at

    def readinto(self, _buffer):
        raise AssertionError("the body was read")


def test_a_body_that_is_too_large_is_not_read(client, seller, kept):
    response = client.post(
        "/api/v1/batches",
        input_stream=Untouched(),
        content_length=300_000_000,
        content_type="multipart/form-data; boundary=x",
        headers={**seller.key("batch:upload"), "Idempotency-Key": "one"},
    )
    assert response.status_code == 413
    assert kept() == []


def test_the_door_refuses_a_bomb_with_its_code(send, kept):
    rows = '<row><c t="str"><v>Ivan Petrov</v></c></row>' * 200_000
    response = send(workbook(f"<worksheet><sheetData>{rows}</sheetData></worksheet>"))
    assert response.status_code == 413
    assert response.get_json()["code"] == "zip_ratio"
    assert db.session.scalars(select(Batch)).all() == []
    assert kept() == []


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system.ini", "system.ini"),
        ("a\u202egpj.csv", "agpj.csv"),
        ("x" * 5_000 + ".csv", "x" * 255),
        (";rm -rf .csv", ";rm -rf .csv"),
        ("a\0b\n.csv", "ab.csv"),
        ("", "upload"),
        ("/", "upload"),
        ("\u200b\u200b", "upload"),
    ],
)
def test_a_name_is_shown_and_never_used(name, shown):
    assert shown_name(name) == shown


def test_a_file_that_cannot_be_mapped_leaves_nothing(send, kept):
    response = send(GOOD_FILE)
    assert (response.status_code, response.get_json()["code"]) == (422, "missing_column")
    assert kept() == []


class TestStorage:
    def test_a_stream_that_is_too_long_leaves_nothing(self, kept):
        with pytest.raises(TooLarge):
            storage.put("file_1A", io.BytesIO(bytes(2_000)), secret=SECRET, bytes_max=1_000)
        assert kept() == []

    def test_a_stream_that_breaks_leaves_nothing(self, kept):
        class Broken(io.BytesIO):
            def read(self, *_size):
                raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            storage.put("file_1A", Broken(), secret=SECRET, bytes_max=1_000)
        assert kept() == []

    def test_parts_of_killed_processes_are_removed_by_their_age(self, kept, settings, sweep):
        storage.put("file_1A", io.BytesIO(b"whole"), secret=SECRET, bytes_max=10)
        old, young = (settings.data_folder / "files" / "1A" / f"file_{n}.part" for n in "23")
        for path, hours in ((old, 2), (young, 0)):
            path.write_bytes(b"half")
            at = time.time() - hours * 3_600
            os.utime(path, (at, at))
        sweep("leads.tidy_uploads")
        assert sorted(path.name for path in kept()) == ["file_1A", "file_3.part"]

    def test_files_that_no_import_knows_are_removed_by_their_age(self, kept, sweep):
        lost = ids.encode("imp", ids.uuid7())
        storage.put(lost, io.BytesIO(b"whole"), secret=SECRET, bytes_max=10)
        clock.advance(timedelta(days=3))  # a sandbox ahead of its time forgets no upload
        sweep("leads.tidy_uploads")
        assert [path.name for path in kept()] == [lost]
        at = time.time() - 2 * 3_600
        os.utime(kept()[0], (at, at))
        sweep("leads.tidy_uploads")
        assert kept() == []

    def test_a_part_that_is_being_written_is_left_alone(self, kept, settings):
        class Slow(io.BytesIO):
            def read(self, size=-1):
                removed.append(storage.remove_abandoned(age=timedelta(0)))
                return super().read(size)

        removed = []
        storage.put("file_1A", Slow(b"whole"), secret=SECRET, bytes_max=10)
        assert set(removed) == {0}
        assert [path.name for path in kept()] == ["file_1A"]
