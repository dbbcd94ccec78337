"""The count from sets in memory answers as the database does, and follows what changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from dataclasses import fields as fields_in
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from flask import current_app
from sqlalchemy import update

from exchange.catalog.criteria import EVERYTHING, Criteria, from_json
from exchange.catalog.fields import FieldType, LeadFields
from exchange.catalog.policies import QualityClass
from exchange.core import clock
from exchange.core.db import db
from exchange.leads.models import Lead, LeadKind
from exchange.leads.queries import fields_of
from exchange.leads.rights import ConsentBuyer
from exchange.leads.temperature import Temperature
from exchange.market import queries
from exchange.market.cube import Snapshot
from exchange.market.filters import FRESH_HOURS, Filters, Sort, choices_of
from exchange.market.kept import KEY
from exchange.market.models import Listing, ListingStatus
from exchange.market.queries.snapshot import read_market
from exchange.market.services import listings
from exchange.verification.reputation import Grade
from tests.cast import Cast
from tests.factories.billing import fund_wallet
from tests.factories.catalog import make_vertical
from tests.factories.leads import leads_of
from tests.factories.market import make_listing, place

DAY = timedelta(days=1)


@pytest.fixture
def counted() -> Iterator[Any]:
    """Takes a snapshot of the market, so that search answers from it."""

    def take(former: Snapshot | None = None) -> Snapshot:
        made = read_market(former, leads_min=0)
        assert made is not None
        current_app.extensions[KEY] = made
        return made

    yield take
    current_app.extensions.pop(KEY, None)


def answers(cast: Cast, filters: Filters, fields: LeadFields | None) -> tuple[Any, ...]:
    """All that search says, in every order, page by page."""
    viewer = cast.buyer.organization.id
    found = []
    for sort in Sort:
        cursor = None
        while True:
            page = queries.search(viewer=viewer, filters=filters, sort=sort, cursor=cursor, limit=3)
            found += [(one.listing.id, *rest_of(one)) for one in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
    facets = queries.facets(viewer=viewer, filters=filters, fields=fields)
    return found, {**asdict(facets), "counted_at": None, "is_exact": None}


def rest_of(one: queries.Found) -> tuple[Any, ...]:
    return tuple(getattr(one, field.name) for field in fields_in(one) if field.name != "listing")


def from_both(
    cast: Cast, snapshot: Snapshot, filters: Filters, fields: LeadFields | None = None
) -> None:
    current_app.extensions.pop(KEY, None)
    by_database = answers(cast, filters, fields)
    current_app.extensions[KEY] = snapshot
    by_sets = answers(cast, filters, fields)
    assert by_sets[0] == by_database[0], filters
    assert by_sets[1] == by_database[1], filters


def shelf(cast: Cast, random: Random) -> list[Listing]:
    """Listings that differ in all that can be asked for; leads of every age and warmth."""
    made = [
        make_listing(cast.seller, leads=30),
        make_listing(
            cast.other_seller, leads=23, kind=LeadKind.SHARED, price=26_50,
            quality_class=QualityClass.SELECT, requested_at=clock.now() - 2 * DAY,
        ),
        make_listing(cast.seller, leads=9, source="another page", requested_at=clock.now() - 6 * DAY),
        make_listing(cast.seller, leads=8, vertical=make_vertical("car_insurance_ru")),
    ]  # fmt: skip
    made[1].bad_upper = 0.12
    age(made[2])
    for listing in made:
        for lead in leads_of(queries.get_batch_of(listing)):
            change(lead, random)
    db.session.flush()
    return made


def age(listing: Listing) -> None:
    """As if all of its leads had been sold ninety days ago."""
    listing.is_aged = True
    for lead in leads_of(queries.get_batch_of(listing)):
        lead.aged_at = clock.now()


def change(lead: Lead, random: Random) -> None:
    """What may happen to a lead, to some of them."""
    now = clock.now()
    if random.random() < 0.2:
        lead.checked_at = now - random.choice((DAY / 2, 3 * DAY, 40 * DAY))
    if random.random() < 0.2:
        lead.asks, lead.last_asked_at = 2, now - random.choice((DAY / 2, 5 * DAY, 9 * DAY))
    if random.random() < 0.1:
        lead.sold = lead.sales_max
    if random.random() < 0.1:
        db.session.add(ConsentBuyer(lead_id=lead.id, name=random.choice(("acme", "roofs"))))
    if random.random() < 0.3:
        kept = {name: value for name, value in lead.attributes.items() if random.random() < 0.8}
        db.session.execute(update(Lead).where(Lead.id == lead.id).values(attributes=kept))
    if random.random() < 0.3:
        lead.preview = {name: text for name, text in lead.preview.items() if name != "email"}


def some_criteria(leads: list[Lead], fields: LeadFields, random: Random, depth: int = 2) -> Any:
    """Criteria that some leads meet, in the form in which they are sent."""
    if depth and random.random() < 0.5:
        word = random.choice(("all", "any", "not"))
        parts = [some_criteria(leads, fields, random, depth - 1) for _ in range(2)]
        return {word: parts[0] if word == "not" else parts}
    spec = random.choice([s for s in fields.attributes if s.type is not FieldType.TEXT])
    values = [value for one in leads if (value := one.attributes.get(spec.name)) is not None]
    if not values:
        return {"all": []}
    value = random.choice(values)
    if spec.type in {FieldType.MONEY, FieldType.INTEGER, FieldType.DECIMAL, FieldType.DATE}:
        return {"field": spec.name, random.choice(("from", "to", "is")): value}
    return random.choice(({"field": spec.name, "is": value}, {"field": spec.name, "in": [value]}))


def some_filters(
    listing: Listing, leads: list[Lead], fields: LeadFields, random: Random
) -> Filters:
    def maybe(value: Any, empty: Any = None) -> Any:
        return value if random.random() < 0.25 else empty

    data = some_criteria(leads, fields, random)
    criteria: Criteria = maybe(from_json(data, fields), EVERYTHING)
    return Filters(
        vertical_id=listing.vertical_id,
        regions=maybe(tuple(random.choice(leads).region for _ in range(4)), ()),
        fresh_hours=maybe(random.choice((*FRESH_HOURS, 30))),
        temperatures=maybe((random.choice(list(Temperature)),), ()),
        kind=maybe(random.choice((LeadKind.SHARED, LeadKind.EXCLUSIVE))),
        quality_classes=maybe((random.choice(list(QualityClass)),), ()),
        grades=maybe((random.choice((Grade.NEW, Grade.A)),), ()),
        price_min=maybe(30_00),
        price_max=maybe(30_00),
        bad_upper_max=maybe(0.5),
        checked=maybe(True, False),
        is_aged=maybe(random.random() < 0.5),
        has=maybe((random.choice(choices_of(fields).has),), ()),
        criteria=criteria,
        published_after=maybe(clock.now() - DAY),
    )


@pytest.mark.parametrize("seed", range(2))
def test_both_answer_the_same_on_random_leads_and_filters(cast: Cast, counted: Any, seed: int):
    random = Random(seed)
    made = shelf(cast, random)
    snapshot = counted()
    from_both(cast, snapshot, Filters())
    for listing in (made[0], made[3]):
        batch = queries.get_batch_of(listing)
        fields, leads = fields_of(batch.schema_id), list(leads_of(batch))
        for _ in range(12):
            from_both(cast, snapshot, some_filters(listing, leads, fields, random), fields)


def available(cast: Cast, **filters: Any) -> dict[Any, int | None]:
    viewer = cast.buyer.organization.id
    page = queries.search(viewer=viewer, filters=Filters(**filters))
    return {found.listing.id: found.available for found in page.items}


class TestSnapshot:
    def test_follows_sales_and_reads_no_more_than_what_changed(self, cast: Cast, counted: Any):
        one, other = make_listing(cast.seller, leads=6), make_listing(cast.other_seller, leads=5)
        first = counted()
        assert available(cast) == {one.id: 6, other.id: 5}
        fund_wallet(cast.other_buyer)
        place(cast.other_buyer, one, 2)
        assert available(cast) == {one.id: 6, other.id: 5}  # as it was counted
        second = counted(first)
        assert available(cast) == {one.id: 4, other.id: 5}
        ((shelf,), (before,)) = (s.cube.shelves.values() for s in (second, first))
        assert shelf.leads is before.leads
        assert shelf.stands[1].goods is before.stands[1].goods

    def test_follows_who_is_called_and_who_asks_again(self, cast: Cast, counted: Any):
        listing = make_listing(cast.seller, leads=6, requested_at=clock.now() - 5 * DAY)
        first = counted()
        assert available(cast, temperatures=(Temperature.HOT,)) == {}
        called, asked = leads_of(queries.get_batch_of(listing))[:2]
        called.checked_at = clock.now()
        asked.asks, asked.last_asked_at = 2, clock.now()
        db.session.flush()
        counted(first)
        assert available(cast, temperatures=(Temperature.HOT,)) == {listing.id: 2}
        assert available(cast, checked=True) == {listing.id: 1}

    def test_follows_lots_that_come_and_go(self, cast: Cast, counted: Any):
        gone = make_listing(cast.seller, leads=2)
        first = counted()
        new = make_listing(cast.other_seller, leads=3)
        listings.pause(listing_id=gone.id, actor=cast.seller.actor)
        counted(first)
        assert available(cast) == {new.id: 3}

    def test_keeps_to_whom_a_listing_is_open(self, cast: Cast, counted: Any):
        listing = make_listing(cast.seller, leads=2)
        listing.buyers_never = [cast.buyer.organization.public_id]
        db.session.flush()
        first = counted()
        assert available(cast) == {}
        listing.buyers_never = []
        listing.buyers_only = [cast.buyer.organization.public_id]
        db.session.flush()
        counted(first)
        assert available(cast) == {listing.id: 2}

    def test_shows_nobody_their_own_listing(self, cast: Cast, counted: Any):
        make_listing(cast.seller, leads=2)
        counted()
        viewer = cast.seller.organization.id
        assert queries.search(viewer=viewer, filters=Filters()).items == []
        assert queries.facets(viewer=viewer, filters=Filters()).kinds == {}

    def test_too_old_answers_nothing(self, cast: Cast, counted: Any):
        listing = make_listing(cast.seller, leads=2)
        counted()
        listing.status = ListingStatus.PAUSED
        db.session.flush()
        assert available(cast) == {listing.id: 2}
        clock.advance(timedelta(seconds=61))
        assert available(cast) == {}

    def test_a_small_market_needs_none(self, cast: Cast):
        make_listing(cast.seller, leads=2)
        assert read_market(None) is None
