"""What the database itself refuses, whoever asks: the books are written once."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors

from tests.billing.conftest import Books

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


@pytest.mark.commits
class TestBooks:
    @pytest.mark.parametrize("statement", ATTEMPTS)
    def test_the_application_may_not_rewrite_them(self, books: Books, statement: str) -> None:
        with (
            psycopg.connect(books.settings.app_database_url) as connection,
            pytest.raises(errors.InsufficientPrivilege),
        ):
            connection.execute(statement.encode())

    @pytest.mark.parametrize("statement", ATTEMPTS)
    def test_not_even_their_owner_does_so_by_accident(self, books: Books, statement: str) -> None:
        with (
            psycopg.connect(books.settings.database_url) as connection,
            pytest.raises(errors.RestrictViolation),
        ):
            connection.execute(statement.encode())

    @pytest.mark.parametrize("amount", [0, -5])
    def test_a_transfer_moves_something_in_one_direction(self, books: Books, amount: int) -> None:
        with (
            psycopg.connect(books.settings.app_database_url) as connection,
            pytest.raises(errors.CheckViolation),
        ):
            connection.execute(
                "INSERT INTO transfer SELECT posting_id, 99, source_id, target_id, %s"
                " FROM transfer LIMIT 1",
                [amount],
            )

    def test_a_balance_never_falls_below_its_floor(self, books: Books) -> None:
        with (
            psycopg.connect(books.settings.app_database_url) as connection,
            pytest.raises(errors.CheckViolation),
        ):
            connection.execute("UPDATE account SET balance = -1 WHERE kind = 'wallet'")

    def test_a_key_is_used_once(self, books: Books) -> None:
        with (
            psycopg.connect(books.settings.app_database_url) as connection,
            pytest.raises(errors.UniqueViolation),
        ):
            connection.execute(
                "INSERT INTO posting SELECT gen_random_uuid(), key, reason, subject_kind,"
                " subject_id, occurred_at, created_at FROM posting LIMIT 1"
            )
