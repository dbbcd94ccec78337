"""Several listings at once: taken off sale, at another price or with another last day.

What would happen to each is shown first, and asked again; a price is then set as it was shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import Response, request
from flask.typing import ResponseReturnValue

from exchange.core.idempotency import idempotent
from exchange.core.money import Money
from exchange.core.web import again_with_errors, load_form, render
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.leads import queries as inventory
from exchange.market import queries
from exchange.market.models import Listing
from exchange.market.services.listing_terms import Changes
from exchange.sellers import listing_forms as forms
from exchange.sellers import queries as own
from exchange.sellers.bulk import Deed, Outcome, carry_out, rehearse
from exchange.sellers.views.blueprint import blueprint
from exchange.sellers.views.listings import listings


@blueprint.post("/listings/deeds")
@requires(Permission.LISTING_PUBLISH)
@again_with_errors(listings)
def ask_deed() -> Response:
    """What the deed would do to each of the chosen listings."""
    form = load_form(forms.DeedForm())
    chosen = _chosen(form["ids"])
    outcomes = rehearse(form["deed"], _changes(chosen, form), actor=actor())
    return _page(form, chosen, outcomes)


@blueprint.post("/listings/deeds/confirmed")
@requires(Permission.LISTING_PUBLISH)
@again_with_errors(listings)
@idempotent
def do_deed() -> ResponseReturnValue:
    """Do it, and say of each what became of it."""
    form = load_form(forms.DeedForm())
    chosen = _chosen(form["ids"])
    outcomes = carry_out(form["deed"], _changes(chosen, form), actor=actor())
    return _page(form, chosen, outcomes, is_done=True)


def _page(
    form: Mapping[str, Any],  # Any: loaded by DeedForm
    chosen: Sequence[Listing],
    outcomes: Sequence[Outcome],
    *,
    is_done: bool = False,
) -> Response:
    views = {view.listing.id: view for view in own.listing_views_of(chosen)}
    rows = [(views[one.listing_id], one) for one in outcomes]
    return render(
        "sellers/listings/deeds.html",
        asked=form,
        done=[row for row in rows if not row[1].refusal],
        refused=[row for row in rows if row[1].refusal],
        is_done=is_done,
        last_day=forms.last_day,
    )


def _chosen(listing_ids: Sequence[UUID]) -> list[Listing]:
    viewer = organization().id
    return [queries.get_own_listing(one, viewer=viewer) for one in dict.fromkeys(listing_ids)]


def _changes(
    chosen: Sequence[Listing],
    form: Mapping[str, Any],  # Any: loaded by DeedForm
) -> dict[UUID, Changes]:
    return {one.id: _change(one, form) for one in chosen}


def _change(listing: Listing, form: Mapping[str, Any]) -> Changes:  # Any: as above
    if form["deed"] is Deed.PRICE:
        return {"price": _price(listing, form["percent"])}
    if form["deed"] is Deed.UNTIL:
        zone = inventory.vertical_of(listing.vertical_id).time_zone
        return {"expires_at": forms.end_of_day(form["last_day"], zone)}
    return {}


def _price(listing: Listing, percent: int) -> Money:
    """The price that the page showed, whatever the listing asks by now; else from its own."""
    shown = request.form.get(f"price.{listing.public_id}", type=int)
    if shown is None:
        return listing.price.plus_percent(percent)
    return Money(shown, listing.price.currency)
