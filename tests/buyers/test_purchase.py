"""Buying through the pages: once, at the price that was seen, or not at all."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from exchange.billing import queries as billing
from exchange.billing.models import AccountKind
from exchange.core import clock
from exchange.core.db import db
from exchange.core.money import Currency, Money
from exchange.leads.models import Lead
from exchange.market.models import LineStatus, Listing, Order, OrderLine, OrderStatus
from exchange.market.services import listings
from tests.buyers.conftest import Enter
from tests.buyers.support import (
    COUNT,
    PRICE,
    bought,
    keep,
    key,
    leads_of_listing,
    place,
    text_of,
    words_of,
)
from tests.cast import Cast, Player, make_cast
from tests.factories.billing import fund_wallet
from tests.factories.fulfillment import buy
from tests.factories.leads import make_batch
from tests.factories.market import make_listing

Form = dict[str, str | list[str]]


def wallet(player: Player) -> Money:
    return billing.balance(player.organization.id, AccountKind.WALLET, Currency.USD)


def orders() -> list[Order]:
    return list(db.session.scalars(select(Order).order_by(Order.id)))


def form_on(page: str) -> Form:
    """What the form of the purchase would send."""
    form = re.findall(r'<form method="post" action="[^"]*/orders".*?</form>', page, re.DOTALL)
    found: Form = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[0]):
        if name == "ids":
            ids = found.setdefault("ids", [])
            assert isinstance(ids, list)
            ids.append(value)
        else:
            found[name] = value
    return found


def asks(client: FlaskClient, listing: Listing, query: str) -> str:
    return text_of(client.get(f"/buyers/listings/{listing.public_id}/buy?{query}"))


def post(client: FlaskClient, listing: Listing, form: Form) -> TestResponse:
    keep()
    return client.post(f"/buyers/listings/{listing.public_id}/orders", data=form)


def send(client: FlaskClient, listing: Listing, form: Form) -> str:
    answer = post(client, listing, form)
    text_of(answer, 303)
    return str(answer.headers["Location"])


def test_the_purchase_is_restated_and_made(buyer: FlaskClient, listing: Listing, cast: Cast):
    page = asks(buyer, listing, "quantity=5")
    words = words_of(buyer.get(f"/buyers/listings/{listing.public_id}/buy?quantity=5"))
    for part in (
        "Buy 5 leads for $225.00?", "Price per lead $45.00", "Your wallet $1,000.00",
        "Left in it afterwards $775.00", "within 72 hours of delivery, whole price back",
        "the freshest first", "once, to you alone", "Northern Leads", "Buy 5 for $225.00",
    ):  # fmt: skip
        assert part in words, part
    address = send(buyer, listing, form_on(page))
    (order,) = orders()
    assert order.public_id in address
    assert order.status is OrderStatus.FULFILLED
    assert wallet(cast.buyer) == Money(1_000_00 - 5 * PRICE, Currency.USD)
    shown = words_of(buyer.get(address))
    assert "5 leads are yours." in shown
    assert "Order of 5 leads" in shown


def test_going_back_to_the_question_says_that_it_was_answered(buyer: FlaskClient, listing: Listing):
    shown = text_of(buyer.get(f"/buyers/listings/{listing.public_id}"))
    keys = re.findall(r'<input type="hidden" name="key" value="([^"]+)"', shown)
    assert len(set(keys)) == len(keys) == 3  # of each way to the question
    form = form_on(asks(buyer, listing, f"quantity=2&key={keys[0]}"))
    assert form["idempotency_key"] == keys[0]
    address = send(buyer, listing, form)
    again = asks(buyer, listing, f"quantity=2&key={keys[0]}")
    assert "You made this purchase already." in again
    assert address in again
    assert '/orders" class="form' not in again
    assert len(orders()) == 1


def test_the_freshest_come_first(buyer: FlaskClient, listing: Listing):
    bought(buyer, listing, 3)
    lines = db.session.scalars(select(OrderLine.lead_id)).all()
    assert set(lines) == {lead.id for lead in leads_of_listing(listing)[:3]}


def test_ticked_leads_are_the_ones_that_are_bought(buyer: FlaskClient, listing: Listing):
    chosen = [leads_of_listing(listing)[n] for n in (1, 4, 9)]
    query = "&".join(f"ids={lead.public_id}" for lead in chosen)
    assert "the ones you chose" in words_of(
        buyer.get(f"/buyers/listings/{listing.public_id}/buy?{query}")
    )
    form = form_on(asks(buyer, listing, query))
    assert "quantity" not in form
    send(buyer, listing, form)
    assert set(db.session.scalars(select(OrderLine.lead_id))) == {lead.id for lead in chosen}


def test_filters_reach_the_order(buyer: FlaskClient, cast: Cast):
    fund_wallet(cast.buyer, 1_000_00)
    listing = make_listing(cast.seller, leads=30)
    query = "quantity=6&a.scope=repair&a.is_homeowner=yes"
    assert "Scope: Repair" in words_of(
        buyer.get(f"/buyers/listings/{listing.public_id}/buy?{query}")
    )
    send(buyer, listing, form_on(asks(buyer, listing, query)))
    (order,) = orders()
    wanted = [{"field": "scope", "is": "repair"}, {"field": "is_homeowner", "is": True}]
    assert order.criteria == {"all": wanted}
    leads = db.session.scalars(select(Lead).join(OrderLine, OrderLine.lead_id == Lead.id)).all()
    assert {lead.attributes["scope"] for lead in leads} == {"repair"}


def test_a_region_reaches_the_order(buyer: FlaskClient, listing: Listing):
    lead = leads_of_listing(listing)[4]
    form = form_on(asks(buyer, listing, f"quantity=1&region={lead.region}"))
    send(buyer, listing, form)
    assert db.session.scalars(select(OrderLine.lead_id)).all() == [lead.id]


def test_only_fresh_leads_are_sold_to_who_asked_for_fresh_ones(
    buyer: FlaskClient, listing: Listing, cast: Cast
):
    """Between the look and the purchase somebody takes one: nobody gets an older one instead."""
    fresh = [lead.id for lead in leads_of_listing(listing)[:3]]
    db.session.execute(
        update(Lead)
        .where(Lead.batch_id == listing.batch_id, Lead.id.not_in(fresh))
        .values(requested_at=clock.now() - timedelta(hours=40))
    )
    form = form_on(asks(buyer, listing, "quantity=3&fresh=24"))
    assert len(form["ids"]) == 3
    buy(cast.other_buyer, listing, 1)
    answer = post(buyer, listing, form)
    assert "Only 2 are left for you." in words_of(answer, 410)
    assert len(orders()) == 1
    send(buyer, listing, form_on(text_of(answer, 410)))
    mine = OrderLine.buyer_id == cast.buyer.organization.id
    assert set(db.session.scalars(select(OrderLine.lead_id).where(mine))) == set(fresh[1:])


def test_a_wish_for_more_fresh_leads_than_there_are_is_cut(buyer: FlaskClient, listing: Listing):
    fresh = [lead.id for lead in leads_of_listing(listing)[:6]]
    db.session.execute(
        update(Lead)
        .where(Lead.batch_id == listing.batch_id, Lead.id.not_in(fresh))
        .values(requested_at=clock.now() - timedelta(hours=40))
    )
    keep()
    answer = buyer.get(f"/buyers/listings/{listing.public_id}/buy?quantity=9&fresh=24")
    assert "Only 6 are left for you." in words_of(answer)
    assert len(form_on(text_of(answer))["ids"]) == 6
    refused = place(buyer, listing, quantity=9, fresh=24)
    assert "Buy 6 leads for $270.00?" in words_of(refused, 410)
    assert orders() == []


def test_fresh_leads_that_are_too_few_to_be_named_are_not_sold_by_number(
    buyer: FlaskClient, listing: Listing
):
    """A number would not keep the promise that they are fresh."""
    lead, *_ = leads_of_listing(listing)
    form = {"a.project": lead.attributes["project"], "fresh": "24"}
    answer = place(buyer, listing, quantity=1, **form)
    assert "Ask for them without a time." in words_of(answer, 409)
    assert orders() == []


def test_few_people_can_be_bought_by_number(buyer: FlaskClient, listing: Listing):
    """Decision 26 hides them one by one, not from being bought."""
    lead, *_ = leads_of_listing(listing)
    query = f"quantity=1&a.project={lead.attributes['project']}"
    send(buyer, listing, form_on(asks(buyer, listing, query)))
    assert db.session.scalars(select(OrderLine.lead_id)).all() == [lead.id]


def test_ticked_leads_that_are_gone_are_chosen_again(
    buyer: FlaskClient, listing: Listing, cast: Cast
):
    leads = leads_of_listing(listing)
    form = form_on(asks(buyer, listing, f"ids={leads[0].public_id}&ids={leads[5].public_id}"))
    buy(cast.other_buyer, listing, 1)
    answer = post(buyer, listing, form)
    assert "Of the leads you chose at most 1 can still be bought. Choose again." in words_of(
        answer, 410
    )
    assert "/orders" not in "".join(
        re.findall(r'action="[^"]*listings[^"]*"', text_of(answer, 410))
    )


class TestOnce:
    def test_the_same_form_twice_is_one_order(
        self, buyer: FlaskClient, listing: Listing, cast: Cast
    ):
        form = form_on(asks(buyer, listing, "quantity=2"))
        assert send(buyer, listing, form) == send(buyer, listing, form)
        assert len(orders()) == 1
        assert wallet(cast.buyer) == Money(1_000_00 - 2 * PRICE, Currency.USD)

    def test_a_page_asked_for_again_is_a_new_intention(self, buyer: FlaskClient, listing: Listing):
        for _ in range(2):
            send(buyer, listing, form_on(asks(buyer, listing, "quantity=2")))
        assert len(orders()) == 2

    def test_a_key_is_not_used_for_another_purchase(self, buyer: FlaskClient, listing: Listing):
        form = form_on(asks(buyer, listing, "quantity=2"))
        send(buyer, listing, form)
        answer = post(buyer, listing, {**form, "quantity": "3"})
        assert answer.status_code == 409
        assert len(orders()) == 1

    def test_a_refused_purchase_keeps_no_answer(self, buyer: FlaskClient, cast: Cast):
        """The same form may be sent again once there is money."""
        listing = make_listing(cast.seller, leads=3)
        form: Form = {"quantity": "1", "terms_version": "1", "idempotency_key": key()}
        assert place(buyer, listing, **form).status_code == 402
        fund_wallet(cast.buyer, PRICE)
        text_of(place(buyer, listing, **form), 303)

    @pytest.mark.commits
    def test_a_double_click_is_one_order(self, committed: Flask):
        """I18: both requests run at the same moment, with commits that are real."""
        cast = make_cast()
        fund_wallet(cast.buyer, 1_000_00)
        listing = make_listing(cast.seller, make_batch(cast.seller, leads=6))
        db.session.commit()
        browser = cast.buyer.sign_in(committed.test_client())
        form = form_on(asks(browser, listing, "quantity=2"))
        cookie = browser.get_cookie("session")
        assert cookie is not None
        path, start = f"/buyers/listings/{listing.public_id}/orders", threading.Barrier(2)
        answers: list[tuple[int, str]] = []

        def click() -> None:
            client = FlaskClient(committed, committed.response_class)  # one per thread
            client.set_cookie("session", cookie.value)
            start.wait()
            answer = client.post(path, data=form)
            answers.append((answer.status_code, answer.headers.get("Location", "")))

        clicks = [threading.Thread(target=click) for _ in range(2)]
        for one in clicks:
            one.start()
        for one in clicks:
            one.join()
        assert answers[0] == answers[1]
        assert answers[0][0] == 303
        assert db.session.scalar(select(func.count()).select_from(Order)) == 1
        assert wallet(cast.buyer) == Money(1_000_00 - 2 * PRICE, Currency.USD)


class TestRefused:
    def test_a_wallet_that_is_too_small_says_what_is_missing(
        self, buyer: FlaskClient, listing: Listing, cast: Cast
    ):
        fund_wallet(cast.buyer, 10_00)
        quantity = COUNT * 2  # more than there is, so the page is cut to what is left
        assert f"Buy {COUNT} leads for $540.00?" in words_of(
            buyer.get(f"/buyers/listings/{listing.public_id}/buy?quantity={quantity}")
        )
        listings.set_price(
            listing_id=listing.id, price=Money(100_00, Currency.USD), actor=cast.seller.actor
        )
        page = words_of(place(buyer, listing, quantity=11, terms_version=2), 402)
        assert "Missing $90.00" in page
        assert "Top up $90.00" in page
        assert orders() == []
        assert wallet(cast.buyer) == Money(1_010_00, Currency.USD)

    def test_the_link_to_the_wallet_is_one_that_works(self, buyer: FlaskClient, cast: Cast):
        listing = make_listing(cast.seller, leads=1)
        page = text_of(place(buyer, listing, quantity=1), 402)
        (address,) = re.findall(r'href="([^"]+)">Top up', page)
        text_of(buyer.get(address))

    def test_a_new_price_is_shown_and_asked_about_again(
        self, buyer: FlaskClient, listing: Listing, cast: Cast
    ):
        form = form_on(asks(buyer, listing, "quantity=2"))
        listings.set_price(
            listing_id=listing.id, price=Money(50_00, Currency.USD), actor=cast.seller.actor
        )
        answer = post(buyer, listing, form)
        page = text_of(answer, 409)
        words = words_of(answer, 409)
        assert "The price per lead was $45.00 when you looked and is $50.00 now." in words
        assert "Buy 2 leads for $100.00?" in words
        assert orders() == []
        again = form_on(page)
        assert again["terms_version"] == "2"
        assert again["idempotency_key"] != form["idempotency_key"]
        send(buyer, listing, again)
        assert orders()[0].price == Money(50_00, Currency.USD)

    def test_what_is_left_is_said_and_offered(
        self, buyer: FlaskClient, listing: Listing, cast: Cast
    ):
        form = form_on(asks(buyer, listing, "quantity=5"))
        buy(cast.other_buyer, listing, COUNT - 2)
        answer = post(buyer, listing, form)
        words = words_of(answer, 410)
        assert "Only 2 are left for you." in words
        assert "Buy 2 leads for $90.00?" in words
        send(buyer, listing, form_on(text_of(answer, 410)))
        assert orders()[-1].quantity == 2

    def test_nothing_left_offers_nothing(self, buyer: FlaskClient, listing: Listing, cast: Cast):
        form = form_on(asks(buyer, listing, "quantity=5"))
        buy(cast.other_buyer, listing, COUNT)
        answer = post(buyer, listing, form)
        assert "Nothing of it is left for you." in words_of(answer, 410)
        assert "/orders" not in "".join(
            re.findall(r'action="[^"]*listings[^"]*"', text_of(answer, 410))
        )

    @pytest.mark.parametrize(
        "form",
        [
            {"quantity": "0"}, {"quantity": "-1"}, {"quantity": "1001"}, {"quantity": "five"}, {},
            {"quantity": "1", "terms_version": "x"}, {"quantity": "1", "terms_version": ""},
            {"quantity": "1", "fresh": "5"}, {"quantity": "1", "a.project": "nonsense"},
        ],
    )  # fmt: skip
    def test_what_makes_no_sense_is_refused_with_the_page(
        self, buyer: FlaskClient, listing: Listing, form: dict[str, str]
    ):
        page = words_of(place(buyer, listing, **form), 422)
        assert "Home improvement, United States" in page
        assert orders() == []

    @pytest.mark.parametrize("query", ["", "quantity=0", "quantity=all", "quantity=1001"])
    def test_a_wish_that_makes_no_sense_shows_the_listing_with_the_mistake(
        self, buyer: FlaskClient, listing: Listing, query: str
    ):
        answer = buyer.get(f"/buyers/listings/{listing.public_id}/buy?{query}")
        page = text_of(answer, 422)
        assert 'href="#f-quantity"' in page
        assert 'id="f-quantity"' in page

    @pytest.mark.parametrize("ids", ["lead_1", "x", "ord_01M7ZZ5NQ0EYDSZSJ39PVECAM3"])
    def test_leads_that_are_none_are_not_found(
        self, buyer: FlaskClient, listing: Listing, ids: str
    ):
        answer = buyer.get(f"/buyers/listings/{listing.public_id}/buy?ids={ids}")
        assert answer.status_code == 404

    def test_leads_of_another_lot_are_not_sold_under_this_one(
        self, buyer: FlaskClient, listing: Listing, cast: Cast
    ):
        dear = make_listing(cast.other_seller, leads=2, price=500_00)
        lead, *_ = leads_of_listing(dear)
        answer = place(buyer, listing, ids=[lead.public_id])
        assert "Of the leads you chose 0 can still be bought." in words_of(answer, 410) or (
            "Nothing of it is left for you." in words_of(answer, 410)
        )
        assert orders() == []

    def test_a_pending_buyer_cannot_buy(self, enter: Enter, listing: Listing, cast: Cast):
        fund_wallet(cast.newcomer, 100_00)
        browser = enter(cast.newcomer)
        page = words_of(browser.get(f"/buyers/listings/{listing.public_id}/buy?quantity=1"))
        assert "Buying needs an approved organization" in page
        assert place(browser, listing, quantity=1).status_code == 403
        assert orders() == []

    def test_a_form_without_a_key_is_refused(self, buyer: FlaskClient, listing: Listing):
        answer = place(buyer, listing, quantity=1, idempotency_key="")
        assert answer.status_code == 400
        assert orders() == []


def test_nobody_is_sold_a_lead_twice(buyer: FlaskClient, listing: Listing):
    """What a buyer has is gone from the page, and cannot be ticked from an old one."""
    lead, *_ = leads_of_listing(listing)
    before = asks(buyer, listing, f"ids={lead.public_id}")
    bought(buyer, listing, 1)
    assert lead.public_id not in text_of(buyer.get(f"/buyers/listings/{listing.public_id}"))
    answer = post(buyer, listing, {**form_on(before)})
    assert answer.status_code == 410
    held = OrderLine.status != LineStatus.RELEASED
    assert db.session.scalar(select(func.count()).where(held)) == 1
