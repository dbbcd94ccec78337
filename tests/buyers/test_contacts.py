"""Nobody reads a contact before it is paid for, nobody unseen, and nobody after a refund."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Callable, Iterable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, func, select, text
from werkzeug.test import TestResponse

from exchange.core.db import db, sqlalchemy_url
from exchange.core.events import Event
from exchange.core.idempotency import IdempotencyKey
from exchange.core.money import Currency, Money
from exchange.fulfillment.models import LeadReturn, ReturnOutcome
from exchange.fulfillment.services import returns
from exchange.leads.models import Lead, LeadKind
from exchange.market.models import Listing
from exchange.market.services import listings
from tests.buyers.support import (
    COUNT,
    PEOPLE,
    bought,
    keep,
    key,
    leads_of_listing,
    lines_on,
    place,
    text_of,
    traces_of,
    words_of,
)
from tests.cast import Cast, make_cast
from tests.factories.billing import fund_wallet
from tests.factories.fulfillment import buy
from tests.factories.leads import make_batch
from tests.factories.market import make_listing

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def openings(purpose: str | None = None) -> int:
    statement = select(func.count()).where(Event.type == "contact.opened")
    if purpose:
        statement = statement.where(Event.facts["purpose"].astext == purpose)
    return db.session.scalar(statement) or 0


def everything(answer: TestResponse) -> str:
    """All that the answer carries: its body and its head."""
    return answer.get_data(as_text=True) + "\n" + str(answer.headers)


def found_in(texts: Iterable[str], people: Iterable[dict[str, str]] = PEOPLE) -> list[str]:
    return [trace for text in texts for person in people for trace in traces_of(person, text)]


def pages_before(client: FlaskClient, listing: Listing) -> list[TestResponse]:
    """Every page that a buyer can get to without buying, refusals among them."""
    at = f"/buyers/listings/{listing.public_id}"
    lead = leads_of_listing(listing)[0]
    asked = [
        *("/buyers/", "/buyers/market", "/buyers/orders", "/buyers/leads", "/buyers/returns"),
        "/buyers/market?vertical=home_improvement_us&sort=cheapest",
        *(f"/buyers/market?region={one.region}" for one in leads_of_listing(listing)[:2]),
        *(at, f"{at}?fresh=24", f"{at}?a.scope=repair", f"{at}?region={lead.region}"),
        *(f"{at}/buy?quantity=3", f"{at}/buy?quantity=500", f"{at}/buy?ids={lead.public_id}"),
        *(f"{at}/buy?quantity=0", f"{at}?a.project=nonsense", f"/buyers/leads/{lead.public_id}"),
    ]
    answers = [client.get(address) for address in asked]
    answers += [client.get(address, headers={"HX-Request": "true"}) for address in asked]
    return answers


def test_the_search_for_traces_finds_them():
    """The control: what it is to find is found however it is written."""
    person = PEOPLE[0]
    national = person["phone"][2:]
    for written in (
        person["name"].upper(), person["email"].replace("@", "%40"), person["phone"], national,
        f"({national[:3]}) {national[3:6]}-{national[6:]}", f"{national[:3]} {national[3:]}",
        person["name"].split()[1], "zq.planted0", "1 Wistaria Lane",
    ):  # fmt: skip
        assert traces_of(person, f"<p>{written}</p>"), written
    assert not traces_of(person, "<p>Z*** Q. +1 6** *** ** 01 z***@***.example</p>")


def test_no_page_before_the_purchase_has_a_contact(
    buyer: FlaskClient, listing: Listing, cast: Cast, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    answers = pages_before(buyer, listing)
    listings.set_price(
        listing_id=listing.id, price=Money(500_00, Currency.USD), actor=cast.seller.actor
    )
    answers += [
        place(buyer, listing, quantity=1, terms_version=1),  # another price
        place(buyer, listing, quantity=3, terms_version=2),  # too dear
        place(buyer, listing, quantity=0, terms_version=2),
    ]
    assert {answer.status_code for answer in answers} == {200, 402, 404, 409, 422}
    assert found_in(map(everything, answers)) == []
    assert found_in([caplog.text]) == []
    assert openings() == 0


def test_what_is_bought_stays_masked_until_it_is_opened(
    buyer: FlaskClient, listing: Listing, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    order = bought(buyer, listing, 3)
    (line, *_) = lines_on(text_of(buyer.get(order)))
    pages = [
        *(order, "/buyers/", "/buyers/orders", "/buyers/leads", "/buyers/leads?status=delivered"),
        *(f"/buyers/leads/{line}", f"/buyers/leads/{line}/return"),
        *("/buyers/market", f"/buyers/listings/{listing.public_id}"),
    ]
    assert found_in(everything(buyer.get(page)) for page in pages) == []
    assert openings() == 0
    opened = buyer.post(f"/buyers/leads/{line}/contact")
    assert traces_of(PEOPLE[0], everything(opened))
    # Afterwards as before: what was opened is shown once.
    assert found_in(everything(buyer.get(page)) for page in pages) == []
    assert found_in([caplog.text]) == []
    assert openings() == 1


class TestOpening:
    def test_one_contact_is_shown_once_and_written_down(
        self, buyer: FlaskClient, listing: Listing, cast: Cast
    ):
        (line, *_) = lines_on(text_of(buyer.get(bought(buyer, listing, 3))))
        answer = buyer.post(f"/buyers/leads/{line}/contact")
        words = words_of(answer)
        person = PEOPLE[0]
        for value in (person["name"], person["phone"], person["email"], person["street"]):
            assert value in words
        assert found_in([words], PEOPLE[1:]) == []
        assert "no-store" in answer.headers["Cache-Control"]
        event = db.session.scalars(select(Event).where(Event.type == "contact.opened")).one()
        assert event.facts == {"purpose": "read"}
        assert (event.actor_id, event.subject_kind) == (cast.buyer.user.id, "lead")
        assert "looked at by" in words_of(buyer.get(f"/buyers/leads/{line}"))

    def test_opening_twice_is_two_openings(self, buyer: FlaskClient, listing: Listing):
        (line, *_) = lines_on(text_of(buyer.get(bought(buyer, listing, 1))))
        form = {"idempotency_key": key()}
        first = buyer.post(f"/buyers/leads/{line}/contact", data=form)
        second = buyer.post(f"/buyers/leads/{line}/contact", data=form)
        assert traces_of(PEOPLE[0], text_of(first))
        assert traces_of(PEOPLE[0], text_of(second))
        assert openings() == 2
        kept = db.session.scalars(select(IdempotencyKey.body)).all()
        assert found_in(body.decode("utf-8", "replace") for body in kept) == []

    def test_a_whole_order_is_one_page_and_an_opening_each(
        self, buyer: FlaskClient, listing: Listing
    ):
        order = bought(buyer, listing, 3)
        answer = buyer.post(f"{order}/contacts")
        words = words_of(answer)
        assert [person["name"] in words for person in PEOPLE] == [True] * 3 + [False] * (COUNT - 3)
        assert "no-store" in answer.headers["Cache-Control"]
        assert openings("read") == 3

    def test_a_get_opens_nothing(self, buyer: FlaskClient, listing: Listing):
        order = bought(buyer, listing, 1)
        (line, *_) = lines_on(text_of(buyer.get(order)))
        for address in (f"/buyers/leads/{line}/contact", f"{order}/contacts", f"{order}/export"):
            assert buyer.get(address).status_code == 405
        assert openings() == 0

    def test_links_that_dial_exist_on_live_instances_only(
        self, app: Flask, buyer: FlaskClient, listing: Listing
    ):
        (line, *_) = lines_on(text_of(buyer.get(bought(buyer, listing, 1))))
        assert "tel:" not in text_of(buyer.post(f"/buyers/leads/{line}/contact"))
        macros = app.jinja_env.get_template("buyers/leads/_contact.html").module
        assert 'href="tel:+16142557301"' in str(macros.phone("+16142557301", "live"))
        assert "href" not in str(macros.phone("+16142557301", "demo"))
        assert 'href="mailto:' in str(macros.email("a@b.example", "live"))
        assert "href" not in str(macros.email("a@b.example", "sandbox"))


class TestRefunded:
    @pytest.fixture
    def refunded(self, buyer: FlaskClient, listing: Listing, cast: Cast) -> tuple[str, str]:
        """An order of two of which the first was opened, returned and refunded."""
        order = bought(buyer, listing, 2)
        line, *_ = lines_on(text_of(buyer.get(order)))
        buyer.post(f"/buyers/leads/{line}/contact")
        answer = buyer.post(
            f"/buyers/leads/{line}/return", data={"reason": "fictitious", "idempotency_key": key()}
        )
        text_of(answer, 303)
        returns.decide(
            return_id=db.session.scalars(select(LeadReturn.id)).one(),
            outcome=ReturnOutcome.APPROVED,
            explanation="Nobody of this name exists.",
            actor=cast.admin.actor,
        )
        keep()
        return order, line

    def test_a_refunded_lead_is_closed_for_good(
        self, buyer: FlaskClient, refunded: tuple[str, str]
    ):
        _, line = refunded
        before = openings()
        answer = buyer.post(f"/buyers/leads/{line}/contact")
        assert "This lead was refunded" in words_of(answer, 410)
        assert found_in([everything(answer)]) == []
        assert openings() == before
        assert "Open contact" not in words_of(buyer.get(f"/buyers/leads/{line}"))

    def test_neither_page_nor_file_of_the_order_has_it(
        self, buyer: FlaskClient, refunded: tuple[str, str]
    ):
        order, _ = refunded
        page = text_of(buyer.post(f"{order}/contacts"))
        file = text_of(buyer.post(f"{order}/export", data={"separator": "comma"}))
        for content in (page, file):
            assert traces_of(PEOPLE[0], content) == []
            assert traces_of(PEOPLE[1], content)

    def test_it_cannot_be_bought_again(
        self, buyer: FlaskClient, refunded: tuple[str, str], listing: Listing
    ):
        lead = leads_of_listing(listing)[0]
        assert lead.public_id not in text_of(buyer.get(f"/buyers/listings/{listing.public_id}"))


class TestExport:
    def read(self, answer: TestResponse, separator: str) -> list[dict[str, str]]:
        text = text_of(answer)
        assert text.startswith("\ufeff")
        return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), delimiter=separator))

    @pytest.mark.parametrize(
        ("name", "separator"), [("comma", ","), ("semicolon", ";"), ("tab", "\t")]
    )
    def test_the_file_holds_what_was_bought(
        self, buyer: FlaskClient, listing: Listing, name: str, separator: str
    ):
        order = bought(buyer, listing, 3)
        answer = buyer.post(f"{order}/export", data={"separator": name})
        rows = self.read(answer, separator)
        assert [row["Name"] for row in rows] == [person["name"] for person in PEOPLE[:3]]
        assert rows[0]["Phone"] == f"'{PEOPLE[0]['phone']}"
        assert rows[0]["Street address"] == PEOPLE[0]["street"]
        assert rows[0]["Budget, USD"] == "12500.00"
        assert rows[0]["Owns the home"] == "yes"
        assert rows[0]["Purchase"].startswith("line_")
        assert answer.mimetype == "text/csv"
        assert "no-store" in answer.headers["Cache-Control"]
        disposition = answer.headers["Content-Disposition"]
        assert disposition == f'attachment; filename="{order.rpartition("/")[2]}.csv"'
        assert openings("export") == 3

    def test_no_cell_is_run_by_a_spreadsheet(self, buyer: FlaskClient, listing: Listing):
        order = bought(buyer, listing, 3)
        rows = self.read(buyer.post(f"{order}/export", data={"separator": "comma"}), ",")
        assert rows[0]["Comment"] == f"'{PEOPLE[0]['comment']}"
        cells = [cell for row in rows for cell in (*row, *row.values())]
        assert not [cell for cell in cells if cell.startswith(DANGEROUS)]

    def test_another_separator_is_refused_with_the_page(self, buyer: FlaskClient, listing: Listing):
        order = bought(buyer, listing, 1)
        answer = buyer.post(f"{order}/export", data={"separator": "pipe"})
        assert "Order of 1 lead" in words_of(answer, 422)
        assert found_in([everything(answer)]) == []
        assert openings() == 0

    @pytest.mark.commits
    def test_openings_are_committed_before_the_first_byte(self, committed: Flask):
        """Seen from another connection at the moment at which the server begins to answer."""
        cast = make_cast()
        listing = make_listing(cast.seller, make_batch(cast.seller, people=PEOPLE))
        buy(cast.buyer, listing, 2)
        db.session.commit()
        engine = create_engine(sqlalchemy_url(committed.config["SETTINGS"].database_url))
        seen: list[int] = []

        def count_at_start(app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
            def wrapped(
                environ: dict[str, object], start: Callable[..., object]
            ) -> Iterable[bytes]:
                def begin(*args: object) -> object:
                    with engine.connect() as other:
                        count = text("SELECT count(*) FROM event WHERE type = 'contact.opened'")
                        seen.append(other.scalar(count))
                    return start(*args)

                return app(environ, begin)

            return wrapped

        browser = cast.buyer.sign_in(committed.test_client())
        page = text_of(browser.get("/buyers/orders"))
        address = "/buyers/orders/ord_" + page.split("/buyers/orders/ord_")[1].split('"')[0]
        committed.wsgi_app = count_at_start(committed.wsgi_app)  # type: ignore[method-assign]  # a middleware
        text_of(browser.post(f"{address}/export", data={"separator": "comma"}))
        text_of(browser.post(f"{address}/contacts"))
        engine.dispose()
        assert seen == [2, 4]


def test_a_shared_lead_shows_each_buyer_their_own_openings(
    buyer: FlaskClient, cast: Cast, enter: Callable[..., FlaskClient]
):
    listing = make_listing(cast.seller, leads=1, kind=LeadKind.SHARED)
    keep()
    for player, browser in ((cast.buyer, buyer), (cast.other_buyer, enter(cast.other_buyer))):
        fund_wallet(player, 100_00)
        keep()
        (line,) = lines_on(text_of(browser.get(bought(browser, listing, 1))))
        words = words_of(browser.post(f"/buyers/leads/{line}/contact"))
        assert words.count("looked at by") == 1
    assert db.session.scalar(select(func.count()).select_from(Lead)) == 1
