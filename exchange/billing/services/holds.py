"""Holds: money set aside for what was ordered. Each resolves once, captured or released."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, literal, select

from exchange.billing import accounts, ledger
from exchange.billing.ledger import Entry, Move
from exchange.billing.models import Hold, HoldStatus, Reason
from exchange.core import clock, events, ids
from exchange.core.actors import Actor
from exchange.core.db import db, get
from exchange.core.errors import Conflict, IllegalTransition, NotFound
from exchange.core.events import Ref
from exchange.core.money import Money, total
from exchange.core.sets import insert_rows
from exchange.core.states import transition_all
from exchange.identity.models import Organization


@dataclass(frozen=True, slots=True)
class LockedHold:
    """A hold as it is behind its lock."""

    id: UUID
    organization_id: UUID
    ref: Ref
    amount: Money
    status: HoldStatus


def place(
    *, organization_id: UUID, holds: Sequence[tuple[Ref, Money]], subject: Ref, actor: Actor
) -> None:
    """Set the sum aside, with one hold for each reference, or change nothing.

    Repeated for the same subject it moves no money. Raises InsufficientFunds with what is missing
    and Conflict when a repeat names other holds than the first call.
    """
    sums: defaultdict[str, list[Money]] = defaultdict(list)
    for _, amount in holds:
        sums[amount.currency].append(amount)
    moves = [_set_aside(organization_id, amounts) for amounts in sums.values()]
    key = f"hold-{subject.id}"
    if ledger.post(key=key, reason=Reason.HELD, subject=subject, moves=moves):
        write(organization_id, holds)
        events.record(
            "hold.placed",
            subject=subject,
            actor=actor,
            organization_id=organization_id,
            count=len(holds),
        )
    elif len(_lock({ref for ref, _ in holds})) != len(holds):
        raise Conflict("Other holds were placed for this before.")


def capture_all(
    *,
    refs: Sequence[Ref],
    seller_of: Mapping[UUID, UUID],
    actor: Actor,
    reason: Reason = Reason.DELIVERED,
) -> int:
    """Move what was held to the sellers' pending money, by hold; returns how many were active.

    Holds captured before stay as they are. Raises IllegalTransition when one was released.
    """
    active = lock_active(refs, unless=HoldStatus.CAPTURED)
    entries = [
        Entry(
            key=ledger.key(hold.ref, reason),
            reason=reason,
            subject=hold.ref,
            moves=(
                Move(
                    accounts.held(hold.organization_id, hold.amount.currency),
                    accounts.pending(seller_of[hold.ref.id], hold.amount.currency),
                    hold.amount,
                ),
            ),
        )
        for hold in active
    ]
    resolve(active, HoldStatus.CAPTURED, actor=actor)
    ledger.post_all(entries)
    return len(active)


def release_all(*, refs: Sequence[Ref], actor: Actor) -> int:
    """Give what was held back to the wallets, by hold; returns how many were active.

    Holds released before stay as they are. Raises IllegalTransition when one was captured.
    """
    active = lock_active(refs, unless=HoldStatus.RELEASED)
    entries = [
        Entry(
            key=ledger.key(hold.ref, "released"),
            reason=Reason.HOLD_RELEASED,
            subject=hold.ref,
            moves=(
                Move(
                    accounts.held(hold.organization_id, hold.amount.currency),
                    accounts.wallet(hold.organization_id, hold.amount.currency),
                    hold.amount,
                ),
            ),
        )
        for hold in active
    ]
    resolve(active, HoldStatus.RELEASED, actor=actor)
    ledger.post_all(entries)
    return len(active)


def lock_captured(refs: Iterable[Ref]) -> dict[Ref, LockedHold]:
    """Lock the holds behind these sales, so that nothing else is settled or refunded of them.

    Raises NotFound for a sale without a hold and Conflict for one that was not delivered.
    """
    found = {hold.ref: hold for hold in _lock_known(set(refs))}
    if any(hold.status is not HoldStatus.CAPTURED for hold in found.values()):
        raise Conflict("This was not delivered, so there is nothing to settle.")
    return found


def lock_active(refs: Sequence[Ref], *, unless: HoldStatus) -> list[LockedHold]:
    """The active ones among these holds, locked; the others must be in the state `unless`."""
    locked = _lock_known(set(refs))
    for hold in locked:
        if hold.status not in {HoldStatus.ACTIVE, unless}:
            raise IllegalTransition(
                "This money was captured or released before.", before=str(hold.status)
            )
    return [hold for hold in locked if hold.status is HoldStatus.ACTIVE]


def _lock_known(refs: set[Ref]) -> list[LockedHold]:
    locked = _lock(refs)
    if len(locked) != len(refs):
        raise NotFound("There is no hold for this.")
    return locked


def _lock(refs: set[Ref]) -> list[LockedHold]:
    """The holds of these references, locked in the order of their ids."""
    statement = (
        select(
            Hold.id,
            Hold.organization_id,
            Hold.subject_kind,
            Hold.subject_id,
            Hold.amount,
            Hold.status,
        )
        .where(
            Hold.subject_kind.in_({ref.kind for ref in refs}),
            Hold.subject_id == any_(literal([ref.id for ref in refs], ARRAY(Uuid))),
        )
        .order_by(Hold.id)
        .with_for_update()
    )
    return [
        LockedHold(
            row.id,
            row.organization_id,
            Ref(row.subject_kind, row.subject_id),
            row.amount,
            row.status,
        )
        for row in db.session.execute(statement)
    ]


def write(organization_id: UUID, holds: Sequence[tuple[Ref, Money]]) -> None:
    """Write down one active hold for each reference; the caller has set their sum aside."""
    write_all([(organization_id, ref, amount) for ref, amount in holds])


def write_all(holds: Sequence[tuple[UUID, Ref, Money]]) -> None:
    """The same of many owners."""
    rows = [
        {
            "id": ids.uuid7(),
            "organization_id": owner,
            "amount_amount": amount.amount,
            "amount_currency": amount.currency,
            "subject_kind": ref.kind,
            "subject_id": ref.id,
        }
        for owner, ref, amount in holds
    ]
    db.session.execute(insert_rows(Hold, rows, created_at=clock.now(), status=HoldStatus.ACTIVE))


def resolve(active: Sequence[LockedHold], to: HoldStatus, *, actor: Actor) -> None:
    """Move locked holds to their end, with one event for each buyer."""
    by_owner: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for hold in active:
        by_owner[hold.organization_id].append(hold.id)
    for owner, found in by_owner.items():
        moved = transition_all(
            Hold,
            where=[Hold.id == any_(literal(found, ARRAY(Uuid)))],
            to=to,
            parent=get(Organization, owner),
            actor=actor,
            organization_id=owner,
        )
        assert moved == len(found)


def _set_aside(organization_id: UUID, amounts: Sequence[Money]) -> Move:
    currency = amounts[0].currency
    return Move(
        accounts.wallet(organization_id, currency),
        accounts.held(organization_id, currency),
        total(amounts, currency),
    )
