"""The figures of the home pages, against what was done to earn them."""

from __future__ import annotations

from datetime import timedelta

from flask.testing import FlaskClient

from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.money import Currency, Money
from exchange.fulfillment import queries as fulfillment
from exchange.fulfillment.models import ReturnOutcome
from exchange.fulfillment.services import deliveries, returns
from exchange.market import queries as market
from exchange.reports import queries
from tests.cast import Cast
from tests.factories.billing import fund_wallet
from tests.factories.leads import make_batch
from tests.factories.market import make_listing, place


def buy(cast: Cast, count: int = 5) -> list:
    """Lines of a delivered order of the buyer."""
    fund_wallet(cast.buyer, 1_000_00)
    order = place(cast.buyer, make_listing(cast.seller, leads=8), count)
    delivery = fulfillment.find_delivery(order.id)
    assert delivery is not None
    deliveries.deliver(delivery_id=delivery.id, actor=SYSTEM)
    return list(market.lines_of(order.id))


def ask_back(cast: Cast, line) -> object:
    return returns.request_return(
        line_id=line.id, reason="never_requested", note="", actor=cast.buyer.actor
    )


class TestSeller:
    def test_nothing_yet_is_nil_and_not_an_error(self, cast: Cast) -> None:
        figures = queries.seller_figures(cast.seller.organization.id)
        assert (figures.leads_on_sale, figures.listings_on_sale, figures.open_returns) == (0, 0, 0)
        assert figures.checked.valid_share is None
        assert figures.next_payable is None
        assert figures.flow == queries.Flow(0, 0, 0, 0)

    def test_what_is_on_sale_pending_and_asked_back(self, cast: Cast) -> None:
        lines = buy(cast)
        asked = ask_back(cast, lines[0])
        figures = queries.seller_figures(cast.seller.organization.id)
        assert (figures.leads_on_sale, figures.listings_on_sale) == (3, 1)
        assert (figures.open_returns, figures.next_return_due) == (1, asked.decide_by)
        assert figures.balances[0].pending == Money(5 * 4_500, Currency.USD)
        assert figures.flow == queries.Flow(taken_in=8, valid=8, sold=5, returned=0)

    def test_a_granted_return_is_counted_and_no_longer_open(self, cast: Cast) -> None:
        asked = ask_back(cast, buy(cast)[0])
        returns.decide(
            return_id=asked.id,
            outcome=ReturnOutcome.APPROVED,
            explanation="She never asked.",
            actor=cast.admin.actor,
        )
        figures = queries.seller_figures(cast.seller.organization.id)
        assert (figures.open_returns, figures.flow.returned) == (0, 1)

    def test_nobody_elses_leads_are_counted(self, cast: Cast) -> None:
        buy(cast)
        make_batch(cast.seller, leads=6)
        figures = queries.seller_figures(cast.other_seller.organization.id)
        assert figures.leads_on_sale == 0
        assert figures.flow.taken_in == 0


class TestBuyer:
    def test_nothing_yet_is_nil(self, cast: Cast) -> None:
        figures = queries.buyer_figures(cast.buyer.organization.id)
        assert (figures.bought, figures.spent, figures.windows_closing) == (0, [], 0)

    def test_what_was_bought_spent_and_given_back(self, cast: Cast) -> None:
        lines = buy(cast)
        asked = ask_back(cast, lines[0])
        assert queries.buyer_figures(cast.buyer.organization.id).open_returns == 1
        returns.decide(
            return_id=asked.id,
            outcome=ReturnOutcome.APPROVED,
            explanation="She never asked.",
            actor=cast.admin.actor,
        )
        figures = queries.buyer_figures(cast.buyer.organization.id)
        assert figures.bought == 5
        assert figures.spent[0].paid == Money(22_500, Currency.USD)
        assert figures.spent[0].refunded == Money(4_500, Currency.USD)
        assert figures.open_returns == 0

    def test_windows_that_close_within_a_day(self, cast: Cast) -> None:
        lines = buy(cast)
        me = cast.buyer.organization.id
        assert queries.buyer_figures(me).windows_closing == 0
        clock.advance(lines[0].window_until - clock.now() - timedelta(hours=1))
        figures = queries.buyer_figures(me)
        assert (figures.windows_closing, figures.next_window_until) == (5, lines[0].window_until)
        clock.advance(timedelta(hours=2))
        assert queries.buyer_figures(me).windows_closing == 0


class TestEvents:
    def test_an_organization_reads_its_own_and_no_others(
        self, client: FlaskClient, cast: Cast
    ) -> None:
        make_batch(cast.seller, leads=6)
        key = cast.seller.key("event:read")
        answer = client.get("/api/v1/events", headers=key)
        assert answer.status_code == 200
        page = answer.json
        assert page["object"] == "list"
        assert {"id", "object", "type", "created_at", "subject"} == set(page["data"][0])
        own = {event["subject"]["id"] for event in page["data"]}
        assert cast.seller.organization.public_id in own
        assert cast.other_seller.organization.public_id not in own

    def test_it_filters_by_type_and_turns_pages(self, client: FlaskClient, cast: Cast) -> None:
        key = cast.seller.key("event:read")
        seen, cursor = [], ""
        while cursor is not None:
            query = {"limit": 1, "cursor": cursor} if cursor else {"limit": 1}
            page = client.get("/api/v1/events", headers=key, query_string=query).json
            seen += [event["id"] for event in page["data"]]
            cursor = page["next_cursor"]
        assert len(seen) == len(set(seen)) > 2
        chosen = client.get("/api/v1/events?type=organization.", headers=key).json["data"]
        assert {event["type"] for event in chosen} == {
            "organization.signed_up",
            "organization.approved",
        }

    def test_a_bad_question_is_refused(self, client: FlaskClient, cast: Cast) -> None:
        key = cast.seller.key("event:read")
        assert client.get("/api/v1/events?limit=1000", headers=key).status_code == 422
        assert client.get("/api/v1/events?type=%25", headers=key).status_code == 422
        assert client.get("/api/v1/events?cursor=nonsense", headers=key).status_code == 404
        assert client.get("/api/v1/events").status_code == 401
