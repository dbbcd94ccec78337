"""One listing: what is known of it before it is bought, and the purchase itself.

What is wished stands in the address until it is confirmed; the purchase restates count, price and
terms, and is made once however often it is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from flask import Response, g, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from exchange.buyers import queries
from exchange.buyers.narrowing import Narrowing
from exchange.buyers.queries import ListingView
from exchange.buyers.schemas import ListingQuery, OrderForm, WishQuery
from exchange.buyers.values import described
from exchange.buyers.views.blueprint import blueprint
from exchange.buyers.views.common import former_terms, may_buy, may_try, seen_listing
from exchange.core import ids
from exchange.core.db import parse_id
from exchange.core.errors import Conflict, DomainError, FieldProblem, Gone, Invalid
from exchange.core.idempotency import idempotent, led_to
from exchange.core.web import again_with_errors, image, load_form, load_query, render, see_other
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.leads import cards, words
from exchange.leads.models import Lead
from exchange.market import queries as market
from exchange.market.filters import choosable
from exchange.market.models import Listing, Order
from exchange.market.services import orders as verbs
from exchange.verification import queries as verification


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be bought: so many leads that fit, or these."""

    narrowing: Narrowing
    quantity: int
    lead_ids: tuple[UUID, ...] = ()  # none: freshest first

    @property
    def is_ticked(self) -> bool:
        """Whether the buyer chose the leads by hand; those of a time are named by us."""
        return bool(self.lead_ids) and self.narrowing.fresh_hours is None

    @property
    def public_ids(self) -> list[str]:
        """The chosen leads as a form sends them."""
        return [ids.encode(Lead.PREFIX, lead_id) for lead_id in self.lead_ids]


@blueprint.get("/listings/<listing_id>")
@requires(Permission.MARKET_READ)
def listing(listing_id: str) -> Response:
    asked = load_query(ListingQuery())
    seen, ours = seen_listing(listing_id), organization()
    narrowing = _narrowing(request.args, seen=seen, asked=asked)
    return render(
        "buyers/listings/detail.html",
        block="listing",
        seen=seen,
        auction=queries.find_auction_of(seen.listing, viewer=ours.id),
        page=queries.masked_leads(
            seen, viewer=ours.id, narrowing=narrowing, cursor=asked["cursor"]
        ),
        count=queries.count_leads(seen, viewer=ours.id, narrowing=narrowing),
        sheet=verification.lot_sheet(seen.batch) if seen.quality else None,
        regions=queries.regions_of(seen),
        completeness=queries.completeness(seen),
        narrowing=narrowing,
        choosable=choosable(seen.fields),
        may_try=may_try(seen),
        described=described,
        channels=words.CHANNELS,
        collectors=words.COLLECTORS,
    )


@blueprint.get("/listings/<listing_id>/picture")
@requires(Permission.MARKET_READ)
def listing_picture(listing_id: str) -> Response:
    """What people saw before they asked, as the card of the source keeps it."""
    found = market.get_listing(parse_id(listing_id, Listing), viewer=organization().id)
    return image(*cards.read_picture(market.get_batch_of(found).source_id))


@blueprint.get("/listings/<listing_id>/buy")
@requires(Permission.MARKET_READ)
@again_with_errors(listing)
def buy(listing_id: str) -> Response:
    """Restate the purchase before it is made; a refused one is restated as it now stands.

    The key of the purchase stands in the address: who goes back and sends again buys nothing more.
    """
    seen = seen_listing(listing_id)
    key = request.args.get("key") or str(ids.uuid7())
    wish = _wish(seen)
    left = _left(seen, wish)
    if left != 0 and not wish.is_ticked:
        wish = replace(wish, quantity=min(wish.quantity, left or wish.quantity), lead_ids=())
        wish = _named(seen, wish)
    total = seen.listing.price * wish.quantity
    return render(
        "buyers/listings/buy.html",
        seen=seen,
        wish=wish,
        total=total,
        missing=total - seen.wallet if total > seen.wallet else None,
        former=former_terms(seen),
        may_buy=may_buy(),
        left=left,
        key=key,
        made=led_to(key),
    )


@blueprint.post("/listings/<listing_id>/orders")
@requires(Permission.ORDER_PLACE)
@again_with_errors(buy)
@idempotent
def place_order(listing_id: str) -> ResponseReturnValue:
    form, seen = load_form(OrderForm()), seen_listing(listing_id)
    wish = _wish(seen)
    order = _place(seen, wish, terms_version=form["terms_version"])
    count = ngettext("%(num)s lead is yours.", "%(num)s leads are yours.", order.quantity)
    return see_other("buyers.order", order_id=order.public_id, toast=count)


def _place(seen: ListingView, wish: Wish, *, terms_version: int) -> Order:
    try:
        wish = _named(seen, wish)
        return verbs.place_order(
            buyer_id=organization().id,
            listing_id=seen.listing.id,
            terms_version=terms_version,
            quantity=None if wish.lead_ids else wish.quantity,
            lead_ids=wish.lead_ids or None,
            criteria=None if wish.lead_ids else wish.narrowing.order_criteria(),
            actor=actor(),
        )
    except DomainError as error:
        if error.facts.get("left") is not None:
            g.left = error.facts["left"]  # the page asks again for what is left
        raise


def _left(seen: ListingView, wish: Wish) -> int | None:
    """How many leads can be bought where they are fewer than wished; None: enough, or not told."""
    if "left" in g:
        refused: int = g.left
        return refused
    if wish.is_ticked:
        return None
    count = queries.count_leads(seen, viewer=organization().id, narrowing=wish.narrowing)
    return count if count is not None and count < wish.quantity else None


def _wish(seen: ListingView) -> Wish:
    sent = request.form if request.method == "POST" else request.args
    asked = load_form(OrderForm()) if request.method == "POST" else load_query(WishQuery())
    narrowing = _narrowing(sent, seen=seen, asked=asked)
    lead_ids = tuple(parse_id(text, Lead) for text in sent.getlist("ids"))
    if lead_ids:
        return Wish(narrowing, len(lead_ids), lead_ids)
    if not asked["quantity"]:
        problem = FieldProblem("/quantity", "required", _("Say how many leads you want."))
        raise Invalid(errors=(problem,))
    return Wish(narrowing, asked["quantity"])


def _named(seen: ListingView, wish: Wish) -> Wish:
    """Where only fresh leads are wanted they are named: nobody gets an older one instead."""
    if wish.lead_ids or wish.narrowing.fresh_hours is None:
        return wish
    ours = organization().id
    if queries.count_leads(seen, viewer=ours, narrowing=wish.narrowing) is None:
        text = _("So few leads fit that they are not named. Ask for them without a time.")
        raise Conflict(text, code="too_few")
    found = queries.freshest(seen, viewer=ours, narrowing=wish.narrowing, quantity=wish.quantity)
    if len(found) < wish.quantity:
        raise Gone(_("Fewer leads are left."), code="sold_out", left=len(found))
    return replace(wish, lead_ids=tuple(lead.id for lead in found))


def _narrowing(
    sent: Mapping[str, str],
    *,
    seen: ListingView,
    asked: Mapping[str, Any],  # Any: loaded by a schema
) -> Narrowing:
    return Narrowing.of(sent, seen.fields, region=asked["region"], fresh_hours=asked["fresh"])
