"""The ledger: the only writer of accounts, postings and transfers.

Money goes from somewhere to somewhere, once, forever. A transfer has two sides, so it cannot be
unbalanced; a posting has a unique key, so it cannot be made twice; accounts are locked in the
order of their ids, so two postings cannot wait for each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from exchange.billing.accounts import AccountRef
from exchange.billing.models import Account, Posting, Reason, Transfer
from exchange.core import clock
from exchange.core.db import db
from exchange.core.errors import InsufficientFunds
from exchange.core.events import Ref
from exchange.core.ids import uuid7
from exchange.core.money import CurrencyMismatch, Money

ROWS_PER_STATEMENT = 1_000
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Move:
    """One transfer to be made; the amount is in the currency of both accounts."""

    source: AccountRef
    target: AccountRef
    amount: Money

    def __post_init__(self) -> None:
        if not self.source.currency is self.target.currency is self.amount.currency:
            raise CurrencyMismatch(f"{self.source} and {self.target} by {self.amount}")
        if self.amount.amount < 0:
            raise ValueError("a move is never negative: exchange its sides instead")


@dataclass(frozen=True, slots=True)
class Entry:
    """A posting to be made: its key says that it happens once, its moves what it does."""

    key: str
    reason: Reason
    subject: Ref
    moves: tuple[Move, ...]
    occurred_at: datetime | None = None  # None: now


def post(
    *,
    key: str,
    reason: Reason,
    subject: Ref,
    moves: Sequence[Move],
    occurred_at: datetime | None = None,
) -> bool:
    """Make one posting; see `post_all`. True when it moved money, False when it was a repeat."""
    entry = Entry(key, reason, subject, tuple(moves), occurred_at)
    return bool(post_all([entry]))


def post_all(entries: Iterable[Entry]) -> frozenset[str]:
    """Make the postings whose keys are new, or change nothing; returns their keys.

    Moves of nil are left out. Raises InsufficientFunds, naming what is missing in minor units,
    when an account of a party would fall below its floor.
    """
    wanted = [entry for entry in entries if any(move.amount for move in entry.moves)]
    fresh = _insert_postings(wanted)
    moves = [
        (fresh[entry.key], position, move)
        for entry in wanted
        if entry.key in fresh
        for position, move in enumerate(m for m in entry.moves if m.amount)
    ]
    if moves:
        _apply([move for _, _, move in moves])
        _insert_transfers(moves)
    return frozenset(fresh)


def _insert_postings(entries: Sequence[Entry]) -> dict[str, UUID]:
    """The keys that were new, with the ids of their postings."""
    now, fresh = clock.now(), {}
    for some in _pages(entries):
        statement = insert(Posting).on_conflict_do_nothing(index_elements=["key"])
        rows = [
            {
                "id": uuid7(),
                "key": entry.key,
                "reason": entry.reason,
                "subject_kind": entry.subject.kind,
                "subject_id": entry.subject.id,
                "occurred_at": entry.occurred_at or now,
                "created_at": now,
            }
            for entry in some
        ]
        made = db.session.execute(statement.values(rows).returning(Posting.key, Posting.id))
        fresh.update({row.key: row.id for row in made})
    return fresh


def _apply(moves: Sequence[Move]) -> None:
    """Open what is missing, lock in the order of ids, check the floors and write the balances."""
    _open_accounts({side for move in moves for side in (move.source, move.target)})
    change = _net_change(moves)
    locked = db.session.execute(
        select(Account.id, Account.balance, Account.floor)
        .where(Account.id.in_(change))
        .order_by(Account.id)
        .with_for_update()
    ).all()
    for account_id, balance, floor in locked:
        missing = 0 if floor is None else floor - ((balance or 0) + change[account_id])
        if missing > 0:
            raise InsufficientFunds(missing=missing)
    db.session.connection().execute(
        update(Account)
        .where(Account.id == bindparam("account"))
        .values(balance=Account.balance + bindparam("change")),
        [{"account": key, "change": amount} for key, amount in sorted(change.items()) if amount],
    )


def _net_change(moves: Sequence[Move]) -> dict[UUID, int]:
    """By account of a party, what these moves add; platform accounts keep no balance."""
    change: defaultdict[UUID, int] = defaultdict(int)
    for move in moves:
        for side, sign in ((move.source, -1), (move.target, 1)):
            if side.organization_id is not None:
                change[side.id] += sign * move.amount.amount
    return change


def _open_accounts(refs: set[AccountRef]) -> None:
    rows = [
        {
            "id": ref.id,
            "organization_id": ref.organization_id,
            "kind": ref.kind,
            "currency": ref.currency,
            "balance": None if ref.organization_id is None else 0,
            "floor": ref.floor,
        }
        for ref in sorted(refs, key=lambda ref: ref.id)
    ]
    db.session.execute(insert(Account).on_conflict_do_nothing().values(rows))


def _insert_transfers(moves: Sequence[tuple[UUID, int, Move]]) -> None:
    rows = [
        {
            "posting_id": posting_id,
            "position": position,
            "source_id": move.source.id,
            "target_id": move.target.id,
            "amount": move.amount.amount,
        }
        for posting_id, position, move in moves
    ]
    for some in _pages(rows):
        db.session.execute(insert(Transfer).values(list(some)))


def _pages(rows: Sequence[Row]) -> list[Sequence[Row]]:
    starts = range(0, len(rows), ROWS_PER_STATEMENT)
    return [rows[start : start + ROWS_PER_STATEMENT] for start in starts]
