"""Verbs of orders: a buyer takes leads and sets money aside, all of it or nothing.

Locks are taken in one order: the buyer's turn, the listing's gate, the leads, the order's own
rows, then the accounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from exchange.billing import queries as billing
from exchange.billing.services import holds
from exchange.catalog import queries as catalog
from exchange.catalog.criteria import EVERYTHING, Criteria, from_json, on_day, to_json
from exchange.core import clock
from exchange.core.actors import Actor
from exchange.core.db import db, save
from exchange.core.errors import (
    Conflict,
    FieldProblem,
    Forbidden,
    InsufficientFunds,
    Invalid,
    NotFound,
)
from exchange.core.events import Ref
from exchange.core.ids import uuid7
from exchange.core.jobs import enqueue
from exchange.core.money import Money
from exchange.core.sets import insert_rows
from exchange.core.states import transition
from exchange.identity.models import Organization, OrganizationStatus
from exchange.identity.permissions import OrganizationKind
from exchange.identity.services import require_approved
from exchange.leads import queries as inventory
from exchange.leads.models import Batch
from exchange.market import queries
from exchange.market.matching import ORDER_LEADS_MAX, TEST_LEADS
from exchange.market.models import (
    LineStatus,
    Listing,
    ListingMode,
    ListingStatus,
    Order,
    OrderLine,
    OrderStatus,
)
from exchange.market.queries.stock import Goods, Wanted
from exchange.market.services import gates, reservations
from exchange.market.services.strangers import require_strangers


@dataclass(frozen=True, slots=True)
class Offer:
    """A listing as it is agreed to: nothing of it changes until the unit of work ends."""

    id: UUID
    seller_id: UUID
    batch: Batch
    goods: Goods
    price: Money
    terms_version: int


def place_order(
    *,
    buyer_id: UUID,
    listing_id: UUID,
    terms_version: int,
    quantity: int | None = None,
    lead_ids: Sequence[UUID] | None = None,
    criteria: dict[str, Any] | None = None,
    actor: Actor,
) -> Order:
    """Take leads and set their price aside, or change nothing; the money moves on delivery.

    Either a `quantity`, freshest first and narrowed by `criteria` where given, or exactly these
    `lead_ids`, without criteria; at most a thousand. The price is the one of `terms_version`.

    Raises Invalid, Forbidden (not approved, `own_leads`, `related`), NotFound, Conflict
    `terms_changed` (with the new terms), `listing_unavailable`, `auction_only` or
    `contracts_only`, InsufficientFunds (with what is missing, before anything is said of the
    leads) and Gone `sold_out` (with how many are shown at most).
    """
    count = _count(quantity, lead_ids)
    if lead_ids is not None and criteria:
        # Whether a chosen lead fits what is hidden of it would be told before it is paid.
        raise _invalid("/criteria", "one_of", "Criteria narrow a quantity, not leads you chose.")
    offer = _enter(listing_id, terms_version=terms_version, buyer_id=buyer_id)
    wanted = _wanted(offer, buyer_id)
    accepted = _read_criteria(criteria, offer.batch)
    chosen = None if lead_ids is None else tuple(lead_ids)
    return _buy(offer, replace(wanted, criteria=accepted, lead_ids=chosen), count, actor=actor)


def place_test_order(
    *, buyer_id: UUID, listing_id: UUID, terms_version: int, seed: bytes, actor: Actor
) -> Order:
    """Try a listing: five leads drawn by `seed`, at its price.

    Rights of return are those of every order. Once for a buyer and listing, and only for who
    never bought from it. Raises as `place_order` does, and Conflict `bought_before`.
    """
    offer = _enter(listing_id, terms_version=terms_version, buyer_id=buyer_id)
    if queries.has_bought_from(listing_id, buyer_id=buyer_id):
        raise Conflict("You have bought from this listing already.", code="bought_before")
    return _buy(offer, replace(_wanted(offer, buyer_id), seed=seed), TEST_LEADS, actor=actor)


def _enter(listing_id: UUID, *, terms_version: int, buyer_id: UUID) -> Offer:
    """Wait for the buyer's turn, and hold what the listing offers as it is."""
    require_buyer(buyer_id)
    gates.enter(buyer_id=buyer_id, listing_id=listing_id)
    return _agree(listing_id, terms_version=terms_version, buyer_id=buyer_id)


def _buy(offer: Offer, wanted: Wanted, count: int, *, actor: Actor) -> Order:
    _require_funds(wanted.buyer_id, offer.price * count)
    taken = reservations.take(wanted, count)
    order = _write_order(offer, wanted, count=count, actor=actor)
    refs = _write_lines(order, offer, taken)
    _set_aside(order, refs, actor)
    _ring_when_sold_out(offer)
    _confirm(order, offer, actor)
    return order


def _require_funds(buyer_id: UUID, total: Money) -> None:
    """Who could not pay is told nothing of the leads, not even whether there are any.

    What decides is the hold. Raises InsufficientFunds.
    """
    left = billing.wallets([buyer_id], currency=total.currency)[buyer_id]
    if left < total.amount:
        raise InsufficientFunds(missing=total.amount - left, currency=str(total.currency))


def place_won(
    offer: Offer, buyer_id: UUID, most: int, *, bid_id: UUID, actor: Actor
) -> tuple[Order, list[Ref]] | None:
    """Take up to `most` leads for a bid and write their order, freshest first; None: there is none.

    The caller sets the money aside for the lines, then confirms it.
    """
    wanted = _wanted(offer, buyer_id)
    taken = reservations.take_most(wanted, most)
    if not taken:
        return None
    order = _write_order(offer, wanted, count=len(taken), actor=actor)
    order.bid_id = bid_id
    return order, _write_lines(order, offer, taken)


def confirm_won(order: Order, offer: Offer, actor: Actor) -> None:
    """Have what a bid won delivered; its money is set aside."""
    _confirm(order, offer, actor)


def _count(quantity: int | None, lead_ids: Sequence[UUID] | None) -> int:
    """How many leads are asked for. Raises Invalid."""
    if (quantity is None) == (lead_ids is None):
        raise _invalid("/quantity", "one_of", "Give either a quantity or the leads you chose.")
    if lead_ids is not None and len(set(lead_ids)) != len(lead_ids):
        raise _invalid("/lead_ids", "repeated", "A lead stands twice in this order.")
    count = len(lead_ids) if lead_ids is not None else quantity or 0
    if not 1 <= count <= ORDER_LEADS_MAX:
        pointer = "/quantity" if lead_ids is None else "/lead_ids"
        raise _invalid(pointer, "quantity", f"An order is for 1 to {ORDER_LEADS_MAX} leads.")
    return count


def _invalid(pointer: str, code: str, detail: str) -> Invalid:
    return Invalid(errors=(FieldProblem(pointer, code, detail),))


def require_buyer(buyer_id: UUID) -> None:
    """Raises Forbidden for whoever may not buy leads."""
    if require_approved(buyer_id).kind is not OrganizationKind.BUYER:
        raise Forbidden("Only a buyer can order leads.", code="not_a_buyer")


def _agree(listing_id: UUID, *, terms_version: int, buyer_id: UUID) -> Offer:
    """The listing behind its gate: a new price or a pause waits until this order is through."""
    row = db.session.execute(
        select(Listing, Batch, Organization.status.label("seller_status"))
        .join(Batch, Batch.id == Listing.batch_id)
        .join(Organization, Organization.id == Listing.organization_id)
        .where(Listing.id == listing_id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound
    listing = row.Listing
    _require_open(listing, row.seller_status, buyer_id=buyer_id)
    if listing.terms_version != terms_version:
        raise Conflict(
            "The terms of this listing have changed. Look at them and order again.",
            code="terms_changed",
            terms_version=listing.terms_version,
            amount=listing.price.amount,
            currency=str(listing.price.currency),
        )
    return Offer(
        id=listing.id,
        seller_id=listing.organization_id,
        batch=row.Batch,
        goods=Goods.of(listing),
        price=listing.price,
        terms_version=listing.terms_version,
    )


def _require_open(listing: Listing, seller_status: OrganizationStatus, *, buyer_id: UUID) -> None:
    require_strangers(buyer_id=buyer_id, seller_id=listing.organization_id)
    if listing.status is ListingStatus.DRAFT or not queries.may_see(listing, buyer_id):
        raise NotFound
    # Of a listing that is sold out the stock itself says what came back.
    is_open = listing.status in {ListingStatus.PUBLISHED, ListingStatus.SOLD_OUT}
    if not is_open or seller_status is not OrganizationStatus.APPROVED:
        raise Conflict("This listing is not on sale at the moment.", code="listing_unavailable")
    _require_fixed(listing.mode)


def _require_fixed(mode: ListingMode) -> None:
    """A targeted one was not found before."""
    if mode is ListingMode.AUCTION:
        raise Conflict("This listing is sold by auction: place a bid.", code="auction_only")
    if mode is ListingMode.CONTRACTS:
        raise Conflict("This listing is sold to standing orders only.", code="contracts_only")


def _read_criteria(data: dict[str, Any] | None, batch: Batch) -> Criteria:
    if not data:
        return EVERYTHING
    return on_day(from_json(data, inventory.fields_of(batch.schema_id)), clock.now().date())


def _wanted(offer: Offer, buyer_id: UUID) -> Wanted:
    vertical = inventory.vertical_of(offer.batch.vertical_id)
    terms = catalog.get_terms(vertical)
    window = timedelta(days=terms.duplicate_window_days)
    return Wanted(
        goods=offer.goods,
        vertical_id=vertical.id,
        buyer_id=buyer_id,
        known_since=clock.now() - window,
        named_only=terms.consent.named_buyer_required,
    )


def _write_order(offer: Offer, wanted: Wanted, *, count: int, actor: Actor) -> Order:
    return save(
        Order(
            buyer_id=wanted.buyer_id,
            listing_id=offer.id,
            terms_version=offer.terms_version,
            quantity=count,
            criteria=to_json(wanted.criteria) if wanted.is_narrowed else {},
            price=offer.price,
            total=offer.price * count,
            placed_by_id=actor.id,
            test_seed=wanted.seed,
        )
    )


def _write_lines(order: Order, offer: Offer, taken: reservations.Slots) -> list[Ref]:
    """One line per lead, in one statement; their ids sort as the leads were picked."""
    line_ids = sorted(uuid7() for _ in taken)
    lines = [
        {"id": line_id, "lead_id": lead_id, "slot": slot}
        for line_id, (lead_id, slot) in zip(line_ids, taken.items(), strict=True)
    ]
    statement = insert_rows(
        OrderLine,
        lines,
        created_at=clock.now(),
        order_id=order.id,
        buyer_id=order.buyer_id,
        seller_id=offer.seller_id,
        price_amount=offer.price.amount,
        price_currency=str(offer.price.currency),
        refunded=0,
        status=LineStatus.RESERVED,
    )
    db.session.execute(statement)
    return [Ref(OrderLine.KIND, line_id) for line_id in line_ids]


def _set_aside(order: Order, refs: Sequence[Ref], actor: Actor) -> None:
    """One hold for each line, one posting for all."""
    holds.place(
        organization_id=order.buyer_id,
        holds=[(ref, order.price) for ref in refs],
        subject=Ref.to(order),
        actor=actor,
    )


def _confirm(order: Order, offer: Offer, actor: Actor) -> None:
    """Whoever hands the leads over hears of it now, in the same transaction."""
    transition(
        order,
        OrderStatus.CONFIRMED,
        actor=actor,
        quantity=order.quantity,
        total=order.total.amount,
        currency=str(order.total.currency),
        listing_id=str(offer.id),
        seller_id=str(offer.seller_id),
    )


def _ring_when_sold_out(offer: Offer) -> None:
    """The listing says "sold out" a moment later: its row is shared with other buyers now."""
    if not queries.has_stock(offer.goods):
        enqueue("market.reflect_stock", offer.id)
