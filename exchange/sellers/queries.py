"""What the seller's pages show: rows of several packages read together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from exchange.catalog import queries as catalog
from exchange.catalog.fields import LeadFields
from exchange.catalog.models import Vertical
from exchange.core.db import db, get
from exchange.core.events import Event, Ref
from exchange.core.money import Money
from exchange.core.pagination import Page
from exchange.fulfillment.models import LeadReturn
from exchange.leads import cards, post_queries
from exchange.leads import queries as leads
from exchange.leads.models import Batch, BatchStatus, Import, Lead, Source
from exchange.leads.post_models import SourceTerms
from exchange.leads.services.mending import open_words
from exchange.leads.suspicion import explained
from exchange.market import queries as market
from exchange.market.decay import Decay
from exchange.market.models import Listing, OrderLine
from exchange.reports import queries as reports
from exchange.sellers.price_hints import PriceHint, hints_for
from exchange.verification import queries as verification
from exchange.verification.queries import Cell


@dataclass(frozen=True, slots=True)
class BatchView:
    """A batch with what its page and its JSON say about it."""

    batch: Batch
    vertical: Vertical
    quality: Any  # Any: verification's Quality or None before the decision
    questions: Sequence[dict[str, Any]]
    check: dict[str, Any] | None  # of a draft; Any: JSON
    problems: dict[str, int]

    @property
    def suspicion(self) -> dict[str, Any]:  # Any: JSON
        """What looked odd about the rows, in words; empty until they were all read."""
        return explained(self.batch.suspicion)

    @property
    def root(self) -> str | None:
        """The Merkle root in hexadecimal."""
        root = self.batch.merkle_root
        return None if root is None else root.hex()


def get_batch_view(batch_id: UUID, *, viewer: UUID) -> BatchView:
    """A seller's own batch. Raises NotFound."""
    return view_of(leads.get_batch(batch_id, viewer=viewer))


def view_of(batch: Batch) -> BatchView:
    """The batch with all that is shown of it."""
    draft = get(Import, batch.import_id) if batch.import_id else None
    draft = draft if batch.status is BatchStatus.DRAFT else None
    return BatchView(
        batch=batch,
        vertical=leads.vertical_of(batch.vertical_id),
        quality=verification.published_quality(batch.id),
        questions=draft.questions if draft else [],
        check={**draft.forecast, "words": open_words(draft)} if draft and draft.forecast else None,
        problems=leads.problem_counts(batch.id),
    )


def time_to_sale(batch: Batch, listing: Listing) -> timedelta | None:
    """How long it took from the seal until the lot was first on sale; None before."""
    first = db.session.scalar(
        select(func.min(Event.occurred_at)).where(
            Event.subject_kind == Listing.KIND,
            Event.subject_id == listing.id,
            Event.type == "listing.published",
        )
    )
    return first - batch.sealed_at if first and batch.sealed_at else None


def batch_views(
    *, viewer: UUID, status: BatchStatus | None = None, cursor: str | None = None, limit: int = 25
) -> Page[BatchView]:
    """A seller's batches, newest first."""
    page: Page[Batch] = leads.batches(viewer=viewer, status=status, cursor=cursor, limit=limit)
    return Page([view_of(batch) for batch in page.items], page.next_cursor)


@dataclass(frozen=True, slots=True)
class SourceView:
    """A source with what came of it."""

    source: Source
    figures: cards.Figures
    wording: cards.Wording | None  # in force
    record: Any  # Any: verification's SourceRecord in the vertical of the last lot, or None
    quality: Any  # Any: verification's Quality of the last lot, or None


def source_view(source: Source) -> SourceView:
    """One source with its figures; the door has fetched it for its viewer."""
    return _source_views([source])[0]


def source_views(*, viewer: UUID) -> list[SourceView]:
    """A seller's sources with their figures, by name."""
    return _source_views(leads.sources(viewer=viewer))


def _source_views(sources: Sequence[Source]) -> list[SourceView]:
    found = cards.figures([one.id for one in sources])
    lots = [one.last.id for one in found.values() if one.last]
    qualities = verification.published_qualities(lots)
    views = []
    for source in sources:
        figures = found.get(source.id, cards.NOTHING)
        last = figures.last
        record = last and verification.source_record(
            seller_id=source.organization_id, vertical_id=last.vertical_id, source_id=source.id
        )
        wording = cards.current_wording(source.id)
        quality = qualities.get(last.id) if last else None
        views.append(SourceView(source, figures, wording, record, quality))
    return views


@dataclass(frozen=True, slots=True)
class TermsView:
    """The standing terms of a source with what they are about."""

    terms: SourceTerms
    source: Source
    vertical: Vertical


def terms_view(terms: SourceTerms) -> TermsView:
    """The terms with their source and vertical."""
    return TermsView(terms, post_queries.source_of(terms), leads.vertical_of(terms.vertical_id))


def terms_views(*, viewer: UUID) -> list[TermsView]:
    """Every source of a seller that may post single leads, newest first."""
    return [terms_view(terms) for terms in post_queries.all_terms(viewer=viewer)]


@dataclass(frozen=True, slots=True)
class ListingView:
    """A listing with what its seller's list says about it."""

    listing: Listing
    batch: Batch
    vertical: Vertical
    stock: market.Stock
    quality: Any  # Any: verification's Quality or None before the decision
    guidance: market.PriceGuidance | None
    hint: PriceHint | None  # None where there is no guidance
    fields: LeadFields
    decay: Decay | None


def listing_views(
    *, viewer: UUID, vertical: str = "", **asked: Any
) -> Page[ListingView]:  # Any: as `listings_of_seller` takes it
    """A seller's listings, newest first; `vertical` is a code. Raises NotFound."""
    vertical_id = catalog.get_vertical(vertical).id if vertical else None
    page = market.listings_of_seller(viewer, vertical_id=vertical_id, **asked)
    return Page(listing_views_of(page.items), page.next_cursor)


def listing_view(listing: Listing) -> ListingView:
    """One listing; the door has fetched it for its seller."""
    return listing_views_of([listing])[0]


def listing_views_of(listings: Sequence[Listing]) -> list[ListingView]:
    """These listings in their order; the door has fetched them for their seller."""
    stocks = market.stocks(listings)
    qualities = verification.published_qualities([one.batch_id for one in listings])
    verticals = {one.vertical_id: leads.vertical_of(one.vertical_id) for one in listings}
    guidances = {
        vertical.id: market.price_guidance(vertical.id, currency=vertical.currency)
        for vertical in verticals.values()
    }
    batches = {one.id: market.get_batch_of(one) for one in listings}
    hints = _hints(batches.values(), guidances)
    return [
        ListingView(
            listing=one,
            batch=batches[one.id],
            vertical=verticals[one.vertical_id],
            stock=stocks[one.id],
            quality=qualities.get(one.batch_id),
            guidance=guidances[one.vertical_id],
            hint=hints.get(_cell(batches[one.id])),
            fields=leads.fields_of(batches[one.id].schema_id),
            decay=market.decay_of(one),
        )
        for one in listings
    ]


def _hints(
    batches: Iterable[Batch], guidances: Mapping[UUID, market.PriceGuidance | None]
) -> dict[Cell, PriceHint]:
    paid = {batch: guidances[batch.vertical_id] for batch in batches}
    return hints_for({_cell(batch): band.median if band else None for batch, band in paid.items()})


def _cell(batch: Batch) -> Cell:
    return Cell(batch.organization_id, batch.vertical_id, batch.source_id)


@dataclass(frozen=True, slots=True)
class ReturnView:
    """A return as its seller sees it: the lead by its row, the buyer by pseudonym (decision 1)."""

    lead_return: LeadReturn
    buyer: str
    lead: Lead
    batch: Batch
    price: Money


def return_views(returns: Sequence[LeadReturn]) -> list[ReturnView]:
    """These returns with the leads that they are about, in their order."""
    found = market.leads_of_lines([one.lead_id for one in returns])
    return [
        ReturnView(
            lead_return=one,
            buyer=market.pseudonym(seller_id=one.seller_id, buyer_id=one.buyer_id),
            lead=found[one.lead_id],
            batch=get(Batch, found[one.lead_id].batch_id),
            price=get(OrderLine, one.line_id).charged,
        )
        for one in returns
    ]


def steps_of_return(lead_return: LeadReturn) -> Sequence[Event]:
    """What happened to a return, newest first; the door has fetched it for its viewer."""
    return reports.events(viewer=None, subject=Ref.to(lead_return)).items
