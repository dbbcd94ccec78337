"""Journeys pay through the Stripe sandbox as the tests of money do."""

from tests.billing.conftest import post_events, stripe, stripe_process

__all__ = ["post_events", "stripe", "stripe_process"]
