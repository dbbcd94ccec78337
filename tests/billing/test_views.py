from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from exchange.billing.models import Payout, PayoutAccount, PayoutStatus, TopUp, TopUpStatus
from exchange.billing.services import payouts, top_ups
from exchange.core.actors import SYSTEM
from exchange.core.db import db
from exchange.core.ids import uuid7
from exchange.identity import services as identity
from exchange.identity.permissions import Role
from tests.billing.books import EUR, Deal, amounts, commit, eur, fund
from tests.billing.test_top_ups import start
from tests.cast import Cast
from tests.factories.fulfillment import make_line
from tests.servers.stripe_sandbox import StripeSandbox

Post = Callable[..., int]
RunJobs = Callable[[], int]
PAGES_OF_BUYERS = ["/money/wallet", "/money/top-ups"]
PAGES_OF_SELLERS = ["/money", "/money/payouts", "/money/payout-account"]


def token() -> str:
    return str(uuid7())


class TestWallet:
    def test_a_new_buyer_sees_an_empty_wallet_and_how_to_fill_it(
        self, cast: Cast, client: FlaskClient
    ) -> None:
        page = cast.buyer.sign_in(client).get("/money/wallet")
        assert page.status_code == 200
        assert "Continue to payment" in page.text
        assert "No money has moved yet" in page.text

    def test_balances_and_every_line_with_its_reason_are_shown(
        self, cast: Cast, client: FlaskClient
    ) -> None:
        fund(cast.buyer, 30_000)
        Deal(cast.buyer, cast.seller).deliver().refund(settled=False)
        Deal(cast.buyer, cast.seller, eur(2_500)).hold()
        commit()
        text = cast.buyer.sign_in(client).get("/money/wallet").text
        for words in ("€275.00", "€25.00", "Top-up", "Set aside", "Refund"):
            assert words in text

    def test_a_line_leads_to_what_it_is_about(self, cast: Cast, client: FlaskClient) -> None:
        line = make_line(cast)
        commit()
        text = cast.buyer.sign_in(client).get("/money/wallet").text
        for address in (f"/buyers/leads/{line.public_id}", "/buyers/orders/ord_"):
            assert f'href="{address}' in text

    def test_htmx_gets_the_statement_alone_cut_to_an_account(
        self, cast: Cast, client: FlaskClient
    ) -> None:
        fund(cast.buyer, 30_000)
        Deal(cast.buyer, cast.seller).hold()
        commit()
        found = cast.buyer.sign_in(client).get(
            "/money/wallet?account=held&currency=EUR", headers={"HX-Request": "true"}
        )
        assert found.status_code == 200
        assert "<html" not in found.text
        assert "€100.00" in found.text
        assert "€300.00" not in found.text

    @pytest.mark.parametrize("query", ["account=cellar", "currency=XTS", "cursor=x", "limit=0"])
    def test_an_address_that_makes_no_sense_is_refused(
        self, cast: Cast, client: FlaskClient, query: str
    ) -> None:
        page = cast.buyer.sign_in(client).get(f"/money/wallet?{query}")
        assert page.status_code in {400, 422}

    def test_a_sellers_wallet_stands_on_its_own_page(self, cast: Cast, client: FlaskClient) -> None:
        assert cast.seller.sign_in(client).get("/money/wallet").status_code == 404

    def test_a_member_who_may_not_see_money_sees_none(
        self, cast: Cast, client: FlaskClient
    ) -> None:
        identity.add_member(
            email="mia@buyer.example",
            name="Mia",
            password="correct horse battery",
            organization_id=cast.buyer.organization.id,
            role=Role.MEMBER,
        )
        commit()
        form = {"email": "mia@buyer.example", "password": "correct horse battery"}
        assert client.post("/sign-in", data=form).status_code == 303
        assert client.get("/money/wallet").status_code == 404
        assert 'id="balance"' not in client.get("/team").text

    def test_the_balance_stands_in_the_head_of_each_page(
        self, cast: Cast, client: FlaskClient
    ) -> None:
        top_up = start(cast.buyer, 10_000)
        top_ups.credit(top_up_id=top_up.id, payment_id="pi", amount=eur(10_000), actor=SYSTEM)
        commit()
        browser = cast.buyer.sign_in(client)
        assert "Enough" in browser.get("/team").text
        Deal(cast.buyer, cast.seller, eur(8_001)).hold()
        commit()
        assert "Limited" in browser.get("/team").text
        Deal(cast.buyer, cast.seller, eur(1_999)).hold()
        commit()
        assert "Empty" in browser.get("/team").text


class TestTopUp:
    def test_the_whole_way_from_the_form_to_the_money(
        self,
        cast: Cast,
        client: FlaskClient,
        stripe: StripeSandbox,
        post_events: Post,
        run_jobs: RunJobs,
    ) -> None:
        browser = cast.buyer.sign_in(client)
        form = {"currency": "USD", "amount": "250", "idempotency_key": token()}
        sent = browser.post("/money/top-ups", data=form)
        assert sent.status_code == 303
        checkout = browser.get(sent.location)
        assert checkout.status_code == 303
        (session,) = stripe.objects("checkout.session")
        assert checkout.location == session["url"]
        assert (session["amount_total"], session["currency"]) == (25_000, "usd")
        back = session["success_url"].removeprefix("http://localhost")
        waiting = browser.get(back)
        assert "Waiting for Stripe" in waiting.text
        assert 'hx-trigger="load delay:2s"' in waiting.text
        assert amounts(cast.buyer) == {}
        stripe.pay(session["id"])
        assert "Waiting for Stripe" in browser.get(back).text  # the browser proves nothing
        post_events()
        run_jobs()
        paid = browser.get(back, headers={"HX-Request": "true"})
        assert "$250.00 is in your wallet" in paid.text
        assert "hx-get" not in paid.text

    def test_the_form_sent_twice_is_one_top_up(self, cast: Cast, client: FlaskClient) -> None:
        browser = cast.buyer.sign_in(client)
        form = {"currency": "USD", "amount": "250", "idempotency_key": token()}
        answers = [browser.post("/money/top-ups", data=form) for _ in range(2)]
        assert answers[0].location == answers[1].location
        assert db.session.query(TopUp).count() == 1

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("amount", ""),
            ("amount", "abc"),
            ("amount", "1"),
            ("amount", "-5"),
            ("currency", "XTS"),
            ("currency", "MYR"),
        ],
    )
    def test_what_makes_no_sense_is_said_at_its_field(
        self, cast: Cast, client: FlaskClient, field: str, value: str
    ) -> None:
        form = {"currency": "USD", "amount": "250", "idempotency_key": token(), field: value}
        page = cast.buyer.sign_in(client).post("/money/top-ups", data=form)
        assert page.status_code == 422
        assert f'id="f-{field}-problem"' in page.text
        assert db.session.query(TopUp).count() == 0

    def test_an_organization_that_waits_for_approval_is_told_so(
        self, cast: Cast, client: FlaskClient
    ) -> None:
        form = {"currency": "USD", "amount": "250", "idempotency_key": token()}
        answer = cast.newcomer.sign_in(client).post("/money/top-ups", data=form)
        assert answer.status_code == 403

    def test_a_strangers_top_up_is_not_found(self, cast: Cast, client: FlaskClient) -> None:
        top_up = start(cast.other_buyer)
        browser = cast.buyer.sign_in(client)
        for address in ("", "/checkout"):
            answer = browser.get(f"/money/top-ups/{top_up.public_id}{address}")
            assert answer.status_code == 404

    def test_coming_back_without_having_paid_one_can_go_on(
        self, cast: Cast, client: FlaskClient
    ) -> None:
        top_up = start(cast.buyer)
        address = f"/money/top-ups/{top_up.public_id}?back=canceled"
        page = cast.buyer.sign_in(client).get(address)
        assert "Not paid yet" in page.text
        assert f"/money/top-ups/{top_up.public_id}/checkout" in page.text

    def test_a_top_up_that_failed_says_so_and_leads_nowhere(
        self, cast: Cast, client: FlaskClient
    ) -> None:
        top_up = start(cast.buyer)
        top_ups.fail(top_up_id=top_up.id, session_id="cs_1", actor=SYSTEM)
        commit()
        browser = cast.buyer.sign_in(client)
        assert top_up.status is TopUpStatus.FAILED
        assert "This was not paid" in browser.get(f"/money/top-ups/{top_up.public_id}").text
        gone = browser.get(f"/money/top-ups/{top_up.public_id}/checkout")
        assert gone.location.endswith(f"/money/top-ups/{top_up.public_id}")

    def test_while_stripe_is_away_one_is_asked_to_try_again(
        self, cast: Cast, client: FlaskClient, stripe: StripeSandbox
    ) -> None:
        stripe.fault("fail_before", "/v1/checkout/sessions")
        top_up = start(cast.buyer)
        answer = cast.buyer.sign_in(client).get(f"/money/top-ups/{top_up.public_id}/checkout")
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "5"

    def test_the_list_leads_to_each(self, cast: Cast, client: FlaskClient) -> None:
        top_up = start(cast.buyer)
        assert top_up.public_id in cast.buyer.sign_in(client).get("/money/top-ups").text


class TestMoney:
    def test_a_new_seller_sees_what_will_stand_there(self, cast: Cast, client: FlaskClient) -> None:
        page = cast.seller.sign_in(client).get("/money")
        assert page.status_code == 200
        assert "Connect a payout account" in page.text
        assert "Nothing is pending" in page.text

    def test_the_split_and_the_statement_are_shown(self, cast: Cast, client: FlaskClient) -> None:
        fund(cast.buyer, 30_000)
        Deal(cast.buyer, cast.seller).deliver().settle()
        Deal(cast.buyer, cast.seller, eur(4_321)).deliver()
        commit()
        text = cast.seller.sign_in(client).get("/money").text
        for words in ("€75.00", "€10.00", "€43.21", "Return window closed, sale settled"):
            assert words in text

    def test_pending_money_is_shown_by_the_day_on_which_it_is_free(
        self, cast: Cast, client: FlaskClient
    ) -> None:
        line = make_line(cast)
        commit()
        assert line.window_until is not None
        text = cast.seller.sign_in(client).get("/money").text
        assert "If nothing is returned until then" in text
        assert f'datetime="{line.window_until.isoformat(timespec="seconds")}"' in text

    @pytest.mark.parametrize("address", PAGES_OF_SELLERS)
    def test_a_buyer_has_no_such_pages(self, cast: Cast, client: FlaskClient, address: str) -> None:
        assert cast.buyer.sign_in(client).get(address).status_code == 404

    @pytest.mark.parametrize(
        "address", [*PAGES_OF_BUYERS, *PAGES_OF_SELLERS, "/money/statement.csv"]
    )
    def test_without_signing_in_nobody_sees_money(self, client: FlaskClient, address: str) -> None:
        assert "/sign-in" in client.get(address).location


class TestPayoutAccount:
    def test_the_whole_way_to_a_ready_account(
        self,
        cast: Cast,
        client: FlaskClient,
        stripe: StripeSandbox,
        post_events: Post,
        run_jobs: RunJobs,
    ) -> None:
        browser = cast.seller.sign_in(client)
        begun = browser.post("/money/payout-account")
        assert begun.status_code == 303
        assert "Stripe is opening the account" in browser.get(begun.location).text
        run_jobs()
        assert "Continue at Stripe" in browser.get(begun.location).text
        onboarding = browser.get("/money/payout-account/onboarding")
        assert onboarding.location.startswith(stripe.url)
        (account,) = stripe.objects("account")
        stripe.enable(account["id"])
        back = "/money/payout-account?back=1"
        assert "Waiting for Stripe" in browser.get(back).text
        post_events()
        run_jobs()
        assert "Ready." in browser.get(back, headers={"HX-Request": "true"}).text

    def test_a_refusal_is_shown_and_can_be_tried_again(
        self, cast: Cast, client: FlaskClient, stripe: StripeSandbox, run_jobs: RunJobs
    ) -> None:
        browser = cast.seller.sign_in(client)
        browser.post("/money/payout-account")
        account = db.session.query(PayoutAccount).one()
        account.failure = "country_unsupported"
        commit()
        assert "country unsupported" in browser.get("/money/payout-account").text
        browser.post("/money/payout-account")
        run_jobs()
        assert "Continue at Stripe" in browser.get("/money/payout-account").text

    def test_before_it_was_begun_there_is_nothing_to_see(
        self, cast: Cast, client: FlaskClient
    ) -> None:
        browser = cast.seller.sign_in(client)
        assert browser.get("/money/payout-account").location.endswith("/money")
        assert browser.get("/money/payout-account/onboarding").status_code == 303


class TestPayout:
    def test_a_payout_is_requested_and_listed(
        self, cast: Cast, client: FlaskClient, ready_account: Callable[..., PayoutAccount]
    ) -> None:
        earn(cast, ready_account)
        browser = cast.seller.sign_in(client)
        assert 'action="/money/payouts"' in browser.get("/money").text
        form = {"currency": "EUR", "amount": "20.50", "idempotency_key": token()}
        answer = browser.post("/money/payouts", data=form)
        assert answer.status_code == 303
        payout = db.session.query(Payout).one()
        assert payout.amount == eur(2_050)
        for address in ("/money", "/money/payouts"):
            assert payout.public_id in browser.get(address).text

    def test_sent_twice_it_is_one_payout(
        self, cast: Cast, client: FlaskClient, ready_account: Callable[..., PayoutAccount]
    ) -> None:
        earn(cast, ready_account)
        browser = cast.seller.sign_in(client)
        form = {"currency": "EUR", "amount": "20", "idempotency_key": token()}
        for _ in range(2):
            assert browser.post("/money/payouts", data=form).status_code == 303
        assert db.session.query(Payout).count() == 1

    @pytest.mark.parametrize(("amount", "status"), [("abc", 422), ("0", 422), ("75.01", 402)])
    def test_what_cannot_be_paid_out_is_refused_on_the_same_page(
        self,
        cast: Cast,
        client: FlaskClient,
        ready_account: Callable[..., PayoutAccount],
        amount: str,
        status: int,
    ) -> None:
        earn(cast, ready_account)
        form = {"currency": "EUR", "amount": amount, "idempotency_key": token()}
        page = cast.seller.sign_in(client).post("/money/payouts", data=form)
        assert page.status_code == status
        assert "error-summary" in page.text
        assert amounts(cast.seller)["payable"] == 7_500

    def test_why_a_payout_failed_stands_beside_it(
        self,
        cast: Cast,
        client: FlaskClient,
        ready_account: Callable[..., PayoutAccount],
        stripe: StripeSandbox,
    ) -> None:
        earn(cast, ready_account)
        payout = payouts.request(
            organization_id=cast.seller.organization.id, currency=EUR, actor=SYSTEM
        )
        payouts.send(payout.id)  # the exchange has nothing at Stripe
        commit()
        assert payout.status is PayoutStatus.FAILED
        browser = cast.seller.sign_in(client)
        for address in ("/money/payouts", f"/money/payouts/{payout.public_id}"):
            assert "balance at Stripe did not suffice" in browser.get(address).text

    def test_a_strangers_payout_is_not_found(
        self, cast: Cast, client: FlaskClient, ready_account: Callable[..., PayoutAccount]
    ) -> None:
        earn(cast, ready_account)
        payout = payouts.request(
            organization_id=cast.seller.organization.id, currency=EUR, actor=SYSTEM
        )
        commit()
        browser = cast.other_seller.sign_in(client)
        assert browser.get(f"/money/payouts/{payout.public_id}").status_code == 404

    def test_a_buyer_requests_none(self, cast: Cast, client: FlaskClient) -> None:
        form = {"currency": "EUR", "idempotency_key": token()}
        answer = cast.buyer.sign_in(client).post("/money/payouts", data=form)
        assert answer.status_code == 404


class TestStatementFile:
    def test_every_line_is_in_the_file_with_exact_amounts(
        self, cast: Cast, client: FlaskClient
    ) -> None:
        fund(cast.buyer, 30_005)
        Deal(cast.buyer, cast.seller, eur(1_001)).hold()
        commit()
        answer = cast.buyer.sign_in(client).get("/money/statement.csv")
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert next((row["account"], row["amount"], row["balance"]) for row in rows) == (
            "wallet",
            "300.05",
            "300.05",
        )
        assert {(row["account"], row["amount"], row["balance"]) for row in rows[1:]} == {
            ("wallet", "-10.01", "290.04"),
            ("held", "10.01", "10.01"),
        }


def earn(cast: Cast, ready_account: Callable[..., PayoutAccount]) -> None:
    fund(cast.buyer, 30_000)
    Deal(cast.buyer, cast.seller).deliver().settle()
    ready_account(cast.seller)
    commit()
