"""`exchange ledger` on a real database: what it prints, and the code it ends with."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from exchange.cli import exchange
from exchange.cli.exits import ExitCode
from tests.billing.conftest import Books

pytestmark = pytest.mark.commits
Command = Callable[..., Result]


@pytest.fixture
def ledger(books: Books, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run a command on this database, as a program of its own would."""
    settings = books.settings
    for name, value in (
        ("DATABASE_URL", settings.database_url),
        ("REDIS_URL", settings.redis_url),
        ("EXCHANGE_SECRET_KEY", settings.secret_key),
        ("EXCHANGE_MASTER_KEYS", settings.master_keys),
        ("EXCHANGE_INSTANCE", settings.instance),
        ("EXCHANGE_DATA", str(settings.data_folder)),
    ):
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(exchange, ["ledger", *arguments])

    return run


def as_owner(books: Books, statement: str) -> None:
    """Change the books as somebody with all rights, past the guards."""
    with psycopg.connect(books.settings.database_url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(statement.encode())


class TestCheck:
    def test_books_that_hold_end_with_nil(self, books: Books, ledger: Command) -> None:
        result = ledger("check")
        assert (result.exit_code, result.stdout) == (ExitCode.OK, "")
        assert "invariants hold" in result.stderr

    def test_a_violation_is_printed_and_ends_with_one(self, books: Books, ledger: Command) -> None:
        as_owner(books, "UPDATE account SET balance = balance + 1 WHERE kind = 'payable'")
        result = ledger("check", "--json")
        as_owner(books, "UPDATE account SET balance = balance - 1 WHERE kind = 'payable'")
        assert result.exit_code == ExitCode.ERROR
        found = json.loads(result.stdout)["violations"]
        assert {sentence.split(": ")[0] for sentence in found} == {"ledger.balances", "ledger.zero"}


class TestBalance:
    def test_an_organization_is_found_by_name_and_by_id(
        self, books: Books, ledger: Command
    ) -> None:
        for name in ("Northern Leads", books.seller):
            result = ledger("balance", name)
            lines = [line.split() for line in result.stdout.splitlines()]
            assert lines == [["reserve", "12.00", "EUR"], ["payable", "73.00", "EUR"]]

    def test_as_json_amounts_are_minor_units(self, books: Books, ledger: Command) -> None:
        result = ledger("balance", books.buyer, "--json")
        assert {row["account"]: row["amount"] for row in json.loads(result.stdout)} == {
            "wallet": 19_667,
            "held": 333,
        }

    def test_nobody_of_that_name_ends_with_one(self, books: Books, ledger: Command) -> None:
        assert ledger("balance", "Nobody").exit_code == ExitCode.ERROR


class TestVerify:
    def test_a_chain_that_holds_ends_with_nil(self, books: Books, ledger: Command) -> None:
        result = ledger("verify", "--json")
        assert result.exit_code == ExitCode.OK
        found = json.loads(result.stdout)
        assert (found["links"], found["waiting"], found["faults"]) == (10, 0, [])

    def test_an_altered_amount_is_named_and_ends_with_one(
        self, books: Books, ledger: Command
    ) -> None:
        one = "(SELECT posting_id FROM chain_link WHERE seq = 4)"
        as_owner(books, f"UPDATE posting SET key = key || '!' WHERE id = {one}")
        result = ledger("verify")
        as_owner(books, f"UPDATE posting SET key = rtrim(key, '!') WHERE id = {one}")
        assert result.exit_code == ExitCode.ERROR
        assert "link 4" in result.stdout


class TestExport:
    def test_csv_holds_every_transfer(self, books: Books, ledger: Command) -> None:
        rows = list(csv.DictReader(io.StringIO(ledger("export").stdout)))
        sums: Counter[str] = Counter()
        for row in rows:
            sums[row["source"]] -= int(row["amount"])
            sums[row["target"]] += int(row["amount"])
        assert sums[f"{books.seller_id}/payable/EUR"] == 7_300
        assert sums["platform/cash/EUR"] == -30_000
        assert sum(sums.values()) == 0

    def test_beancount_balances_each_entry_and_asserts_each_account(
        self, books: Books, ledger: Command
    ) -> None:
        text = ledger("export", "--format", "beancount").stdout
        entries = re.split(r"\n\n", text)
        sums: Counter[str] = Counter()
        for entry in entries:
            legs = re.findall(r"^  (\S+)  (-?[\d.]+) EUR$", entry, re.MULTILINE)
            assert sum(cents(amount) for _, amount in legs) == 0
            for account, amount in legs:
                sums[account] += cents(amount)
        asserted = re.findall(r"balance (\S+)  (-?[\d.]+) EUR", text)
        assert {account: cents(amount) for account, amount in asserted} == dict(sums)
        assert set(re.findall(r"open (\S+)", text)) == set(sums)
        assert sums["Assets:House:Cash"] == 30_000

    def test_it_can_be_written_to_a_file(
        self, books: Books, ledger: Command, tmp_path: Path
    ) -> None:
        target = tmp_path / "books.csv"
        result = ledger("export", "--output", str(target))
        assert result.stdout == ""
        assert target.read_text().startswith("posting,key,reason")


def cents(amount: str) -> int:
    return round(float(amount) * 100)
