"""Where people are sent to Stripe, and to which of our pages Stripe sends them back.

Addresses begin with the configured base and not with what a browser calls us: Stripe refuses a
repeated request whose parameters differ.
"""

from __future__ import annotations

from flask import current_app, url_for

from exchange.billing.models import PayoutAccount, TopUp
from exchange.billing.services import payouts, top_ups
from exchange.config import Settings


def checkout_url(top_up: TopUp) -> str:
    """The page on which this top-up is paid; see `top_ups.open_checkout`."""
    page = _address(url_for("billing.top_up", top_up_id=top_up.public_id))
    return top_ups.open_checkout(
        top_up_id=top_up.id, success_url=f"{page}?back=paid", cancel_url=f"{page}?back=canceled"
    )


def onboarding_url(account: PayoutAccount) -> str:
    """The page on which a seller completes the payout account; see `payouts.onboarding_url`."""
    return payouts.onboarding_url(
        account=account,
        return_url=_address(url_for("billing.payout_account", back=1)),
        refresh_url=_address(url_for("billing.onboarding")),
    )


def _address(path: str) -> str:
    settings: Settings = current_app.config["SETTINGS"]
    return settings.base_url.rstrip("/") + path
