"""The market and the page of a listing: what is shown, narrowed and withheld before a purchase."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from exchange.catalog.policies import QualityClass
from exchange.catalog.scripts import Outcome
from exchange.core import clock
from exchange.core.db import db
from exchange.identity.models import Organization, OrganizationStatus
from exchange.leads.models import Lead, LeadKind
from exchange.market.models import Listing
from exchange.market.queries import find_listing_of_batch
from exchange.market.services import listings
from exchange.verification.queries import published_quality
from tests.buyers.conftest import Enter
from tests.buyers.support import COUNT, PEOPLE, leads_of_listing, text_of, words_of
from tests.cast import Cast
from tests.factories.catalog import VERTICAL, make_vertical
from tests.factories.fulfillment import buy
from tests.factories.leads import make_batch
from tests.factories.market import make_draft, make_listing
from tests.verification.support import make_sample, these, work

US = "home_improvement_us"


def measured(cast: Cast, **terms: Any) -> Listing:
    """A lot of 120 that was sampled, with one bad lead among 36 called; it is on sale."""
    sample = make_sample(cast.seller, **terms)
    work(cast.verifier, these({3: Outcome.DENIES}))
    listing = find_listing_of_batch(sample.batch_id)
    assert listing is not None
    return listing


@pytest.fixture
def shelf(cast: Cast) -> dict[str, Listing]:
    """Listings that differ in all that can be filtered by."""
    day = timedelta(days=1)
    fresh = make_listing(cast.seller, leads=6)
    shared = make_listing(
        cast.other_seller, leads=6, kind=LeadKind.SHARED, quality_class=QualityClass.SELECT,
        price=26_50, requested_at=clock.now() - 5 * day,
    )  # fmt: skip
    russian = make_listing(
        cast.seller, leads=6, vertical=make_vertical("car_insurance_ru"), price=900_00
    )
    return {"fresh": fresh, "shared": shared, "russian": russian}


def found_by(client: FlaskClient, query: str) -> set[str]:
    page = text_of(client.get(f"/buyers/market?{query}"))
    return {part.split("?")[0].split('"')[0] for part in page.split("/buyers/listings/")[1:]}


def names(shelf: dict[str, Listing], ids: set[str]) -> set[str]:
    return {name for name, listing in shelf.items() if listing.public_id in ids}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"fresh", "shared", "russian"}),
        (f"vertical={US}", {"fresh", "shared"}),
        ("fresh=72", {"fresh", "russian"}),
        ("quality_class=select", {"shared"}),
        ("kind=shared", {"shared"}),
        ("kind=exclusive", {"fresh", "russian"}),
        (f"vertical={US}&price_max=30", {"shared"}),
        (f"vertical={US}&price_max=26.49", set()),
        ("price_max=30", {"fresh", "shared", "russian"}),  # says nothing without a currency
        (f"vertical={US}&region=AK", {"fresh", "shared"}),
        (f"vertical={US}&region=TX", set()),
        ("checked=1", set()),
        (f"vertical={US}&kind=shared&fresh=24", set()),
        ("temperature=warm", {"fresh", "russian"}),
        ("temperature=cold", {"shared"}),
        ("grade=new", {"fresh", "shared", "russian"}),
        ("grade=A", set()),
        ("bad_max=15", set()),
        ("aged=false", {"fresh", "shared", "russian"}),
        ("aged=true", set()),
        ("has=email", {"fresh", "shared", "russian"}),
        (f"vertical={US}&price_min=30", {"fresh"}),
        (f"vertical={US}&has=budget", {"fresh", "shared"}),
        (f"vertical={US}&a.is_homeowner=yes", {"fresh", "shared"}),
        (f"vertical={US}&a.is_homeowner=no", set()),
        (f"vertical={US}&a.budget.min=999999", set()),
        (f"vertical={US}&a.budget.min=1&a.budget.max=999999", {"fresh", "shared"}),
        ("a.budget.min=999999", {"fresh", "shared", "russian"}),  # of no vertical
    ],
)
def test_the_address_narrows_the_market(
    shelf: dict[str, Listing], buyer: FlaskClient, query: str, expected: set[str]
):
    assert names(shelf, found_by(buyer, query)) == expected


def test_the_cheapest_come_first_when_asked(shelf: dict[str, Listing], buyer: FlaskClient):
    page = text_of(buyer.get(f"/buyers/market?vertical={US}&sort=cheapest"))
    assert page.index(shelf["shared"].public_id) < page.index(shelf["fresh"].public_id)


@pytest.mark.parametrize(
    "query",
    [
        *("fresh=5", "quality_class=best", "kind=stolen", "price_max=lots", "sort=random"),
        *("temperature=boiling", "grade=E", "bad_max=3", f"vertical={US}&a.project=nothing"),
        *(f"vertical={US}&a.budget.min=lots", f"vertical={US}&a.budget.min=1e999"),
    ],
)
def test_what_cannot_be_asked_is_refused(buyer: FlaskClient, query: str):
    make_vertical()
    assert buyer.get(f"/buyers/market?{query}").status_code == 422


def test_a_vertical_that_does_not_exist_is_not_found(buyer: FlaskClient):
    assert buyer.get("/buyers/market?vertical=gold_mines").status_code == 404


def test_an_empty_market_and_an_empty_answer_say_different_things(buyer: FlaskClient, cast: Cast):
    assert "Nothing is on sale at the moment" in words_of(buyer.get("/buyers/market"))
    make_listing(cast.seller, leads=2)
    nothing = words_of(buyer.get("/buyers/market?kind=shared"))
    assert "Nothing on sale fits these filters" in nothing
    assert "Clear all filters" in nothing


def test_an_answer_says_when_it_was_counted_and_what_there_was(buyer: FlaskClient, cast: Cast):
    listing = make_listing(cast.seller, leads=6)
    page = text_of(buyer.get(f"/buyers/market?vertical={US}&a.is_homeowner=yes"))
    assert f"counted at {clock.now():%H:%M}" in page
    assert "/buyers/market/saved/new?a.is_homeowner=yes" in page
    assert "yes (6)" in page
    assert "Roofing (" not in page  # fewer than five people
    listings.pause(listing_id=listing.id, actor=cast.seller.actor)
    words = words_of(buyer.get(f"/buyers/market?vertical={US}&a.is_homeowner=yes"))
    assert "0 now, 6 leads in the last week." in words


def test_only_what_can_be_bought_is_on_the_market(
    shelf: dict[str, Listing], buyer: FlaskClient, cast: Cast
):
    draft = make_draft(cast.seller, leads=2)
    listings.pause(listing_id=shelf["fresh"].id, actor=cast.seller.actor)
    seller = db.session.get(Organization, cast.other_seller.organization.id)
    db.session.execute(
        update(Organization)
        .where(Organization.id == cast.other_seller.organization.id)
        .values(status=OrganizationStatus.SUSPENDED)
    )
    assert seller is not None
    assert names(shelf, found_by(buyer, "")) == {"russian"}
    for hidden in (draft, shelf["fresh"]):
        assert buyer.get(f"/buyers/listings/{hidden.public_id}").status_code == 404


def test_a_row_of_the_market_tells_what_a_buyer_needs(buyer: FlaskClient, cast: Cast):
    measured(cast, kind=LeadKind.SHARED)
    words = words_of(buyer.get("/buyers/market"))
    for part in (
        "Home improvement, United States", "by Northern Leads", "and 48 more regions", "Standard",
        "1 bad of 36", "shared, to at most 3 buyers", "refund within 72 h", "$45.00",
        "not enough sales for a market price",
    ):  # fmt: skip
        assert part in words, part
    assert "Ltd" not in words  # pseudonyms meet, companies do not


def test_a_market_price_needs_twenty_sales(buyer: FlaskClient, cast: Cast):
    listing = make_listing(cast.seller, leads=30)
    buy(cast.other_buyer, listing, 19)
    assert "not enough sales" in words_of(buyer.get("/buyers/market"))
    buy(cast.other_buyer, listing, 1)
    assert "Market $45.00 – $45.00 – $45.00 (n 20, 90 d)" in words_of(buyer.get("/buyers/market"))
    of_the_kind = words_of(buyer.get(f"/buyers/market?vertical={VERTICAL}"))
    assert "Paid lately: Market $45.00 – $45.00 – $45.00 (n 20, 90 d)" in of_the_kind


class TestListing:
    def test_quality_carries_n_population_bound_and_date(self, buyer: FlaskClient, cast: Cast):
        listing = measured(cast)
        quality = published_quality(listing.batch_id)
        words = words_of(buyer.get(f"/buyers/listings/{listing.public_id}"))
        assert "35 good, 1 bad, 0 open of 36 called; 120 in the lot" in words
        assert quality is not None
        assert f"at most {round((quality['bad_upper'] or 0) * 100, 1)}% bad" in words
        assert "95.0% confidence" in words
        assert f"checked {clock.now():%-d %b %Y}" in words
        assert "New source: no record yet" in words

    def test_an_unverified_lot_says_that_nobody_called(self, buyer: FlaskClient, listing: Listing):
        words = words_of(buyer.get(f"/buyers/listings/{listing.public_id}"))
        assert "Nobody has called people of this lot" in words

    def test_terms_of_return_stand_before_the_button(self, buyer: FlaskClient, listing: Listing):
        page = text_of(buyer.get(f"/buyers/listings/{listing.public_id}"))
        button = page.index("Buy 5 for $225.00")
        for part in (
            "within 72 hours of delivery", "24 hours of legal calling time", "after 72 hours",
            "Number wrong or dead", "Sold elsewhere", "Nobody picks up", "Finds your price too high",
        ):  # fmt: skip
            assert page.index(part) < button, part

    def test_leads_are_masked_and_the_verified_are_marked(
        self, buyer: FlaskClient, listing: Listing
    ):
        verified, *_ = leads_of_listing(listing)
        db.session.execute(
            update(Lead).where(Lead.id == verified.id).values(checked_at=clock.now())
        )
        words = words_of(buyer.get(f"/buyers/listings/{listing.public_id}"))
        assert words.count("Verified by us") == 1
        assert words.count("hidden until bought)") >= 3 * COUNT
        assert words.count("+1 ***") == words.count("***@***.example") == COUNT
        for trace in ("Z***", PEOPLE[0]["phone"][-2:] + " (", "z***@"):
            assert trace not in words  # who knows somebody does not find them by it

    def test_what_you_get_counts_filled_fields(self, buyer: FlaskClient, cast: Cast):
        batch = make_batch(cast.seller, leads=4)
        some = leads_of_listing(make_listing(cast.seller, batch))[0]
        left = {name: value for name, value in some.attributes.items() if name != "budget"}
        db.session.execute(update(Lead).where(Lead.id == some.id).values(attributes=left))
        listing_id = make_listing(cast.seller, batch).public_id
        words = words_of(buyer.get(f"/buyers/listings/{listing_id}"))
        assert "Budget 75.0%" in words
        assert "Project 100.0%" in words
        assert "Street address where it was given" in words

    def test_choices_region_and_freshness_narrow_the_leads(self, buyer: FlaskClient, cast: Cast):
        listing = make_listing(cast.seller, leads=60)
        address = f"/buyers/listings/{listing.public_id}"
        every = leads_of_listing(listing)
        roofs = [lead for lead in every if lead.attributes["scope"] == "repair"]
        words = words_of(buyer.get(f"{address}?a.scope=repair"))
        assert f"{len(roofs)} leads fit your filters." in words
        assert f"{len(roofs)} of {len(roofs)}" in words
        assert "Scope: Repair" in words
        words = words_of(buyer.get(f"{address}?region={every[0].region}"))
        here = sum(lead.region == every[0].region for lead in every)
        assert words.count("+1 ***") == here
        db.session.execute(
            update(Lead)
            .where(Lead.batch_id == listing.batch_id, Lead.id != every[0].id)
            .values(requested_at=clock.now() - timedelta(hours=30))
        )
        assert "1 lead fits your filters." in words_of(buyer.get(f"{address}?fresh=24"))

    def test_few_people_are_counted_for_nobody(self, buyer: FlaskClient, listing: Listing):
        """Decision 26: choices that fit fewer than five people show none of them."""
        lead, *_ = leads_of_listing(listing)
        project = lead.attributes["project"]
        page = words_of(buyer.get(f"/buyers/listings/{listing.public_id}?a.project={project}"))
        assert "Fewer than five leads fit" in page
        assert "+1 ***" not in page

    def test_a_region_is_never_hidden(self, buyer: FlaskClient, listing: Listing):
        lead, *_ = leads_of_listing(listing)
        words = words_of(buyer.get(f"/buyers/listings/{listing.public_id}?region={lead.region}"))
        assert "1 lead fits your filters." in words
        assert words.count("+1 ***") == 1

    @pytest.mark.parametrize("query", ["a.project=nonsense", "a.is_homeowner=perhaps", "fresh=5"])
    def test_a_choice_that_nobody_can_have_is_refused(
        self, buyer: FlaskClient, listing: Listing, query: str
    ):
        answer = buyer.get(f"/buyers/listings/{listing.public_id}?{query}")
        assert answer.status_code == 422

    def test_an_argument_that_no_field_knows_is_nothing(self, buyer: FlaskClient, listing: Listing):
        for query in ("a.phone=1", "a.name=Zebulon", "a.unknown=1", "b=c"):
            words = words_of(buyer.get(f"/buyers/listings/{listing.public_id}?{query}"))
            assert f"{COUNT} leads can be yours." in words

    def test_the_next_page_goes_on_where_this_one_ends(self, buyer: FlaskClient, cast: Cast):
        listing = make_listing(cast.seller, leads=30)
        first = text_of(buyer.get(f"/buyers/listings/{listing.public_id}"))
        cursor = first.split("cursor=")[1].split('"')[0]
        second = text_of(buyer.get(f"/buyers/listings/{listing.public_id}?cursor={cursor}"))
        seen = [f'value="{lead.public_id}"' for lead in leads_of_listing(listing)]
        assert sum(lead_id in first for lead_id in seen) == 25
        assert [lead_id in second for lead_id in seen] == [False] * 25 + [True] * 5

    def test_a_pending_buyer_may_look(self, enter: Enter, listing: Listing, cast: Cast):
        browser = enter(cast.newcomer)
        assert "Buy 1 for $45.00" in words_of(browser.get(f"/buyers/listings/{listing.public_id}"))
        page = words_of(browser.get(f"/buyers/listings/{listing.public_id}/buy?quantity=1"))
        assert "Your wallet lacks $45.00" in page

    def test_a_sold_out_listing_says_so(self, buyer: FlaskClient, cast: Cast):
        listing = make_listing(cast.seller, leads=2)
        buy(cast.other_buyer, listing, 2)
        listings.reflect_stock(listing_id=listing.id)
        words = words_of(buyer.get(f"/buyers/listings/{listing.public_id}"))
        assert "Sold out" in words
        assert "Buy 1" not in words


def test_lots_are_compared_side_by_side(buyer: FlaskClient, listing: Listing, cast: Cast) -> None:
    other = make_listing(cast.other_seller, leads=3, price=52_00)
    more = [make_listing(cast.seller, leads=1) for _ in range(2)]
    db.session.commit()
    market = text_of(buyer.get("/buyers/market"))
    assert f'value="{listing.public_id}" form="bulk"' in market
    assert "/buyers/market/compare" in market
    chosen = f"/buyers/market/compare?ids={listing.public_id}&ids={other.public_id}"
    page = words_of(buyer.get(chosen))
    assert "Price per lead $45.00 $52.00" in page
    assert "Left for you 12 3" in page
    assert f"Seller {cast.seller.organization.trade_name}" in page
    assert "filled in" in page
    assert "The first three" not in page
    assert "The first three" in words_of(
        buyer.get(chosen + "".join(f"&ids={one.public_id}" for one in more))
    )
    for person in PEOPLE:
        assert person["phone"] not in page
    assert "Choose two or three lots" in words_of(buyer.get("/buyers/market/compare"))


def test_what_is_not_on_sale_is_not_compared(buyer: FlaskClient, cast: Cast) -> None:
    draft = make_draft(cast.seller, leads=2)
    db.session.commit()
    assert buyer.get(f"/buyers/market/compare?ids={draft.public_id}").status_code == 404
