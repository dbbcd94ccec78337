"""One sandbox and one receiver of webhooks for all tests here, emptied before each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stripe

from tests.servers.stripe_sandbox import StripeSandbox, stripe_sandbox
from tests.stripe_sandbox.support import Receiver


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[StripeSandbox]:
    with stripe_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox: StripeSandbox) -> StripeSandbox:
    """Empty, and with no target: webhooks wait to be taken."""
    shared_sandbox.aim(None)
    shared_sandbox.reset()
    return shared_sandbox


@pytest.fixture
def client(sandbox: StripeSandbox) -> stripe.StripeClient:
    return sandbox.client()


@pytest.fixture
def receiver(sandbox: StripeSandbox) -> Iterator[Receiver]:
    """A program that takes the sandbox's webhooks."""
    with Receiver() as receiver:
        sandbox.aim(receiver.url)
        yield receiver
        sandbox.aim(None)
