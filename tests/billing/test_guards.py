"""What the database itself refuses, whoever asks: the books are written once."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors

from exchange.app import create_app
from exchange.billing.services import sealing
from exchange.config import Settings
from exchange.core.db import db
from tests.billing.books import Deal, commit, fund
from tests.cast import make_cast
from tests.conftest import fresh_database, make_settings, worker_number

COLUMN = {"posting": "key", "transfer": "amount", "chain_link": "seq"}
ATTEMPTS = [
    statement
    for table, column in COLUMN.items()
    for statement in (
        f"UPDATE {table} SET {column} = {column}",
        f"DELETE FROM {table}",
        f"TRUNCATE {table} CASCADE",
    )
]


@pytest.fixture(scope="module")
def books(worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A database of its own with a few sealed postings in it."""
    number = worker_number(worker_id)
    with fresh_database(f"guards_{number}") as url:
        folder = tmp_path_factory.mktemp("guards")
        settings = make_settings(url, redis_database=number, folder=folder)
        app = create_app(settings)
        with app.app_context():
            cast = make_cast()
            fund(cast.buyer, 30_000)
            Deal(cast.buyer, cast.seller).deliver().settle()
            commit()
            assert sealing.seal_pending() > 0
            commit()
            db.session.remove()
            db.engine.dispose()
        yield settings


@pytest.mark.commits
class TestBooks:
    @pytest.mark.parametrize("statement", ATTEMPTS)
    def test_the_application_may_not_rewrite_them(self, books: Settings, statement: str) -> None:
        with (
            psycopg.connect(books.app_database_url) as connection,
            pytest.raises(errors.InsufficientPrivilege),
        ):
            connection.execute(statement.encode())

    @pytest.mark.parametrize("statement", ATTEMPTS)
    def test_not_even_their_owner_does_so_by_accident(
        self, books: Settings, statement: str
    ) -> None:
        with (
            psycopg.connect(books.database_url) as connection,
            pytest.raises(errors.RestrictViolation),
        ):
            connection.execute(statement.encode())

    @pytest.mark.parametrize("amount", [0, -5])
    def test_a_transfer_moves_something_in_one_direction(
        self, books: Settings, amount: int
    ) -> None:
        with (
            psycopg.connect(books.app_database_url) as connection,
            pytest.raises(errors.CheckViolation),
        ):
            connection.execute(
                "INSERT INTO transfer SELECT posting_id, 99, source_id, target_id, %s"
                " FROM transfer LIMIT 1",
                [amount],
            )

    def test_a_balance_never_falls_below_its_floor(self, books: Settings) -> None:
        with (
            psycopg.connect(books.app_database_url) as connection,
            pytest.raises(errors.CheckViolation),
        ):
            connection.execute("UPDATE account SET balance = -1 WHERE kind = 'wallet'")

    def test_a_key_is_used_once(self, books: Settings) -> None:
        with (
            psycopg.connect(books.app_database_url) as connection,
            pytest.raises(errors.UniqueViolation),
        ):
            connection.execute(
                "INSERT INTO posting SELECT gen_random_uuid(), key, reason, subject_kind,"
                " subject_id, occurred_at, created_at FROM posting LIMIT 1"
            )
