"""Leads on sale as contracts meet them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, func, select

from exchange.core import ids
from exchange.core.db import db, get
from exchange.identity.models import Organization
from exchange.leads.models import Batch, Contact, Lead, LeadStatus, Source
from exchange.market.contract_index import Entry
from exchange.market.contract_models import Contract, ContractStatus
from exchange.market.fitting import LeadFacts
from exchange.market.match_models import ContractRound, LeadMatch, MatchRequest
from exchange.market.models import Listing, ListingMode, ListingStatus
from exchange.market.queries.fitting_sql import fits_sql
from exchange.market.queries.stock import Goods, in_list, offered, on_sale

BATCH_MAX: Final = 1_000  # leads that are matched in one transaction
OPEN_MODES: Final = (ListingMode.FIXED, ListingMode.CONTRACTS)  # to every standing order
MODES: Final = (*OPEN_MODES, ListingMode.TARGETED)  # what standing orders buy from


@dataclass(frozen=True, slots=True)
class LeadOnSale:
    """A lead with all that decides who may have it."""

    id: UUID
    facts: LeadFacts
    free: int  # slots
    person: frozenset[bytes]  # keyed hashes by which equal people meet


def leads_of_listing(
    listing: Listing, *, lead_ids: Collection[UUID] | None = None
) -> list[LeadOnSale]:
    """Leads of the listing that met no contract on its present terms, or exactly these.

    The freshest first, at most as many as are matched together; what is not on sale is missing.
    """
    statement = _facts().where(*on_sale(Goods.of(listing)))
    if lead_ids is None:
        met = (LeadMatch.lead_id == Lead.id) & _on_present_terms(listing)
        statement = statement.where(~select(LeadMatch.lead_id).where(met).exists())
    else:
        statement = statement.where(in_list(Lead.id, lead_ids))
    ordered = statement.order_by(Lead.requested_at.desc(), Lead.id.desc()).limit(BATCH_MAX)
    return [_lead(row, listing) for row in db.session.execute(ordered)]


def leads_on_sale(lead_ids: Collection[UUID]) -> list[LeadOnSale]:
    """Those of the leads that a published listing of whatever mode sells, as contracts see them."""
    found: dict[UUID, LeadOnSale] = {}
    for listing_id in listings_selling(lead_ids):
        for lead in leads_of_listing(get(Listing, listing_id), lead_ids=lead_ids):
            found.setdefault(lead.id, lead)
    return list(found.values())


def find_listing_of_lead(lead_id: UUID) -> Listing | None:
    """The published listing that sells the lead, whatever its mode."""
    return db.session.scalar(
        select(Listing)
        .join(Lead, and_(*offered()))
        .where(Lead.id == lead_id, Listing.status == ListingStatus.PUBLISHED)
        .order_by(Listing.id)
        .limit(1)
    )


def facts_of(lead: Lead | Row[*tuple[Any, ...]], listing: Listing) -> LeadFacts:
    """What contracts are told of a lead, or of its columns, as the listing sells it."""
    return LeadFacts(
        attributes=lead.attributes,
        kind=lead.kind,
        region=lead.region,
        postal_code=lead.postal_code,
        quality_class=listing.quality_class,
        requested_at=lead.requested_at,
        bad_upper=listing.bad_upper,
        is_checked=lead.checked_at is not None,
        seller=ids.encode(Organization.PREFIX, lead.organization_id),
        source=ids.encode(Source.PREFIX, lead.source_id),
        price_min=listing.price.amount,
    )


def lock_leads(lead_ids: Collection[UUID]) -> dict[UUID, int]:
    """Lock these leads in the order of their ids; by lead on sale, how many slots are free."""
    rows = db.session.execute(
        select(Lead.id, Lead.status, Lead.sold, Lead.sales_max)
        .where(in_list(Lead.id, lead_ids))
        .order_by(Lead.id)
        .with_for_update(key_share=True)
    )
    return {row.id: row.sales_max - row.sold for row in rows if row.status is LeadStatus.VALID}


def leads_for_contract(
    entry: Entry, *, vertical_id: UUID, now: datetime, before: datetime
) -> tuple[UUID, list[UUID]] | None:
    """A listing with leads on sale that the contract asks for and that it did not meet yet.

    Nothing that met the contracts at `before` or later is named again. None: there is no more.
    """
    met = (LeadMatch.lead_id == Lead.id) & (LeadMatch.matched_at >= before)
    unmet = (
        select(Listing.id.label("listing_id"), Lead.id)
        .join(Lead, and_(*offered()))
        .where(
            Listing.vertical_id == vertical_id,
            Listing.status == ListingStatus.PUBLISHED,
            Listing.organization_id != entry.buyer_id,
            ~select(LeadMatch.lead_id).where(met).exists(),
        )
        .order_by(Listing.id, Lead.id)
        .limit(BATCH_MAX)
    )
    fitting = fits_sql(entry.terms, price=entry.price_at(now), now=now)
    everybodys = unmet.where(Listing.mode.in_(OPEN_MODES), *fitting)
    # Captured for the contract: whether they fit by now is told when they meet it.
    its_own = unmet.join(Batch, Batch.id == Listing.batch_id).where(
        Listing.mode == ListingMode.TARGETED, Batch.contract_id == entry.id
    )
    rows = db.session.execute(everybodys).all() or db.session.execute(its_own).all()
    if not rows:
        return None
    first = rows[0].listing_id
    return first, [row.id for row in rows if row.listing_id == first]


def listings_to_match(*, limit: int) -> list[UUID]:
    """Listings of which something is to meet the contracts, whoever waits longest first."""
    statement = select(MatchRequest.listing_id).group_by(MatchRequest.listing_id)
    return list(
        db.session.scalars(statement.order_by(func.min(MatchRequest.created_at)).limit(limit))
    )


def match_requests(listing_id: UUID) -> list[UUID]:
    """What a listing was to meet the contracts for, as far as it is committed."""
    statement = select(MatchRequest.id).where(MatchRequest.listing_id == listing_id)
    return list(db.session.scalars(statement))


def listings_selling(lead_ids: Collection[UUID]) -> list[UUID]:
    """Published listings that have something of these leads to sell."""
    statement = select(Listing.id).join(Lead, and_(*offered())).distinct()
    on = Listing.status == ListingStatus.PUBLISHED
    return list(db.session.scalars(statement.where(on, in_list(Lead.id, lead_ids))))


def contracts_due(now: datetime, *, limit: int) -> list[UUID]:
    """Contracts that are to meet what is on sale, whoever waits longest first."""
    statement = (
        select(ContractRound.contract_id)
        .where(ContractRound.due_at <= now)
        .group_by(ContractRound.contract_id)
        .order_by(func.min(ContractRound.due_at))
    )
    return list(db.session.scalars(statement.limit(limit)))


def rounds_due(contract_id: UUID, now: datetime) -> list[UUID]:
    """For what a contract is to meet what is on sale, as far as it is committed."""
    due = (ContractRound.contract_id == contract_id, ContractRound.due_at <= now)
    return list(db.session.scalars(select(ContractRound.id).where(*due)))


def contracts_of_buyer(organization_id: UUID, *, limited_by: str) -> list[UUID]:
    """A buyer's active contracts that were told to be limited by this."""
    return list(
        db.session.scalars(
            select(Contract.id).where(
                Contract.organization_id == organization_id,
                Contract.status == ContractStatus.ACTIVE,
                Contract.limited_by == limited_by,
            )
        )
    )


def _on_present_terms(listing: Listing) -> ColumnElement[bool]:
    return (LeadMatch.listing_id == listing.id) & (LeadMatch.terms_version == listing.terms_version)


def _facts() -> Select[*tuple[Any, ...]]:  # Any: columns of many types
    """Who was erased has no contact and is missing."""
    return select(
        Lead.id,
        Lead.attributes,
        Lead.kind,
        Lead.region,
        Lead.postal_code,
        Lead.requested_at,
        Lead.checked_at,
        Lead.organization_id,
        Lead.source_id,
        (Lead.sales_max - Lead.sold).label("free"),
        Contact.phone_index,
        Contact.email_index,
    ).join(Contact, Contact.lead_id == Lead.id)


def _lead(row: Row[*tuple[Any, ...]], listing: Listing) -> LeadOnSale:  # Any: see _facts
    person = frozenset(value for value in (row.phone_index, row.email_index) if value)
    return LeadOnSale(row.id, facts_of(row, listing), row.free, person)
