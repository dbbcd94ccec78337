"""Refunds, disputes and the balance: every movement is a balance transaction."""

from __future__ import annotations

import pytest
import stripe

from stripe_sandbox.html import price
from stripe_sandbox.resources.balance import card_fee
from tests.servers.stripe_sandbox import StripeSandbox
from tests.stripe_sandbox.support import checkout


@pytest.fixture
def charge(sandbox: StripeSandbox, client: stripe.StripeClient) -> str:
    """A paid charge of 100.00 EUR, of which 96.80 are in the balance."""
    sandbox.pay(client.v1.checkout.sessions.create(checkout(10_000)).id)
    return str(sandbox.objects("charge")[0]["id"])


def balance(client: stripe.StripeClient, **options: str) -> dict[str, int]:
    found = client.v1.balance.retrieve(options=options)
    return {part.currency: part.amount for part in found.available}


def test_the_fee_is_a_share_and_a_fixed_part():
    assert [card_fee(amount) for amount in (50, 10_000, 12_345, 99_999_999)] == [
        31,
        320,
        388,
        2_900_030,
    ]


def test_prices_are_shown_in_their_minor_unit():
    assert price(125_005, "eur") == "1,250.05 EUR"
    assert price(1_250, "jpy") == "1,250 JPY"


def test_currencies_are_kept_apart(sandbox: StripeSandbox, client: stripe.StripeClient):
    sandbox.fund(500, "myr")
    sandbox.fund(700, "RUB")
    assert balance(client) == {"myr": 500, "rub": 700}


class TestRefunding:
    def test_in_parts_until_nothing_is_left(
        self, sandbox: StripeSandbox, client: stripe.StripeClient, charge: str
    ):
        first = client.v1.refunds.create({"charge": charge, "amount": 4_000})
        intent = str(first.payment_intent)
        assert client.v1.charges.retrieve(charge).amount_refunded == 4_000
        second = client.v1.refunds.create({"payment_intent": intent})
        assert (second.amount, second.status) == (6_000, "succeeded")
        refunded = client.v1.charges.retrieve(charge)
        assert (refunded.refunded, refunded.amount_refunded) == (True, 10_000)
        # Stripe keeps its fee.
        assert balance(client) == {"eur": -320}
        assert sandbox.event_types()[-2:] == ["refund.created", "charge.refunded"]
        entry = client.v1.balance_transactions.retrieve(str(second.balance_transaction))
        assert (entry.amount, entry.type, entry.source) == (-6_000, "refund", second.id)
        assert client.v1.refunds.retrieve(first.id).amount == 4_000
        listed = client.v1.refunds.list({"payment_intent": intent})
        assert [refund.id for refund in listed.data] == [second.id, first.id]

    def test_more_than_is_left_is_refused(self, client: stripe.StripeClient, charge: str):
        with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
            client.v1.refunds.create({"charge": charge, "amount": 10_001})
        client.v1.refunds.create({"charge": charge})
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.refunds.create({"charge": charge})
        assert refusal.value.code == "charge_already_refunded"

    @pytest.mark.parametrize(
        ("params", "param"),
        [
            ({}, "payment_intent"),
            ({"charge": "ch_none"}, "charge"),
            ({"payment_intent": "pi_none"}, "payment_intent"),
        ],
    )
    def test_nothing_is_refused(self, client: stripe.StripeClient, params: dict, param: str):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.refunds.create(params)
        assert refusal.value.param == param


class TestDisputes:
    def test_take_the_money_and_a_fee_at_once(
        self, sandbox: StripeSandbox, client: stripe.StripeClient, charge: str
    ):
        dispute = sandbox.dispute(charge, reason="product_not_received")
        assert client.v1.disputes.retrieve(dispute["id"]).reason == "product_not_received"
        assert client.v1.charges.retrieve(charge).disputed
        assert balance(client) == {"eur": 9_680 - 10_000 - 1_500}
        assert sandbox.event_types()[-2:] == [
            "charge.dispute.created",
            "charge.dispute.funds_withdrawn",
        ]

    @pytest.mark.parametrize(("outcome", "left"), [("won", 9_680), ("lost", -1_820)])
    def test_end_won_or_lost(
        self,
        *,
        sandbox: StripeSandbox,
        client: stripe.StripeClient,
        charge: str,
        outcome: str,
        left: int,
    ):
        dispute = sandbox.dispute(charge)
        assert sandbox.close_dispute(dispute["id"], outcome=outcome)["status"] == outcome
        assert balance(client) == {"eur": left}
        assert sandbox.event_types()[-1] == "charge.dispute.closed"
        listed = client.v1.disputes.list({"charge": charge})
        assert [found.status for found in listed.data] == [outcome]


class TestPlantedDifferences:
    """What a reconciliation has to find: one missing, one extra, one changed."""

    def test_show_in_the_list(self, sandbox: StripeSandbox, client: stripe.StripeClient):
        for amount in (100, 200, 300):
            sandbox.fund(amount, "eur")
        first, second, third = sandbox.objects("balance_transaction")
        sandbox.remove(first["id"])
        sandbox.plant(id=second["id"], object="balance_transaction", amount=201, net=201)
        sandbox.plant(**{**third, "id": "txn_extra"})
        listed = client.v1.balance_transactions.list()
        assert [(entry.id, entry.amount) for entry in listed.data] == [
            ("txn_extra", 300),
            (third["id"], 300),
            (second["id"], 201),
        ]
