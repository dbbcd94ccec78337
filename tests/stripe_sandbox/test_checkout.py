"""Checkout: a session is made, paid in a browser or by the control, expired, or left."""

from __future__ import annotations

import pytest
import stripe

from tests.servers.stripe_sandbox import StripeSandbox
from tests.stripe_sandbox.support import Page, Receiver, checkout, eventually

HOURS = 3600


class TestPayingASession:
    @pytest.mark.parametrize("currency", ["rub", "eur", "myr", "usd"])
    def test_leaves_a_charge_less_the_fee(
        self, sandbox: StripeSandbox, client: stripe.StripeClient, currency: str
    ):
        params = checkout(12_345, currency, client_reference_id="top_1")
        params["payment_intent_data"] = {"metadata": {"top_up": "top_1"}}
        session = client.v1.checkout.sessions.create(params)
        assert (session.status, session.payment_status, session.payment_intent) == (
            "open",
            "unpaid",
            None,
        )

        sandbox.pay(session.id)

        session = client.v1.checkout.sessions.retrieve(session.id)
        assert (session.status, session.payment_status) == ("complete", "paid")
        assert session.client_reference_id == "top_1"
        intent = client.v1.payment_intents.retrieve(
            str(session.payment_intent), {"expand": ["latest_charge.balance_transaction"]}
        )
        charge = intent.latest_charge
        assert isinstance(charge, stripe.Charge)
        entry = charge.balance_transaction
        assert isinstance(entry, stripe.BalanceTransaction)
        assert intent.metadata.to_dict() == {"top_up": "top_1"}
        assert (entry.amount, entry.fee, entry.net) == (12_345, 388, 11_957)
        assert (entry.currency, entry.type, entry.source) == (currency, "charge", charge.id)

    def test_twice_charges_once(self, sandbox: StripeSandbox, client: stripe.StripeClient):
        session = client.v1.checkout.sessions.create(checkout())
        sandbox.pay(session.id)
        sandbox.pay(session.id)
        assert len(sandbox.objects("charge")) == 1
        assert sandbox.event_types().count("checkout.session.completed") == 1

    def test_tells_it_in_events(self, sandbox: StripeSandbox, client: stripe.StripeClient):
        sandbox.pay(client.v1.checkout.sessions.create(checkout()).id)
        assert sandbox.event_types() == [
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.succeeded",
            "checkout.session.completed",
        ]

    def test_with_a_declined_card_leaves_it_open(
        self, sandbox: StripeSandbox, client: stripe.StripeClient
    ):
        session = client.v1.checkout.sessions.create(checkout())
        assert sandbox.pay(session.id, outcome="declined")["status"] == "open"
        assert sandbox.objects("charge") == []
        sandbox.pay(session.id)
        assert len(sandbox.objects("payment_intent")) == 1
        assert len(sandbox.objects("charge")) == 1

    @pytest.mark.parametrize(
        ("late", "status", "event"),
        [("paid", "paid", "succeeded"), ("declined", "unpaid", "failed")],
    )
    def test_may_be_complete_before_the_money_is_there(
        self,
        *,
        sandbox: StripeSandbox,
        client: stripe.StripeClient,
        late: str,
        status: str,
        event: str,
    ):
        session = client.v1.checkout.sessions.create(checkout())
        sandbox.pay(session.id, outcome="unpaid")
        first = client.v1.checkout.sessions.retrieve(session.id)
        assert (first.status, first.payment_status) == ("complete", "unpaid")
        assert sandbox.objects("balance_transaction") == []

        sandbox.pay(session.id, outcome=late)
        assert client.v1.checkout.sessions.retrieve(session.id).payment_status == status
        assert sandbox.event_types()[-1] == f"checkout.session.async_payment_{event}"


class TestThePayPage:
    def test_says_that_nobody_is_charged_and_needs_no_script(self, client: stripe.StripeClient):
        params = checkout(125_000)
        params["line_items"][0]["price_data"]["product_data"]["name"] = "<b>Top-up</b>"
        page = Page(str(client.v1.checkout.sessions.create(params).url))
        assert page.status == 200
        assert "Nobody is charged" in page.text
        assert "Pay 1,250.00 EUR" in page.text
        assert "&lt;b&gt;Top-up&lt;/b&gt;" in page.text
        assert "<script" not in page.text
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]

    def test_pays_tells_and_sends_back(
        self, client: stripe.StripeClient, receiver: Receiver, sandbox: StripeSandbox
    ):
        session = client.v1.checkout.sessions.create(checkout())
        page = Page(str(session.url), action="pay")
        assert page.status == 303
        assert page.headers["Location"] == f"http://localhost/back?session={session.id}"
        # The webhook has arrived before the payer is back.
        assert "checkout.session.completed" in receiver.types

        again = Page(str(session.url), action="pay")
        assert again.headers["Location"] == page.headers["Location"]
        assert len(sandbox.objects("charge")) == 1
        assert "already complete" in Page(str(session.url)).text

    def test_lets_the_payer_leave(self, client: stripe.StripeClient):
        session = client.v1.checkout.sessions.create(checkout())
        page = Page(str(session.url), action="cancel")
        assert (page.status, page.headers["Location"]) == (303, "http://localhost/left")
        assert client.v1.checkout.sessions.retrieve(session.id).status == "open"

    def test_speaks_the_languages_of_the_exchange(self, client: stripe.StripeClient):
        russian = client.v1.checkout.sessions.create(checkout(locale="ru"))
        assert '<html lang="ru">' in Page(str(russian.url)).text
        automatic = client.v1.checkout.sessions.create(checkout())
        for tag, lang in (("ms-MY,en;q=0.5", "ms"), ("es", "es"), ("fr", "en")):
            page = Page(str(automatic.url), **{"Accept-Language": tag})
            assert f'<html lang="{lang}">' in page.text

    def test_of_an_unknown_session_is_not_there(self, sandbox: StripeSandbox):
        assert Page(f"{sandbox.url}/pay/cs_test_nothing").status == 404

    def test_of_an_expired_session_charges_nothing(
        self, sandbox: StripeSandbox, client: stripe.StripeClient
    ):
        session = client.v1.checkout.sessions.create(checkout())
        client.v1.checkout.sessions.expire(session.id)
        assert "expired" in Page(str(session.url), action="pay").text
        assert sandbox.objects("charge") == []


class TestExpiring:
    def test_by_call_tells_and_ends(self, sandbox: StripeSandbox, client: stripe.StripeClient):
        session = client.v1.checkout.sessions.create(checkout())
        assert client.v1.checkout.sessions.expire(session.id).status == "expired"
        assert sandbox.event_types() == ["checkout.session.expired"]
        with pytest.raises(stripe.InvalidRequestError, match="status of `expired`"):
            client.v1.checkout.sessions.expire(session.id)

    def test_by_time_needs_nobody(self, sandbox: StripeSandbox, client: stripe.StripeClient):
        client.v1.checkout.sessions.create(checkout())
        sandbox.advance(24 * HOURS - 60)
        assert sandbox.event_types() == []
        sandbox.advance(120)
        assert sandbox.event_types() == ["checkout.session.expired"]

    def test_by_time_is_seen_without_a_call(
        self, sandbox: StripeSandbox, client: stripe.StripeClient
    ):
        session = client.v1.checkout.sessions.create(checkout())
        sandbox.plant(id=session.id, object="checkout.session", expires_at=1)
        eventually(lambda: sandbox.event_types() == ["checkout.session.expired"])


class TestRefusing:
    @pytest.mark.parametrize(
        ("change", "param"),
        [
            ({"mode": "subscription"}, "mode"),
            ({"success_url": "javascript:alert(1)"}, "success_url"),
            ({"line_items": []}, "line_items"),
            ({"customer": "cus_nobody"}, "customer"),
            ({"expires_at": 1}, "expires_at"),
            ({"metadata": {"key": "x" * 501}}, "metadata[key]"),
        ],
    )
    def test_names_the_parameter(
        self, *, client: stripe.StripeClient, sandbox: StripeSandbox, change: object, param: str
    ):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.checkout.sessions.create({**checkout(), **change})
        assert refusal.value.param == param
        assert sandbox.objects("checkout.session") == []

    @pytest.mark.parametrize(
        ("amount", "code"),
        [
            (0, "parameter_invalid_integer"),
            (-5, "parameter_invalid_integer"),
            ("1.5", "parameter_invalid_integer"),
            (49, "amount_too_small"),
            (100_000_000, "amount_too_large"),
        ],
    )
    def test_amounts_that_cannot_be_charged(
        self, client: stripe.StripeClient, amount: int, code: str
    ):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.checkout.sessions.create(checkout(amount))
        assert refusal.value.code == code

    def test_a_missing_parameter(self, client: stripe.StripeClient):
        params = checkout()
        del params["line_items"][0]["price_data"]["unit_amount"]
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.checkout.sessions.create(params)
        assert refusal.value.param == "line_items[0][price_data][unit_amount]"
        assert refusal.value.code == "parameter_missing"


def test_line_items_and_sessions_can_be_listed(client: stripe.StripeClient, sandbox: StripeSandbox):
    customer = client.v1.customers.create({"name": "Acme"})
    session = client.v1.checkout.sessions.create(checkout(customer=customer.id))
    client.v1.checkout.sessions.create(checkout())
    (item,) = client.v1.checkout.sessions.line_items.list(session.id).data
    assert (item.amount_total, item.description) == (10_000, "Wallet top-up")
    listed = client.v1.checkout.sessions.list({"customer": customer.id})
    assert [found.id for found in listed.data] == [session.id]
    sandbox.pay(session.id)
    intent = client.v1.checkout.sessions.retrieve(session.id).payment_intent
    by_intent = client.v1.checkout.sessions.list({"payment_intent": str(intent)})
    assert [found.id for found in by_intent.data] == [session.id]
