"""What is traded, what is on sale, and buying it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from flask.typing import ResponseReturnValue

from exchange.catalog import queries as catalog
from exchange.catalog.criteria import EVERYTHING, Criteria, from_json, on_day
from exchange.catalog.field_definitions import fields_to_json
from exchange.catalog.fields import LeadFields
from exchange.catalog.models import Vertical
from exchange.core import clock
from exchange.core.db import parse_id
from exchange.core.errors import FieldProblem, Invalid
from exchange.core.forms import list_of
from exchange.core.idempotency import idempotent
from exchange.identity.access import actor, organization, public, requires
from exchange.identity.permissions import Permission
from exchange.leads import queries as inventory
from exchange.leads.cards import public_card
from exchange.market import queries
from exchange.market.api.blueprint import blueprint
from exchange.market.matching import SEED_BYTES
from exchange.market.models import Listing, Order
from exchange.market.queries import Filters, Found, Stock
from exchange.market.schemas import (
    KnownBuyerOut,
    LeadsQuery,
    ListingChange,
    ListingOut,
    ListingsOut,
    MaskedLeadOut,
    NewListing,
    NewOrder,
    OrderOut,
    OrderQuery,
    OrderSummaryOut,
    TryOrder,
    VerticalDetailOut,
    VerticalOut,
    VerticalQuery,
)
from exchange.market.search_schemas import SearchQuery
from exchange.market.services import listings, orders
from exchange.market.services.listing_terms import Changes
from exchange.verification import queries as verification

Json = dict[str, Any]  # Any: what the schemas write
NOT_ENOUGH = {"reason": "not enough sales"}


@blueprint.route("/verticals", methods=["GET"])
@public
@blueprint.response(200, list_of(VerticalOut))
def verticals() -> Json:
    """List what is traded here."""
    found = [_vertical(one) for one in catalog.verticals(with_paused=True)]
    return {"items": found, "has_more": False, "next_cursor": None}


@blueprint.route("/verticals/<code>", methods=["GET"])
@public
@blueprint.arguments(VerticalQuery, location="query")
@blueprint.response(200, VerticalDetailOut)
def vertical(asked: Json, code: str) -> Json:
    """Show the fields of a vertical, what can be asked for, its return rules and prices."""
    found = catalog.get_vertical(code)
    definition = catalog.get_definition(found)
    terms = definition.terms
    prices = queries.price_table(found.id, currency=definition.currency)
    return {
        **_vertical(found),
        "fields": fields_to_json(definition.fields),
        "criteria": [spec.name for spec in definition.fields.attributes],
        "return_rules": {
            "window_hours": terms.return_window_hours,
            "covered": [str(reason) for reason in terms.return_reasons],
            "not_covered": [str(reason) for reason in terms.uncovered_reasons],
            "duplicate_window_days": terms.duplicate_window_days,
        },
        "quality_classes": {
            str(grade): definition.typical_price(grade) for grade in definition.quality_classes
        },
        "intake_rules": {
            "duplicates": terms.duplicates.to_json(),
            "named_buyer_required": terms.consent.named_buyer_required,
            "files_kept_days": terms.retention.file_days,
        },
        "price_guidance": prices.find(asked["region"]) or NOT_ENOUGH,
        "price_guidance_by_age": prices.by_age(asked["region"]),
    }


@blueprint.route("/listings", methods=["POST"])
@requires(Permission.LISTING_PUBLISH)
@idempotent
@blueprint.arguments(NewListing)
@blueprint.response(201, ListingOut)
def create_listing(form: Json) -> Json:
    """Put an accepted batch, a filter over it, or its aged leads on sale."""
    batch_id, publish, aged = (form.pop(name) for name in ("batch_id", "publish", "aged"))
    price, criteria = form.pop("price", None), form.pop("criteria", None)
    changes = _changes(form)
    if aged:
        made = listings.offer_aged(batch_id=batch_id, price=price, actor=actor())
        return _listing(listings.change(listing_id=made.id, changes=changes, actor=actor()))
    made = listings.create(
        batch_id=batch_id, price=price, criteria=criteria, changes=changes, actor=actor()
    )
    if publish:
        made = listings.publish(listing_id=made.id, actor=actor())
    return _listing(made)


@blueprint.route("/listings/<listing_id>", methods=["PATCH"])
@requires(Permission.LISTING_PUBLISH)
@blueprint.arguments(ListingChange)
@blueprint.response(200, ListingOut)
def change_listing(form: Json, listing_id: str) -> Json:
    """Change the price, its fall, the mode, for whom or until when; pause, publish or withdraw."""
    mine = queries.get_own_listing(parse_id(listing_id, Listing), viewer=organization().id)
    changes = _changes(form)
    if changes:
        listings.change(listing_id=mine.id, changes=changes, actor=actor())
    steps = {
        "published": listings.publish,
        "paused": listings.pause,
        "withdrawn": listings.withdraw,
    }
    if form.get("status", mine.status) != mine.status:
        steps[form["status"]](listing_id=mine.id, actor=actor())
    return _listing(mine)


@blueprint.route("/buyers", methods=["GET"])
@requires(Permission.LISTING_PUBLISH)
@blueprint.response(200, list_of(KnownBuyerOut))
def known_buyers() -> Json:
    """List who bought from you, by the names that your listings allow and deny them by."""
    found = queries.buyers_of(organization().id)
    return {"items": found, "has_more": False, "next_cursor": None}


@blueprint.route("/listings", methods=["GET"])
@requires(Permission.MARKET_READ, Permission.BATCH_READ)
@blueprint.arguments(SearchQuery, location="query")
@blueprint.response(200, ListingsOut)
def index(asked: Json) -> Json:
    """Search what is on sale, with facets. A seller gets the own listings instead."""
    if Permission.MARKET_READ not in actor().permissions:
        page = queries.listings_of_seller(
            organization().id,
            status=asked.get("status"),
            cursor=asked["cursor"],
            limit=asked["limit"],
        )
        return {**_page(page), "items": _listings(page.items)}
    filters, fields = _filters(asked)
    viewer = organization().id
    results = queries.search(
        viewer=viewer,
        filters=filters,
        fields=fields,
        sort=asked["sort"],
        cursor=asked["cursor"],
        limit=asked["limit"],
    )
    return {
        **_page(results),
        "items": _found(results.items),
        "counted_at": results.counted_at,
        "facets": queries.facets(viewer=viewer, filters=filters, fields=fields),
    }


@blueprint.route("/listings/<listing_id>", methods=["GET"])
@requires(Permission.MARKET_READ, Permission.BATCH_READ)
@blueprint.response(200, ListingOut)
def show(listing_id: str) -> Json:
    """Show a listing on sale, or one of your own, with its measured quality."""
    seen = _seen(listing_id)
    return {**_listing(seen), "card": public_card(queries.get_batch_of(seen))}


@blueprint.route("/listings/<listing_id>/leads", methods=["GET"])
@requires(Permission.MARKET_READ, Permission.BATCH_READ)
@blueprint.arguments(LeadsQuery, location="query")
@blueprint.response(200, list_of(MaskedLeadOut))
def leads(asked: Json, listing_id: str) -> queries.MaskedLeads:
    """List the leads that you can still buy, masked, freshest first."""
    seen = _seen(listing_id)
    batch = queries.get_batch_of(seen)
    return queries.sellable_leads(
        seen,
        viewer=organization().id,
        criteria=_criteria(asked.get("criteria"), schema_id=batch.schema_id),
        fresh_hours=asked["fresh_hours"],
        cursor=asked["cursor"],
        limit=asked["limit"],
    )


@blueprint.route("/orders", methods=["POST"])
@requires(Permission.ORDER_PLACE)
@idempotent
@blueprint.arguments(NewOrder)
@blueprint.response(201, OrderOut)
def place_order(form: Json) -> ResponseReturnValue:
    """Buy leads, all that you ask for or none.

    402 says what is missing in the wallet, 409 `terms_changed` carries the new terms, 410
    `sold_out` says how many are left.
    """
    return _order(orders.place_order(buyer_id=organization().id, actor=actor(), **form))


@blueprint.route("/listings/<listing_id>/test_orders", methods=["POST"])
@requires(Permission.ORDER_PLACE)
@idempotent
@blueprint.arguments(TryOrder)
@blueprint.response(201, OrderOut)
def try_listing(form: Json, listing_id: str) -> ResponseReturnValue:
    """Buy five leads drawn at random of a listing you never bought from, once."""
    return _order(
        orders.place_test_order(
            buyer_id=organization().id,
            listing_id=parse_id(listing_id, Listing),
            seed=os.urandom(SEED_BYTES),
            actor=actor(),
            **form,
        )
    )


@blueprint.route("/orders", methods=["GET"])
@requires(Permission.ORDER_READ)
@blueprint.arguments(OrderQuery, location="query")
@blueprint.response(200, list_of(OrderSummaryOut))
def placed(asked: Json) -> Json:
    """List your orders, newest first."""
    page = queries.orders(viewer=organization().id, **asked)
    return {**_page(page), "items": [_summary(order) for order in page.items]}


@blueprint.route("/orders/<order_id>", methods=["GET"])
@requires(Permission.ORDER_READ)
@blueprint.response(200, OrderOut)
def show_order(order_id: str) -> Json:
    """Show an order and its lines."""
    return _order(queries.get_order(parse_id(order_id, Order), viewer=organization().id))


def _vertical(found: Vertical) -> Json:
    return {
        "id": found.code,
        "code": found.code,
        "label": found.profile["label"],
        "country": found.country,
        "currency": str(found.currency),
        "language": found.language,
        "status": str(found.status),
    }


def _seen(listing_id: str) -> Listing:
    return queries.get_listing(parse_id(listing_id, Listing), viewer=organization().id)


def _filters(asked: Json) -> tuple[Filters, LeadFields | None]:
    """What is looked for, and the fields of the vertical where one is named."""
    found = catalog.get_vertical(asked["vertical"]) if "vertical" in asked else None
    if "criteria" in asked and found is None:
        detail = "Criteria are of one vertical: say which."
        raise Invalid(errors=(FieldProblem("/vertical", "missing_required", detail),))
    schema_id = catalog.get_schema(found).id if found else None
    filters = Filters(
        vertical_id=found.id if found else None,
        regions=tuple(asked["region"]),
        fresh_hours=asked.get("fresh_hours"),
        temperatures=tuple(asked["temperature"]),
        kind=asked.get("kind"),
        quality_classes=tuple(asked["quality_class"]),
        grades=tuple(asked["grade"]),
        price_min=asked.get("price_min"),
        price_max=asked.get("price_max"),
        bad_upper_max=asked.get("bad_upper_max"),
        checked=asked["checked"],
        is_aged=asked.get("aged"),
        has=tuple(asked["has"]),
        criteria=_criteria(asked.get("criteria"), schema_id=schema_id),
    )
    return filters, inventory.fields_of(schema_id) if schema_id else None


def _criteria(text: str | None, *, schema_id: Any) -> Criteria:  # Any: an id, where there is text
    if not text:
        return EVERYTHING
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        detail = "Criteria are a JSON object."
        raise Invalid(errors=(FieldProblem("/criteria", "invalid", detail),)) from error
    return on_day(from_json(data, inventory.fields_of(schema_id)), clock.now().date())


def _page(page: Any) -> Json:  # Any: a page of whatever rows
    return {"has_more": page.has_more, "next_cursor": page.next_cursor}


def _listing(listing: Listing) -> Json:
    return _listings([listing])[0]


def _found(items: Sequence[Found]) -> list[Json]:
    """Listings with what of them fits."""
    shown = _listings(
        [found.listing for found in items],
        stock={found.listing.id: found.stock for found in items},
    )
    return [
        {
            **one,
            "available": found.available,
            "freshest_at": found.freshest_at,
            "seller_grade": found.grade,
        }
        for one, found in zip(shown, items, strict=True)
    ]


def _listings(found: Sequence[Listing], *, stock: Mapping[UUID, Stock] | None = None) -> list[Json]:
    quality = verification.published_qualities([listing.batch_id for listing in found])
    ours = organization().id
    return [
        {
            **_named_buyers(one.listing, viewer=ours),
            "decay": _fall(one.listing),
            "listing": one.listing,
            "vertical": one.vertical,
            "seller": one.seller,
            "own_batch_id": one.batch.id if one.listing.organization_id == ours else None,
            "quality": quality.get(one.batch.id),
            "kind": one.batch.kind,
            "sales_max": one.batch.sales_max,
            "return_window_hours": one.return_window_hours,
            "available": one.stock.left,
            "sold": one.stock.sold,
            "freshest_at": None,
            "seller_grade": None,
        }
        for one in queries.shown(found, stock=stock)
    ]


def _changes(form: Json) -> Changes:
    """What of a form changes the terms."""
    # The schema has read each of them as the verb wants it.
    return cast("Changes", {name: form[name] for name in Changes.__annotations__ if name in form})


def _named_buyers(listing: Listing, *, viewer: UUID) -> Json:
    """Whom the seller lets in or keeps out: nobody else's business."""
    if listing.organization_id != viewer:
        return {}
    return {
        name: queries.pseudonyms_of(chosen, seller_id=viewer)
        for name, chosen in (
            ("buyers_only", listing.buyers_only), ("buyers_never", listing.buyers_never),
        )
    }  # fmt: skip


def _fall(listing: Listing) -> Json | None:
    decay = queries.decay_of(listing)
    if decay is None:
        return None
    following = decay.next_step(clock.now())
    return {
        "bps_per_day": decay.bps, "start": decay.start, "floor": decay.floor, "next": following,
    }  # fmt: skip


def _summary(order: Order) -> Json:
    return {"order": order, "tally": queries.tally(order)}


def _order(order: Order) -> Json:
    return {**_summary(order), "lines": queries.lines_of(order.id)}
