"""Verbs of listings: a decided lot goes on sale, is paused, priced anew or taken off.

What a buyer agrees to is a version of the terms and is never edited; a new price is a new version.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from exchange.catalog import queries as catalog
from exchange.catalog.models import Vertical, VerticalStatus
from exchange.catalog.policies import PRICE_MAX, QualityClass
from exchange.core import clock, events
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import get, save
from exchange.core.errors import Conflict, FieldProblem, Invalid, NotFound
from exchange.core.money import Money
from exchange.core.states import transition
from exchange.identity.models import Organization
from exchange.identity.permissions import Permission
from exchange.identity.services import require_approved
from exchange.leads import queries as inventory
from exchange.leads.models import Batch, LeadKind
from exchange.market import queries
from exchange.market.models import Listing, ListingStatus, ListingTerms
from exchange.market.queries import Goods
from exchange.market.services import gates
from exchange.verification import queries as verification

BY_SELLER: Final = "seller"  # why a listing is paused: its seller, or the lot is looked at again


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
        whole = _draft(batch, price=batch.price, unverified=unverified, actor=SYSTEM)
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
        found = _draft(batch, price=batch.price, unverified=False, actor=SYSTEM)
    listing = _publish_if_possible(gates.close(found.id), batch)
    if listing.status is ListingStatus.SOLD_OUT:
        return reflect_stock(listing_id=listing.id)
    return listing


def offer_again(batch: Batch) -> None:
    """Publish what waits of an accepted lot, unless its seller had paused it."""
    for found in queries.listings_of_batch(batch.id):
        _publish_if_possible(gates.close(found.id), batch)


def create(*, batch_id: UUID, price: Money | None = None, actor: Actor) -> Listing:
    """Offer an accepted lot of one's own that has no listing yet; the listing is a draft.

    Raises NotFound for another seller's lot, Conflict for one that is not accepted or listed.
    """
    require_approved(actor.organization_id)
    batch = inventory.get_batch(batch_id, viewer=actor.organization_id)
    _require_accepted(batch)
    if batch.kind is LeadKind.TARGETED:
        raise Conflict("Targeted leads belong to their buyer.", code="targeted")
    if queries.find_listing_of_batch(batch.id) is not None:
        raise Conflict("This lot has a listing already.", code="already_listed")
    return _draft(batch, price=price or batch.price, unverified=False, actor=actor)


def publish(*, listing_id: UUID, actor: Actor) -> Listing:
    """Put a listing on sale. Raises Conflict where the lot is not accepted or nothing is left."""
    listing = _own(listing_id, actor)
    require_approved(listing.organization_id)
    batch = queries.get_batch_of(listing)
    _require_accepted(batch)
    if get(Vertical, listing.vertical_id).status is not VerticalStatus.ACTIVE:
        raise Conflict("This vertical lists nothing new at the moment.", code="vertical_paused")
    if not queries.has_stock(Goods.of(listing)):
        raise Conflict("Nothing of this lot is left to sell.", code="sold_out")
    _put_on_sale(listing, actor)
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

    The same price again changes nothing. Raises Invalid for a price that is none or in another
    currency, Conflict for a listing that has ended.
    """
    listing = _own(listing_id, actor)
    if listing.status in {ListingStatus.WITHDRAWN, ListingStatus.EXPIRED}:
        raise Conflict(f"This listing is {listing.status}.", code="listing_ended")
    _require_price(price, like=listing.price)
    if price == listing.price:
        return listing
    former, listing.price = listing.price, price
    listing.terms_version += 1
    _write_terms(listing, queries.get_batch_of(listing))
    events.record(
        "listing.priced",
        subject=listing,
        actor=actor,
        before=former.amount,
        price=price.amount,
        version=listing.terms_version,
    )
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


def _draft(batch: Batch, *, price: Money, unverified: bool, actor: Actor) -> Listing:
    _require_price(price, like=batch.price)
    listing = save(
        Listing(
            organization_id=batch.organization_id,
            batch_id=batch.id,
            vertical_id=batch.vertical_id,
            quality_class=_sold_as(batch, unverified=unverified),
            bad_upper=_bad_upper(batch),
            price=price,
        )
    )
    _write_terms(listing, batch)
    events.record("listing.drafted", subject=listing, actor=actor, batch_id=str(batch.id))
    return listing


def _sold_as(batch: Batch, *, unverified: bool) -> QualityClass:
    return QualityClass.UNVERIFIED if unverified else batch.quality_class


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


def _write_terms(listing: Listing, batch: Batch) -> None:
    vertical = inventory.vertical_of(listing.vertical_id)
    row = catalog.get_terms_row(vertical)
    save(
        ListingTerms(
            listing_id=listing.id,
            version=listing.terms_version,
            price=listing.price,
            sales_max=batch.sales_max,
            return_window_hours=catalog.get_terms(vertical).return_window_hours,
            vertical_terms_version=row.version,
        )
    )


def _publish_if_possible(listing: Listing, batch: Batch) -> Listing:
    waits = listing.status is ListingStatus.DRAFT or (
        listing.status is ListingStatus.PAUSED and listing.pause_reason != BY_SELLER
    )
    may_trade = get(Organization, listing.organization_id).is_approved
    if waits and may_trade and batch.may_be_sold and queries.has_stock(Goods.of(listing)):
        _put_on_sale(listing, SYSTEM)
    return listing


def _put_on_sale(listing: Listing, actor: Actor) -> None:
    listing.published_at = clock.now()
    listing.pause_reason = ""
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


def _require_price(price: Money, *, like: Money) -> None:
    if price.currency is not like.currency:
        detail = f"This lot is sold in {like.currency}."
        raise Invalid(errors=(FieldProblem("/price/currency", "currency_fixed", detail),))
    if not 0 < price.amount <= PRICE_MAX:
        detail = "A price is more than nothing."
        raise Invalid(errors=(FieldProblem("/price/amount", "price_invalid", detail),))
