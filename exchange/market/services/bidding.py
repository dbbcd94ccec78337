"""What contracts bid for a lead that is offered without its person, and taking such a bid.

A bid is a contract at one version of its terms, and its price is what the buyer is charged or
nothing is: a contract that was changed, paused or used up since stands for no bid. One is told
only where it could be paid now; whether it still can is decided behind the locks of the purchase.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any, Final, Self
from uuid import UUID

from sqlalchemy import select

from exchange.core import clock
from exchange.core.actors import Actor
from exchange.core.db import Attempt, TakenBack, db
from exchange.core.errors import DomainError
from exchange.core.ids import encode, uuid7
from exchange.core.money import Currency, Money
from exchange.identity.models import Organization
from exchange.leads.checking import CheckedRow
from exchange.leads.models import Source
from exchange.leads.post_models import SourceTerms
from exchange.market.contract_index import Entry
from exchange.market.contract_models import Contract
from exchange.market.fitting import LeadFacts
from exchange.market.models import Listing, ListingStatus
from exchange.market.queries.contract_book import contract_index
from exchange.market.queries.meeting import MODES
from exchange.market.queries.pings import listing_of_open_lot
from exchange.market.queries.standings import Seller, funded_rows, standings
from exchange.market.services import matches
from exchange.market.services.listings import upper_of_source

BIDS_MAX: Final = 5  # that are told; nobody takes the sixth
AT_ONCE: Final = BIDS_MAX + 1  # contracts that are asked together whether they can pay
ASKED_MAX: Final = 20 * AT_ONCE
PREFIX: Final = "pbid"
# Why nobody bids: of all contracts together, so that it is no word about one of them.
NOT_OPEN: Final = "not_open_to_contracts"
NONE_ASKS: Final = "no_contract_asks"
PAY_LESS: Final = "contracts_pay_less"
NONE_TAKES: Final = "no_contract_takes_now"


@dataclass(frozen=True, slots=True)
class Bid:
    """What one contract pays for the lead of a ping."""

    id: str  # public; says nothing of the buyer
    contract_id: UUID
    version: int  # of the contract's terms
    price: Money
    sales_max: int  # how often the lead may be sold, this sale included

    @property
    def is_exclusive(self) -> bool:
        """Whether nobody else gets the lead."""
        return self.sales_max == 1

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The form in which bids are stored with their ping."""
        return {
            "id": self.id,
            "contract_id": str(self.contract_id),
            "version": self.version,
            "amount": self.price.amount,
            "currency": str(self.price.currency),
            "sales_max": self.sales_max,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:  # Any: JSON
        """Read what `to_json` wrote."""
        return cls(
            data["id"],
            UUID(data["contract_id"]),
            data["version"],
            Money(data["amount"], Currency(data["currency"])),
            data["sales_max"],
        )


def bids_for(
    terms: SourceTerms, row: CheckedRow, *, kept_from: Collection[UUID] = ()
) -> tuple[Bid, ...]:
    """The bids for a checked lead of the source, the highest rank first (decision 25).

    `kept_from` are buyers who do not buy its person.
    """
    now, listing = clock.now(), _listing(terms)
    if listing is None:
        return ()
    meant = _asking(terms, _facts(terms, row, listing), now=now)
    asked = islice((one for one in meant if one.buyer_id not in kept_from), ASKED_MAX)
    able = _able(terms, listing, asked, now=now)
    return tuple(_bid(terms, one, price) for one, price in islice(able, BIDS_MAX))


def why_none(terms: SourceTerms, row: CheckedRow) -> str:
    """Why no contract bids for a checked lead of the source, in a code."""
    now, listing = clock.now(), _listing(terms)
    if listing is None:
        return NOT_OPEN
    facts = _facts(terms, row, listing)
    if any(True for _one in _asking(terms, facts, now=now)):
        return NONE_TAKES
    at_any_price = replace(facts, price_min=0)
    asks = any(True for _one in _asking(terms, at_any_price, now=now))
    return PAY_LESS if asks else NONE_ASKS


def buy(bid: Bid, *, lead_id: UUID, actor: Actor) -> bool:
    """Buy the lead for the bid, or change nothing; returns whether it was bought."""
    with Attempt():
        try:
            order = matches.buy_for(
                contract_id=bid.contract_id,
                lead_id=lead_id,
                price_min=bid.price.amount,
                actor=actor,
            )
        except DomainError as refused:
            raise TakenBack from refused
        if (order.price, order.contract_version) != (bid.price, bid.version):
            raise TakenBack
        return True
    return False


def buyers_of(bids: Collection[Bid]) -> set[UUID]:
    """Whose contracts they are of."""
    named = select(Contract.organization_id).where(Contract.id.in_(b.contract_id for b in bids))
    return set(db.session.scalars(named))


def example(terms: SourceTerms) -> Bid:
    """A bid that nobody made, at the price that the source asks."""
    return Bid(encode(PREFIX, uuid7()), uuid7(), 1, terms.price, terms.sales_max)


def _asking(terms: SourceTerms, facts: LeadFacts, *, now: datetime) -> Iterator[Entry]:
    """The contracts that the lead may be sold to and fits, the highest rank first."""
    fitting = contract_index(terms.vertical_id).fitting(facts, now)
    return (one for one in fitting if terms.contract_id in {None, one.id})  # decision 2


def _able(
    terms: SourceTerms, listing: Listing, entries: Iterator[Entry], *, now: datetime
) -> Iterator[tuple[Entry, int]]:
    """Those of the contracts that could pay one more lead of the source, and what they pay."""
    seller = Seller(listing, terms.source_id)
    while some := list(islice(entries, AT_ONCE)):
        known = {entry.id: entry for entry in some}
        rows = {row.id: row for row in funded_rows(known)}
        found = standings(rows.values(), seller=seller, entries=known, now=now)
        for entry in some:
            if entry.id not in found:  # the index may know what was taken back
                continue
            taker = found[entry.id].taker
            is_same = taker.version == entry.version
            if is_same and taker.limit() is None and rows[entry.id].wallet >= taker.price:
                yield entry, taker.price


def _listing(terms: SourceTerms) -> Listing | None:
    """The listing by which the lead would be sold; None: to no contract at the moment.

    A lot that is not open yet is listed on the terms of the source.
    """
    found = listing_of_open_lot(terms)
    if found is None:
        return Listing(
            organization_id=terms.organization_id,
            quality_class=terms.quality_class,
            bad_upper=upper_of_source(terms),
            price=terms.price,
            buyers_only=[],
            buyers_never=[],
        )
    is_on = found.status in {ListingStatus.PUBLISHED, ListingStatus.SOLD_OUT}
    return found if is_on and found.mode in MODES else None


def _facts(terms: SourceTerms, row: CheckedRow, listing: Listing) -> LeadFacts:
    return LeadFacts(
        attributes=row.attributes,
        kind=terms.kind,
        region=row.region,
        postal_code=row.postal_code,
        quality_class=listing.quality_class,
        requested_at=row.requested_at or clock.now(),
        bad_upper=listing.bad_upper,
        is_checked=False,
        seller=encode(Organization.PREFIX, terms.organization_id),
        source=encode(Source.PREFIX, terms.source_id),
        price_min=listing.price.amount,
    )


def _bid(terms: SourceTerms, entry: Entry, price: int) -> Bid:
    money = Money(price, terms.price.currency)
    return Bid(encode(PREFIX, uuid7()), entry.id, entry.version, money, terms.sales_max)
