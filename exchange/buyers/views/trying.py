"""Trying a listing: five leads drawn at random, restated before they are bought."""

from __future__ import annotations

import os

from flask import Response
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from exchange.buyers.schemas import TryForm
from exchange.buyers.views.blueprint import blueprint
from exchange.buyers.views.common import former_terms, may_try, seen_listing
from exchange.core.idempotency import idempotent
from exchange.core.web import again_with_errors, load_form, render, see_other
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.market.matching import SEED_BYTES, TEST_LEADS
from exchange.market.services import orders as verbs


@blueprint.get("/listings/<listing_id>/try")
@requires(Permission.MARKET_READ)
def try_listing(listing_id: str) -> Response:
    """Restate the test purchase before it is made."""
    seen = seen_listing(listing_id)
    total = seen.listing.price * TEST_LEADS
    return render(
        "buyers/listings/try.html",
        seen=seen,
        total=total,
        missing=total - seen.wallet if total > seen.wallet else None,
        former=former_terms(seen),
        may_try=may_try(seen),
    )


@blueprint.post("/listings/<listing_id>/test-orders")
@requires(Permission.ORDER_PLACE)
@again_with_errors(try_listing)
@idempotent
def place_test_order(listing_id: str) -> ResponseReturnValue:
    order = verbs.place_test_order(
        buyer_id=organization().id,
        listing_id=seen_listing(listing_id).listing.id,
        terms_version=load_form(TryForm())["terms_version"],
        seed=os.urandom(SEED_BYTES),
        actor=actor(),
    )
    return see_other("buyers.order", order_id=order.public_id, toast=_("5 leads are yours."))
