"""Who is told of what: each event that matters to an organization becomes a notice of it.

The words are made from kind and facts when somebody reads, in the language of the reader.
"""

from __future__ import annotations

from exchange.billing.models import Payout, TopUp
from exchange.core.db import get
from exchange.core.events import Event, on
from exchange.core.money import Money
from exchange.fulfillment.models import LeadReturn
from exchange.identity.models import Organization
from exchange.leads.models import Batch, Source
from exchange.market.models import Listing, Order
from exchange.notifications.services import Facts, tell


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


@on("source.stopped")
def tell_seller_of_stop(event: Event) -> None:
    """The seller learns that nothing can be posted to a source any more, and why."""
    source = get(Source, event.subject.id)
    facts = {"name": source.name, "reason": event.facts.get("reason", "")}
    tell(event, organization_id=source.organization_id, facts=facts)


@on("order.confirmed")
def tell_seller_of_sale(event: Event) -> None:
    """The seller learns of a sale; the buyer is not named (decision 1)."""
    order = get(Order, event.subject.id)
    listing = get(Listing, order.listing_id)
    batch = get(Batch, listing.batch_id)
    facts = {"name": batch.name, "quantity": order.quantity, **_money(order.total)}
    tell(event, organization_id=listing.organization_id, facts=facts)


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


def _money(amount: Money) -> Facts:
    return {"amount": amount.amount, "currency": amount.currency}
