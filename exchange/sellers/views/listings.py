"""Pages of listings: what is on sale, on which terms, to whom, and how much of it is sold."""

from __future__ import annotations

from typing import Any, cast

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from exchange.catalog import queries as catalog
from exchange.core.db import parse_id
from exchange.core.errors import FieldProblem, Invalid, NotFound
from exchange.core.idempotency import idempotent
from exchange.core.money import Money
from exchange.core.web import (
    FormState,
    again_with_errors,
    is_fragment,
    load_form,
    load_query,
    render,
    see_other,
)
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.leads import queries as inventory
from exchange.leads.models import Batch
from exchange.market import queries
from exchange.market.models import CHOSEN_MODES, Listing
from exchange.market.refusal_words import REFUSALS
from exchange.market.services import listings as verbs
from exchange.market.services.listing_terms import Changes
from exchange.sellers import listing_forms as forms
from exchange.sellers import queries as own
from exchange.sellers.previews import Preview, preview
from exchange.sellers.schemas import PriceForm
from exchange.sellers.views.blueprint import blueprint


@blueprint.get("/listings")
@requires(Permission.BATCH_READ)
def listings() -> Response:
    asked = load_query(forms.ListingsQuery())
    return render(
        "sellers/listings/index.html",
        block="results",
        page=own.listing_views(viewer=organization().id, **asked),
        verticals=catalog.verticals(with_paused=True),
    )


@blueprint.get("/listings/<listing_id>")
@requires(Permission.BATCH_READ)
def listing(listing_id: str) -> Response:
    """How one listing is sold, with the form that changes it."""
    mine = _mine(listing_id)
    return _listing_page(mine, preview(queries.get_batch_of(mine), {}, listing=mine))


def _listing_page(mine: Listing, shown: Preview | None, **more: Any) -> Response:
    """The page of a listing; `more`: a form that is shown again."""
    seen = own.listing_view(mine)
    found, seller = seen.listing, organization().id
    is_whole = not (found.criteria or found.is_aged)
    return render(
        "sellers/listings/detail.html",
        seen=seen,
        modes=CHOSEN_MODES,
        buyers=queries.buyers_of(seller),
        only=queries.pseudonyms_of(found.buyers_only, seller_id=seller),
        never=queries.pseudonyms_of(found.buyers_never, seller_id=seller),
        last_day=forms.last_day(found.expires_at, seen.vertical.time_zone),
        filterable=forms.filterable(seen.fields),
        ticks=forms.ticks_of(found.criteria),
        versions=queries.terms_history(found.id),
        ripe=queries.count_ripe([seen.batch.id]).get(seen.batch.id, 0) if is_whole else 0,
        aged=queries.find_listing_of_batch(seen.batch.id, is_aged=True),
        met=queries.refusals_of_listing(found.id),
        refusal_words=REFUSALS,
        preview=shown,
        **more,
    )


@blueprint.post("/listings/<listing_id>/preview")
@requires(Permission.LISTING_PUBLISH)
def preview_listing(listing_id: str) -> Response:
    """What buyers would see, alone for htmx; without a script the page again with it."""
    mine = _mine(listing_id)
    shown = _previewed(queries.get_batch_of(mine), mine)
    if is_fragment():
        return render("sellers/listings/_preview.html", preview=shown)
    return _listing_page(mine, shown, form=FormState(request.form.to_dict()))


@blueprint.post("/listings/<listing_id>")
@requires(Permission.LISTING_PUBLISH)
@again_with_errors(listing)
def change_listing(listing_id: str) -> ResponseReturnValue:
    mine = _mine(listing_id)
    changes = _changes(queries.get_batch_of(mine), mine)
    verbs.change(listing_id=mine.id, changes=changes, actor=actor())
    return see_other("sellers.listing", listing_id=listing_id, toast=_("The listing is changed."))


@blueprint.get("/batches/<batch_id>/listings/new")
@requires(Permission.LISTING_PUBLISH)
def new_listing(batch_id: str) -> Response:
    """List a part of a lot beside the whole."""
    batch = _my_batch(batch_id)
    return _new_page(batch, preview(batch, {}))


@blueprint.post("/batches/<batch_id>/listings/preview")
@requires(Permission.LISTING_PUBLISH)
def preview_part(batch_id: str) -> Response:
    """The same of a part that is not listed yet."""
    batch = _my_batch(batch_id)
    shown = _previewed(batch)
    if is_fragment():
        return render("sellers/listings/_preview.html", preview=shown)
    return _new_page(batch, shown, form=FormState(request.form.to_dict()))


def _new_page(batch: Batch, shown: Preview | None, **more: Any) -> Response:
    vertical = inventory.vertical_of(batch.vertical_id)
    return render(
        "sellers/listings/new.html",
        batch=batch,
        vertical=vertical,
        band=queries.price_guidance(vertical.id, currency=vertical.currency),
        modes=CHOSEN_MODES,
        buyers=queries.buyers_of(organization().id),
        filterable=forms.filterable(inventory.fields_of(batch.schema_id)),
        preview=shown,
        **more,
    )


@blueprint.post("/batches/<batch_id>/listings")
@requires(Permission.LISTING_PUBLISH)
@again_with_errors(new_listing)
@idempotent
def create_listing(batch_id: str) -> ResponseReturnValue:
    batch = _my_batch(batch_id)
    changes = _changes(batch)
    price, criteria = changes.pop("price"), changes.pop("criteria")
    if not criteria:
        text = _("Choose what the listing is about; the whole lot is listed by itself.")
        raise Invalid(errors=(FieldProblem("/criteria", "missing_required", text),))
    made = verbs.create(
        batch_id=batch.id, price=price, criteria=criteria, changes=changes, actor=actor()
    )
    verbs.publish(listing_id=made.id, actor=actor())
    return see_other("sellers.listing", listing_id=made.public_id, toast=_("It is on sale."))


@blueprint.post("/listings/<listing_id>/aged")
@requires(Permission.LISTING_PUBLISH)
@again_with_errors(listing)
@idempotent
def offer_aged(listing_id: str) -> ResponseReturnValue:
    """List a second time what of a lot was sold alone ninety days ago."""
    mine = _mine(listing_id)
    amount = load_form(forms.AgedForm())["price"]
    price = None if amount is None else Money(amount, mine.price.currency)
    made = verbs.offer_aged(batch_id=mine.batch_id, price=price, actor=actor())
    return see_other("sellers.listing", listing_id=made.public_id, toast=_("It is on sale."))


def _again(**_values: str) -> ResponseReturnValue:
    """The list with what was refused on top."""
    return listings()


@blueprint.post("/listings/<listing_id>/price")
@requires(Permission.LISTING_PUBLISH)
@again_with_errors(_again)
def set_price(listing_id: str) -> ResponseReturnValue:
    listing = _mine(listing_id)
    price = Money(load_form(PriceForm())["price"], listing.price.currency)
    verbs.set_price(listing_id=listing.id, price=price, actor=actor())
    return see_other("sellers.listings", toast=_("The new price is in force."))


@blueprint.post("/listings/<listing_id>/<step>")
@requires(Permission.LISTING_PUBLISH)
@again_with_errors(_again)
def move(listing_id: str, step: str) -> ResponseReturnValue:
    listing = _mine(listing_id)
    steps = {
        "publish": (verbs.publish, _("It is on sale.")),
        "pause": (verbs.pause, _("It is off sale until you put it on sale again.")),
        "withdraw": (verbs.withdraw, _("It is off sale for good.")),
    }
    if step not in steps:
        raise NotFound
    verb, said = steps[step]
    verb(listing_id=listing.id, actor=actor())
    return see_other("sellers.listings", toast=said)


def _changes(batch: Batch, mine: Listing | None = None) -> Changes:
    """What the sent form makes of a listing."""
    found = forms.changes_of(
        load_form(forms.ListingForm()),
        currency=batch.price.currency,
        zone=inventory.vertical_of(batch.vertical_id).time_zone,
        listing=mine,
    )
    if mine is None or (mine.criteria and forms.ticks_of(mine.criteria) is not None):
        known = inventory.fields_of(batch.schema_id)
        found["criteria"] = forms.criteria_of(request.form, known)
    return cast("Changes", found)  # its schema has read each of them as the verb wants it


def _previewed(batch: Batch, mine: Listing | None = None) -> Preview | None:
    """What the sent form would show to buyers; None where it cannot be read."""
    try:
        return preview(batch, _changes(batch, mine), listing=mine)
    except Invalid:
        return None


def _my_batch(batch_id: str) -> Batch:
    return inventory.get_batch(parse_id(batch_id, Batch), viewer=organization().id)


def _mine(listing_id: str) -> Listing:
    return queries.get_own_listing(parse_id(listing_id, Listing), viewer=organization().id)
