"""The script of faults: each befalls the right call, and the act happens once or not at all."""

from __future__ import annotations

import threading

import pytest
import stripe

from tests.servers.stripe_sandbox import StripeSandbox
from tests.stripe_sandbox.support import eventually

KEY: dict = {"idempotency_key": "customer-1"}
PATH = "/v1/customers"


def create(client: stripe.StripeClient) -> stripe.Customer:
    return client.v1.customers.create({"name": "Acme"}, KEY)


class TestOneFault:
    @pytest.mark.parametrize(
        ("kind", "error", "made"),
        [
            ("fail_before", stripe.APIError, 0),
            ("429", stripe.RateLimitError, 0),
            ("reset_before", stripe.APIConnectionError, 0),
            ("hang_then_reset", stripe.APIConnectionError, 0),
            ("act_then_500", stripe.APIError, 1),
            ("act_then_reset", stripe.APIConnectionError, 1),
        ],
    )
    def test_then_the_same_key_leaves_exactly_one(
        self,
        *,
        sandbox: StripeSandbox,
        client: stripe.StripeClient,
        kind: str,
        error: type[Exception],
        made: int,
    ):
        sandbox.fault(kind, PATH, seconds=0.01)
        with pytest.raises(error):
            create(client)
        assert len(sandbox.objects("customer")) == made
        customer = create(client)
        assert [found["id"] for found in sandbox.objects("customer")] == [customer.id]
        assert sandbox.event_types() == ["customer.created"]
        assert [call["fault"] for call in sandbox.calls()] == [kind, None]
        assert sandbox.calls()[1]["replayed"] is (made == 1)

    def test_is_survived_by_the_retries_of_the_client(self, sandbox: StripeSandbox):
        sandbox.fault("act_then_reset", PATH)
        customer = sandbox.client(max_network_retries=2).v1.customers.create({"name": "Acme"})
        assert [found["id"] for found in sandbox.objects("customer")] == [customer.id]
        keys = {call["idempotency_key"] for call in sandbox.calls()}
        assert len(keys) == 1
        assert len(sandbox.calls()) == 2

    def test_can_be_the_saved_answer_so_that_only_a_look_tells(
        self, sandbox: StripeSandbox, client: stripe.StripeClient
    ):
        sandbox.fault("act_then_500_saved", PATH)
        for _ in range(2):
            with pytest.raises(stripe.APIError):
                create(client)
        assert len(sandbox.objects("customer")) == 1
        assert sandbox.calls()[1]["replayed"] is True

    def test_befalls_a_refusal_too(self, sandbox: StripeSandbox, client: stripe.StripeClient):
        sandbox.fault("act_then_500", "/v1/refunds")
        with pytest.raises(stripe.APIError):
            client.v1.refunds.create({})
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.refunds.create({})


class TestHanging:
    @pytest.mark.parametrize("kind", ["hang", "act_then_hang"])
    def test_longer_than_the_callers_patience_still_acts(self, sandbox: StripeSandbox, kind: str):
        sandbox.fault(kind, PATH, seconds=30)
        impatient = sandbox.client(http_client=stripe.RequestsClient(timeout=0.2))
        with pytest.raises(stripe.APIConnectionError):
            create(impatient)
        sandbox.clear_faults()
        eventually(lambda: len(sandbox.objects("customer")) == 1)
        eventually(lambda: sandbox.calls()[0]["status"] == 200)
        assert create(sandbox.client()).id == sandbox.objects("customer")[0]["id"]

    def test_holds_up_nobody_else(self, sandbox: StripeSandbox, client: stripe.StripeClient):
        sandbox.fault("hang", PATH, seconds=30)
        slow = threading.Thread(target=create, args=(sandbox.client(),))
        slow.start()
        eventually(lambda: len(sandbox.calls(PATH)) == 1)
        assert client.v1.customers.create({"name": "Other"}).name == "Other"
        assert sandbox.calls(PATH)[0]["status"] is None
        sandbox.clear_faults()
        slow.join(timeout=10)
        assert len(sandbox.objects("customer")) == 2


class TestTheScript:
    def test_befalls_only_its_method_and_path(
        self, sandbox: StripeSandbox, client: stripe.StripeClient
    ):
        sandbox.fault("fail_before", "/v1/customers/", method="GET")
        customer = create(client)
        client.v1.balance.retrieve()
        with pytest.raises(stripe.APIError):
            client.v1.customers.retrieve(customer.id)
        assert client.v1.customers.retrieve(customer.id).id == customer.id

    def test_counts(self, sandbox: StripeSandbox, client: stripe.StripeClient):
        sandbox.fault("429", "/v1/balance", method="*", skip=1, times=2)
        seen = []
        for _ in range(4):
            try:
                client.v1.balance.retrieve()
                seen.append(200)
            except stripe.RateLimitError as error:
                seen.append(error.http_status)
        assert seen == [200, 429, 429, 200]
        assert sandbox.state()["faults"] == []
