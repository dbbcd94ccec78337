"""Statements: what moved on the accounts of one organization, with the balance after each line.

A line is one posting on one account; its balance is the running sum of the account's lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Select, func, select, tuple_

from exchange.billing.models import Account, AccountKind, Posting, Reason, Transfer
from exchange.billing.queries.journal import posting_public_id
from exchange.billing.queries.slices import Slice
from exchange.core import ids
from exchange.core.db import Record, db
from exchange.core.errors import Malformed
from exchange.core.events import Ref
from exchange.core.money import Currency, Money

LIMIT: Final = 25
LIMIT_MAX: Final = 100
ROWS_IN_MEMORY: Final = 5_000


@dataclass(frozen=True, slots=True)
class StatementLine:
    """What one posting did to one account."""

    posting_id: UUID
    account: AccountKind
    reason: Reason
    subject: Ref
    amount: Money  # negative: it left the account
    balance: Money  # afterwards
    occurred_at: datetime
    created_at: datetime

    @property
    def public_id(self) -> str:
        """The id of the posting behind the line."""
        return posting_public_id(self.posting_id)

    @property
    def subject_id(self) -> str:
        """The public id of what the line is about."""
        return public_id_of(self.subject)


def statement(
    organization_id: UUID,
    cursor: str | None = None,
    *,
    kind: AccountKind | None = None,
    currency: Currency | None = None,
    since: datetime | None = None,
    limit: int = LIMIT,
) -> Slice[StatementLine]:
    """The lines of an organization's accounts, newest first, of one account where it is named.

    Raises Malformed for a cursor that no statement gave out.
    """
    limit = min(limit, LIMIT_MAX)
    lines = _lines(organization_id, kind=kind, currency=currency)
    place = tuple_(lines.c.posting_id, lines.c.account_id)
    wanted = select(lines).order_by(lines.c.posting_id.desc(), lines.c.account_id.desc())
    if cursor:
        wanted = wanted.where(place < tuple_(*_parse(cursor)))
    if since:
        wanted = wanted.where(lines.c.created_at >= since)
    rows = db.session.execute(wanted.limit(limit + 1)).all()
    return Slice(
        [_line(row) for row in rows[:limit]],
        _cursor(rows[limit - 1]) if len(rows) > limit else None,
    )


def whole_statement(organization_id: UUID) -> Iterator[StatementLine]:
    """Every line of every account, oldest first, without keeping them in memory."""
    lines = _lines(organization_id, kind=None, currency=None)
    wanted = select(lines).order_by(lines.c.posting_id, lines.c.account_id)
    rows = db.session.execute(wanted.execution_options(yield_per=ROWS_IN_MEMORY))
    yield from (_line(row) for row in rows)


def public_id_of(ref: Ref) -> str:
    """The id of a reference as people see it, for a record of whatever package."""
    prefix = next((kind.PREFIX for kind in Record.__subclasses__() if ref.kind == kind.KIND), "")
    return ids.encode(prefix, ref.id) if prefix else f"{ref.kind} {ref.id}"


def _lines(
    organization_id: UUID, *, kind: AccountKind | None, currency: Currency | None
) -> Any:  # Any: a subquery, whose columns are known by name only
    movements = _movements(organization_id, kind=kind, currency=currency).subquery()
    amount = func.sum(movements.c.amount)
    running = func.sum(amount).over(
        partition_by=movements.c.account_id, order_by=movements.c.posting_id
    )
    return (
        select(
            movements.c.posting_id,
            movements.c.account_id,
            movements.c.kind,
            movements.c.currency,
            amount.label("amount"),
            running.label("balance"),
            Posting.reason,
            Posting.subject_kind,
            Posting.subject_id,
            Posting.occurred_at,
            Posting.created_at,
        )
        .join(Posting, Posting.id == movements.c.posting_id)
        .group_by(
            movements.c.posting_id,
            movements.c.account_id,
            movements.c.kind,
            movements.c.currency,
            Posting.id,
        )
        .subquery()
    )


def _movements(
    organization_id: UUID, *, kind: AccountKind | None, currency: Currency | None
) -> Any:  # Any: a compound select
    def side(column: Any, sign: int) -> Select[*tuple[Any, ...]]:  # Any: one of the two columns
        chosen = select(
            Transfer.posting_id,
            Account.id.label("account_id"),
            Account.kind,
            Account.currency,
            (sign * Transfer.amount).label("amount"),
        ).join(Account, Account.id == column)
        chosen = chosen.where(Account.organization_id == organization_id)
        if kind:
            chosen = chosen.where(Account.kind == kind)
        return chosen.where(Account.currency == currency) if currency else chosen

    return side(Transfer.target_id, 1).union_all(side(Transfer.source_id, -1))


def _line(row: Row[*tuple[Any, ...]]) -> StatementLine:
    currency = Currency(row.currency)
    return StatementLine(
        posting_id=row.posting_id,
        account=AccountKind(row.kind),
        reason=row.reason,
        subject=Ref(row.subject_kind, row.subject_id),
        amount=Money(int(row.amount), currency),
        balance=Money(int(row.balance), currency),
        occurred_at=row.occurred_at,
        created_at=row.created_at,
    )


def _cursor(row: Row[*tuple[Any, ...]]) -> str:
    return f"{row.posting_id.hex}{row.account_id.hex}"


def _parse(cursor: str) -> tuple[UUID, UUID]:
    try:
        return UUID(cursor[:32]), UUID(cursor[32:])
    except ValueError:
        raise Malformed("This cursor is not one of ours.") from None
