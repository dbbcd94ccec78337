"""Verbs of listings: a decided lot goes on sale, is paused, changed, expires or is taken off.

A lot is listed as a whole by itself; its seller may list filters over it beside that, each at a
price of its own. A lead is sold once per slot whichever listing it is bought from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from exchange.catalog.models import Vertical, VerticalStatus
from exchange.catalog.policies import QualityClass
from exchange.core import clock, events
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import get, save
from exchange.core.errors import Conflict, NotFound
from exchange.core.money import Money
from exchange.core.states import transition
from exchange.identity.models import Organization
from exchange.identity.permissions import Permission
from exchange.identity.services import require_approved
from exchange.leads import queries as inventory
from exchange.leads.models import Batch, LeadKind
from exchange.leads.services import slots
from exchange.market import queries
from exchange.market.models import Listing, ListingStatus
from exchange.market.queries import Goods
from exchange.market.services import gates
from exchange.market.services import listing_terms as terms
from exchange.verification import queries as verification

BY_SELLER: Final = "seller"  # why a listing is paused: its seller, or the lot is looked at again


@dataclass(frozen=True, slots=True)
class Drafted:
    """What a new listing begins as."""

    price: Money
    quality_class: QualityClass
    criteria: dict[str, Any] = field(default_factory=dict)  # Any: JSON, read
    is_aged: bool = False


def create_from_batch(batch: Batch, *, unverified: bool = False) -> Listing | None:
    """Offer an accepted lot on the terms its seller asked for when it was confirmed.

    Published at once while the seller may trade, else a draft. A lot that comes back from an
    inspection goes on sale again, unless its seller had paused it. Targeted leads are never
    listed (decision 2). Safe to repeat.
    """
    if batch.kind is LeadKind.TARGETED:
        return None
    whole = queries.find_listing_of_batch(batch.id)
    if whole is None:
        drafted = Drafted(batch.price, _sold_as(batch, unverified=unverified))
        whole = _draft(batch, drafted, actor=SYSTEM)
    for found in queries.listings_of_batch(batch.id):
        listing = gates.close(found.id)
        listing.quality_class = _sold_as(batch, unverified=unverified)
        listing.bad_upper = _bad_upper(batch)
        _publish_if_possible(listing, batch)
    return whole


def offer_at_once(batch: Batch) -> Listing | None:
    """Offer what is in a lot while it grows and before its check, where its source is trusted.

    The measured quality stands beside it once the lot is decided; a rejection suspends the sale.
    Safe to repeat.
    """
    if not batch.may_be_sold or batch.kind is LeadKind.TARGETED:
        return None
    found = queries.find_listing_of_batch(batch.id)
    if found is not None and found.status is ListingStatus.PUBLISHED:
        return found  # nobody who buys from it is kept waiting for one more lead
    if found is None:
        drafted = Drafted(batch.price, _sold_as(batch, unverified=False))
        found = _draft(batch, drafted, actor=SYSTEM)
    listing = _publish_if_possible(gates.close(found.id), batch)
    if listing.status is ListingStatus.SOLD_OUT:
        return reflect_stock(listing_id=listing.id)
    return listing


def offer_again(batch: Batch) -> None:
    """Publish what waits of an accepted lot, unless its seller had paused it."""
    for found in queries.listings_of_batch(batch.id):
        _publish_if_possible(gates.close(found.id), batch)


def create(
    *,
    batch_id: UUID,
    price: Money | None = None,
    criteria: dict[str, Any] | None = None,
    changes: terms.Changes | None = None,
    actor: Actor,
) -> Listing:
    """Offer an accepted lot of one's own, or what fits `criteria` of it; the listing is a draft.

    `changes` say what differs from a fixed price for everybody without an end. Raises NotFound
    for another seller's lot, Conflict for one that is not accepted or listed like that, Invalid
    for criteria that fit fewer than five of its leads.
    """
    require_approved(actor.organization_id)
    batch = inventory.get_batch(batch_id, viewer=actor.organization_id)
    _require_accepted(batch)
    if batch.kind is LeadKind.TARGETED:
        raise Conflict("Targeted leads belong to their buyer.", code="targeted")
    read = terms.read_criteria(criteria or {}, batch)
    if any(_is_like(one, read) for one in queries.listings_of_batch(batch.id)):
        raise Conflict("This lot has a listing already.", code="already_listed")
    drafted = Drafted(price or batch.price, _class_of(batch), read)
    return _draft(batch, drafted, changes=changes, actor=actor)


def _is_like(listing: Listing, criteria: dict[str, Any]) -> bool:
    """A lot is listed in whole once for ever; a filter may come again once it was withdrawn."""
    over = bool(criteria) and listing.status is ListingStatus.WITHDRAWN
    return listing.criteria == criteria and not listing.is_aged and not over


def offer_aged(*, batch_id: UUID, price: Money | None = None, actor: Actor) -> Listing:
    """List as aged what may be sold a second time of an own lot (decision 2), published at once.

    Leads ripen day by day: the next call adds them to the same listing, whose price then stays.
    Raises Conflict `nothing_ripe`, `not_accepted`, Invalid without a price the first time.
    """
    require_approved(actor.organization_id)
    batch = inventory.get_batch(batch_id, viewer=actor.organization_id)
    _require_accepted(batch)
    found = queries.find_listing_of_batch(batch.id, is_aged=True)
    if found is None:
        asked = price or Money(0, batch.price.currency)
        drafted = Drafted(asked, _class_of(batch), is_aged=True)
        found = _draft(batch, drafted, actor=actor)
    listing = gates.close(found.id)
    leads = slots.open_aged_slots(queries.ripe_leads(batch.id))
    if not leads:
        raise Conflict("No lead of this lot may be sold again yet.", code="nothing_ripe")
    events.record("listing.aged", subject=listing, actor=actor, leads=leads)
    if listing.status in {ListingStatus.DRAFT, ListingStatus.SOLD_OUT, ListingStatus.EXPIRED}:
        return publish(listing_id=listing.id, actor=actor)
    return listing


def change(*, listing_id: UUID, changes: terms.Changes, actor: Actor) -> Listing:
    """Sell differently from now on; orders that were placed keep what they agreed to.

    Another price, mode or criteria is a new version of the terms. Raises Invalid, Conflict
    `listing_ended`, `mode_fixed` or `criteria_fixed`, NotFound.
    """
    listing = _own(listing_id, actor)
    if listing.status is ListingStatus.WITHDRAWN:
        raise Conflict("This listing is withdrawn.", code="listing_ended")
    terms.write_change(listing, queries.get_batch_of(listing), changes, actor=actor)
    return listing


def publish(*, listing_id: UUID, actor: Actor) -> Listing:
    """Put a listing on sale, again where it was paused or has expired.

    Raises Conflict where the lot is not accepted or nothing is left.
    """
    listing = _own(listing_id, actor)
    require_approved(listing.organization_id)
    batch = queries.get_batch_of(listing)
    _require_accepted(batch)
    if get(Vertical, listing.vertical_id).status is not VerticalStatus.ACTIVE:
        raise Conflict("This vertical lists nothing new at the moment.", code="vertical_paused")
    if not queries.has_stock(Goods.of(listing)):
        raise Conflict("Nothing of this lot is left to sell.", code="sold_out")
    if _is_over(listing):
        listing.expires_at = None  # listed again: without an end until its seller gives it one
    _put_on_sale(listing, batch, actor)
    return listing


def pause(*, listing_id: UUID, reason: str = BY_SELLER, actor: Actor) -> Listing:
    """Take a listing off sale for a while; what is ordered already is delivered."""
    listing = _own_or_watched(listing_id, actor)
    listing.pause_reason = reason
    transition(listing, ListingStatus.PAUSED, actor=actor, reason=reason)
    return listing


def withdraw(*, listing_id: UUID, actor: Actor) -> Listing:
    """Take a listing off sale for good; what is sold stays sold."""
    listing = _own_or_watched(listing_id, actor)
    transition(listing, ListingStatus.WITHDRAWN, actor=actor)
    return listing


def set_price(*, listing_id: UUID, price: Money, actor: Actor) -> Listing:
    """Ask another price from now on: a new version of the terms, former orders keep theirs.

    The same price again changes nothing. Raises as `change` does.
    """
    return change(listing_id=listing_id, changes={"price": price}, actor=actor)


def let_price_fall(*, listing_id: UUID) -> Listing:
    """Ask what the age of the listing says. Safe to repeat."""
    listing = gates.close(listing_id)
    terms.follow_decay(listing, queries.get_batch_of(listing), actor=SYSTEM)
    return listing


def warn_of_expiry(*, listing_id: UUID) -> None:
    """Let its seller know that a listing is about to expire; once for each term."""
    listing = gates.close(listing_id)
    if listing.expires_at is None or listing.warned_of == listing.expires_at:
        return
    listing.warned_of = listing.expires_at
    ends = listing.expires_at.isoformat()
    events.record("listing.expiring", subject=listing, actor=SYSTEM, expires_at=ends)


def expire(*, listing_id: UUID) -> Listing:
    """Take a listing off sale whose term is over; its seller may list it again. Safe to repeat."""
    listing = gates.close(listing_id)
    if _is_over(listing) and ListingStatus.EXPIRED in Listing.TRANSITIONS[listing.status]:
        transition(listing, ListingStatus.EXPIRED, actor=SYSTEM)
    return listing


def reflect_stock(*, listing_id: UUID, actor: Actor = SYSTEM) -> Listing:
    """Say "sold out" when nothing is left, and "on sale" again when something came back."""
    listing = gates.close(listing_id)
    stocked = queries.has_stock(Goods.of(listing))
    if listing.status is ListingStatus.PUBLISHED and not stocked:
        transition(listing, ListingStatus.SOLD_OUT, actor=actor)
    elif listing.status is ListingStatus.SOLD_OUT and stocked:
        transition(listing, ListingStatus.PUBLISHED, actor=actor)
    return listing


def suspend_sale_of_batch(*, batch_id: UUID, reason: str, actor: Actor = SYSTEM) -> None:
    """Pause what is on sale of a lot that is looked at again; nothing to do where nothing is."""
    for found in queries.listings_of_batch(batch_id):
        listing = gates.close(found.id)
        if ListingStatus.PAUSED in Listing.TRANSITIONS[listing.status]:
            listing.pause_reason = reason
            transition(listing, ListingStatus.PAUSED, actor=actor, reason=reason)


def end_sale_of_batch(*, batch_id: UUID, actor: Actor = SYSTEM) -> None:
    """Withdraw all listings of a lot that its seller took back; nothing to do where none is."""
    for found in queries.listings_of_batch(batch_id):
        listing = gates.close(found.id)
        if ListingStatus.WITHDRAWN in Listing.TRANSITIONS[listing.status]:
            transition(listing, ListingStatus.WITHDRAWN, actor=actor)


def publish_drafts(*, organization_id: UUID) -> None:
    """Put on sale what waited for the seller's approval."""
    for listing_id in queries.draft_listings(organization_id):
        listing = gates.close(listing_id)
        _publish_if_possible(listing, queries.get_batch_of(listing))


def _draft(
    batch: Batch, drafted: Drafted, *, changes: terms.Changes | None = None, actor: Actor
) -> Listing:
    terms.require_price(drafted.price, like=batch.price)
    listing = Listing(
        organization_id=batch.organization_id,
        batch_id=batch.id,
        vertical_id=batch.vertical_id,
        quality_class=drafted.quality_class,
        bad_upper=_bad_upper(batch),
        price=drafted.price,
        is_aged=drafted.is_aged,
    )
    terms.narrow(listing, batch, drafted.criteria)
    save(listing)
    terms.require_enough(listing)
    terms.apply(listing, batch, changes or {})
    terms.write_version(listing, batch)
    events.record("listing.drafted", subject=listing, actor=actor, batch_id=str(batch.id))
    return listing


def _sold_as(batch: Batch, *, unverified: bool) -> QualityClass:
    return QualityClass.UNVERIFIED if unverified else batch.quality_class


def _class_of(batch: Batch) -> QualityClass:
    """As what the lot is sold, by the listing that it has in whole."""
    whole = queries.find_listing_of_batch(batch.id)
    return batch.quality_class if whole is None else whole.quality_class


def _bad_upper(batch: Batch) -> float:
    """Decision 31: the record of the source comes before the one lot's own."""
    quality = verification.published_quality(batch.id)
    if quality is None:
        return _upper_of_source(batch) if batch.sells_at_once else 1.0
    own = 1.0 if quality["bad_upper"] is None else quality["bad_upper"]
    return own if quality["source"] is None else quality["source"]["upper"]


def _upper_of_source(batch: Batch) -> float:
    """What earlier lots say of a lot that is sold before its own check."""
    record = verification.source_record(
        seller_id=batch.organization_id, vertical_id=batch.vertical_id, source_id=batch.source_id
    )
    return 1.0 if record is None else record["upper"]


def _publish_if_possible(listing: Listing, batch: Batch) -> Listing:
    waits = listing.status is ListingStatus.DRAFT or (
        listing.status is ListingStatus.PAUSED and listing.pause_reason != BY_SELLER
    )
    may_trade = get(Organization, listing.organization_id).is_approved
    may_be_sold = batch.may_be_sold and not _is_over(listing)
    if waits and may_trade and may_be_sold and queries.has_stock(Goods.of(listing)):
        _put_on_sale(listing, batch, SYSTEM)
    return listing


def _is_over(listing: Listing) -> bool:
    return listing.expires_at is not None and listing.expires_at <= clock.after_lock()


def _put_on_sale(listing: Listing, batch: Batch, actor: Actor) -> None:
    listing.published_at = clock.now()
    listing.pause_reason = ""
    terms.begin_decay(listing)
    terms.follow_decay(listing, batch, actor=SYSTEM)
    transition(
        listing,
        ListingStatus.PUBLISHED,
        actor=actor,
        price=listing.price.amount,
        currency=str(listing.price.currency),
    )


def _own(listing_id: UUID, actor: Actor) -> Listing:
    listing = gates.close(listing_id)
    if actor.kind != SYSTEM.kind and listing.organization_id != actor.organization_id:
        raise NotFound
    return listing


def _own_or_watched(listing_id: UUID, actor: Actor) -> Listing:
    """Staff who review lots may stop a sale as well."""
    if actor.may(Permission.BATCH_REVIEW):
        return gates.close(listing_id)
    return _own(listing_id, actor)


def _require_accepted(batch: Batch) -> None:
    if not batch.may_be_sold:
        raise Conflict(
            f"This lot is {batch.status}. Only an accepted lot can be sold.", code="not_accepted"
        )
