"""Contracts as they stand: state, newest terms, what is left of caps, who may sell to them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, select

from exchange.billing import queries as billing
from exchange.core import ids
from exchange.core.db import db
from exchange.identity import queries as identity
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
)
from exchange.market.contract_terms import Period, Terms
from exchange.market.models import Listing, ListingMode
from exchange.market.queries.actions import backings
from exchange.market.queries.caps import uses
from exchange.market.queries.contract_book import PRICE, AnyRow, contents, entry_of
from exchange.market.queries.openness import is_open_to
from exchange.market.queries.stock import in_list

TO_CONTRACTS: Final = (ListingMode.CONTRACTS, ListingMode.TARGETED)
CURRENCY: Final = Contract.__table__.c.price_currency
# Asked for every ping, so it is put together once.
ROWS: Final = (
    select(
        Contract.id,
        Contract.organization_id,
        Contract.vertical_id,
        Contract.schema_id,
        Contract.status,
        Contract.terms_version,
        PRICE,
        CURRENCY,
        Contract.ranked_at,
        Contract.limited_by,
        Organization.status.label("buyer_status"),
    )
    .join(Organization, Organization.id == Contract.organization_id)
    .where(Contract.id == any_(bindparam("ids", type_=ARRAY(Uuid))))
    .order_by(Contract.id)
)
LOCKED: Final = ROWS.with_for_update(of=Contract, key_share=True)
FUNDED: Final = ROWS.add_columns(
    billing.wallet_of(Contract.organization_id, CURRENCY).label("wallet")  # of its currency
)
SOURCES: Final = {
    None: Refusal.SOURCE_NOT_APPROVED,
    ContractSourceStatus.REQUESTED: Refusal.SOURCE_NOT_APPROVED,
    ContractSourceStatus.REFUSED: Refusal.SOURCE_REFUSED,
}


@dataclass(frozen=True, slots=True)
class Seller:
    """From whom contracts would buy."""

    listing: Listing
    source_id: UUID

    def is_asked_for(self, entry: Entry) -> bool:
        """Whether the source needs the word of this contract's buyer: targeted leads always do."""
        return entry.terms.approves_sources or self.listing.mode is ListingMode.TARGETED


@dataclass(frozen=True, slots=True)
class Standing:
    """A contract at a moment: what it asks, how it takes part, what of its caps it used."""

    entry: Entry
    taker: Taker
    used: Mapping[Period, cap_periods.Used]
    limited_by: str = ""  # as its buyer was told last


def contract_rows(contract_ids: Collection[UUID], *, locked: bool = False) -> list[AnyRow]:
    """The contracts as they are now, with their buyers' state; locked in the order of their ids."""
    return list(db.session.execute(LOCKED if locked else ROWS, {"ids": list(contract_ids)}))


def funded_rows(contract_ids: Collection[UUID]) -> list[AnyRow]:
    """The same beside `wallet`, what their buyers can spend now, in minor units; nothing locked."""
    return list(db.session.execute(FUNDED, {"ids": list(contract_ids)}))


def standings(
    rows: Collection[AnyRow],
    *,
    seller: Seller | None = None,
    entries: Mapping[UUID, Entry],
    now: datetime,
    locked: bool = False,
) -> dict[UUID, Standing]:
    """How the contracts take part at the moment; what the index knows of them is read anew.

    Without a seller only what is their own limits them.
    """
    current = _current(rows, entries, now=now)
    used = uses({key: _counted(one.terms, now) for key, one in current.items()})
    sources = _sources(seller, current)
    related = identity.relatives(seller.listing.organization_id) if seller else frozenset()
    backed = _backings(current, now=now)
    found = {}
    for row in rows:
        entry = current[row.id]
        refusal = _refusal(row, entry, now=now)
        if seller is not None:
            refusal = refusal or _refusal_of(
                seller, entry, related=related, source=sources.get(row.id)
            )
        taken = used.get(row.id, {})
        taker = _taker(entry, taken, refusal=refusal, now=now, locked=locked)
        taker.backing = backed.get(row.id)
        found[row.id] = Standing(entry, taker, taken, row.limited_by)
    return found


def _counted(terms: Terms, now: datetime) -> cap_periods.Starts:
    """The periods of which it counts what the contract took, and when they began."""
    counts = {*terms.caps.periods, *([Period.TOTAL] if terms.trial_leads is not None else [])}
    begun = cap_periods.starts(terms.time_zone, now) if counts else {}
    return {period: at for period, at in begun.items() if period in counts}


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
    content = contents({row.id: row.terms_version for row in others})
    return known | {row.id: entry_of(row, content[row.id], now=now) for row in others}


def _backings(current: Mapping[UUID, Entry], *, now: datetime) -> dict[UUID, Backing]:
    """The money behind those that pay for actions."""
    per_action = {key: entry for key, entry in current.items() if entry.is_per_action}
    return backings({key: entry.price_at(now) for key, entry in per_action.items()})


def _sources(
    seller: Seller | None, current: Mapping[UUID, Entry]
) -> dict[UUID, ContractSourceStatus]:
    if seller is None:
        return {}
    careful = [key for key, entry in current.items() if seller.is_asked_for(entry)]
    if not careful:
        return {}
    rows = db.session.execute(
        select(ContractSource.contract_id, ContractSource.status).where(
            ContractSource.source_id == seller.source_id,
            in_list(ContractSource.contract_id, careful),
        )
    )
    return {row.contract_id: row.status for row in rows}


def _refusal(row: AnyRow, entry: Entry, *, now: datetime) -> Refusal | None:
    """Why the contract takes nothing at this moment."""
    terms = entry.terms
    checks = {
        Refusal.NOT_ACTIVE: row.status is ContractStatus.ACTIVE,
        Refusal.BUYER_NOT_APPROVED: row.buyer_status is OrganizationStatus.APPROVED,
        Refusal.NOT_STARTED: terms.starts_at is None or terms.starts_at <= now,
        Refusal.ENDED: terms.ends_at is None or now < terms.ends_at,
        Refusal.SCHEDULE: terms.is_open(now),
    }
    return next((reason for reason, holds in checks.items() if not holds), None)


def _refusal_of(
    seller: Seller,
    entry: Entry,
    *,
    related: Collection[UUID],
    source: ContractSourceStatus | None,
) -> Refusal | None:
    """Why it takes nothing of this seller's listing."""
    if entry.buyer_id == seller.listing.organization_id:
        return Refusal.OWN_LEADS
    if entry.buyer_id in related:
        return Refusal.RELATED
    if not is_open_to(seller.listing, ids.encode(Organization.PREFIX, entry.buyer_id)):
        return Refusal.BUYER_NOT_WANTED
    if entry.is_per_action and seller.listing.mode not in TO_CONTRACTS:
        return Refusal.PER_ACTION  # a price that anybody may pay is not waited for
    return SOURCES.get(source) if seller.is_asked_for(entry) else None


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
