"""Questions about offers: what buyers show, who joined, and what became of the leads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, case, exists, func, literal, or_, select

from exchange.catalog import queries as catalog
from exchange.catalog.models import Vertical
from exchange.core import clock
from exchange.core.db import db, get
from exchange.core.errors import NotFound
from exchange.core.pagination import LIMIT, Page, paginate
from exchange.identity.models import Organization, OrganizationStatus
from exchange.leads.models import Batch, Lead, Source
from exchange.leads.post_models import SourceTerms
from exchange.leads.queries import vertical_of
from exchange.market.allocation import Refusal
from exchange.market.contract_models import (
    Contract,
    ContractSource,
    ContractSourceStatus,
    ContractStatus,
    ContractTerms,
)
from exchange.market.contract_terms import Terms
from exchange.market.fitting import misfits
from exchange.market.match_models import LeadMatch
from exchange.market.models import LineStatus, OrderLine, PricingModel
from exchange.market.offer_models import Offer, OfferStatus
from exchange.market.queries.contracts import resolved_terms, terms_of
from exchange.market.queries.meeting import leads_on_sale
from exchange.market.queries.refusals import TO_SELLER

TAKEN_MIN: Final = 20  # leads, under which a share says nothing
TAKEN: Final = (LineStatus.DELIVERED, LineStatus.SETTLED, LineStatus.RETURNED)


@dataclass(frozen=True, slots=True)
class OfferFigures:
    """What became of the leads that a contract took."""

    taken: int | None  # None: fewer than twenty
    returned: float | None  # share of them; None: too few


@dataclass(frozen=True, slots=True)
class OfferView:
    """An offer with what its contract says now; the buyer is a pseudonym (decision 1)."""

    offer: Offer
    contract: Contract
    terms: Terms
    vertical: Vertical
    buyer: str  # category and region
    return_window_hours: int
    figures: OfferFigures


def find_offer(contract_id: UUID) -> Offer | None:
    """What a contract is shown as, or was."""
    return db.session.scalar(select(Offer).where(Offer.contract_id == contract_id))


def get_offer(offer_id: UUID, *, viewer: UUID | None = None) -> Offer:
    """An offer that is shown to everybody, or that the viewer has joined. Raises NotFound."""
    seen = _shown()
    if viewer is not None:
        seen = or_(seen, _has_joined(viewer))
    found = db.session.scalar(_offers().where(Offer.id == offer_id, seen))
    if found is None:
        raise NotFound
    return found


def offers(
    *,
    vertical_id: UUID | None = None,
    region: str | None = None,
    pricing_model: PricingModel | None = None,
    cursor: str | None = None,
    limit: int = LIMIT,
) -> Page[Offer]:
    """Offers that a seller can join, newest first; `region`: those that take leads from there."""
    statement = _offers().where(_shown())
    if vertical_id is not None:
        statement = statement.where(Contract.vertical_id == vertical_id)
    if pricing_model is not None:
        statement = statement.where(Contract.pricing_model == pricing_model)
    if region:
        named = ContractTerms.content["regions"]
        statement = statement.where(or_(named.is_(None), named.contains([region])))
    return paginate(statement, Offer, cursor=cursor, limit=limit)


def offer_view(offer: Offer) -> OfferView:
    """The offer with what is said beside it; the door has fetched it for its viewer."""
    contract = get(Contract, offer.contract_id)
    vertical = vertical_of(contract.vertical_id)
    return OfferView(
        offer=offer,
        contract=contract,
        terms=terms_of(contract),
        vertical=vertical,
        buyer=get(Organization, offer.organization_id).trade_name,
        return_window_hours=catalog.get_terms(vertical).return_window_hours,
        figures=_figures(contract.id),
    )


def find_contract_source(contract_id: UUID, *, source_id: UUID) -> ContractSource | None:
    """A source as a contract knows it, if it does."""
    return db.session.scalar(
        select(ContractSource).where(
            ContractSource.contract_id == contract_id, ContractSource.source_id == source_id
        )
    )


def get_joined(joined_id: UUID, *, viewer: UUID | None) -> ContractSource:
    """A seller's own source that joined an offer. Raises NotFound."""
    joined = get(ContractSource, joined_id)
    if joined.organization_id != viewer or not _terms_of_joined([joined]):
        raise NotFound
    return joined


def joined(*, viewer: UUID, cursor: str | None = None, limit: int = LIMIT) -> Page[ContractSource]:
    """The sources with which a seller joined offers, newest first."""
    statement = select(ContractSource).where(
        ContractSource.organization_id == viewer, exists().where(*_same_joined())
    )
    return paginate(statement, ContractSource, cursor=cursor, limit=limit)


def joined_to(contract_id: UUID, *, viewer: UUID) -> Sequence[ContractSource]:
    """The sources with which a seller joined the offer of a contract, oldest first."""
    statement = select(ContractSource).where(
        ContractSource.contract_id == contract_id,
        ContractSource.organization_id == viewer,
        exists().where(*_same_joined()),
    )
    return db.session.scalars(statement.order_by(ContractSource.id)).all()


@dataclass(frozen=True, slots=True)
class JoinedView:
    """A source that joined an offer, with what is posted and what was taken."""

    joined: ContractSource
    offer: OfferView
    source: Source
    terms: SourceTerms
    counts: Mapping[LineStatus, int]  # sold leads by what became of them
    posted: int  # leads that are kept for the offer

    @property
    def taken(self) -> int:
        """Leads that were delivered, whatever became of them."""
        return sum(self.counts.get(status, 0) for status in TAKEN)

    @property
    def returned(self) -> int:
        """Leads that the buyer gave back."""
        return self.counts.get(LineStatus.RETURNED, 0)

    @property
    def is_price_agreed(self) -> bool:
        """Whether the offer pays at least what the seller has agreed to."""
        return self.offer.contract.price.amount >= self.terms.price.amount


def joined_views(found: Sequence[ContractSource]) -> list[JoinedView]:
    """These with their offers, in their order."""
    terms = _terms_of_joined(found)
    views = []
    for one in found:
        offer = find_offer(one.contract_id)
        assert offer is not None  # joining went through it
        views.append(
            JoinedView(
                joined=one,
                offer=offer_view(offer),
                source=get(Source, one.source_id),
                terms=terms[one.id],
                counts=_sold(one),
                posted=_posted(one),
            )
        )
    return views


def why_closed(terms_id: UUID) -> str:
    """Why nothing can be posted on these terms for their contract; empty: it can."""
    statement = _standing().with_only_columns(_reason()).where(SourceTerms.id == terms_id)
    return db.session.scalar(statement) or ""


def contracts_out_of_step(*, limit: int) -> Sequence[UUID]:
    """Contracts whose terms of posting are open or closed for a reason that is over."""
    statement = _standing().with_only_columns(SourceTerms.contract_id).distinct()
    wrong = SourceTerms.closed_reason != _reason()
    return [found for found in db.session.scalars(statement.where(wrong).limit(limit)) if found]


def targeted_leads(
    one: ContractSource, *, cursor: str | None = None, limit: int = LIMIT
) -> Page[Lead]:
    """Leads that a source brought for a contract, newest first."""
    statement = (
        select(Lead)
        .join(Batch, Batch.id == Lead.batch_id)
        .where(Batch.contract_id == one.contract_id, Batch.source_id == one.source_id)
    )
    return paginate(statement, Lead, cursor=cursor, limit=limit)


def why_not_taken(one: ContractSource, lead_ids: Collection[UUID]) -> dict[UUID, str]:
    """By lead that met the contract and was not taken: the word of what keeps it from being.

    A limit as it was when they met, in the words for sellers, else the first thing that does not
    fit what the contract asks now (Misfit).
    """
    rows = db.session.execute(
        select(LeadMatch.lead_id, LeadMatch.refusals).where(
            LeadMatch.lead_id.in_(lead_ids), LeadMatch.taken == 0
        )
    )
    met = {row.lead_id: _to_seller(row.refusals) for row in rows}
    unfit = _misfits(one, [lead_id for lead_id, reason in met.items() if not reason])
    return met | unfit


def _to_seller(refusals: Mapping[str, Any]) -> str:  # Any: JSON of LeadMatch
    return next((str(TO_SELLER.get(Refusal(word), word)) for word in refusals), "")


def _misfits(one: ContractSource, lead_ids: Collection[UUID]) -> dict[UUID, str]:
    contract = get(Contract, one.contract_id)
    now = clock.now()
    terms = terms_of(contract)
    terms = resolved_terms(contract, now.astimezone(ZoneInfo(terms.time_zone)).date())
    price = terms.price_at(now, price=contract.price.amount)
    found = {}
    for lead in leads_on_sale(lead_ids):
        reason = next(misfits(terms, lead.facts, price=price, now=now), None)
        found[lead.id] = str(reason or "")
    return found


def lines_of_leads(lead_ids: Sequence[UUID]) -> dict[UUID, OrderLine]:
    """By lead, its last sale that was not let go of."""
    return {line.lead_id: line for line in reversed(_sales(lead_ids))}


def sales_of_lead(lead_id: UUID) -> Sequence[OrderLine]:
    """The sales of a lead that were not let go of, the last first; the caller may see it."""
    return _sales([lead_id])


def _sales(lead_ids: Collection[UUID]) -> Sequence[OrderLine]:
    statement = select(OrderLine).where(
        OrderLine.lead_id.in_(lead_ids), OrderLine.status != LineStatus.RELEASED
    )
    return db.session.scalars(statement.order_by(OrderLine.id.desc())).all()


def _offers() -> Select[Offer]:
    return (
        select(Offer)
        .join(Contract, Contract.id == Offer.contract_id)
        .join(
            ContractTerms,
            (ContractTerms.contract_id == Contract.id)
            & (ContractTerms.version == Contract.terms_version),
        )
        .join(Organization, Organization.id == Offer.organization_id)
    )


def _shown() -> ColumnElement[bool]:
    return (
        (Offer.status == OfferStatus.PUBLISHED)
        & (Contract.status == ContractStatus.ACTIVE)
        & (Organization.status == OrganizationStatus.APPROVED)
    )


def _has_joined(viewer: UUID) -> ColumnElement[bool]:
    return exists().where(
        SourceTerms.contract_id == Offer.contract_id, SourceTerms.organization_id == viewer
    )


def _same_joined() -> tuple[ColumnElement[bool], ...]:
    return (
        SourceTerms.contract_id == ContractSource.contract_id,
        SourceTerms.source_id == ContractSource.source_id,
    )


def _terms_of_joined(found: Sequence[ContractSource]) -> dict[UUID, SourceTerms]:
    rows = db.session.execute(
        select(ContractSource.id, SourceTerms)
        .join(SourceTerms, (_same_joined()[0]) & (_same_joined()[1]))
        .where(ContractSource.id.in_([one.id for one in found]))
    )
    return {row.id: row.SourceTerms for row in rows}


def _standing() -> Select[Any]:  # Any: its columns are chosen by whoever asks
    """Terms of posting for a contract, with the contract and what it says of the source."""
    same = (ContractSource.contract_id == SourceTerms.contract_id) & (
        ContractSource.source_id == SourceTerms.source_id
    )
    return (
        select(SourceTerms)
        .join(Contract, Contract.id == SourceTerms.contract_id)
        .outerjoin(ContractSource, same)
    )


def _reason() -> ColumnElement[str]:
    state = func.coalesce(ContractSource.status, literal(ContractSourceStatus.REFUSED.value))
    return case(
        (Contract.status == ContractStatus.ENDED, "ended"),
        (state != ContractSourceStatus.APPROVED.value, state),
        (Contract.status != ContractStatus.ACTIVE, "paused"),
        else_="",
    )


def _figures(contract_id: UUID) -> OfferFigures:
    row = db.session.execute(
        select(
            func.count().label("taken"),
            func.count().filter(OrderLine.status == LineStatus.RETURNED).label("returned"),
        ).where(OrderLine.contract_id == contract_id, OrderLine.status.in_(TAKEN))
    ).one()
    if row.taken < TAKEN_MIN:
        return OfferFigures(None, None)
    return OfferFigures(row.taken, row.returned / row.taken)


def _sold(one: ContractSource) -> dict[LineStatus, int]:
    rows = db.session.execute(
        select(OrderLine.status, func.count())
        .join(Lead, Lead.id == OrderLine.lead_id)
        .join(Batch, Batch.id == Lead.batch_id)
        .where(Batch.contract_id == one.contract_id, Batch.source_id == one.source_id)
        .group_by(OrderLine.status)
    )
    return {row[0]: row[1] for row in rows}


def _posted(one: ContractSource) -> int:
    statement = (
        select(func.count())
        .select_from(Lead)
        .join(Batch, Batch.id == Lead.batch_id)
        .where(Batch.contract_id == one.contract_id, Batch.source_id == one.source_id)
    )
    return db.session.scalar(statement) or 0
