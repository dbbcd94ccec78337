"""The door: keys, errors in Stripe's shape, headers, pages of lists, expansion."""

from __future__ import annotations

import ast
import base64
import http.client
import json
import sys
from urllib.parse import urlsplit

import pytest
import stripe

from tests.servers.stripe_sandbox import KEY, ROOT, StripeSandbox
from tests.stripe_sandbox.support import checkout


def ask(sandbox: StripeSandbox, path: str, **headers: str) -> tuple[int, dict, dict[str, str]]:
    """A GET without stripe-python; header names with dashes for underscores."""
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=10)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("GET", path, headers=named)
    response = connection.getresponse()
    body = json.loads(response.read())
    connection.close()
    return response.status, body, {k.lower(): v for k, v in response.getheaders()}


class TestKeys:
    @pytest.mark.parametrize("key", ["sk_test_other", "sk_live_exchange", "exchange"])
    def test_a_wrong_one_is_refused_and_not_repeated_back(self, sandbox: StripeSandbox, key: str):
        with pytest.raises(stripe.AuthenticationError) as refusal:
            sandbox.client(api_key=key).v1.balance.retrieve()
        assert refusal.value.http_status == 401
        assert key not in str(refusal.value)

    def test_none_is_refused(self, sandbox: StripeSandbox):
        status, body, _ = ask(sandbox, "/v1/balance")
        assert (status, body["error"]["type"]) == (401, "invalid_request_error")

    def test_basic_is_as_good_as_bearer(self, sandbox: StripeSandbox):
        basic = "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()
        assert ask(sandbox, "/v1/balance", Authorization=basic)[0] == 200
        assert ask(sandbox, "/v1/balance", Authorization="Basic ?")[0] == 401


class TestAnswers:
    def test_carry_a_counted_request_id_and_the_version(self, sandbox: StripeSandbox):
        _, _, headers = ask(
            sandbox, "/v1/balance", Authorization=f"Bearer {KEY}", Stripe_Version="2025-03-31.basil"
        )
        assert headers["request-id"] == "req_Sandbox0000001"
        assert headers["stripe-version"] == "2025-03-31.basil"

    def test_an_unknown_id_is_resource_missing(self, client: stripe.StripeClient):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.customers.retrieve("cus_nobody")
        assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")
        assert refusal.value.request_id == "req_Sandbox0000001"

    def test_an_unknown_address_says_so(self, client: stripe.StripeClient):
        with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL") as refusal:
            client.v1.coupons.retrieve("any")
        assert refusal.value.http_status == 404

    def test_unknown_parameters_are_ignored(self, client: stripe.StripeClient):
        customer = client.v1.customers.create({"name": "Acme", "shoe_size": {"left": [43, 44]}})
        assert customer.name == "Acme"

    def test_ids_are_counted_in_stripes_shape(self, client: stripe.StripeClient):
        first = client.v1.customers.create({"email": "a@example.test", "metadata": {"org": "o1"}})
        second = client.v1.customers.create({})
        assert first.id == "cus_Sandbox00000000000000001"
        assert second.id == "cus_Sandbox00000000000000002"
        assert client.v1.customers.retrieve(first.id).metadata.to_dict() == {"org": "o1"}

    def test_keep_nothing_private_in_sight(self, client: stripe.StripeClient):
        session = client.v1.checkout.sessions.create(checkout())
        assert [name for name in session.to_dict() if name.startswith("_")] == []


class TestLists:
    def test_are_paged_newest_first(self, sandbox: StripeSandbox, client: stripe.StripeClient):
        for amount in range(1, 6):
            sandbox.fund(amount, "eur")
        entries = client.v1.balance_transactions.list({"limit": 2})
        assert [entry.amount for entry in entries.data] == [5, 4]
        assert entries.has_more
        assert [entry.amount for entry in entries.auto_paging_iter()] == [5, 4, 3, 2, 1]

        before = client.v1.balance_transactions.list({"ending_before": entries.data[1].id})
        assert [entry.amount for entry in before.data] == [5]

    def test_are_filtered(self, sandbox: StripeSandbox, client: stripe.StripeClient):
        early = sandbox.fund(1, "eur")
        sandbox.advance(1000)
        sandbox.fund(2, "usd")
        late = client.v1.balance_transactions.list({"created": {"gt": early["created"] + 500}})
        assert [entry.amount for entry in late.data] == [2]
        euros = client.v1.balance_transactions.list({"currency": "eur"})
        assert [entry.amount for entry in euros.data] == [1]

    @pytest.mark.parametrize("params", [{"limit": 101}, {"starting_after": "txn_none"}])
    def test_refuse_what_they_cannot_page(self, client: stripe.StripeClient, params: dict):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.balance_transactions.list(params)
        assert refusal.value.param == next(iter(params))

    def test_expand_inside(self, sandbox: StripeSandbox, client: stripe.StripeClient):
        sandbox.pay(client.v1.checkout.sessions.create(checkout()).id)
        listed = client.v1.checkout.sessions.list(
            {"expand": ["data.payment_intent.latest_charge", "data.line_items"]}
        )
        intent = listed.data[0].payment_intent
        assert isinstance(intent, stripe.PaymentIntent)
        assert isinstance(intent.latest_charge, stripe.Charge)
        assert listed.data[0].line_items is not None

    def test_refuse_to_expand_what_is_no_object(self, client: stripe.StripeClient):
        customer = client.v1.customers.create({"name": "Acme"})
        with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
            client.v1.customers.retrieve(customer.id, {"expand": ["name"]})


class TestControls:
    def test_are_closed_to_browsers(self, sandbox: StripeSandbox):
        status, _, _ = ask(sandbox, "/sandbox/state", Origin="http://elsewhere.test")
        assert status == 403

    def test_say_what_they_do_not_know(self, sandbox: StripeSandbox):
        with pytest.raises(AssertionError, match="Unknown fault"):
            sandbox.fault("earthquake", "/v1/")
        with pytest.raises(AssertionError, match="A fault has"):
            sandbox.fault("429", "/v1/", minutes=3)
        with pytest.raises(AssertionError, match="Unrecognized"):
            sandbox.control("POST", "/earthquake")


def test_the_sandbox_knows_nothing_but_the_standard_library():
    allowed = {*sys.stdlib_module_names, "stripe_sandbox"}
    for path in (ROOT / "stripe_sandbox").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [str(node.module)]
            assert {name.split(".")[0] for name in names} <= allowed, path
