"""`exchange batch`: what everybody can recompute, from an instance or from two files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from exchange.catalog.scripts import Outcome
from exchange.cli import exchange
from exchange.core.db import db
from exchange.leads import queries as leads
from tests.cast import Cast, make_cast
from tests.factories.leads import leads_of
from tests.servers.house import environment
from tests.verification.support import make_sample, these, work
from tests.verification.test_sources import people_of


def run(*arguments: str) -> Result:
    return CliRunner().invoke(exchange, ["batch", *arguments])


@pytest.fixture
def house(committed: Flask, monkeypatch: pytest.MonkeyPatch) -> Cast:
    """An instance that commands find, with its people."""
    for name, value in environment(committed.config["SETTINGS"]).items():
        monkeypatch.setenv(name, value)
    return make_cast()


@pytest.mark.commits
class TestOnAnInstance:
    def decided(self, cast: Cast) -> str:
        sample = make_sample(cast.seller)
        work(cast.verifier, these({5: Outcome.DENIES}))
        db.session.commit()
        return leads.get_batch(sample.batch_id, viewer=None).public_id

    def test_verify_agrees_and_then_finds_a_change_in_the_tables(self, house: Cast) -> None:
        batch = self.decided(house)
        good = run("verify", batch)
        assert good.exit_code == 0, good.output
        assert good.stdout.count("agrees") == 9
        assert "The seller added the nonce." in good.stderr
        assert run("verify", batch, "--json").exit_code == 0
        sample = db.session.execute(db.text("UPDATE sample SET bad = 0, good = 36"))
        assert sample is not None
        db.session.commit()
        bad = run("verify", batch, "--json")
        answer = json.loads(bad.stdout)
        assert bad.exit_code == 1
        assert (answer["batch"], answer["agrees"]) == (batch, False)
        wrong = {piece["piece"] for piece in answer["pieces"] if not piece["agrees"]}
        assert wrong == {"looks", "quality"}
        db.session.execute(db.text("UPDATE sample SET bad = 1, good = 35"))
        db.session.commit()

    def test_sources_and_one_lead_are_verified_offline(self, house: Cast, tmp_path: Path) -> None:
        sample = make_sample(house.seller, people=people_of({"a": 100, "b": 60}))
        work(house.verifier, these({5: Outcome.DENIES}))
        db.session.commit()
        found = leads.get_batch(sample.batch_id, viewer=None)
        batch, lead = found.public_id, leads_of(found)[17].public_id
        online = run("verify", batch, "--lead", lead)
        assert online.exit_code == 0, online.output
        assert online.stdout.count("agrees") == 9 + 3 + 1
        files = {name: tmp_path / name for name in ("record", "leaves", "sources", "proof")}
        paths = ("--leaves", str(files["leaves"]), "--sources", str(files["sources"]))
        files["record"].write_text(run("show", batch, "--json", *paths).stdout)
        record = ("verify", "--file", str(files["record"]))
        assert run(*record, *paths).exit_code == 0
        without = run(*record, *paths[:2])
        assert without.exit_code == 1
        assert "the map of sources is not at hand" in without.stdout
        proof = run("prove", batch, "--lead", lead).stdout
        assert run("prove", batch, "--leaf", "17").stdout == proof
        files["proof"].write_text(proof)
        one = run(*record, "--proof", str(files["proof"]))
        assert (one.exit_code, one.stdout.count("agrees")) == (0, 1)
        files["proof"].write_text(proof.replace('"index": 17', '"index": 18'))
        wrong = run(*record, "--proof", str(files["proof"]))
        assert wrong.exit_code == 1
        assert "the path does not lead" in wrong.stdout
        assert run("prove", batch, "--leaf", "160").exit_code == 1
        assert "source 1" in run("show", batch).stdout

    def test_show_writes_what_verify_reads_offline(self, house: Cast, tmp_path: Path) -> None:
        batch = self.decided(house)
        leaves = tmp_path / "leaves"
        shown = run("show", batch, "--json", "--leaves", str(leaves))
        assert shown.exit_code == 0, shown.output
        record = tmp_path / "record.json"
        record.write_text(shown.stdout)
        good = run("verify", "--file", str(record), "--leaves", str(leaves))
        assert good.exit_code == 0, good.output
        leaves.write_bytes(leaves.read_bytes()[:-32] + b"\x01" * 32)
        bad = run("verify", "--file", str(record), "--leaves", str(leaves))
        assert bad.exit_code == 1
        assert "DOES NOT AGREE: the leaves have another root" in bad.stdout

    def test_show_tells_in_words(self, house: Cast) -> None:
        shown = run("show", self.decided(house))
        assert shown.exit_code == 0
        assert "accepted" in shown.stdout
        assert "35 good, 1 bad, 0 open of 36 called" in shown.stdout
        assert "LX-15, looks at 22, 36, 50, 64, 78, 92" in shown.stdout

    def test_before_the_decision_shows_progress_and_verifies_nothing(self, house: Cast) -> None:
        sample = make_sample(house.seller)
        work(house.verifier, these({2: Outcome.DENIES}), calls=3)
        db.session.commit()
        batch = leads.get_batch(sample.batch_id, viewer=None).public_id
        shown = run("show", batch)
        assert "3 of at most 92 checked" in shown.stdout
        assert "bad" not in shown.stdout
        refused = run("verify", batch)
        assert refused.exit_code == 1
        assert "public once its lot is decided" in refused.stderr

    def test_unknown_batch_ends_with_an_error(self, house: Cast) -> None:
        assert run("show", "batch_nonsense").exit_code == 1
        assert run("verify", "batch_" + "0" * 26).exit_code == 1


class TestUsage:
    @pytest.mark.parametrize(
        "arguments", [[], ["--leaves", __file__], ["batch_1", "--file", __file__]]
    )
    def test_of_half_of_what_is_needed_is_refused(self, arguments: list[str]) -> None:
        assert run("verify", *arguments).exit_code == 2

    @pytest.mark.parametrize("content", ["no json", "[1, 2]"])
    def test_file_that_is_no_record_is_refused(self, tmp_path: Path, content: str) -> None:
        record = tmp_path / "record.json"
        record.write_text(content)
        result = run("verify", "--file", str(record), "--leaves", str(record))
        assert result.exit_code == 1
        assert "record.json" in result.stderr

    def test_leaves_that_are_cut_are_named(self, tmp_path: Path) -> None:
        record, leaves = tmp_path / "record.json", tmp_path / "leaves"
        record.write_text("{}")
        leaves.write_bytes(b"x" * 33)
        result = run("verify", "--file", str(record), "--leaves", str(leaves))
        assert result.exit_code == 1
        assert "root" in result.stdout
