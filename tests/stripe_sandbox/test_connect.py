"""Connected accounts: onboarded, paid by transfer, paid out to their bank."""

from __future__ import annotations

import pytest
import stripe

from tests.servers.stripe_sandbox import StripeSandbox, stripe_sandbox
from tests.stripe_sandbox.support import Page
from tests.stripe_sandbox.test_money import balance


@pytest.fixture
def payee(client: stripe.StripeClient) -> str:
    """An account that can be paid."""
    account = client.v1.accounts.create({"metadata": {"sandbox_enabled": "true"}})
    return account.id


class TestAccounts:
    @pytest.mark.parametrize(
        "params",
        [
            {"type": "express", "country": "MY"},
            {"controller": {"stripe_dashboard": {"type": "express"}}, "country": "MY"},
        ],
    )
    def test_start_without_payouts_until_enabled(
        self, sandbox: StripeSandbox, client: stripe.StripeClient, params: dict
    ):
        account = client.v1.accounts.create(params)
        assert (account.payouts_enabled, account.details_submitted) == (False, False)
        assert account.requirements is not None
        assert account.requirements.currently_due != []

        sandbox.enable(account.id)
        account = client.v1.accounts.retrieve(account.id)
        assert (account.payouts_enabled, account.details_submitted) == (True, True)
        sandbox.enable(account.id, enabled=False)
        account = client.v1.accounts.retrieve(account.id)
        assert (account.payouts_enabled, account.details_submitted) == (False, True)
        told = [(event["type"], event["account"]) for event in sandbox.objects("event")]
        assert told == [("account.updated", account.id)] * 2

    def test_are_enabled_at_once_by_metadata(self, client: stripe.StripeClient, payee: str):
        assert client.v1.accounts.retrieve(payee).payouts_enabled

    def test_are_onboarded_on_a_page_by_a_link_that_works_once(self, client: stripe.StripeClient):
        account = client.v1.accounts.create({"type": "express"})
        link = client.v1.account_links.create(
            {
                "account": account.id,
                "type": "account_onboarding",
                "return_url": "http://localhost/done",
                "refresh_url": "http://localhost/again",
            }
        )
        assert "Nobody is charged" in Page(link.url).text
        left = Page(link.url, action="leave")
        assert left.headers["Location"] == "http://localhost/done"
        assert not client.v1.accounts.retrieve(account.id).payouts_enabled

        done = Page(link.url, action="finish")
        assert (done.status, done.headers["Location"]) == (303, "http://localhost/done")
        assert client.v1.accounts.retrieve(account.id).payouts_enabled
        assert Page(link.url).headers["Location"] == "http://localhost/again"

    def test_a_link_needs_its_ways_back(self, client: stripe.StripeClient, payee: str):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.account_links.create({"account": payee, "type": "account_onboarding"})
        assert refusal.value.param == "return_url"


class TestTransfers:
    def test_move_money_to_the_account(
        self, sandbox: StripeSandbox, client: stripe.StripeClient, payee: str
    ):
        sandbox.fund(10_000, "eur")
        params = {"amount": 7_000, "currency": "eur", "destination": payee}
        transfer = client.v1.transfers.create({**params, "transfer_group": "payout_1"})
        assert balance(client) == {"eur": 3_000}
        assert balance(client, stripe_account=payee) == {"eur": 7_000}
        assert sandbox.event_types()[-1] == "transfer.created"
        assert client.v1.transfers.retrieve(transfer.id).amount == 7_000
        for filters in ({"transfer_group": "payout_1"}, {"destination": payee}):
            listed = client.v1.transfers.list(filters)
            assert [found.id for found in listed.data] == [transfer.id]
        assert client.v1.transfers.list({"transfer_group": "payout_2"}).data == []

    def test_need_money_there(self, client: stripe.StripeClient, payee: str):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.transfers.create({"amount": 1, "currency": "eur", "destination": payee})
        assert refusal.value.code == "balance_insufficient"

    @pytest.mark.parametrize(
        ("params", "code", "param"),
        [
            ({"amount": 5}, "parameter_missing", "currency"),
            ({"amount": 0, "currency": "eur"}, "parameter_invalid_integer", "amount"),
            ({"amount": 5, "currency": "euro"}, None, "currency"),
            ({"amount": 5, "currency": "eur"}, "parameter_missing", "destination"),
            (
                {"amount": 5, "currency": "eur", "destination": "acct_none"},
                "resource_missing",
                "destination",
            ),
        ],
    )
    def test_need_their_parameters(
        self, *, client: stripe.StripeClient, params: dict, code: str, param: str
    ):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.transfers.create(params)
        assert (refusal.value.code, refusal.value.param) == (code, param)

    def test_need_an_onboarded_account(self, sandbox: StripeSandbox, client: stripe.StripeClient):
        sandbox.fund(10_000, "eur")
        account = client.v1.accounts.create({"type": "express"})
        params = {"amount": 5, "currency": "eur", "destination": account.id}
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.transfers.create(params)
        assert refusal.value.code == "insufficient_capabilities_for_transfer"


class TestReversals:
    def test_bring_it_back_in_parts(
        self, sandbox: StripeSandbox, client: stripe.StripeClient, payee: str
    ):
        sandbox.fund(1_000, "eur")
        params = {"amount": 1_000, "currency": "eur", "destination": payee}
        transfer = client.v1.transfers.create(params)
        part = client.v1.transfers.reversals.create(transfer.id, {"amount": 400})
        rest = client.v1.transfers.reversals.create(transfer.id)
        assert (part.amount, rest.amount) == (400, 600)
        assert client.v1.transfers.retrieve(transfer.id).reversed
        assert balance(client) == {"eur": 1_000}
        assert sandbox.event_types()[-1] == "transfer.reversed"
        listed = client.v1.transfers.reversals.list(transfer.id)
        assert [found.id for found in listed.data] == [rest.id, part.id]
        assert client.v1.transfers.reversals.retrieve(transfer.id, part.id).amount == 400
        with pytest.raises(stripe.InvalidRequestError, match="0 left to reverse"):
            client.v1.transfers.reversals.create(transfer.id)

    def test_cannot_take_what_was_paid_out(
        self, sandbox: StripeSandbox, client: stripe.StripeClient, payee: str
    ):
        sandbox.fund(1_000, "eur")
        params = {"amount": 1_000, "currency": "eur", "destination": payee}
        transfer = client.v1.transfers.create(params)
        sandbox.payout(payee, currency="eur")
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.transfers.reversals.create(transfer.id)
        assert refusal.value.code == "balance_insufficient"


class TestPayouts:
    @pytest.mark.parametrize(("outcome", "left"), [("paid", 0), ("failed", 1_000)])
    def test_reach_the_bank_or_come_back(
        self,
        *,
        sandbox: StripeSandbox,
        client: stripe.StripeClient,
        payee: str,
        outcome: str,
        left: int,
    ):
        sandbox.fund(1_000, "eur")
        params = {"amount": 1_000, "currency": "eur", "destination": payee}
        client.v1.transfers.create(params)
        payout = sandbox.payout(payee, currency="eur", outcome=outcome)
        assert sandbox.event_types()[-1] == f"payout.{outcome}"
        as_payee = {"stripe_account": payee}
        found = client.v1.payouts.retrieve(payout["id"], options=as_payee)
        assert (found.status, found.amount) == (outcome, 1_000)
        assert balance(client, stripe_account=payee) == {"eur": left}
        # Its events are the account's, not the platform's: a poll has to name the account.
        mine = client.v1.events.list({"type": f"payout.{outcome}"})
        theirs = client.v1.events.list({"type": f"payout.{outcome}"}, as_payee)
        assert (len(mine.data), len(theirs.data)) == (0, 1)

    def test_of_nothing_are_refused(self, sandbox: StripeSandbox, payee: str):
        with pytest.raises(AssertionError, match="nothing to pay out"):
            sandbox.payout(payee, currency="eur")

    def test_can_follow_each_transfer_at_once(self):
        with stripe_sandbox(options=["--instant-payouts"]) as sandbox:
            client = sandbox.client()
            payee = client.v1.accounts.create({"metadata": {"sandbox_enabled": "true"}}).id
            sandbox.fund(1_000, "usd")
            params = {"amount": 1_000, "currency": "usd", "destination": payee}
            client.v1.transfers.create(params)
            assert sandbox.event_types()[-3:] == [
                "transfer.created",
                "payout.created",
                "payout.paid",
            ]


def test_a_stranger_cannot_act_for_an_account(client: stripe.StripeClient):
    with pytest.raises(stripe.PermissionError) as refusal:
        client.v1.balance.retrieve(options={"stripe_account": "acct_none"})
    assert refusal.value.error is not None
    assert refusal.value.error.code == "account_invalid"
