"""`exchange import` as a seller's script calls it: counts on stdout, talk on stderr, exit codes."""

import csv
import io
import json
import subprocess
import sys
from random import Random

import pytest
from sqlalchemy import select

from exchange.catalog import queries as catalog
from exchange.config import ROOT
from exchange.core import clock
from exchange.core.db import db
from exchange.leads import samples
from exchange.leads.models import Batch, BatchStatus, Import
from tests.cast import make_cast
from tests.factories.catalog import make_vertical
from tests.servers import house

pytestmark = pytest.mark.commits
VERTICAL = "home_improvement_us"


@pytest.fixture
def run(committed, tmp_path):
    """Call the program on a file of forty rows, two of them spoiled."""
    cast = make_cast()
    make_vertical(VERTICAL)
    db.session.commit()
    definition = catalog.get_definition(catalog.get_vertical(VERTICAL))
    random = Random(5)
    rows = samples.invented_rows(definition, random=random, count=40, now=clock.now())
    samples.plant(rows, random=random, defects={"short_code": 2})
    content = samples.as_csv(definition, rows)
    db.session.rollback()

    def call(*arguments, content=content):
        file = tmp_path / "leads.csv"
        file.write_bytes(content)
        org = cast.seller.organization.trade_name
        command = [sys.executable, "-m", "exchange", "import", str(file)]
        return subprocess.run(
            [*command, "--org", org, "--vertical", VERTICAL, *arguments],
            env=house.environment(committed.config["SETTINGS"]),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    call.content = content
    return call


def test_a_dry_run_counts_and_keeps_nothing(run):
    answer = run("--dry-run", "--json")
    assert answer.returncode == 0, answer.stderr
    counts = json.loads(answer.stdout)
    assert (counts["rows"], counts["valid"], counts["invalid"]) == (40, 38, 2)
    assert counts["codes"] == {"short_code": 2}
    assert db.session.scalars(select(Batch)).all() == []
    assert [i.file_key for i in db.session.scalars(select(Import))] == [None]


def test_waiting_does_the_work_and_says_that_some_rows_were_refused(run, tmp_path):
    problems = tmp_path / "problems.csv"
    answer = run("--price", "4500", "--unsold", "--wait", "--json", "--errors", str(problems))
    assert answer.returncode == 3, answer.stderr
    assert json.loads(answer.stdout)["valid"] == 38
    assert db.session.scalars(select(Batch)).one().status is BatchStatus.SEALED
    refused = list(csv.DictReader(io.StringIO(problems.read_text("utf-8-sig"))))
    assert [row["_errors"] for row in refused] == ["short_code", "short_code"]


def test_what_only_the_seller_can_say_ends_with_the_flag_that_says_it(run):
    cells = csv.reader(io.StringIO(run.content.decode()))
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";")
    for row in cells:
        writer.writerow(
            ["Иван Ковалёв" if cell.istitle() and " " in cell else cell for cell in row]
        )
    content = text.getvalue().encode("cp1251", "replace")
    answer = run("--dry-run", content=content)
    assert answer.returncode == 2
    assert "--encoding cp1251" in answer.stderr
    assert run("--dry-run", "--encoding", "cp1251", content=content).returncode == 0


def test_an_unknown_seller_is_a_usage_error(run):
    answer = run("--org", "Nobody at all", "--dry-run")
    assert answer.returncode == 2
    assert "Nobody at all" in answer.stderr
