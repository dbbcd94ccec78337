"""Verbs of matching: leads on sale meet contracts, and whoever ranks first buys.

Selection and the reservation of funds, caps and slots are one transaction, the caller's; `rounds`
says how it stays right beside others.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from exchange.billing import queries as billing
from exchange.core import clock, events
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import db, get
from exchange.core.errors import Conflict
from exchange.core.jobs import enqueue
from exchange.core.money import Currency
from exchange.market import queries
from exchange.market.allocation import Allocation, Refusal, Taker
from exchange.market.contract_models import ContractStatus
from exchange.market.fitting import misfits
from exchange.market.models import Listing, Order
from exchange.market.queries.meeting import (
    find_listing_of_lead,
    leads_for_contract,
    leads_of_listing,
)
from exchange.market.queries.standings import Standing, contract_rows, standings
from exchange.market.queries.stock import Goods
from exchange.market.services import contract_orders, contracts, meetings, rounds
from exchange.market.services.contract_orders import Win
from exchange.market.services.rounds import Sale

NOT_ON_SALE: Final = "This lead is not on sale at the moment."


@dataclass(frozen=True, slots=True)
class Matched:
    """What one round came to."""

    leads: int = 0  # that met all contracts
    sold: int = 0  # slots
    waiting: int = 0  # leads for which another contract is to be locked first


def match_listing(
    *, listing_id: UUID, lead_ids: Collection[UUID] | None = None, actor: Actor = SYSTEM
) -> int:
    """Let leads of a listing meet all contracts at once; returns how many slots were sold.

    Without `lead_ids` those that met nobody on the present terms, at most a thousand. Nothing to do
    where the listing is not on sale to contracts. Raises NotFound.
    """
    return match_round(listing_id=listing_id, lead_ids=lead_ids, actor=actor).sold


def match_round(
    *,
    listing_id: UUID,
    lead_ids: Collection[UUID] | None = None,
    counted: Collection[UUID] | None = None,
    actor: Actor = SYSTEM,
) -> Matched:
    """The same, saying as well how many leads are done with.

    With `counted` only the refusals of these contracts are: the others met the leads before.
    """
    listing = get(Listing, listing_id)
    db.session.refresh(listing)
    if not rounds.is_matched(listing):
        return Matched()
    sale = Sale.of(listing, leads_of_listing(listing, lead_ids=lead_ids))
    if not sale.leads:
        return Matched()
    leads = rounds.search(sale, queries.contract_index(listing.vertical_id))
    tentative = rounds.plan(sale, leads)
    won = tentative.won()
    lead_ids = {lead_id for some in won.values() for lead_id in some}
    if not rounds.lock_all(sale, won.keys(), lead_ids):
        return Matched()
    done = rounds.settle(sale, leads, locked=lead_ids)
    matched = _carry_out(sale, done, counted=counted, actor=actor)
    return replace(matched, waiting=len(leads) - matched.leads)


def buy_for(*, contract_id: UUID, lead_id: UUID, price_min: int, actor: Actor) -> Order:
    """Buy one lead for one contract, or change nothing; `price_min` in minor units.

    The contract pays its own price of the moment. Raises Conflict with the refusal, or what of the
    lead does not fit, as its code; `not_on_sale` where no listing sells the lead now.
    """
    listing = find_listing_of_lead(lead_id)
    if listing is None:
        raise Conflict(NOT_ON_SALE, code="not_on_sale")
    sale = Sale.of(listing, leads_of_listing(listing, lead_ids=[lead_id]))
    if sale.only not in {None, contract_id}:
        raise Conflict(NOT_ON_SALE, code="not_on_sale")
    contract = queries.get_contract(contract_id, viewer=None)
    rounds.read_one(sale, contract.id)
    if not rounds.lock_all(sale, [contract_id], [lead_id]) or not sale.leads[lead_id].free:
        raise Conflict(NOT_ON_SALE, code="not_on_sale")
    standing, lead = sale.standings[contract_id], sale.leads[lead_id]
    facts = replace(lead.facts, price_min=price_min)
    price = standing.taker.price
    misfit = next(misfits(standing.entry.terms, facts, price=price, now=sale.now), None)
    if misfit is not None:
        raise Conflict("The contract does not ask for this lead.", code=str(misfit))
    done = rounds.settle(sale, [rounds.offered(lead, [contract_id])], locked=[lead_id])
    outcome = done.outcomes[lead_id]
    if not outcome.takers:
        raise Conflict("The contract does not take this lead.", code=str(outcome.refused[0][1]))
    _carry_out(sale, done, counted=(contract_id,), actor=actor)
    return queries.order_of_lead(lead_id, contract_id=contract_id)


def review_contract(*, contract_id: UUID) -> bool:
    """Say to its buyer what limits a contract now, if anything; whether it can take leads.

    One that is limited for a while is due again when that is over.
    """
    now, found = clock.now(), contract_rows([contract_id])
    standing = standings(found, entries={}, now=now)[contract_id]
    limit = standing.taker.limit() or _unfunded(standing.taker, found[0].price_currency)
    if found[0].status is ContractStatus.ACTIVE:
        contracts.note_limit(contract_id=contract_id, limit=_word_of(limit, standing))
    due = meetings.due_again(standing, limit, at=now)
    if due is not None:
        meetings.be_due({contract_id: due}, at=now)
    return limit is None


def match_contract(*, contract_id: UUID, since: datetime | None = None) -> bool:
    """Let a contract meet a part of what is on sale now; whether there may be more.

    All contracts take part, so that who ranks higher still comes first. What met them at `since`
    or later, or else now, is left out.
    """
    now, found = clock.now(), contract_rows([contract_id])
    standing = standings(found, entries={}, now=now)[contract_id]
    if standing.taker.limit() is not None:
        return False
    some = leads_for_contract(
        standing.entry, vertical_id=found[0].vertical_id, now=now, before=since or now
    )
    if some is None:
        return False
    listing_id, lead_ids = some
    # It may come here as often as its buyer likes: one person would be counted up to five.
    counted = () if standing.entry.terms.asks_people else (contract_id,)
    return match_round(listing_id=listing_id, lead_ids=lead_ids, counted=counted).leads > 0


def _unfunded(taker: Taker, currency: str) -> Refusal | None:
    wallet = billing.wallets([taker.buyer_id], currency=Currency(currency))[taker.buyer_id]
    return Refusal.FUNDS if wallet < taker.cost else None


def _word_of(limit: Refusal | None, standing: Standing) -> str:
    """What a contract is told to be limited by: `cap`, `budget` (a cap of money), `funds`."""
    if limit is Refusal.CAP:
        left = standing.taker.leads_left
        return "cap" if left is not None and left < 1 else "budget"
    return "funds" if limit is Refusal.FUNDS else ""


def _carry_out(
    sale: Sale, done: Allocation, *, counted: Collection[UUID] | None, actor: Actor
) -> Matched:
    outcomes = list(done.outcomes.values())
    wins = rounds.wins_of(sale, done)
    contract_orders.write(sale.listing, wins, at=sale.now, actor=actor)
    fresh = meetings.note_leads(sale.listing, done.outcomes, at=sale.now)
    new = [done.outcomes[key] for key in fresh] if counted is None else []
    meetings.request_sources(sale.seller, outcomes, new=new, standings=sale.standings)
    meetings.plan_rounds(outcomes, standings=sale.standings, at=sale.now)
    meetings.end_trials(wins)
    matched = Matched(len(outcomes), sum(len(one.takers) for one in outcomes))
    if wins:
        _tell(sale.listing, matched, wins, actor=actor)
    meetings.note_refusals(new if counted is None else outcomes, at=sale.now, counted=counted)
    return matched


def _tell(listing: Listing, matched: Matched, wins: Sequence[Win], *, actor: Actor) -> None:
    """Whoever hands the leads over, and their seller, hears of the whole batch once."""
    events.record(
        "listing.matched",
        subject=listing,
        actor=actor,
        organization_id=listing.organization_id,
        leads=matched.leads,
        sold=matched.sold,
        per_action=sum(len(win.lead_ids) for win in wins if win.entry.is_per_action),
        amount=sum(win.amount for win in wins),
    )
    if not queries.has_stock(Goods.of(listing)):
        enqueue("market.reflect_stock", listing.id)
