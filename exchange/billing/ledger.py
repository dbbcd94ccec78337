"""The ledger: the only writer of accounts, postings and transfers.

Money goes from somewhere to somewhere, once, forever. A transfer has two sides, so it cannot be
unbalanced; a posting has a unique key, so it cannot be made twice; accounts are locked in the
order of their ids, so two postings cannot wait for each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    Integer,
    Text,
    Uuid,
    any_,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from exchange.billing.accounts import AccountRef
from exchange.billing.models import Account, Posting, Reason, Transfer
from exchange.core import clock
from exchange.core.db import db
from exchange.core.errors import InsufficientFunds
from exchange.core.events import Ref
from exchange.core.ids import uuid7
from exchange.core.money import CurrencyMismatch, Money
from exchange.core.sets import rows_of

MOMENT: Final = DateTime(timezone=True)


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

    Moves of nil are left out, and a posting without any other is not made. Raises
    InsufficientFunds, naming what is missing in minor units, when an account of a party would
    fall below its floor; nothing is written then, so the caller may go on with something else.
    """
    wanted = {entry.key: entry for entry in entries if any(move.amount for move in entry.moves)}
    if not wanted:
        return frozenset()
    # Locks come first: whoever makes the same posting touches the same accounts and waits here,
    # so that what is known to be made stays true until the end.
    funds = _lock({side for entry in wanted.values() for side in _sides(entry)})
    known = made(wanted)
    fresh = [entry for key, entry in wanted.items() if key not in known]
    _require_funds(funds, _net_change(fresh))
    postings = _insert_postings(fresh)
    done = [entry for entry in fresh if entry.key in postings]
    _write_balances(_net_change(done))
    _insert_transfers(done, postings)
    return frozenset(postings)


def made(keys: Iterable[str]) -> frozenset[str]:
    """Those of the keys under which a posting stands already."""
    wanted = literal(list(keys), ARRAY(Text))
    return frozenset(db.session.scalars(select(Posting.key).where(Posting.key == any_(wanted))))


def lock_balances(refs: Iterable[AccountRef]) -> dict[AccountRef, int]:
    """Lock these accounts of parties and read their balances, in minor units, for sums to be made.

    Name every account that the posting will touch: locks are taken in the order of ids, here and
    in `post_all`, and a second round could find another transaction in between.
    """
    wanted = set(refs)
    funds = _lock(wanted)
    return {ref: funds[ref.id].balance for ref in wanted if ref.organization_id is not None}


def set_floor(ref: AccountRef, floor: int) -> bool:
    """Let an account of a party go down to `floor`, in minor units; False where it is lower."""
    if _lock({ref})[ref.id].balance < floor:
        return False
    db.session.execute(
        update(Account).where(Account.id == ref.id).values(floor=floor),
        execution_options={"synchronize_session": False},
    )
    return True


def lock_headroom(source: AccountRef, *others: AccountRef) -> Money:
    """How much can leave an account before its floor, where a credit limit ends; never negative.

    Locks it with the others that the posting will touch, as `lock_balances` does.
    """
    return Money(lock_headrooms([source], others)[source], source.currency)


def lock_headrooms(
    sources: Collection[AccountRef], others: Iterable[AccountRef]
) -> dict[AccountRef, int]:
    """The same of many accounts at once, in minor units."""
    funds = _lock({*sources, *others})
    return {ref: funds[ref.id].headroom for ref in sources}


def key(subject: Ref, word: str) -> str:
    """The key of the posting that says `word` of a subject: `line-<id>-settled`."""
    return f"{subject.kind}-{subject.id}-{word}"


@dataclass(frozen=True, slots=True)
class _Funds:
    balance: int
    floor: int | None
    currency: str

    @property
    def headroom(self) -> int:
        assert self.floor is not None, "without a floor there is no end"
        return max(self.balance - self.floor, 0)


def _sides(entry: Entry) -> Iterator[AccountRef]:
    for move in entry.moves:
        yield move.source
        yield move.target


def _lock(refs: set[AccountRef]) -> dict[UUID, _Funds]:
    """Open the accounts that are missing; lock those of parties in the order of their ids."""
    if not refs:
        return {}
    _open_accounts(refs)
    parties = sorted(ref.id for ref in refs if ref.organization_id is not None)
    rows = db.session.execute(
        select(Account.id, Account.balance, Account.floor, Account.currency)
        .where(Account.id == any_(literal(parties, ARRAY(Uuid))))
        .order_by(Account.id)
        .with_for_update()
    )
    return {row.id: _Funds(row.balance, row.floor, row.currency) for row in rows}


def _require_funds(funds: Mapping[UUID, _Funds], change: Mapping[UUID, int]) -> None:
    for account_id, amount in change.items():
        here = funds[account_id]
        missing = 0 if here.floor is None else here.floor - (here.balance + amount)
        if missing > 0 and amount < 0:
            raise InsufficientFunds(missing=missing, currency=here.currency)


def _insert_postings(entries: Sequence[Entry]) -> dict[str, UUID]:
    """The keys that were new, with the ids of their postings.

    The clause about conflicts serves postings between platform accounts, which nobody locks.
    """
    now = clock.now()
    # Ids follow the order in which the postings were asked for, so that statements do too. Rows
    # go in by key, so that two transactions cannot wait for each other's.
    numbers = sorted(uuid7() for _ in entries)
    ordered = sorted(zip(entries, numbers, strict=True), key=lambda pair: pair[0].key)
    rows = rows_of(
        {
            "id": (Uuid(), [number for _, number in ordered]),
            "key": (Text(), [entry.key for entry, _ in ordered]),
            "reason": (Text(), [str(entry.reason) for entry, _ in ordered]),
            "subject_kind": (Text(), [entry.subject.kind for entry, _ in ordered]),
            "subject_id": (Uuid(), [entry.subject.id for entry, _ in ordered]),
            "occurred_at": (MOMENT, [entry.occurred_at or now for entry, _ in ordered]),
        }
    )
    source = select(*rows.c, literal(now, MOMENT))
    statement = insert(Posting).from_select([*rows.c.keys(), "created_at"], source)
    written = statement.on_conflict_do_nothing(index_elements=["key"])
    made_now = db.session.execute(written.returning(Posting.key, Posting.id))
    return {row.key: row.id for row in made_now}


def _write_balances(change: Mapping[UUID, int]) -> None:
    found = [(key, amount) for key, amount in sorted(change.items()) if amount]
    if not found:
        return
    keys, amounts = zip(*found, strict=True)
    rows = rows_of({"account": (Uuid(), keys), "change": (BigInteger(), amounts)})
    db.session.execute(
        update(Account)
        .where(Account.id == rows.c.account)
        .values(balance=Account.balance + rows.c.change),
        execution_options={"synchronize_session": False},
    )


def _net_change(entries: Sequence[Entry]) -> dict[UUID, int]:
    """By account of a party, what these postings add; platform accounts keep no balance."""
    change: defaultdict[UUID, int] = defaultdict(int)
    for move in (move for entry in entries for move in entry.moves):
        for side, sign in ((move.source, -1), (move.target, 1)):
            if side.organization_id is not None:
                change[side.id] += sign * move.amount.amount
    return change


def _open_accounts(refs: set[AccountRef]) -> None:
    same = Account.id == any_(literal([ref.id for ref in refs], ARRAY(Uuid)))
    known = set(db.session.scalars(select(Account.id).where(same)))
    missing = [ref for ref in refs if ref.id not in known]
    if not missing:
        return
    rows = [
        {
            "id": ref.id,
            "organization_id": ref.organization_id,
            "kind": ref.kind,
            "currency": ref.currency,
            "balance": None if ref.organization_id is None else 0,
            "floor": ref.floor,
        }
        for ref in sorted(missing, key=lambda ref: ref.id)
    ]
    db.session.execute(insert(Account).on_conflict_do_nothing().values(rows))


def _insert_transfers(entries: Sequence[Entry], postings: Mapping[str, UUID]) -> None:
    made = [
        (postings[entry.key], position, move)
        for entry in entries
        for position, move in enumerate(move for move in entry.moves if move.amount)
    ]
    if not made:
        return
    rows = rows_of(
        {
            "posting_id": (Uuid(), [posting for posting, _, _ in made]),
            "position": (Integer(), [position for _, position, _ in made]),
            "source_id": (Uuid(), [move.source.id for _, _, move in made]),
            "target_id": (Uuid(), [move.target.id for _, _, move in made]),
            "amount": (BigInteger(), [move.amount.amount for _, _, move in made]),
        }
    )
    db.session.execute(insert(Transfer).from_select(rows.c.keys(), select(*rows.c)))
