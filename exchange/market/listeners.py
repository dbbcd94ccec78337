"""What the market does when something happens below: decided lots go on sale and off it."""

from __future__ import annotations

from uuid import UUID

from exchange.billing.models import CreditLimit, TopUp
from exchange.core.db import get
from exchange.core.events import Event, on
from exchange.core.jobs import enqueue
from exchange.leads.cards import accepted_lots
from exchange.leads.post_queries import rolling_lots_under_way, terms_of_contract
from exchange.leads.queries import get_batch
from exchange.market import queries
from exchange.market.contract_models import ContractSource
from exchange.market.models import ListingStatus
from exchange.market.services import caps, listings, meetings, rates


@on("batch.accepted")
def offer_lot(event: Event) -> None:
    """An accepted lot is offered on its terms; an undecided one that is released, as Unverified."""
    batch = get_batch(event.subject.id, viewer=None)
    listings.create_from_batch(batch, unverified=event.facts.get("before") == "undecided")


@on("lead.posted")
def offer_lead_at_once(event: Event) -> None:
    """A single lead of a source in good standing is on sale as soon as it is posted."""
    listing = listings.offer_at_once(get_batch(UUID(event.facts["batch_id"]), viewer=None))
    if listing is not None and listing.status is ListingStatus.PUBLISHED:
        meetings.request(listing.id)


@on("source.trusted")
def offer_what_grows(event: Event) -> None:
    """Lots of single leads that waited for the check of an earlier one."""
    vertical_id = UUID(event.facts["vertical_id"])
    for batch in rolling_lots_under_way(source_id=event.subject.id, vertical_id=vertical_id):
        listings.offer_at_once(batch)


@on("source.stopped")
def pause_unchecked(event: Event) -> None:
    """Nothing of a stopped source is sold before its lot is checked."""
    for batch in rolling_lots_under_way(source_id=event.subject.id):
        listings.suspend_sale_of_batch(batch_id=batch.id, reason="source_stopped")


@on("source.active")
def offer_again(event: Event) -> None:
    """What was decided while its source was stopped is on sale once it is reopened."""
    for batch in accepted_lots(event.subject.id):
        listings.offer_again(batch)


@on("batch.in_full_inspection")
def pause_for_inspection(event: Event) -> None:
    """Nothing is sold of a lot while every lead of it is called."""
    listings.suspend_sale_of_batch(batch_id=event.subject.id, reason="inspection")


@on("batch.rejected")
def pause_rejected(event: Event) -> None:
    """A lot that was sold before it was found bad is sold no more."""
    listings.suspend_sale_of_batch(batch_id=event.subject.id, reason="rejected")


@on("batch.withdrawn")
def end_sale(event: Event) -> None:
    """A lot that its seller takes back is off sale for good."""
    listings.end_sale_of_batch(batch_id=event.subject.id)


@on("contract_source.approved")
@on("contract_source.refused")
def reflect_source(event: Event) -> None:
    """A source posts for a contract while its buyer says so."""
    enqueue("market.reflect_contract", get(ContractSource, event.subject.id).contract_id)


@on("contract.active")
@on("contract.paused")
@on("contract.ended")
def reflect_contract(event: Event) -> None:
    """Nothing is posted for a contract that does not run; few are posted for at all."""
    if terms_of_contract(event.subject.id):
        enqueue("market.reflect_contract", event.subject.id)


@on("organization.approved")
def offer_what_waited(event: Event) -> None:
    """Lots that were accepted before their seller might trade."""
    listings.publish_drafts(organization_id=event.subject.id)


@on("vertical.published")
def follow_published_commission(event: Event) -> None:
    """The commission that a vertical's terms say is the one that sales of it are settled with."""
    if "terms" in event.facts["changed"]:
        rates.follow_terms(vertical_id=event.subject.id)


@on("listing.published")
@on("listing.priced")
def meet_contracts(event: Event) -> None:
    """What goes on sale, or costs something else now, meets the contracts."""
    meetings.request(event.subject.id)


@on("contract.active")
def meet_listings(event: Event) -> None:
    """A contract that begins to buy, or goes on, meets what is on sale."""
    meetings.call(event.subject.id)


@on("contract.changed")
def meet_listings_anew(event: Event) -> None:
    """A contract that asks something else does, too; its clock may be another."""
    caps.recount(contract_id=event.subject.id)
    meetings.call(event.subject.id)


@on("contract_source.approved")
def meet_leads_of_source(event: Event) -> None:
    """What waited for the buyer's word."""
    meetings.call(UUID(event.facts["contract_id"]))


@on("top_up.succeeded")
def meet_listings_with_money(event: Event) -> None:
    """Contracts that stood still for want of money."""
    _meet_again(get(TopUp, event.subject.id).organization_id)


@on("credit_limit.approved")
def meet_listings_on_credit(event: Event) -> None:
    """The same, where the buyer may owe more from now on."""
    _meet_again(get(CreditLimit, event.subject.id).organization_id)


def _meet_again(buyer_id: UUID) -> None:
    for contract_id in queries.contracts_of_buyer(buyer_id, limited_by="funds"):
        meetings.call(contract_id)
