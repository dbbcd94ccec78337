"""Steps of matching: what a lead meets is read, worked out without a lock, and again behind locks.

Only the contracts that would win are locked, with their buyers' turns; each is read again then, and
asked by its newest terms with the plain predicate. A lead that somebody else would win now, whose
lock is not held, waits for the next round.

Locks: turns of buyers, the listing's gate, contracts by id, leads by id, wallets.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from exchange.billing import queries as billing
from exchange.billing.services import hold_sets
from exchange.catalog import queries as catalog
from exchange.core import clock
from exchange.core.db import db, get
from exchange.core.ids import uuid7
from exchange.leads import queries as inventory
from exchange.leads.models import Batch
from exchange.market.allocation import (
    Allocation,
    Contracts,
    Offered,
    RankKey,
    Round,
    allocate,
)
from exchange.market.contract_index import ContractIndex, Entry, rank
from exchange.market.fitting import Misfit, fits, misfits
from exchange.market.models import Listing, ListingStatus
from exchange.market.queries.meeting import MODES, LeadOnSale, lock_leads
from exchange.market.queries.pairs import PeopleRules, barred
from exchange.market.queries.standings import Seller, Standing, contract_rows, standings
from exchange.market.services import gates
from exchange.market.services.contract_orders import Win

LOOKED_AHEAD: Final = 4  # contracts of a lead that are read together; twice as many each time


@dataclass(slots=True)
class Sale:
    """A listing whose leads meet contracts, with all that was read on the way."""

    listing: Listing
    seller: Seller
    only: UUID | None  # the contract that the leads were captured for: they meet no other
    rules: PeopleRules
    now: datetime
    found_at: datetime  # for which the index was asked
    leads: dict[UUID, LeadOnSale]
    entries: Mapping[UUID, Entry] = field(default_factory=dict)  # as the index knows them
    standings: dict[UUID, Standing] = field(default_factory=dict)
    wallets: dict[UUID, int] = field(default_factory=dict)

    @classmethod
    def of(cls, listing: Listing, leads: Iterable[LeadOnSale]) -> Sale:
        """The sale of these leads of the listing."""
        terms = catalog.get_terms(inventory.vertical_of(listing.vertical_id))
        window = timedelta(days=terms.duplicate_window_days)
        now, batch = clock.now(), get(Batch, listing.batch_id)
        return cls(
            listing=listing,
            seller=Seller(listing, batch.source_id),
            only=batch.contract_id,
            rules=PeopleRules(
                listing.vertical_id, now - window, terms.consent.named_buyer_required
            ),
            now=now,
            found_at=now,
            leads={lead.id: lead for lead in leads},
        )


def is_matched(listing: Listing) -> bool:
    """Whether standing orders buy from it: published, by a price, and not over."""
    has_ended = listing.expires_at is not None and listing.expires_at <= clock.now()
    return listing.status is ListingStatus.PUBLISHED and listing.mode in MODES and not has_ended


def search(sale: Sale, index: ContractIndex) -> list[Offered]:
    """Each lead with the contracts that it fits, and those that only pay too little."""
    if sale.only is not None:
        read_one(sale, sale.only)
        sale.entries = {sale.only: sale.standings[sale.only].entry}
        return [_search_one(sale, sale.only, lead) for lead in sale.leads.values()]
    sale.entries = index.entries
    return [_search(sale, index, lead) for lead in sale.leads.values()]


def plan(sale: Sale, leads: Sequence[Offered]) -> Allocation:
    """Who would win by what is known without a lock."""
    return work_out(sale, leads, Round())


def read_one(sale: Sale, contract_id: UUID) -> None:
    """What is known of one contract without a lock."""
    _read(sale, [contract_id], Round())


def lock_all(sale: Sale, contract_ids: Collection[UUID], lead_ids: Collection[UUID]) -> bool:
    """Lock these contracts and leads with all that belongs to them, and read them anew.

    False where the listing is not on sale on the same terms any more.
    """
    buyers = {sale.standings[key].entry.buyer_id for key in contract_ids}
    version = sale.listing.terms_version
    gates.enter_with_all(buyers, listing_id=sale.listing.id)
    db.session.refresh(sale.listing)
    if sale.listing.terms_version != version:
        return False
    rows = contract_rows(contract_ids, locked=True)
    sale.now = clock.after_lock()
    sale.standings |= standings(
        rows, seller=sale.seller, entries=sale.entries, now=sale.now, locked=True
    )
    free = lock_leads(lead_ids)
    for key in lead_ids:
        sale.leads[key] = replace(sale.leads[key], free=free.get(key, 0))
    sale.wallets |= hold_sets.lock_wallets(buyers, currency=sale.listing.price.currency)
    return True


def settle(sale: Sale, leads: Sequence[Offered], *, locked: Collection[UUID]) -> Allocation:
    """Who wins behind the locks; leads whose winner is not locked wait for the next round."""
    stale = {key for key in sale.standings if _is_stale(sale, key)}
    again = [
        replace(
            lead,
            contracts=_as_they_stand(sale, lead, stale=stale),
            free=sale.leads[lead.id].free,
            is_locked=lead.id in locked,
        )
        for lead in leads
        if sale.leads[lead.id].free
    ]
    known = Round({key: one.taker for key, one in sale.standings.items()}, dict(sale.wallets))
    return work_out(sale, again, known).without_waiting()


def work_out(sale: Sale, leads: Sequence[Offered], known: Round) -> Allocation:
    """Give the leads away, reading what turns out to be needed, until nothing is missing."""
    by_id, asked, ahead = {lead.id: lead for lead in leads}, set[tuple[UUID, UUID]](), LOOKED_AHEAD
    while True:
        done = allocate(leads, known)
        if done.unknown:
            wanted = {
                contract_id
                for key, place in done.unknown.items()
                for contract_id in by_id[key].contracts[place : place + ahead]
            }
            _read(sale, wanted - known.takers.keys(), known)
            assert wanted <= known.takers.keys(), "the index names contracts that are not there"
            ahead *= 2
            continue
        pairs = {
            (key, known.takers[contract_id].buyer_id)
            for key, outcome in done.outcomes.items()
            for contract_id in outcome.takers
        } - asked
        found = barred(pairs, sale.rules)
        if not found:
            return done
        asked |= pairs
        known.barred |= found


def wins_of(sale: Sale, done: Allocation) -> list[Win]:
    """What each contract takes; every order has an id by then, in the order of contracts."""
    return [
        Win(sale.standings[key].entry, sale.standings[key].taker.price, lead_ids, uuid7())
        for key, lead_ids in sorted(done.won().items())
    ]


def _search(sale: Sale, index: ContractIndex, lead: LeadOnSale) -> Offered:
    found = index.all_fitting(replace(lead.facts, price_min=0), sale.now)
    able, cheap = found.split(lead.facts.price_min)
    return offered(lead, able, too_cheap=cheap)


def _search_one(sale: Sale, contract_id: UUID, lead: LeadOnSale) -> Offered:
    """The lead with the one contract that it was captured for, if that asks for such a lead."""
    standing = sale.standings[contract_id]
    price = standing.taker.price
    reasons = set(misfits(standing.entry.terms, lead.facts, price=price, now=sale.now))
    fitting = [] if reasons else [contract_id]
    return offered(lead, fitting, too_cheap=[contract_id] if reasons == {Misfit.PRICE} else [])


def offered(lead: LeadOnSale, contracts: Contracts, *, too_cheap: Contracts = ()) -> Offered:
    """The lead as it is given away."""
    return Offered(
        id=lead.id,
        requested_at=lead.facts.requested_at,
        free=lead.free,
        person=lead.person,
        contracts=contracts,
        too_cheap=too_cheap,
    )


def _read(sale: Sale, contract_ids: Collection[UUID], known: Round) -> None:
    """How these contracts stand, and what their buyers can spend."""
    found = standings(
        contract_rows(contract_ids), seller=sale.seller, entries=sale.entries, now=sale.now
    )
    sale.standings |= found
    known.takers |= {key: one.taker for key, one in found.items()}
    buyers = {one.entry.buyer_id for one in found.values()}
    unread = buyers - sale.wallets.keys()
    sale.wallets |= billing.wallets(unread, currency=sale.listing.price.currency)
    known.wallets |= {key: sale.wallets[key] for key in buyers}


def _as_they_stand(sale: Sale, lead: Offered, *, stale: Collection[UUID]) -> Contracts:
    """The lead's contracts in their order now; who asks something else now may have left."""
    if not stale:
        return lead.contracts
    return sorted(
        (key for key in lead.contracts if key not in stale or _fits(sale, key, lead.id)),
        key=lambda key: _rank(sale, key),
    )


def _is_stale(sale: Sale, contract_id: UUID) -> bool:
    """Whether the contract is another than the one that was found: its terms or its price."""
    standing, entry = sale.standings.get(contract_id), sale.entries.get(contract_id)
    if standing is None or entry is None:
        return False
    return standing.entry is not entry or standing.taker.price != entry.price_at(sale.found_at)


def _fits(sale: Sale, contract_id: UUID, lead_id: UUID) -> bool:
    one = sale.standings[contract_id]
    facts = sale.leads[lead_id].facts
    return fits(one.entry.terms, facts, price=one.taker.price, now=sale.now)


def _rank(sale: Sale, contract_id: UUID) -> RankKey:
    if contract_id in sale.standings:
        return sale.standings[contract_id].taker.rank
    entry = sale.entries[contract_id]
    return (entry.is_per_action, *rank(entry, price=entry.price_at(sale.now)))
