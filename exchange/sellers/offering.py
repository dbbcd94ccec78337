"""What the doors of offers share: an offer as its reader sees it, and the leads brought for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from exchange.core.db import get
from exchange.core.errors import FieldProblem, Invalid
from exchange.core.money import Money
from exchange.fulfillment.queries import OfferRecord, offer_records
from exchange.identity.models import Organization
from exchange.leads import post_queries
from exchange.leads.models import Batch, BatchStatus, Lead, LeadStatus, Source
from exchange.market import queries as market
from exchange.market.contract_models import ContractSource
from exchange.market.models import Listing, Order, OrderLine, PricingModel
from exchange.market.offer_models import Offer


@dataclass(frozen=True, slots=True)
class OfferSeen:
    """An offer with what of the reader's joined it."""

    view: market.OfferView
    joined: Sequence[market.JoinedView]
    record: OfferRecord | None  # None: no lead was brought for it

    @property
    def criteria(self) -> dict[str, object]:
        """What is asked of a lead's attributes, as JSON; empty: nothing."""
        found: dict[str, object] = self.view.terms.to_json().get("criteria", {})
        return found


def offer_seen(offer: Offer, *, viewer: UUID) -> OfferSeen:
    """The offer as the seller sees it; the door has fetched it for its viewer."""
    return offers_seen([offer], viewer=viewer)[0]


def offers_seen(offers: Sequence[Offer], *, viewer: UUID) -> list[OfferSeen]:
    """The same of several, in their order."""
    records = offer_records([offer.contract_id for offer in offers])
    return [
        OfferSeen(
            view=market.offer_view(offer),
            joined=market.joined_views(market.joined_to(offer.contract_id, viewer=viewer)),
            record=records.get(offer.contract_id),
        )
        for offer in offers
    ]


def named_source(name: str, *, viewer: UUID) -> Source:
    """A seller's own source by name or id. Raises Invalid."""
    found = post_queries.find_source(name.strip(), viewer=viewer)
    if found is None:
        detail = "You have no source of this name. Write its card first."
        raise Invalid(errors=(FieldProblem("/source", "value_not_allowed", detail),))
    return found


@dataclass(frozen=True, slots=True)
class LeadStanding:
    """A lead that was brought, and where it stands."""

    lead: Lead
    batch: Batch
    line: OrderLine | None  # its last sale; one for an offer has one at most
    # Why one for an offer was not taken when it met the contract; empty: it was, or did not yet.
    reason: str = ""

    @property
    def state(self) -> str:
        """In the words of badges: of its sale, else of the lead, else of its lot."""
        if self.line is not None:
            return str(self.line.status)
        if self.lead.status is not LeadStatus.VALID:
            return str(self.lead.status)
        if self.batch.status in (BatchStatus.REJECTED, BatchStatus.WITHDRAWN):
            return str(self.batch.status)
        if not self.batch.may_be_sold:
            return "queued_for_check"
        return "refused" if self.reason else "offered"


def targeted_leads(one: ContractSource, page: Sequence[Lead]) -> list[LeadStanding]:
    """Leads that the source brought, with their lots and sales, in their order."""
    lead_ids = [lead.id for lead in page]
    lines, reasons = market.lines_of_leads(lead_ids), market.why_not_taken(one, lead_ids)
    return [
        LeadStanding(
            lead=lead,
            batch=get(Batch, lead.batch_id),
            line=lines.get(lead.id),
            reason=reasons.get(lead.id, ""),
        )
        for lead in page
    ]


@dataclass(frozen=True, slots=True)
class Sale:
    """One lead that was sold, as its seller sees it: the buyer is a pseudonym (decision 1)."""

    line: OrderLine
    lead: Lead
    batch: Batch
    buyer: str
    pseudonym: str  # by which this seller's listings allow and deny the buyer
    listing: Listing
    is_test: bool  # one of five that were drawn for a buyer who tries the listing

    @property
    def by_contract(self) -> bool:
        """Whether a standing order bought it."""
        return self.line.contract_id is not None

    @property
    def is_per_action(self) -> bool:
        """Whether the price is paid for an action, not for the lead."""
        return self.line.pricing_model is PricingModel.CPA

    @property
    def kept(self) -> Money:
        """The price less what was given back."""
        return Money(self.line.price.amount - self.line.refunded, self.line.price.currency)


def sales(lines: Sequence[OrderLine]) -> list[Sale]:
    """These lines with what belongs to them, in their order; the door has fetched them."""
    leads = market.leads_of_lines([line.lead_id for line in lines])
    return [
        Sale(
            line=line,
            lead=leads[line.lead_id],
            batch=get(Batch, leads[line.lead_id].batch_id),
            buyer=get(Organization, line.buyer_id).trade_name,
            pseudonym=market.pseudonym(seller_id=line.seller_id, buyer_id=line.buyer_id),
            listing=get(Listing, order.listing_id),
            is_test=order.is_test,
        )
        for line in lines
        for order in [get(Order, line.order_id)]
    ]
