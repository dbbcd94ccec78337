"""Webhooks: signed, posted until taken, and whatever a test does to them on the way."""

from __future__ import annotations

import time

import pytest
import stripe

from tests.servers.stripe_sandbox import SECRET, StripeSandbox
from tests.stripe_sandbox.support import Receiver, checkout, eventually

ORDER = [
    "payment_intent.created",
    "charge.succeeded",
    "payment_intent.succeeded",
    "checkout.session.completed",
]


def pay(sandbox: StripeSandbox) -> str:
    """A paid session: four events."""
    session = sandbox.client().v1.checkout.sessions.create(checkout())
    sandbox.pay(session.id)
    return session.id


class TestDelivering:
    def test_is_signed_as_stripe_signs(
        self, sandbox: StripeSandbox, client: stripe.StripeClient, receiver: Receiver
    ):
        session_id = pay(sandbox)
        sandbox.flush()
        assert receiver.types == ORDER
        body, header = receiver.got[-1]
        event = client.construct_event(body, header, SECRET)
        assert (event.type, event.data.object["id"]) == (ORDER[-1], session_id)
        assert event.api_version == "2026-10-28.endive"
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body, header, "whsec_other")
        with pytest.raises(stripe.SignatureVerificationError):
            client.construct_event(body.replace(b"10000", b"90000"), header, SECRET)
        assert client.v1.events.retrieve(event.id).type == ORDER[-1]

    def test_is_tried_again_until_taken(self, sandbox: StripeSandbox, receiver: Receiver):
        receiver.script = [302]
        sandbox.client().v1.customers.create({})
        eventually(lambda: len(receiver.got) == 2)
        assert len(set(receiver.ids)) == 1
        eventually(lambda: sandbox.state()["deliveries"][0]["state"] == "delivered")
        assert sandbox.state()["deliveries"][0]["attempts"] == 2

    def test_is_tried_again_when_nobody_listens(self, sandbox: StripeSandbox):
        with Receiver() as gone:
            url = gone.url
        sandbox.aim(url)
        sandbox.client().v1.customers.create({})
        sandbox.flush()
        (delivery,) = sandbox.state()["deliveries"]
        assert (delivery["state"], delivery["outcome"]) == ("waiting", "ConnectionRefusedError")

    def test_names_the_call_that_caused_it(
        self, sandbox: StripeSandbox, client: stripe.StripeClient
    ):
        client.v1.customers.create({}, {"idempotency_key": "customer-1"})
        (parcel,) = sandbox.take()
        assert parcel.event["request"]["idempotency_key"] == "customer-1"


class TestHolding:
    def test_keeps_them_until_resumed(self, sandbox: StripeSandbox, receiver: Receiver):
        sandbox.pause()
        pay(sandbox)
        sandbox.flush()
        assert receiver.got == []
        sandbox.resume()
        sandbox.flush()
        assert receiver.types == ORDER

    def test_lets_them_go_reversed_and_copied(self, sandbox: StripeSandbox, receiver: Receiver):
        sandbox.pause()
        pay(sandbox)
        sandbox.resume(order="reversed", copies=3)
        sandbox.flush()
        assert receiver.types == [name for name in ORDER[::-1] for _ in range(3)]

    def test_lets_them_go_in_any_order(self, sandbox: StripeSandbox, receiver: Receiver):
        sandbox.pause()
        pay(sandbox)
        ids = [event["id"] for event in sandbox.objects("event")]
        wanted = [ids[2], ids[0], ids[3], ids[1]]
        sandbox.resume(order=wanted)
        sandbox.flush()
        assert receiver.ids == wanted

    def test_can_lose_them_so_that_only_a_poll_finds_them(
        self, sandbox: StripeSandbox, client: stripe.StripeClient, receiver: Receiver
    ):
        sandbox.pause()
        pay(sandbox)
        sandbox.resume(discard=True)
        sandbox.flush()
        assert receiver.got == []
        listed = client.v1.events.list({"types": ["checkout.session.completed"]})
        assert [event.type for event in listed.data] == ["checkout.session.completed"]


class TestResending:
    def test_posts_the_same_event_again(self, sandbox: StripeSandbox, receiver: Receiver):
        pay(sandbox)
        sandbox.flush()
        sandbox.resend(events=[receiver.ids[-1]], copies=2)
        sandbox.flush()
        assert receiver.types == [*ORDER, ORDER[-1], ORDER[-1]]
        assert len(set(receiver.ids)) == 4

    def test_can_forge_the_time_the_secret_and_the_version(
        self, sandbox: StripeSandbox, receiver: Receiver
    ):
        sandbox.client().v1.customers.create({})
        sandbox.flush()
        sandbox.resend(timestamp=int(time.time()) - 3 * 86_400)
        sandbox.resend(secret="whsec_forged")
        sandbox.resend(api_version="2020-08-27")
        sandbox.flush()
        _, late, forged, other = receiver.got
        with pytest.raises(stripe.SignatureVerificationError, match="tolerance"):
            stripe.Webhook.construct_event(*late, SECRET)
        with pytest.raises(stripe.SignatureVerificationError, match="No signatures found"):
            stripe.Webhook.construct_event(*forged, SECRET)
        assert stripe.Webhook.construct_event(*other, SECRET).api_version == "2020-08-27"

    def test_an_unknown_event_is_refused(self, sandbox: StripeSandbox):
        with pytest.raises(AssertionError, match="resource_missing"):
            sandbox.resend(events=["evt_none"])


class TestTaking:
    def test_gives_them_signed_once(self, sandbox: StripeSandbox, client: stripe.StripeClient):
        pay(sandbox)
        parcels = sandbox.take(order="reversed")
        assert [parcel.event["type"] for parcel in parcels] == ORDER[::-1]
        for parcel in parcels:
            client.construct_event(parcel.body, parcel.headers["Stripe-Signature"], SECRET)
        assert sandbox.take() == []


def test_hundreds_of_events_arrive_once_each(sandbox: StripeSandbox, receiver: Receiver):
    sandbox.client().v1.customers.create({})
    sandbox.flush()
    sandbox.pause()
    sandbox.resend(copies=300)
    sandbox.resume()
    eventually(lambda: len(receiver.got) == 301)
