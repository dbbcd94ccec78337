"""Several listings at once: what would happen is shown, then done, each by its own verb."""

from __future__ import annotations

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from exchange.core import clock
from exchange.core.db import db
from exchange.core.events import Event
from exchange.core.money import Currency, Money
from exchange.market import queries
from exchange.market.decay import Fall
from exchange.market.models import Listing, ListingStatus
from exchange.market.services import listings
from tests.cast import Cast
from tests.factories.market import make_listing
from tests.sellers.test_listing_pages import ZONE, now
from tests.sellers.test_views import keep, post, text_of, words_of

ASK, DO = "/sellers/listings/deeds", "/sellers/listings/deeds/confirmed"


@pytest.fixture
def seller(app, cast: Cast) -> FlaskClient:
    return cast.seller.sign_in(app.test_client())


@pytest.fixture
def three(cast: Cast) -> list[Listing]:
    """Two on sale and one that was withdrawn."""
    made = [
        make_listing(cast.seller, leads=2, price=price, source=f"page {price}")
        for price in (45_00, 10_05, 20_00)
    ]
    listings.withdraw(listing_id=made[2].id, actor=cast.seller.actor)
    keep()
    return made


def ids(chosen: list[Listing]) -> list[str]:
    return [one.public_id for one in chosen]


def confirmed(page: str) -> dict[str, list[str]]:
    """What the form of the page that asks sends."""
    form = page.split(f'action="{DO}"')[1].split("</form>", maxsplit=1)[0]
    sent: dict[str, list[str]] = {}
    for name, value in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form):
        sent.setdefault(name, []).append(value)
    return sent


def events_of(chosen: list[Listing]) -> int | None:
    of = Event.subject_id.in_([one.id for one in chosen])
    return db.session.scalar(select(func.count()).where(of))


class TestAsking:
    def test_says_what_becomes_of_each_and_changes_nothing(self, seller, three):
        before = events_of(three)
        page = text_of(post(seller, ASK, ids=ids(three), deed="price", percent="10"))
        assert "Change the price of 2 listings?" in page
        assert confirmed(page)["ids"] == sorted(ids(three[:2]))
        for one, price in ((three[0], "4950"), (three[1], "1106")):  # half up
            assert confirmed(page)[f"price.{one.public_id}"] == [price]
        assert [now(one).price.amount for one in three] == [45_00, 10_05, 20_00]
        assert events_of(three) == before

    def test_names_those_that_cannot_and_why(self, seller, three, cast):
        fall = Fall(100, Money(9_00, Currency.USD))
        listings.change(listing_id=three[1].id, changes={"decay": fall}, actor=cast.seller.actor)
        words = words_of(post(seller, ASK, ids=ids(three), deed="price", percent="-20"))
        assert "Change the price of 1 listing?" in words
        refused = words.split("2 listings stay as they are")[1]
        assert "The floor is more than nothing and less than the price." in refused
        assert "This listing is withdrawn." in refused
        for one in three[1:]:
            assert queries.get_batch_of(one).name in refused

    def test_without_one_that_can_there_is_nothing_to_confirm(self, seller, three):
        page = text_of(post(seller, ASK, ids=ids(three[2:]), deed="withdraw"))
        assert "1 listing stays as it is" in page
        assert DO not in page

    @pytest.mark.parametrize(
        ("form", "said"),
        [
            ({"deed": "pause"}, "Choose listings first"),
            ({"deed": "price", "ids": True}, "Say by how many percent."),
            ({"deed": "until", "ids": True}, "Say which day is the last."),
        ],
    )
    def test_what_is_missing_is_said_and_the_choice_is_kept(self, seller, three, form, said):
        if form.pop("ids", False):
            form = {**form, "ids": ids(three[:1])}
        page = text_of(post(seller, f"{ASK}?status=published", **form), 422)
        assert said in page
        assert page.count("data-pick checked") == len(form.get("ids", ()))
        assert three[2].public_id not in page  # the filter holds

    @pytest.mark.parametrize("who", ["other_seller", "buyer", "verifier", "admin"])
    def test_anothers_are_not_found(self, app, cast, three, who):
        other = getattr(cast, who).sign_in(app.test_client())
        for path in (ASK, DO):
            assert post(other, path, ids=ids(three), deed="withdraw").status_code == 404
        assert now(three[0]).status is ListingStatus.PUBLISHED


class TestDoing:
    def test_sets_the_prices_that_were_shown(self, seller, three, cast):
        page = text_of(post(seller, ASK, ids=ids(three), deed="price", percent="10"))
        listings.set_price(
            listing_id=three[0].id, price=Money(80_00, Currency.USD), actor=cast.seller.actor
        )
        done = words_of(post(seller, DO, **confirmed(page)))
        assert "2 listings have a new price" in done
        assert [now(one).price.amount for one in three] == [49_50, 11_06, 20_00]

    def test_one_that_was_refused_meanwhile_keeps_no_other_back(self, seller, three, cast):
        page = text_of(post(seller, ASK, ids=ids(three), deed="withdraw"))
        listings.withdraw(listing_id=three[0].id, actor=cast.seller.actor)
        done = words_of(post(seller, DO, **confirmed(page)))
        assert "1 listing is off sale for good" in done
        refused = done.split("1 listing stays as it is")[1]
        assert queries.get_batch_of(three[0]).name in refused
        assert "Not possible in the present state" in refused
        assert now(three[1]).status is ListingStatus.WITHDRAWN

    def test_pauses_what_is_on_sale(self, seller, three):
        words_of(post(seller, DO, ids=ids(three), deed="pause"))
        assert [now(one).status.value for one in three] == ["paused", "paused", "withdrawn"]

    def test_the_last_day_ends_by_the_clock_of_the_vertical(self, seller, three):
        day = (clock.now() + timedelta(days=20)).astimezone(ZoneInfo(ZONE)).date()
        words_of(post(seller, DO, ids=ids(three), deed="until", last_day=day.isoformat()))
        ends = {now(one).expires_at.astimezone(ZoneInfo(ZONE)) for one in three[:2]}
        assert {(at.date(), at.hour) for at in ends} == {(day + timedelta(days=1), 0)}

    @pytest.mark.parametrize("day", ["0001-01-01", "2020-01-01", "2200-01-01", "9999-12-31"])
    def test_a_last_day_out_of_range_is_refused(self, seller, three, day):
        for step in (ASK, DO):
            refused = words_of(post(seller, step, ids=ids(three), deed="until", last_day=day))
            assert "The end of a listing lies ahead" in refused
        assert [now(one).expires_at for one in three] == [None] * 3

    def test_once_however_often_it_is_sent(self, seller, three):
        form = {"ids": ids(three), "deed": "withdraw", "idempotency_key": "again"}
        first, second = (words_of(post(seller, DO, **form)) for _ in range(2))
        assert first == second
        assert "2 listings are off sale for good" in first
