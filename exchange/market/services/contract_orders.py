"""Steps of matching that write: orders of contracts, their lines, what is counted and set aside.

Each is one statement for all contracts of a batch, whoever they belong to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from exchange.billing.services import hold_sets
from exchange.core import events
from exchange.core.actors import Actor
from exchange.core.db import db, get
from exchange.core.events import Ref, Said
from exchange.core.ids import uuid7
from exchange.core.money import Currency, Money
from exchange.core.sets import insert_rows
from exchange.leads.services.slots import claim_slots
from exchange.market.contract_index import Entry
from exchange.market.contract_models import Contract
from exchange.market.models import (
    LineStatus,
    Listing,
    Order,
    OrderLine,
    OrderStatus,
    PricingModel,
)
from exchange.market.queries.stock import lowest_free, slots_in_use
from exchange.market.services import action_holds, caps


@dataclass(frozen=True, slots=True)
class Win:
    """What one contract takes of a listing, at its price of the moment."""

    entry: Entry
    price: int  # minor units
    lead_ids: Sequence[UUID]
    order_id: UUID

    @property
    def amount(self) -> int:
        """What all of it costs, in minor units; nothing before an action (CPA)."""
        return 0 if self.entry.is_per_action else self.price * len(self.lead_ids)

    def total(self, currency: Currency) -> Money:
        """The same as money."""
        return Money(self.amount, currency)


def write(listing: Listing, wins: Sequence[Win], *, at: datetime, actor: Actor) -> None:
    """Sell these leads to these contracts, everything or nothing; `at` stands in every row.

    Contracts, leads and wallets are locked, and all of it fits: a slot that is missing, or money,
    is a fault of the caller.
    """
    if not wins:
        return
    _cover(wins, actor=actor)
    slots = _claim([lead_id for win in wins for lead_id in win.lead_ids])
    _write_orders(listing, wins, at=at, actor=actor)
    lines = _write_lines(listing, wins, slots=slots, at=at)
    _count(wins, at=at)
    _set_aside(listing, wins, lines)
    _say(listing, wins, actor=actor)


def _cover(wins: Sequence[Win], *, actor: Actor) -> None:
    """Before their leads are open, the pools of those that pay for actions grow for them."""
    for win in wins:
        if win.entry.is_per_action:
            action_holds.cover(
                contract=get(Contract, win.entry.id),
                price=win.price,
                new_leads=len(win.lead_ids),
                actor=actor,
            )


def _claim(lead_ids: Sequence[UUID]) -> dict[UUID, list[int]]:
    """As many slots of each lead as it is named, the lowest that no line holds."""
    wanted, sold = Counter(lead_ids), dict[UUID, int]()
    for times in range(1, max(wanted.values()) + 1):
        some = [lead_id for lead_id, n in wanted.items() if n >= times]
        claimed = claim_slots(some)
        assert len(claimed) == len(some), "a lead was sold behind its lock"
        sold = claimed | sold
    resold = [lead_id for lead_id, before in sold.items() if before]
    used = slots_in_use(resold) if resold else {}
    return {key: lowest_free(used.get(key, set()), n) for key, n in wanted.items()}


def _write_orders(listing: Listing, wins: Sequence[Win], *, at: datetime, actor: Actor) -> None:
    currency = listing.price.currency
    orders = [
        {
            "id": win.order_id,
            "buyer_id": win.entry.buyer_id,
            "quantity": len(win.lead_ids),
            "price_amount": win.price,
            "total_amount": win.amount,
            "contract_id": win.entry.id,
            "contract_version": win.entry.version,
        }
        for win in wins
    ]
    statement = insert_rows(
        Order,
        orders,
        created_at=at,
        listing_id=listing.id,
        terms_version=listing.terms_version,
        price_currency=currency,
        total_currency=currency,
        status=OrderStatus.CONFIRMED,
        placed_by_id=actor.id,
    )
    db.session.execute(statement)


def _write_lines(
    listing: Listing, wins: Sequence[Win], *, slots: Mapping[UUID, list[int]], at: datetime
) -> list[Ref]:
    """A line for each lead; the references to them in the order of the wins and their leads."""
    lines: list[dict[str, Any]] = [  # Any: values of many columns
        {
            "id": line_id,
            "order_id": win.order_id,
            "lead_id": lead_id,
            "buyer_id": win.entry.buyer_id,
            "contract_id": win.entry.id,
            "pricing_model": PricingModel.CPA if win.entry.is_per_action else PricingModel.CPL,
            "slot": slots[lead_id].pop(0),
            "price_amount": win.price,
        }
        for win in wins
        for line_id, lead_id in zip(
            sorted(uuid7() for _ in win.lead_ids), win.lead_ids, strict=True
        )
    ]
    statement = insert_rows(
        OrderLine,
        lines,
        created_at=at,
        seller_id=listing.organization_id,
        price_currency=listing.price.currency,
        refunded=0,
        status=LineStatus.RESERVED,
    )
    db.session.execute(statement)
    return [Ref(OrderLine.KIND, line["id"]) for line in lines]


def _count(wins: Sequence[Win], *, at: datetime) -> None:
    caps.count(
        [
            use
            for win in wins
            for use in caps.uses_at(
                win.entry.id,
                time_zone=win.entry.terms.time_zone,
                moment=at,
                leads=len(win.lead_ids),
                amount=win.amount,
            )
        ]
    )


def _set_aside(listing: Listing, wins: Sequence[Win], lines: Iterable[Ref]) -> None:
    """One posting for each order, one hold for each line; under CPA the pool stands for both."""
    rest = iter(lines)
    refs = [list(islice(rest, len(win.lead_ids))) for win in wins]
    wanted = [
        hold_sets.Wanted(
            organization_id=win.entry.buyer_id,
            subject=Ref(Order.KIND, win.order_id),
            refs=some,
            amount=Money(win.price, listing.price.currency),
        )
        for win, some in zip(wins, refs, strict=True)
        if not win.entry.is_per_action
    ]
    if wanted:
        hold_sets.place_all(wanted)


def _say(listing: Listing, wins: Sequence[Win], *, actor: Actor) -> None:
    """One event for each order, as of one that a buyer placed."""
    currency = listing.price.currency
    said = [
        Said(
            Ref(Order.KIND, win.order_id),
            win.entry.buyer_id,
            {
                "before": str(OrderStatus.PENDING),
                "quantity": len(win.lead_ids),
                "total": win.total(currency).amount,
                "currency": str(currency),
                "listing_id": str(listing.id),
                "seller_id": str(listing.organization_id),
                "contract_id": str(win.entry.id),
            },
        )
        for win in wins
    ]
    events.record_each("order.confirmed", said, actor=actor)
