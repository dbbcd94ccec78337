"""Who is told of what: each event that matters to an organization becomes a notice of it.

The words are made from kind and facts when somebody reads, in the language of the reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from exchange.billing.models import Payout, TopUp
from exchange.core.db import get
from exchange.core.events import Event, on
from exchange.core.money import Money
from exchange.fulfillment.conversion_models import Conversion
from exchange.fulfillment.models import ErasureNotice, LeadReturn
from exchange.fulfillment.queries import holders
from exchange.identity.models import Organization
from exchange.leads import post_queries
from exchange.leads.models import Batch, Import, Source, SourceStatus
from exchange.leads.queries import vertical_of
from exchange.market import queries as market
from exchange.market.auction_models import Auction
from exchange.market.contract_models import Contract, ContractSource
from exchange.market.models import LineStatus, Listing, Order
from exchange.market.queries import opened_bids
from exchange.market.services import contracts
from exchange.notifications.services import Facts, add_up, tell
from exchange.verification.gold_models import Appeal
from exchange.verification.inspection_models import FullInspection, GuaranteeRun

ROWS_WAITED_FOR: Final = 5_000  # of a check: a larger file's seller has left the page


@on("organization.approved")
@on("organization.suspended")
def tell_organization(event: Event) -> None:
    """The organization learns where it stands, and why."""
    organization = get(Organization, event.subject.id)
    facts: Facts = {"kind": organization.kind, "reason": organization.status_reason}
    tell(event, organization_id=organization.id, facts=facts)


@on("batch.accepted")
@on("batch.rejected")
@on("batch.undecided")
def tell_seller_of_decision(event: Event) -> None:
    """The seller learns what the check has decided."""
    batch = get(Batch, event.subject.id)
    tell(event, organization_id=batch.organization_id, facts={"name": batch.name})


@on("import.rows_checked")
def tell_seller_of_check(event: Event) -> None:
    """Who left while a large file was being checked learns how it stands."""
    draft, rows = get(Import, event.subject.id), event.facts["rows"]
    if rows > ROWS_WAITED_FOR:
        facts: Facts = {"name": draft.file_name, "rows": rows, "ready": draft.forecast["valid"]}
        tell(event, organization_id=draft.organization_id, facts=facts)


@on("guarantee_run.triggered")
def tell_seller_of_guarantee(event: Event) -> None:
    """The seller learns that a sold lot breaks its promise, and has a day to choose."""
    run = get(GuaranteeRun, event.subject.id)
    facts: Facts = {"name": get(Batch, run.batch_id).name, "bad": run.bad, "drawn": run.drawn}
    tell(event, organization_id=run.organization_id, facts=facts)


@on("full_inspection.concluded")
def tell_seller_of_inspection(event: Event) -> None:
    """The seller learns what a full inspection has found."""
    found = get(FullInspection, event.subject.id)
    facts: Facts = {
        "name": get(Batch, found.batch_id).name,
        "good": found.good,
        "bad": found.bad,
        "open": found.unresolved,
    }
    tell(event, organization_id=found.organization_id, facts=facts)


@on("import.unreadable")
def tell_seller_of_broken_file(event: Event) -> None:
    """The seller learns that a file which was taken cannot be read to its end."""
    draft = get(Import, event.subject.id)
    tell(event, organization_id=draft.organization_id, facts={"name": draft.file_name})


@on("batch.validated")
def tell_seller_of_intake(event: Event) -> None:
    """The seller learns how many rows of a file became leads."""
    batch = get(Batch, event.subject.id)
    facts: Facts = {
        "name": batch.name, "rows": batch.rows_done, "leads": batch.valid + batch.in_review,
    }  # fmt: skip
    tell(event, organization_id=batch.organization_id, facts=facts)


@on("source.stopped")
@on("source.active")
def tell_seller_of_source(event: Event) -> None:
    """The seller learns that the exchange has stopped a source or opened it again, and why."""
    if event.type == "source.active" and event.facts["before"] != SourceStatus.STOPPED:
        return  # resumed by the seller
    source = get(Source, event.subject.id)
    facts: Facts = {"name": source.name, "reason": source.status_reason}
    tell(event, organization_id=source.organization_id, facts=facts)


@on("qualification.paused")
def tell_floor_of_pause(event: Event) -> None:
    """Who runs the floor learns that somebody is paused; the page says who and why."""
    if event.organization_id is not None:
        tell(event, organization_id=event.organization_id, facts={})


@on("appeal.upheld")
@on("appeal.refused")
def tell_floor_of_appeal(event: Event) -> None:
    """Whoever appealed finds the decision on their page."""
    tell(event, organization_id=get(Appeal, event.subject.id).organization_id, facts={})


@on("order.confirmed")
def tell_seller_of_sale(event: Event) -> None:
    """The seller learns of a sale; the buyer is not named (decision 1)."""
    order = get(Order, event.subject.id)
    listing = get(Listing, order.listing_id)
    batch = get(Batch, listing.batch_id)
    facts = {"name": batch.name, "quantity": order.quantity, **_money(order.total)}
    tell(event, organization_id=listing.organization_id, facts=facts)


@on("listing.matched")
def tell_seller_of_contracts(event: Event) -> None:
    """The seller learns what standing orders took of a listing: a line for each of its days."""
    listing = get(Listing, event.subject.id)
    zone = ZoneInfo(vertical_of(listing.vertical_id).time_zone)
    facts: Facts = {
        "name": get(Batch, listing.batch_id).name,
        "currency": listing.price.currency,
    }
    counts = {name: event.facts[name] for name in ("sold", "per_action", "amount")}
    add_up(
        event,
        organization_id=listing.organization_id,
        day=event.occurred_at.astimezone(zone).date(),
        facts=facts,
        counts=counts,
    )


@on("contract.limited")
@on("contract.paused")
def tell_buyer_of_contract(event: Event) -> None:
    """The buyer learns what limits a contract, and that one has paused itself."""
    by = event.facts.get("by") or event.facts["reason"]
    if by != contracts.BY_BUYER:
        contract = get(Contract, event.subject.id)
        tell(
            event,
            organization_id=contract.organization_id,
            facts={"name": contract.name, "by": by},
        )


@on("contract_source.approved")
@on("contract_source.refused")
def tell_seller_of_offer(event: Event) -> None:
    """The seller learns whether an offer that a source joined takes its leads."""
    asked = get(ContractSource, event.subject.id)
    offer = market.find_offer(asked.contract_id)
    if offer is not None and post_queries.terms_of_contract(
        asked.contract_id, source_id=asked.source_id
    ):
        facts: Facts = {"name": offer.headline, "source": get(Source, asked.source_id).name}
        tell(event, organization_id=asked.organization_id, facts=facts)


@on("contract_source.requested")
def tell_buyer_of_source(event: Event) -> None:
    """The buyer learns that a source waits for their word; the page names its seller."""
    contract = get(Contract, get(ContractSource, event.subject.id).contract_id)
    facts: Facts = {"name": contract.name, "contract": contract.public_id}
    tell(event, organization_id=contract.organization_id, facts=facts)


@on("listing.expiring")
@on("listing.expired")
def tell_seller_of_expiry(event: Event) -> None:
    """The seller learns that a listing goes off sale, three days ahead and when it does."""
    listing = get(Listing, event.subject.id)
    facts: Facts = {"name": get(Batch, listing.batch_id).name}
    tell(event, organization_id=listing.organization_id, facts=facts)


@on("auction.awarded")
@on("auction.void")
def tell_of_auction(event: Event) -> None:
    """The seller learns what an auction brought, and each winner how many leads are won."""
    auction = get(Auction, event.subject.id)
    batch = get(Batch, get(Listing, auction.listing_id).batch_id)
    facts: Facts = {"side": "seller", "name": batch.name, "units": event.facts.get("units", 0)}
    tell(event, organization_id=auction.organization_id, facts=facts)
    for bid in opened_bids(auction.id):
        if bid.units_won and bid.price is not None:
            paid = bid.price * bid.units_won
            won: Facts = {"side": "buyer", "units": bid.units_won, **_money(paid)}
            tell(event, organization_id=bid.organization_id, facts=won)


@on("auction.lost")
def tell_loser(event: Event) -> None:
    """A bidder learns that nothing was won and that the money is free."""
    if event.organization_id is not None:
        tell(event, organization_id=event.organization_id, facts={"side": "buyer"})


@on("return.requested")
@on("return.auto_decided")
@on("return.decided")
@on("return.contested")
@on("return.arbitrated")
def tell_both_of_return(event: Event) -> None:
    """Buyer and seller learn of every step of a return, each from its own side."""
    lead_return = get(LeadReturn, event.subject.id)
    sides = (("buyer", lead_return.buyer_id), ("seller", lead_return.seller_id))
    for side, organization_id in sides:
        outcome = str(lead_return.outcome or "")
        facts: Facts = {"side": side, "reason": lead_return.reason, "outcome": outcome}
        tell(event, organization_id=organization_id, facts=facts)


@on("conversion.on_hold")
@on("conversion.approved")
@on("conversion.rejected")
@on("conversion.reversed")
def tell_both_of_action(event: Event) -> None:
    """Buyer and seller learn of every state of an action, each from its own side."""
    conversion = get(Conversion, event.subject.id)
    sides = (("buyer", conversion.buyer_id), ("seller", conversion.seller_id))
    for side, organization_id in sides:
        facts: Facts = {
            "side": side,
            "reason": conversion.reason,
            "by_default": int(conversion.by_default),
            **_money(conversion.price),
        }
        tell(event, organization_id=organization_id, facts=facts)


@on("conversion.settled")
def tell_seller_of_settled_action(event: Event) -> None:
    """The seller learns that the money of an action is in the balance."""
    conversion = get(Conversion, event.subject.id)
    tell(event, organization_id=conversion.seller_id, facts=_money(conversion.price))


@on("payout.paid")
@on("payout.failed")
def tell_of_payout(event: Event) -> None:
    """The seller learns that money has arrived, or why it has not."""
    payout = get(Payout, event.subject.id)
    facts = {"failure": payout.failure, **_money(payout.amount)}
    tell(event, organization_id=payout.organization_id, facts=facts)


@on("top_up.succeeded")
def tell_of_top_up(event: Event) -> None:
    """The buyer learns that the wallet has grown."""
    top_up = get(TopUp, event.subject.id)
    tell(event, organization_id=top_up.organization_id, facts=_money(top_up.amount))


@on("saved_search.matched")
def tell_of_new_listings(event: Event) -> None:
    """A buyer learns that something new fits a search that they kept."""
    assert event.organization_id is not None
    tell(event, organization_id=event.organization_id, facts=dict(event.facts))


@on("lead.asked_again")
def tell_holder_of_repeat(event: Event) -> None:
    """A buyer who holds the lead learns that the person has asked again (decision 4)."""
    if event.facts["sold"]:
        _tell_holders(event, [event.subject.id])


@on("revocation.applied")
def tell_holders_of_revocation(event: Event) -> None:
    """A buyer who holds the lead learns that the person does not want to be contacted."""
    _tell_holders(event, [UUID(text) for text in event.facts["lead_ids"]])


@on("erasure_notice.sent")
@on("erasure_notice.repeated")
def tell_of_erasure(event: Event) -> None:
    """A buyer learns that a person is erased and has to answer."""
    notice = get(ErasureNotice, event.subject.id)
    facts: Facts = {"lines": len(notice.line_ids)}
    tell(event, organization_id=notice.organization_id, facts=facts)


def _tell_holders(event: Event, lead_ids: Sequence[UUID]) -> None:
    for buyer_id, lines in holders(lead_ids).items():
        for line in lines:
            if line.status is not LineStatus.RETURNED:
                tell(event, organization_id=buyer_id, facts={"line": line.public_id})


def _money(amount: Money) -> Facts:
    return {"amount": amount.amount, "currency": amount.currency}
