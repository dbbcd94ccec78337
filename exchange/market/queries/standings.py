"""Contracts as they stand: state, newest terms, what is left of caps, who may sell to them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from exchange.core import ids
from exchange.core.db import db
from exchange.core.money import Money
from exchange.identity.models import Organization, OrganizationStatus
from exchange.market import cap_periods
from exchange.market.action_pool import Backing
from exchange.market.allocation import Refusal, Taker
from exchange.market.contract_index import Entry
from exchange.market.contract_models import (
    Contract,
    ContractSource,
    ContractSourceStatus,
    ContractStatus,
    ContractTerms,
)
from exchange.market.contract_terms import Period
from exchange.market.models import Listing, ListingMode
from exchange.market.queries.actions import backings
from exchange.market.queries.caps import uses
from exchange.market.queries.contract_book import PRICE, AnyRow, entry_of
from exchange.market.queries.openness import is_open_to
from exchange.market.queries.stock import in_list

TO_CONTRACTS = (ListingMode.CONTRACTS, ListingMode.TARGETED)
SOURCES = {
    None: Refusal.SOURCE_NOT_APPROVED,
    ContractSourceStatus.REQUESTED: Refusal.SOURCE_NOT_APPROVED,
    ContractSourceStatus.REFUSED: Refusal.SOURCE_REFUSED,
}


@dataclass(frozen=True, slots=True)
class Seller:
    """From whom contracts would buy."""

    listing: Listing
    source_id: UUID


@dataclass(frozen=True, slots=True)
class Standing:
    """A contract at a moment: what it asks, how it takes part, what it used."""

    entry: Entry
    taker: Taker
    used: Mapping[Period, cap_periods.Used]
    limited_by: str = ""  # as its buyer was told last


def contract_rows(contract_ids: Collection[UUID], *, locked: bool = False) -> list[AnyRow]:
    """The contracts as they are now, with their buyers' state; locked in the order of their ids."""
    statement = (
        select(
            Contract.id,
            Contract.organization_id,
            Contract.vertical_id,
            Contract.schema_id,
            Contract.status,
            Contract.terms_version,
            PRICE,
            Contract.ranked_at,
            Contract.limited_by,
            Organization.status.label("buyer_status"),
        )
        .join(Organization, Organization.id == Contract.organization_id)
        .where(in_list(Contract.id, contract_ids))
        .order_by(Contract.id)
    )
    if locked:
        statement = statement.with_for_update(of=Contract, key_share=True)
    return list(db.session.execute(statement))


def standings(
    rows: Collection[AnyRow],
    *,
    seller: Seller,
    entries: Mapping[UUID, Entry],
    now: datetime,
    locked: bool = False,
) -> dict[UUID, Standing]:
    """How the contracts take part at the moment; what the index knows of them is read anew."""
    current = _current(rows, entries, now=now)
    begun = {key: cap_periods.starts(one.terms.time_zone, now) for key, one in current.items()}
    used = uses(begun)
    sources = _sources(seller.source_id, current)
    backed = _backings(current, listing=seller.listing, now=now)
    found = {}
    for row in rows:
        entry = current[row.id]
        source = SOURCES.get(sources.get(row.id)) if entry.terms.approves_sources else None
        refusal = _refusal(row, entry, seller.listing, now=now) or source
        taken = used.get(row.id, {})
        taker = _taker(entry, taken, refusal=refusal, now=now, locked=locked)
        taker.backing = backed.get(row.id)
        found[row.id] = Standing(entry, taker, taken, row.limited_by)
    return found


def _current(
    rows: Collection[AnyRow], entries: Mapping[UUID, Entry], *, now: datetime
) -> dict[UUID, Entry]:
    """What each asks by its newest terms; most are known to the index in this version."""
    known = {
        row.id: entries[row.id]
        for row in rows
        if row.id in entries and entries[row.id].version == row.terms_version
    }
    others = [row for row in rows if row.id not in known]
    if not others:
        return known
    content = _contents({row.id: row.terms_version for row in others})
    return known | {row.id: entry_of(row, content[row.id], now=now) for row in others}


def _contents(versions: Mapping[UUID, int]) -> dict[UUID, Any]:  # Any: JSON of Terms
    rows = db.session.execute(
        select(ContractTerms.contract_id, ContractTerms.version, ContractTerms.content).where(
            in_list(ContractTerms.contract_id, versions)
        )
    )
    return {
        row.contract_id: row.content for row in rows if versions[row.contract_id] == row.version
    }


def _backings(
    current: Mapping[UUID, Entry], *, listing: Listing, now: datetime
) -> dict[UUID, Backing]:
    """The money behind those that pay for actions."""
    currency = listing.price.currency
    return backings(
        {
            key: Money(entry.price_at(now), currency)
            for key, entry in current.items()
            if entry.is_per_action
        }
    )


def _sources(source_id: UUID, current: Mapping[UUID, Entry]) -> dict[UUID, ContractSourceStatus]:
    careful = [key for key, entry in current.items() if entry.terms.approves_sources]
    if not careful:
        return {}
    rows = db.session.execute(
        select(ContractSource.contract_id, ContractSource.status).where(
            ContractSource.source_id == source_id, in_list(ContractSource.contract_id, careful)
        )
    )
    return {row.contract_id: row.status for row in rows}


def _refusal(
    row: Row[Any],
    entry: Entry,
    listing: Listing,
    *,
    now: datetime,  # Any: see contract_rows
) -> Refusal | None:
    """Why the contract takes nothing of this listing at this moment."""
    terms, buyer = entry.terms, ids.encode(Organization.PREFIX, entry.buyer_id)
    checks = {
        Refusal.NOT_ACTIVE: row.status is ContractStatus.ACTIVE,
        Refusal.BUYER_NOT_APPROVED: row.buyer_status is OrganizationStatus.APPROVED,
        Refusal.OWN_LEADS: entry.buyer_id != listing.organization_id,
        Refusal.BUYER_NOT_WANTED: is_open_to(listing, buyer),
        Refusal.NOT_STARTED: terms.starts_at is None or terms.starts_at <= now,
        Refusal.ENDED: terms.ends_at is None or now < terms.ends_at,
        Refusal.SCHEDULE: terms.is_open(now),
        # A price is a price: only who sells to contracts alone, or to this one, may wait for an
        # action instead.
        Refusal.PER_ACTION: not entry.is_per_action or listing.mode in TO_CONTRACTS,
    }
    return next((reason for reason, holds in checks.items() if not holds), None)


def _taker(
    entry: Entry,
    used: Mapping[Period, cap_periods.Used],
    *,
    refusal: Refusal | None,
    now: datetime,
    locked: bool,
) -> Taker:
    trial, terms = entry.terms.trial_leads, entry.terms
    taken = used.get(Period.TOTAL, cap_periods.NOTHING)[0]
    return Taker(
        id=entry.id,
        buyer_id=entry.buyer_id,
        version=entry.version,
        price=entry.price_at(now),
        ranked_at=entry.ranked_at,
        refusal=refusal,
        leads_left=cap_periods.leads_left(terms.caps, used),
        amount_left=cap_periods.amount_left(terms.caps, used),
        trial_left=None if trial is None else trial - taken,
        is_locked=locked,
    )
