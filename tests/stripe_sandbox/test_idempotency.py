"""One key, one act: replayed, refused with other parameters, locked while it runs."""

from __future__ import annotations

import threading

import pytest
import stripe

from tests.servers.stripe_sandbox import StripeSandbox
from tests.stripe_sandbox.support import eventually

KEY = {"idempotency_key": "payout-1"}


def create(client: stripe.StripeClient, name: str = "Acme", **options: str) -> stripe.Customer:
    return client.v1.customers.create({"name": name}, {**KEY, **options})


def test_a_second_call_gets_the_first_answer(sandbox: StripeSandbox, client: stripe.StripeClient):
    first, second = create(client), create(client)
    assert first == second
    assert len(sandbox.objects("customer")) == 1
    assert second.last_response is not None
    headers = second.last_response.headers
    assert headers["Idempotent-Replayed"] == "true"
    assert headers["Idempotency-Key"] == "payout-1"
    assert headers["Original-Request"] == first.last_response.request_id
    log = [(call["idempotency_key"], call["replayed"]) for call in sandbox.calls()]
    assert log == [("payout-1", False), ("payout-1", True)]


def test_other_parameters_are_refused(sandbox: StripeSandbox, client: stripe.StripeClient):
    create(client)
    with pytest.raises(stripe.IdempotencyError, match="same parameters") as refusal:
        create(client, name="Other")
    assert refusal.value.http_status == 400
    with pytest.raises(stripe.IdempotencyError):
        client.v1.accounts.create({}, KEY)
    assert len(sandbox.objects("customer")) == 1


def test_the_order_of_parameters_does_not_matter(client: stripe.StripeClient):
    one = client.v1.customers.create({"name": "A", "email": "a@example.test"}, KEY)
    two = client.v1.customers.create({"email": "a@example.test", "name": "A"}, KEY)
    assert one.id == two.id


def test_a_key_in_use_is_a_conflict(sandbox: StripeSandbox):
    sandbox.fault("act_then_hang", "/v1/customers", seconds=30)
    made: list[stripe.Customer] = []
    slow = threading.Thread(target=lambda: made.append(create(sandbox.client())))
    slow.start()
    eventually(lambda: len(sandbox.objects("customer")) == 1)
    with pytest.raises(stripe.APIError) as refusal:
        create(sandbox.client())
    assert refusal.value.http_status == 409
    assert refusal.value.error is not None
    assert refusal.value.error.code == "idempotency_key_in_use"

    sandbox.clear_faults()
    slow.join(timeout=10)
    assert create(sandbox.client()).id == made[0].id
    assert len(sandbox.objects("customer")) == 1


def test_a_refused_parameter_does_not_use_the_key_up(client: stripe.StripeClient):
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.transfers.create({"amount": 5}, KEY)
    assert create(client).name == "Acme"


def test_a_refusal_after_the_start_is_remembered(
    sandbox: StripeSandbox, client: stripe.StripeClient
):
    payee = client.v1.accounts.create({"metadata": {"sandbox_enabled": "true"}}).id
    params = {"amount": 5, "currency": "eur", "destination": payee}
    for key, refused in (("payout-1", True), ("payout-1", True), ("payout-2", False)):
        if refused:
            with pytest.raises(stripe.InvalidRequestError, match="insufficient"):
                client.v1.transfers.create(params, {"idempotency_key": key})
            sandbox.fund(100, "eur")  # too late for this key
        else:
            client.v1.transfers.create(params, {"idempotency_key": key})
    assert len(sandbox.objects("transfer")) == 1


def test_keys_of_two_accounts_do_not_meet(client: stripe.StripeClient):
    one = client.v1.accounts.create({}).id
    first = create(client)
    second = create(client, stripe_account=one)
    assert first.id != second.id


def test_a_key_is_forgotten_after_a_day(sandbox: StripeSandbox, client: stripe.StripeClient):
    first = create(client)
    sandbox.advance(23 * 3600)
    assert create(client).id == first.id
    sandbox.advance(2 * 3600)
    assert create(client).id != first.id


def test_a_key_that_is_too_long_is_refused(client: stripe.StripeClient):
    with pytest.raises(stripe.IdempotencyError):
        create(client, idempotency_key="k" * 256)
