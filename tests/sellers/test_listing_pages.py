"""The page of a listing: how it is sold, to whom, until when, and parts of a lot beside it."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from exchange.catalog.fields import LeadFields
from exchange.core import clock
from exchange.core.db import db
from exchange.core.money import Currency, Money
from exchange.market import queries
from exchange.market.models import Listing, ListingMode, ListingStatus
from exchange.market.services import listings
from exchange.sellers import listing_forms as forms
from tests.cast import Cast
from tests.factories.fulfillment import buy, make_return
from tests.factories.leads import make_batch
from tests.factories.market import make_listing
from tests.market.test_filters import make_filter
from tests.sellers.test_views import keep, post, text_of, words_of

ZONE = "America/New_York"
FORM = {"price": "45", "mode": "fixed"}


@pytest.fixture
def seller(app, cast: Cast) -> FlaskClient:
    return cast.seller.sign_in(app.test_client())


@pytest.fixture
def listing(cast: Cast) -> Listing:
    made = make_listing(cast.seller, leads=18, price=45_00)
    keep()
    return made


def address(listing: Listing) -> str:
    return f"/sellers/listings/{listing.public_id}"


def now(listing: Listing) -> Listing:
    db.session.refresh(listing)
    return listing


class TestChange:
    def test_one_form_says_it_all(self, seller, listing):
        last = clock.now().astimezone(ZoneInfo(ZONE)).date() + timedelta(days=30)
        form = {
            "price": "50", "mode": "contracts", "decay": "2.5", "decay_floor": "20,00",
            "expires_on": last.isoformat(),
        }  # fmt: skip
        text_of(post(seller, address(listing), **form), 303)
        decay = queries.decay_of(now(listing))
        assert (listing.price, listing.mode) == (Money(50_00, Currency.USD), ListingMode.CONTRACTS)
        assert (decay.bps, decay.floor.amount) == (250, 20_00)
        ends = listing.expires_at.astimezone(ZoneInfo(ZONE))
        assert (ends.date(), ends.hour) == (last + timedelta(days=1), 0)
        page = text_of(seller.get(address(listing)))
        for shown in ('value="50.00"', 'value="2.50"', 'value="20.00"', f'value="{last}"'):
            assert shown in page

    def test_what_is_shown_and_sent_again_changes_nothing(self, seller, listing):
        at = clock.now() + timedelta(days=9, hours=3)
        listing.expires_at = at
        keep()
        last = forms.last_day(at, ZONE).isoformat()
        text_of(post(seller, address(listing), **FORM, expires_on=last), 303)
        assert (now(listing).expires_at, listing.terms_version) == (at, 1)

    def test_what_is_emptied_is_taken_away(self, seller, listing):
        text_of(post(seller, address(listing), **FORM, decay="5", decay_floor="1"), 303)
        text_of(post(seller, address(listing), **FORM), 303)
        assert queries.decay_of(now(listing)) is None

    @pytest.mark.parametrize(
        ("form", "said"),
        [
            ({"price": "much"}, "Type an amount"),
            ({"decay": "5"}, "The floor is more than nothing and less than the price."),
            ({"decay": "99", "decay_floor": "1"}, "A price falls by 1 to 5000 basis points a day."),
            ({"expires_on": "2020-01-01"}, "The end of a listing lies ahead, before"),
            ({"expires_on": "0001-01-01"}, "The end of a listing lies ahead, before"),
            ({"expires_on": "9999-12-31"}, "The end of a listing lies ahead, before"),
            ({"mode": "auction"}, "Must be one of"),
        ],
    )
    def test_a_mistake_is_said_with_the_page(self, seller, listing, form, said):
        page = words_of(post(seller, address(listing), **{**FORM, **form}), 422)
        assert said in page
        assert "How it is sold" in page
        assert now(listing).terms_version == 1

    def test_buyers_are_chosen_by_pseudonym(self, seller, listing, cast):
        buy(cast.buyer, listing, 2)
        keep()
        (known,) = queries.buyers_of(cast.seller.organization.id)
        page = text_of(seller.get(address(listing)))
        assert known.pseudonym in page
        for name in ("trade_name", "name", "public_id"):
            assert getattr(cast.buyer.organization, name) not in page
        text_of(post(seller, address(listing), **FORM, buyers_never=known.pseudonym), 303)
        assert now(listing).buyers_never == [cast.buyer.organization.public_id]
        text_of(post(seller, address(listing), **FORM), 303)
        assert now(listing).buyers_never == []

    def test_an_expired_listing_is_listed_again(self, seller, listing):
        listing.expires_at = clock.now() + timedelta(hours=1)
        clock.advance(timedelta(hours=2))
        listings.expire(listing_id=listing.id)
        keep()
        assert "List again" in words_of(seller.get(address(listing)))
        text_of(post(seller, f"{address(listing)}/publish"), 303)
        assert now(listing).status is ListingStatus.PUBLISHED


def test_a_return_says_which_buyer_asks_by_the_same_pseudonym(seller, cast):
    make_return(cast)
    keep()
    (known,) = queries.buyers_of(cast.seller.organization.id)
    assert known.pseudonym in words_of(seller.get("/sellers/returns"))


class TestParts:
    def test_a_part_is_listed_at_a_price_of_its_own(self, seller, listing):
        batch = queries.get_batch_of(listing)
        new = f"/sellers/batches/{batch.public_id}/listings"
        assert "Repair" in words_of(seller.get(f"{new}/new"))
        made = post(seller, new, price="60", mode="fixed", **{"a.scope": "repair"})
        page = words_of(seller.get(made.headers["Location"]))
        assert "Scope: Repair" in page
        part = db.session.scalars(select(Listing).where(Listing.id != listing.id)).one()
        assert part.criteria == {"all": [{"field": "scope", "in": ["repair"]}]}
        assert queries.stocks([part])[part.id].left == 6
        text_of(post(seller, address(part), **FORM, **{"a.scope": "new"}), 303)
        assert now(part).criteria["all"][0]["in"] == ["new"]
        assert part.terms_version == 2

    def test_a_part_says_what_it_is_about(self, seller, listing):
        new = f"/sellers/batches/{queries.get_batch_of(listing).public_id}/listings"
        assert "Choose what the listing is about" in words_of(post(seller, new, price="60"), 422)

    def test_what_a_page_cannot_say_stays(self, seller, cast, listing):
        part = make_filter(cast, listing, {"not": {"field": "scope", "is": "repair"}})
        keep()
        assert "not (Scope: Repair)" in words_of(seller.get(address(part)))
        text_of(post(seller, address(part), **FORM), 303)
        assert now(part).criteria == {"not": {"field": "scope", "is": "repair"}}

    def test_ticks_are_read_back(self):
        assert forms.ticks_of({"all": [{"field": "a", "in": ["x"]}]}) == {"a": ["x"]}
        assert forms.ticks_of({"field": "a", "is": "x"}) is None
        assert forms.filterable(LeadFields(())) == []


class TestAged:
    def test_what_is_ripe_is_offered_and_listed(self, seller, cast, listing, sweep, run_jobs):
        buy(cast.buyer, listing, 2)
        for step in (timedelta(days=10), timedelta(days=91)):
            clock.advance(step)
            keep()
            sweep("fulfillment.settle")
            run_jobs()
        assert "may be listed once more" in words_of(seller.get(address(listing)))
        made = post(seller, f"{address(listing)}/aged", price="9")
        page = words_of(seller.get(made.headers["Location"]))
        assert "Leads that were sold before" in page
        assert "may be listed once more" not in words_of(seller.get(address(listing)))
        again = post(seller, f"{address(listing)}/aged")
        assert "No lead of this lot may be sold again yet." in words_of(again, 409)


class TestApi:
    def test_the_program_says_what_the_page_says(self, client, cast, listing):
        keys = {**cast.seller.key("listing:publish", "batch:read"), "Idempotency-Key": "part"}
        sent = {
            "batch_id": queries.get_batch_of(listing).public_id,
            "criteria": {"field": "scope", "is": "repair"},
            "price": {"amount": 60_00, "currency": "USD"},
            "decay": {"bps_per_day": 500, "floor": {"amount": 30_00, "currency": "USD"}},
            "mode": "contracts",
            "expires_at": "2100-01-01T00:00:00+00:00",
        }
        made = client.post("/api/v1/listings", json=sent, headers=keys)
        assert made.status_code == 201, made.json
        assert made.json["decay"]["next"]["price"]["amount"] == 57_00
        for name in ("criteria", "mode", "expires_at"):
            assert made.json[name] == sent[name]
        assert (made.json["available"], made.json["status"]) == (6, "published")
        there = f"/api/v1/listings/{made.json['id']}"
        changed = client.patch(there, json={"decay": None, "mode": "fixed"}, headers=keys)
        assert (changed.json["decay"], changed.json["terms_version"]) == (None, 2)

    def test_buyers_have_no_other_name(self, client, cast, listing):
        buy(cast.buyer, listing)
        keys = cast.seller.key("listing:publish", "batch:read")
        (known,) = client.get("/api/v1/buyers", headers=keys).json["data"]
        there = f"/api/v1/listings/{listing.public_id}"
        changed = client.patch(there, json={"buyers_never": [known["id"]]}, headers=keys)
        assert changed.json["buyers_never"] == [known["id"]]
        other = cast.other_buyer.key("market:read")
        assert "buyers_never" not in client.get(there, headers=other).json
        wrong = client.patch(there, json={"buyers_only": ["buyer_00000000"]}, headers=keys)
        assert wrong.status_code == 422

    def test_aged_leads_are_listed_by_a_program(self, client, cast):
        batch = make_batch(cast.seller, leads=3)
        make_listing(cast.seller, batch)
        keys = {**cast.seller.key("listing:publish"), "Idempotency-Key": "aged"}
        sent = {
            "batch_id": batch.public_id,
            "aged": True,
            "price": {"amount": 9_00, "currency": "USD"},
        }
        answer = client.post("/api/v1/listings", json=sent, headers=keys)
        assert (answer.status_code, answer.json["code"]) == (409, "nothing_ripe")


def test_a_day_ends_by_the_clock_of_the_vertical():
    changes = forms.changes_of(
        {"price": 1, "decay": None, "decay_floor": None, "expires_on": date(2026, 3, 8)},
        currency=Currency.USD,
        zone=ZONE,
    )
    assert changes["expires_at"].isoformat() == "2026-03-09T00:00:00-04:00"


class TestPreview:
    def test_the_card_that_buyers_see_stands_beside_the_form(self, seller, listing):
        page = words_of(seller.get(address(listing)))
        assert "What buyers see" in page
        assert "18 leads are left to buy" in page

    def test_a_form_that_is_not_saved_is_shown_and_kept(self, seller, listing):
        form = {**FORM, "price": "61.50", "mode": "contracts", "decay": "5", "decay_floor": "20"}
        shown = post(seller, f"{address(listing)}/preview", **form)
        page = words_of(shown)
        assert "$61.50" in page
        assert "Standing orders only" in page
        assert "Price falls" in page
        assert 'value="61.50"' in text_of(shown)
        assert (now(listing).price.amount, listing.terms_version) == (45_00, 1)

    def test_a_script_gets_the_card_alone(self, seller, listing):
        shown = seller.post(
            f"{address(listing)}/preview", data={**FORM, "price": "9"}, headers={"HX-Request": "1"}
        )
        page = text_of(shown)
        assert "$9.00" in page
        assert "<html" not in page

    def test_a_form_with_a_mistake_shows_no_card(self, seller, listing):
        page = words_of(post(seller, f"{address(listing)}/preview", **{**FORM, "price": "much"}))
        assert "The preview needs a form without mistakes" in page

    def test_a_part_is_counted_before_it_is_listed(self, seller, listing):
        url = f"/sellers/batches/{queries.get_batch_of(listing).public_id}/listings/preview"
        page = words_of(post(seller, url, **FORM, **{"a.scope": "repair"}))
        assert "6 leads are left to buy" in page
        text = text_of(post(seller, url, **FORM, **{"a.scope": "repair"}))
        assert 'value="repair" checked' in text
        assert db.session.scalars(select(Listing)).all() == [listing]

    def test_so_few_that_they_are_people_are_not_shown(self, app, cast):
        batch = make_batch(cast.seller, leads=9)
        make_listing(cast.seller, batch)
        keep()
        client = cast.seller.sign_in(app.test_client())
        url = f"/sellers/batches/{batch.public_id}/listings/preview"
        page = words_of(post(client, url, **FORM, **{"a.scope": "repair"}))
        assert "Fewer than 5 leads fit" in page
        assert "***" not in page

    def test_nobody_else_is_shown_it(self, app, cast, listing):
        stranger = cast.other_seller.sign_in(app.test_client())
        assert stranger.post(f"{address(listing)}/preview", data=FORM).status_code == 404
        url = f"/sellers/batches/{queries.get_batch_of(listing).public_id}/listings/preview"
        assert stranger.post(url, data=FORM).status_code == 404


class TestList:
    def test_it_is_narrowed_by_state_and_way_of_selling(self, seller, listing):
        assert "A lot of tests" in words_of(seller.get("/sellers/listings?status=published"))
        for query in ("status=paused", "mode=contracts"):
            page = words_of(seller.get(f"/sellers/listings?{query}"))
            assert "No listing fits these filters" in page
            assert "A lot of tests" not in page
        both = "vertical=home_improvement_us&mode=fixed"
        assert "A lot of tests" in words_of(seller.get(f"/sellers/listings?{both}"))

    def test_a_second_click_is_told_and_changes_nothing(self, seller, listing):
        for step, said, state in (
            ("pause", "off sale until you put it on sale again", ListingStatus.PAUSED),
            ("withdraw", "off sale for good", ListingStatus.WITHDRAWN),
        ):
            done = post(seller, f"{address(listing)}/{step}")
            assert said in words_of(seller.get(done.location))
            again = words_of(post(seller, f"{address(listing)}/{step}"), 409)
            assert f"This listing is {state} and cannot become {state}." in again
            assert now(listing).status is state

    def test_a_filter_that_is_none_is_refused(self, seller, listing):
        assert seller.get("/sellers/listings?status=sold").status_code == 422
        assert seller.get("/sellers/listings?vertical=none").status_code == 404
