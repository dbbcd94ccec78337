"""What a buyer of a listing agrees to: the price and its fall, the way it is sold, the criteria.

Every change of it is a new version, written once and never edited; who sent another version is
told the new one. For whom and until when a listing is open is no term of a purchase.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypedDict

from sqlalchemy import func, select

from exchange.catalog import queries as catalog
from exchange.catalog.criteria import EVERYTHING, from_json, on_day, to_json
from exchange.catalog.jsonpaths import to_jsonpath
from exchange.catalog.policies import PRICE_MAX
from exchange.core import clock, events
from exchange.core.actors import Actor
from exchange.core.db import db, save
from exchange.core.errors import Conflict, FieldProblem, Invalid
from exchange.core.money import Money
from exchange.leads import queries as inventory
from exchange.leads.models import Batch, Lead
from exchange.market import queries
from exchange.market.decay import BPS_MAX, Decay, Fall
from exchange.market.filters import COUNT_MIN
from exchange.market.models import CHOSEN_MODES, Listing, ListingMode, ListingTerms
from exchange.market.queries.stock import belongs

KEPT: Final = ("mode", "criteria", "decay", "buyers_only", "buyers_never", "expires_at")
# Beside the price, what a buyer agrees to. How a price goes on falling is said and never owed.
TERMS: Final = frozenset({"mode", "criteria"})
FAR: Final = datetime(2200, 1, 1, tzinfo=UTC)  # until then every zone can tell the time
NOTICE: Final = timedelta(days=3)  # before a listing expires its seller is told


class Changes(TypedDict, total=False):
    """What is to be different; what is missing stays."""

    price: Money
    mode: ListingMode
    criteria: dict[str, Any]  # Any: JSON
    decay: Fall | None
    buyers_only: Collection[str]  # pseudonyms
    buyers_never: Collection[str]
    expires_at: datetime | None


def apply(listing: Listing, batch: Batch, changes: Changes) -> None:
    """Write the changes into a locked listing, the terms apart.

    Raises Invalid for what no listing can be, Conflict `mode_fixed`, `criteria_fixed` and
    `auction_running`.
    """
    if "mode" in changes:
        _set_mode(listing, changes["mode"])
    if "criteria" in changes:
        _set_criteria(listing, batch, changes["criteria"])
    _set_price(listing, changes)
    for name in ("buyers_only", "buyers_never"):
        if name in changes:
            chosen = _public_ids(listing, changes[name], pointer=f"/{name}")
            setattr(listing, name, chosen)
    if "expires_at" in changes:
        _set_expiry(listing, changes["expires_at"])


def read_criteria(data: dict[str, Any], batch: Batch) -> dict[str, Any]:  # Any: JSON
    """Criteria over a lot in the form in which they are kept. Raises Invalid."""
    criteria = from_json(data, inventory.fields_of(batch.schema_id))
    if on_day(criteria, clock.now().date()) != criteria:
        raise _invalid("/criteria", "undated", "Name the days: what a listing is about stays.")
    return {} if criteria == EVERYTHING else to_json(criteria)


def narrow(listing: Listing, batch: Batch, criteria: dict[str, Any]) -> None:
    """Let a listing be about what fits; the criteria were read."""
    read = from_json(criteria, inventory.fields_of(batch.schema_id))
    listing.criteria, listing.criteria_path = criteria, to_jsonpath(read)


def write_change(listing: Listing, batch: Batch, changes: Changes, *, actor: Actor) -> None:
    """Apply changes to a locked listing: a new version where the terms are others than before."""
    former, price = _kept(listing), listing.price
    apply(listing, batch, changes)
    changed = [name for name, value in _kept(listing).items() if value != former[name]]
    if listing.price != price or TERMS.intersection(changed):
        listing.terms_version += 1
        write_version(listing, batch)
    if listing.price != price:
        _record_price(listing, before=price, actor=actor)
    if changed:
        version = listing.terms_version
        events.record(
            "listing.changed", subject=listing, actor=actor, changed=changed, version=version
        )


def write_version(listing: Listing, batch: Batch) -> None:
    """Keep the present terms for good, under their number."""
    vertical = inventory.vertical_of(listing.vertical_id)
    save(
        ListingTerms(
            listing_id=listing.id,
            version=listing.terms_version,
            price=listing.price,
            mode=listing.mode,
            criteria=listing.criteria,
            # An aged lead is sold once more; how often it was sold before is told of each.
            sales_max=1 if listing.is_aged else batch.sales_max,
            return_window_hours=catalog.get_terms(vertical).return_window_hours,
            vertical_terms_version=catalog.get_terms_row(vertical).version,
        )
    )


def require_enough(listing: Listing) -> None:
    """A filter that fits fewer than five people points at them (decision 26). Raises Invalid."""
    fitting = (
        select(func.count())
        .select_from(Listing)
        .join(Lead, belongs()[0])
        .where(Listing.id == listing.id, Lead.in_frame, *belongs()[1:])
    )
    if listing.criteria and (db.session.scalar(fitting) or 0) < COUNT_MIN:
        detail = f"Fewer than {COUNT_MIN} leads of the lot fit."
        raise _invalid("/criteria", "too_few", detail)


def begin_decay(listing: Listing) -> None:
    """Count the fall of the price from now, where the listing is on sale for the first time."""
    decay = queries.decay_of(listing)
    if decay is not None and decay.since is None:
        _write_decay(listing, decay.begin(clock.now()))


def follow_decay(listing: Listing, batch: Batch, *, actor: Actor) -> None:
    """Let a locked listing ask what its age says; nothing to do where it does already."""
    decay = queries.decay_of(listing)
    if decay is None or decay.since is None:
        return
    former, listing.price = listing.price, decay.price_at(clock.now())
    _write_decay(listing, decay)
    if listing.price != former:
        listing.terms_version += 1
        write_version(listing, batch)
        _record_price(listing, before=former, actor=actor)


def require_price(price: Money, *, like: Money) -> None:
    """Raises Invalid for a price that is none, or in another currency than the lot's."""
    if price.currency is not like.currency:
        detail = f"This lot is sold in {like.currency}."
        raise _invalid("/price/currency", "currency_fixed", detail)
    if not 0 < price.amount <= PRICE_MAX:
        raise _invalid("/price/amount", "price_invalid", "A price is more than nothing.")


def _kept(listing: Listing) -> dict[str, Any]:  # Any: values of columns
    return {name: getattr(listing, name) for name in KEPT}


def _record_price(listing: Listing, *, before: Money, actor: Actor) -> None:
    events.record(
        "listing.priced",
        subject=listing,
        actor=actor,
        before=before.amount,
        price=listing.price.amount,
        version=listing.terms_version,
    )


def _set_mode(listing: Listing, mode: ListingMode) -> None:
    if mode is listing.mode:
        return
    if not {mode, listing.mode} <= CHOSEN_MODES:
        raise Conflict("This listing is sold in its own way.", code="mode_fixed")
    listing.mode = mode


def _set_criteria(listing: Listing, batch: Batch, data: dict[str, Any]) -> None:
    """A filter stays a filter, and the whole lot the whole: each is listed by its own rule."""
    criteria = read_criteria(data, batch)
    if criteria == listing.criteria:
        return
    if not (criteria and listing.criteria):
        raise Conflict("List the leads by another filter beside it.", code="criteria_fixed")
    if queries.running_auction(listing.id) is not None:
        raise Conflict("Bids are for the leads as they were announced.", code="auction_running")
    narrow(listing, batch, criteria)
    db.session.flush()
    require_enough(listing)


def _set_price(listing: Listing, changes: Changes) -> None:
    """A new price begins its fall anew."""
    decay = queries.decay_of(listing)
    former = None if decay is None else Fall(decay.bps, decay.floor)
    fall, price = changes.get("decay", former), changes.get("price", listing.price)
    require_price(price, like=listing.price)
    is_same = fall == former and price == listing.price
    listing.price = price
    if fall is None:
        listing.decay, listing.reprices_at = {}, None
    elif not is_same:
        _require_fall(fall, price)
        on_sale_since = clock.now() if listing.published_at else None
        _write_decay(listing, Decay(price, fall.bps, fall.floor, on_sale_since))


def _require_fall(fall: Fall, price: Money) -> None:
    if not 1 <= fall.bps <= BPS_MAX:
        detail = f"A price falls by 1 to {BPS_MAX} basis points a day."
        raise _invalid("/decay/bps_per_day", "out_of_range", detail)
    if fall.floor.currency is not price.currency:
        detail = f"This lot is sold in {price.currency}."
        raise _invalid("/decay/floor/currency", "currency_fixed", detail)
    if not 0 < fall.floor.amount < price.amount:
        detail = "The floor is more than nothing and less than the price."
        raise _invalid("/decay/floor/amount", "out_of_range", detail)


def _write_decay(listing: Listing, decay: Decay) -> None:
    listing.decay = decay.to_json()
    following = decay.next_step(clock.now())
    listing.reprices_at = None if following is None else following.at


def _public_ids(listing: Listing, chosen: Iterable[str], *, pointer: str) -> list[str]:
    known = {one.pseudonym: one.public_id for one in queries.buyers_of(listing.organization_id)}
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise _invalid(pointer, "unknown_buyer", "Choose among the buyers who bought from you.")
    return sorted({known[name] for name in chosen})


def _set_expiry(listing: Listing, at: datetime | None) -> None:
    """Who sets a term that is near needs no word that it is."""
    if at == listing.expires_at:
        return
    if at is not None and not clock.now() < at < FAR:
        detail = "The end of a listing lies ahead, before the year 2200."
        raise _invalid("/expires_at", "out_of_range", detail)
    listing.expires_at = at
    listing.warned_of = at if at and at <= clock.now() + NOTICE else None


def _invalid(pointer: str, code: str, detail: str) -> Invalid:
    return Invalid(errors=(FieldProblem(pointer, code, detail),))
