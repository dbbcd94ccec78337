"""A killed sandbox, started again on its file, has forgotten nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import stripe

from tests.servers.stripe_sandbox import ROOT, stripe_sandbox
from tests.stripe_sandbox.support import Page, Receiver, checkout


def test_state_keys_and_waiting_webhooks_outlive_a_kill(tmp_path: Path):
    options = {"idempotency_key": "top-up-1"}
    with stripe_sandbox(data=tmp_path / "stripe.db") as sandbox, Receiver() as receiver:
        sandbox.advance(3600)
        session = sandbox.client().v1.checkout.sessions.create(checkout(), options)
        sandbox.fund(500, "usd")
        sandbox.restart()

        client = sandbox.client()
        again = client.v1.checkout.sessions.create(checkout(), options)
        assert again.id == session.id
        assert Page(str(session.url), action="pay").status == 303
        assert client.v1.balance.retrieve().available[1].amount == 500
        assert client.v1.customers.create({}).id == "cus_Sandbox00000000000000001"
        sandbox.restart()

        sandbox.aim(receiver.url)
        sandbox.flush()
        assert receiver.types == [
            "topup.succeeded",
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.succeeded",
            "checkout.session.completed",
            "customer.created",
        ]
        assert sandbox.state()["now"] - sandbox.objects("customer")[0]["created"] < 60
        assert stripe.Webhook.construct_event(*receiver.got[0], sandbox.secret)


def test_two_sandboxes_never_share_a_file(tmp_path: Path):
    data = tmp_path / "stripe.db"
    with stripe_sandbox(data=data):
        command = [sys.executable, "-m", "stripe_sandbox", "--data", str(data)]
        second = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=15
        )
    assert second.returncode != 0
    assert "locked" in second.stderr


def test_it_ends_when_asked(tmp_path: Path):
    with stripe_sandbox(data=tmp_path / "stripe.db") as sandbox:
        process = sandbox.process
    assert process.returncode == 0
