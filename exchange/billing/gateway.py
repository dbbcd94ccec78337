"""The one file that talks to Stripe: our types in, small dataclasses out.

Every write carries an idempotency key made from our own id, so that trying again never acts
twice. No call is repeated in here: who calls holds a row, or nothing, and decides itself.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import stripe
from flask import current_app

from exchange.config import Settings
from exchange.core.errors import Conflict, Malformed, Unavailable
from exchange.core.money import Currency, Money

log = logging.getLogger(__name__)

STRIPE_VERSION: Final = "2026-10-28.endive"
TIMEOUT_SECONDS: Final = 10
STRIPE_API: Final = "https://api.stripe.com"
# What is kept of an event's object. Names, addresses and bank details stay at Stripe.
KEPT: Final = frozenset({
    "id", "object", "status", "payment_status", "amount", "amount_total", "amount_reversed",
    "currency", "client_reference_id", "metadata", "payment_intent", "capabilities", "destination",
})  # fmt: skip


class OutcomeUnknown(Unavailable):
    """Stripe did not answer, or not with a decision: it may have acted or not."""

    code, title = "stripe_unavailable", "The payment service does not answer just now"


class Refused(Conflict):
    """Stripe decided against it; the fact `reason` is its own word for why."""

    code, title = "refused_by_stripe", "The payment service refused this"

    def __init__(self, reason: str) -> None:
        super().__init__("The payment service refused this.", reason=reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Checkout:
    """A page of Stripe on which a payer pays one top-up."""

    session_id: str
    url: str | None  # None once it was paid or has expired


@dataclass(frozen=True, slots=True)
class ConnectedAccount:
    """Where a seller's payouts go."""

    account_id: str
    is_ready: bool


@dataclass(frozen=True, slots=True)
class ConnectTransfer:
    """Money sent to a connected account."""

    transfer_id: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Message:
    """An event whose signature is good; of its object only what we use."""

    id: str
    type: str
    subject: dict[str, Any]  # Any: JSON of Stripe


def open_checkout(
    *, key: str, reference: str, amount: Money, name: str, success_url: str, cancel_url: str
) -> Checkout:
    """The page for this payment; the same one whenever it is asked for under the same key."""
    with _answers():
        session = _client().v1.checkout.sessions.create(
            params={
                "mode": "payment",
                "client_reference_id": reference,
                "line_items": [
                    {
                        "quantity": 1,
                        "price_data": {
                            "currency": amount.currency.lower(),
                            "unit_amount": amount.amount,
                            "product_data": {"name": name},
                        },
                    }
                ],
                "metadata": {"reference": reference},
                "payment_intent_data": {"metadata": {"reference": reference}},
                "success_url": success_url,
                "cancel_url": cancel_url,
            },
            options={"idempotency_key": key},
        )
    return Checkout(session.id, session.url)


def find_fee(payment_id: str) -> Money | None:
    """What Stripe kept of a payment; None while it does not know yet."""
    expand = ["latest_charge.balance_transaction"]
    with _answers():
        payment = _client().v1.payment_intents.retrieve(payment_id, params={"expand": expand})
    charge = payment.latest_charge
    movement = None if charge is None or isinstance(charge, str) else charge.balance_transaction
    if movement is None or isinstance(movement, str):
        return None
    return Money(movement.fee, Currency(movement.currency.upper()))


def open_account(*, key: str, reference: str, country: str) -> ConnectedAccount:
    """A connected account that can receive transfers once its owner has told Stripe who they are.

    Stripe collects and keeps all personal and bank data (an Express account).
    """
    with _answers():
        account = _client().v1.accounts.create(
            params={
                "country": country,
                "controller": {
                    "stripe_dashboard": {"type": "express"},
                    "fees": {"payer": "application"},
                    "losses": {"payments": "application"},
                    "requirement_collection": "stripe",
                },
                "capabilities": {"transfers": {"requested": True}},
                "metadata": {"reference": reference},
            },
            options={"idempotency_key": key},
        )
    return ConnectedAccount(account.id, can_receive(account.to_dict()))


def find_account(account_id: str) -> ConnectedAccount:
    """The account as it is now."""
    with _answers():
        account = _client().v1.accounts.retrieve(account_id)
    return ConnectedAccount(account.id, can_receive(account.to_dict()))


def can_receive(account: Mapping[str, Any]) -> bool:  # Any: JSON of Stripe
    """Whether an account, as Stripe describes it, can receive transfers."""
    return bool((account.get("capabilities") or {}).get("transfers") == "active")


def onboarding_url(account_id: str, *, return_url: str, refresh_url: str) -> str:
    """Where the owner tells Stripe who they are; the address lives for minutes and for one use."""
    with _answers():
        link = _client().v1.account_links.create(
            params={
                "account": account_id,
                "type": "account_onboarding",
                "return_url": return_url,
                "refresh_url": refresh_url,
            }
        )
    return link.url


def send_transfer(*, key: str, reference: str, amount: Money, account_id: str) -> ConnectTransfer:
    """Send money to a connected account, once for the key."""
    with _answers():
        sent = _client().v1.transfers.create(
            params={
                "amount": amount.amount,
                "currency": amount.currency.lower(),
                "destination": account_id,
                "transfer_group": reference,
                "metadata": {"reference": reference},
            },
            options={"idempotency_key": key},
        )
    return ConnectTransfer(sent.id, amount)


def find_transfer(reference: str) -> ConnectTransfer | None:
    """The transfer that was sent under this reference, if one was.

    Stripe forgets keys after a day, and may replay an error under one: only this tells for sure.
    """
    with _answers():
        found = _client().v1.transfers.list(params={"transfer_group": reference, "limit": 1}).data
    if not found:
        return None
    return ConnectTransfer(found[0].id, Money(found[0].amount, Currency(found[0].currency.upper())))


def read_event(raw: bytes, signature: str | None) -> Message:
    """What Stripe says, if it was Stripe. Raises Malformed for anything else."""
    secret = _settings().stripe_webhook_secret
    if not secret:  # an empty secret would make everybody's signature right
        raise Unavailable("No secret for webhooks is set.")
    try:
        stripe.WebhookSignature.verify_header(raw, signature, secret, tolerance=300)
        event = json.loads(raw)
        subject = event["data"]["object"]
        kept = {name: subject[name] for name in sorted(KEPT & subject.keys())}
        return Message(str(event["id"]), str(event["type"]), kept)
    except stripe.SignatureVerificationError:
        raise Malformed("The signature is not right.", code="signature_invalid") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Malformed("This is not an event of Stripe.") from None


@contextmanager
def _answers() -> Iterator[None]:
    """Turn Stripe's errors into ours: a refusal is final, everything else leaves us not knowing."""
    try:
        yield
    except (stripe.InvalidRequestError, stripe.CardError) as error:
        log.warning("Stripe refused: %s (%s)", error.code, error.request_id)
        raise Refused(error.code or "invalid_request") from error
    except stripe.StripeError as error:
        # Among them: no connection, time-out, 5xx, 429, and a key whose first call still runs.
        log.warning("Stripe gave no answer: %s (%s)", type(error).__name__, error.request_id)
        raise OutcomeUnknown(retry_after=5) from error


def _client() -> stripe.StripeClient:
    client: stripe.StripeClient | None = current_app.extensions.get("stripe")
    if client is None:
        settings = _settings()
        client = stripe.StripeClient(
            settings.stripe_secret_key,
            base_addresses={"api": settings.stripe_api_url or STRIPE_API},
            stripe_version=STRIPE_VERSION,
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
        )
        current_app.extensions["stripe"] = client
    return client


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings
