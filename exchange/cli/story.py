"""The demo story: every page has something true to show, made by the verbs that people use.

Chapters are told once and in order; a story that was interrupted goes on where it stopped. Money
comes through the Stripe-compatible server, so the worker must be running.
"""

from __future__ import annotations

import io
import json
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Final
from uuid import UUID

from flask import current_app
from sqlalchemy import select

from exchange.billing.models import TopUp, TopUpStatus
from exchange.billing.services import top_ups
from exchange.catalog import queries as catalog
from exchange.catalog.policies import QualityClass
from exchange.catalog.schemas import load_preset, preset_codes
from exchange.catalog.scripts import Outcome
from exchange.catalog.services import publish_vertical
from exchange.cli.exits import Failed
from exchange.cli.story_auctions import tell_awards, tell_bid
from exchange.cli.story_demand import tell_offer, tell_orders, tell_targeted
from exchange.cli.story_people import LOGINS, VERIFIERS, actor_of, people
from exchange.cli.story_places import settle, tell_places
from exchange.cli.story_sources import tell_sources
from exchange.config import Settings
from exchange.core import clock, events
from exchange.core.actors import SYSTEM
from exchange.core.db import db, get, unit_of_work
from exchange.core.events import Event, Ref
from exchange.core.ids import uuid7
from exchange.core.money import Money
from exchange.fulfillment.models import ReturnOutcome
from exchange.fulfillment.services import returns, reveals
from exchange.leads import samples
from exchange.leads.models import Batch, BatchStatus, LeadKind
from exchange.leads.services import imports
from exchange.leads.services.intake import take_in
from exchange.market import queries as market
from exchange.market.models import LineStatus, Listing, ListingStatus, Order, OrderLine
from exchange.market.services import orders
from exchange.verification import planted
from exchange.verification.services import calls, draws, qualifications, tasks, verdicts

PATIENCE_SECONDS: Final = 60
PAUSE_SECONDS: Final = 0.2
BAD_ENDINGS: Final = ("00", "01", "02")  # of a phone number: dead, somebody else, never asked
DEFECTS: Final = {"short_code": 4, "consent_missing": 3, "email_invalid": 2}


@dataclass(frozen=True, slots=True)
class Lot:
    """A file of the demo: whose, of what, how large, how bad, and how it goes on."""

    key: str
    seller: str
    vertical: str
    rows: int
    source: str
    bad: int = 0  # of a hundred people
    sales_max: int = 1
    is_checked: bool = True


LOTS: Final = (
    Lot("roofs", LOGINS["seller"], "home_improvement_us", 240, "Search ads", bad=1),
    Lot("windows", LOGINS["seller"], "home_improvement_us", 180, "Partner site", bad=30),
    Lot("mortgages", LOGINS["seller"], "mortgage_es", 160, "Comparison site", bad=2, sales_max=3),
    Lot("loans", LOGINS["seller"], "personal_loan_my", 140, "Social ads", bad=2),
    Lot("cars", "volga@demo.example", "car_insurance_ru", 200, "Контекстная реклама", bad=1),
    Lot("audits", "volga@demo.example", "audit_services_ru", 120, "Вебинары", bad=2),
    # So many that sources have a record, and lots a chart.
    Lot("gutters", LOGINS["seller"], "home_improvement_us", 110, "Search ads", bad=1),
    Lot("garages", LOGINS["seller"], "home_improvement_us", 110, "Search ads", bad=2),
    Lot("fences", LOGINS["seller"], "home_improvement_us", 110, "Partner site", bad=8),
    Lot("porches", LOGINS["seller"], "home_improvement_us", 110, "Search ads", bad=1),
    Lot("vans", "volga@demo.example", "car_insurance_ru", 110, "Контекстная реклама", bad=3),
    Lot("kitchens", LOGINS["seller"], "home_improvement_us", 150, "Search ads", bad=3,
        is_checked=False),
)  # fmt: skip


def tell() -> Iterator[str]:
    """Tell what was not told yet; yields the title of each chapter when it is over."""
    for title, chapter in chapters().items():
        if _is_told(title):
            continue
        chapter()
        with unit_of_work():
            events.record("demo.told", subject=Ref("chapter", uuid7()), actor=SYSTEM, title=title)
        yield title


def chapters() -> Mapping[str, Callable[[], None]]:
    """The story in its order."""
    checked = [lot for lot in LOTS if lot.is_checked]
    waiting = [lot for lot in LOTS if not lot.is_checked]
    return {
        "companies sign up": _in_one(people),
        "five verticals open": _in_one(_publish),
        "cities are on the map": _in_one(tell_places),
        **{f"{lot.key}: uploaded, sealed and drawn": _telling(upload, lot) for lot in checked},
        **{f"{lot.key}: checked by phone": _telling(check, lot) for lot in checked},
        "a buyer tops up through Stripe": top_up,
        "the first order": _in_one(_first_order),
        "two leads come back": _in_one(_returns),
        "a lot is auctioned": _in_one(lambda: _auction("porches", hours=24)),
        "the windows close": _in_one(_days_pass),
        "the auction is over": _in_one(tell_awards),
        "a second order": _in_one(_second_order),
        "another auction runs": _in_one(lambda: _auction("garages", hours=72)),
        **{f"{lot.key}: waiting for verifiers": _telling(upload, lot) for lot in waiting},
        "sources show where people asked": _in_one(tell_sources),
        "buyers place standing orders": _in_one(tell_orders),
        "an offer is shown, and two sources join it": _in_one(tell_offer),
        "leads come for the offer": _in_one(tell_targeted),
    }


def upload(lot: Lot) -> None:
    """Take a generated file in as its seller would, and draw."""
    with unit_of_work():
        batch_id = _confirm(lot)
    take_in(batch_id)
    with unit_of_work():
        # The worker may have heard of the seal before us; the draw happens once.
        if get(Batch, batch_id).status is BatchStatus.SEALED:
            draws.give_nonce(
                batch_id=batch_id,
                nonce=f"the words of {lot.source}",
                by="seller",
                actor=actor_of(lot.seller),
            )


def check(lot: Lot) -> None:
    """Call until the lot is decided, hearing what was planted."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    turn = 0
    while _status(lot) in {BatchStatus.SEALED, BatchStatus.SAMPLING}:
        if time.monotonic() > deadline:
            raise Failed(f"The check of {lot.key} does not come to an end.")
        with unit_of_work():
            if not any(_call(one) for one in _from(turn)):
                clock.advance(timedelta(hours=5))  # somebody is to be called again later
        turn += 1


def top_up() -> None:
    """Pay into the buyer's wallet on the page of the Stripe-compatible server."""
    settings: Settings = current_app.config["SETTINGS"]
    if settings.stripe_api_url is None:
        return  # real keys: the demo pays nobody
    actor = actor_of(LOGINS["buyer"])
    assert actor.organization_id is not None
    with unit_of_work():
        amount = Money(250_000, catalog.get_vertical("home_improvement_us").currency)
        started = top_ups.start(organization_id=actor.organization_id, amount=amount, actor=actor)
    with unit_of_work():
        back = f"{settings.base_url}/money/top-ups/{started.public_id}"
        top_ups.open_checkout(top_up_id=started.id, success_url=back, cancel_url=back)
    session_id = get(TopUp, started.id).session_id
    url = f"{settings.stripe_api_url}/sandbox/sessions/{session_id}/pay"
    asked = urllib.request.Request(  # noqa: S310  # our own server
        url, data=json.dumps({}).encode(), headers={"Content-Type": "application/json"}
    )
    urllib.request.urlopen(asked, timeout=10).close()  # noqa: S310  # nosec B310  # as above
    _wait_for_money(started.id)


def _wait_for_money(top_up_id: UUID) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with unit_of_work():
            found = db.session.get(TopUp, top_up_id, populate_existing=True)
            if found is not None and found.status is TopUpStatus.SUCCEEDED:
                return
        time.sleep(PAUSE_SECONDS)
    raise Failed("The payment of the demo did not arrive. Is the worker running?")


def _publish() -> None:
    for code in preset_codes():
        vertical = publish_vertical(definition=load_preset(code), actor=SYSTEM)
        for email in VERIFIERS:
            caller = actor_of(email)
            assert caller.id is not None
            qualifications.grant(
                verifier_id=caller.id,
                vertical_id=vertical.id,
                language=vertical.language,
                actor=SYSTEM,
            )


def _confirm(lot: Lot) -> UUID:
    actor = actor_of(lot.seller)
    assert actor.organization_id is not None
    vertical = catalog.get_vertical(lot.vertical)
    definition = catalog.get_definition(vertical)
    draft = imports.start_import(
        organization_id=actor.organization_id,
        vertical_code=lot.vertical,
        source_name=lot.source,
        file_name=f"{lot.key}.csv",
        stream=io.BytesIO(_file(lot)),
        actor=actor,
    )
    imports.map_columns(import_id=draft.id, chosen={}, actor=actor)
    batch = imports.draft_batch(
        import_id=draft.id,
        name=lot.key.title(),
        quality_class=QualityClass.STANDARD,
        price=Money(definition.terms.typical_prices[QualityClass.STANDARD], vertical.currency),
        kind=LeadKind.EXCLUSIVE if lot.sales_max == 1 else LeadKind.SHARED,
        sales_max=lot.sales_max,
        actor=actor,
    )
    imports.confirm(batch_id=batch.id, declared_unsold=True, actor=actor)
    return batch.id


def _file(lot: Lot) -> bytes:
    definition = catalog.get_definition(catalog.get_vertical(lot.vertical))
    random = Random(lot.key)  # noqa: S311  # the same invented people on every machine
    rows = samples.invented_rows(definition, random=random, count=lot.rows, now=clock.now())
    for row in rows:
        # The truth about a person stands in the last two digits of the number.
        good = f"{random.randrange(10, 100)}"
        ending = random.choice(BAD_ENDINGS) if random.randrange(100) < lot.bad else good
        row["phone"] = row["phone"][:-2] + ending
    settle(rows, country=definition.country, homes=Random(f"{lot.key}: homes"))  # noqa: S311
    samples.plant(rows, random=random, defects=DEFECTS)
    return samples.as_csv(definition, rows)


def _from(turn: int) -> list[str]:
    """The verifiers, another one first at each turn."""
    first = turn % len(VERIFIERS)
    return [*VERIFIERS[first:], *VERIFIERS[:first]]


def _call(email: str) -> bool:
    """One call of one verifier; False when nobody is to be called just now."""
    actor = actor_of(email)
    assert actor.id is not None
    assert actor.organization_id is not None
    task = tasks.claim_next(
        verifier_id=actor.id, organization_id=actor.organization_id, actor=actor
    )
    if task is None:
        return False
    call = calls.open_call(task_id=task.id, actor=actor)
    code = planted.truth(call.contact["phone"], attempts=task.attempts)
    verdicts.submit(
        task_id=task.id,
        lease_number=task.lease_number,
        code=code,
        callback_at=clock.now() + timedelta(hours=2) if code is Outcome.CALL_BACK else None,
        sure=True,
        actor=actor,
    )
    return True


def _status(lot: Lot) -> BatchStatus:
    with unit_of_work():
        return _batch(lot.key).status


def _batch(key: str) -> Batch:
    found = db.session.scalar(
        select(Batch).where(Batch.name == key.title()).execution_options(populate_existing=True)
    )
    assert found is not None
    return found


def _first_order() -> None:
    order = _order("roofs", 12)
    if order is not None:
        actor = actor_of(LOGINS["buyer"])
        assert actor.organization_id is not None
        for line in _lines(order)[:5]:
            reveals.open_line(line_id=line.id, viewer=actor.organization_id, actor=actor)


def _second_order() -> None:
    _order("roofs", 6)


def _auction(key: str, *, hours: int) -> None:
    listing = market.find_listing_of_batch(_batch(key).id)
    if listing is not None and listing.status is ListingStatus.PUBLISHED:
        tell_bid(listing.id, hours=hours)


def _order(key: str, quantity: int) -> Order | None:
    actor = actor_of(LOGINS["buyer"])
    listing = market.find_listing_of_batch(_batch(key).id)
    if listing is None or actor.organization_id is None:
        return None  # the draw is the draw: this lot may have been rejected
    return orders.place_order(
        buyer_id=actor.organization_id,
        listing_id=listing.id,
        quantity=quantity,
        terms_version=get(Listing, listing.id).terms_version,
        actor=actor,
    )


def _returns() -> None:
    actor, admin = actor_of(LOGINS["buyer"]), actor_of(LOGINS["admin"])
    delivered = select(OrderLine).where(OrderLine.status == LineStatus.DELIVERED)
    lines = db.session.scalars(delivered.order_by(OrderLine.id).limit(2)).all()
    asked = [
        returns.request_return(
            line_id=line.id, reason=reason, note="Said so on the phone.", actor=actor
        )
        for line, reason in zip(lines, ("never_requested", "outside_criteria"), strict=False)
    ]
    if asked:
        returns.decide(
            return_id=asked[0].id,
            outcome=ReturnOutcome.APPROVED,
            explanation="We called: the person never asked for an offer.",
            actor=admin,
        )


def _days_pass() -> None:
    clock.advance(timedelta(days=4))


def _lines(order: Order) -> list[OrderLine]:
    found = select(OrderLine).where(OrderLine.order_id == order.id).order_by(OrderLine.id)
    return list(db.session.scalars(found))


def _is_told(title: str) -> bool:
    with unit_of_work():
        told = select(Event.id).where(
            Event.type == "demo.told", Event.facts["title"].as_string() == title
        )
        return db.session.scalar(told.limit(1)) is not None


def _telling(chapter: Callable[[Lot], None], lot: Lot) -> Callable[[], None]:
    return lambda: chapter(lot)


def _in_one(chapter: Callable[[], None]) -> Callable[[], None]:
    """The chapter as one unit of work."""

    def tell_it() -> None:
        with unit_of_work():
            chapter()

    return tell_it
