"""The endpoints under /v1, each with the function that answers it."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

from stripe_sandbox.call import Call
from stripe_sandbox.messages import Json
from stripe_sandbox.resources import (
    accounts,
    balance,
    customers,
    disputes,
    events,
    payments,
    payouts,
    refunds,
    sessions,
    transfers,
)

Endpoint = Callable[[Call], Json]
Routes = dict[tuple[str, str], Endpoint]

ROUTES: Routes = {
    ("POST", "/v1/customers"): customers.create,
    ("GET", "/v1/customers/{}"): customers.retrieve,
    ("POST", "/v1/checkout/sessions"): sessions.create,
    ("GET", "/v1/checkout/sessions"): sessions.list_all,
    ("GET", "/v1/checkout/sessions/{}"): sessions.retrieve,
    ("GET", "/v1/checkout/sessions/{}/line_items"): sessions.list_items,
    ("POST", "/v1/checkout/sessions/{}/expire"): sessions.expire,
    ("GET", "/v1/payment_intents/{}"): payments.retrieve_intent,
    ("GET", "/v1/charges/{}"): payments.retrieve_charge,
    ("GET", "/v1/balance"): balance.retrieve,
    ("GET", "/v1/balance_transactions"): balance.list_transactions,
    ("GET", "/v1/balance_transactions/{}"): balance.retrieve_transaction,
    ("POST", "/v1/refunds"): refunds.create,
    ("GET", "/v1/refunds"): refunds.list_all,
    ("GET", "/v1/refunds/{}"): refunds.retrieve,
    ("GET", "/v1/disputes"): disputes.list_all,
    ("GET", "/v1/disputes/{}"): disputes.retrieve,
    ("POST", "/v1/accounts"): accounts.create,
    ("GET", "/v1/accounts/{}"): accounts.retrieve,
    ("POST", "/v1/account_links"): accounts.create_link,
    ("POST", "/v1/transfers"): transfers.create,
    ("GET", "/v1/transfers"): transfers.list_all,
    ("GET", "/v1/transfers/{}"): transfers.retrieve,
    ("POST", "/v1/transfers/{}/reversals"): transfers.reverse,
    ("GET", "/v1/transfers/{}/reversals"): transfers.list_reversals,
    ("GET", "/v1/transfers/{}/reversals/{}"): transfers.retrieve_reversal,
    ("GET", "/v1/payouts"): payouts.list_all,
    ("GET", "/v1/payouts/{}"): payouts.retrieve,
    ("GET", "/v1/events"): events.list_all,
    ("GET", "/v1/events/{}"): events.retrieve,
}


def match(routes: Routes, *, method: str, path: str) -> tuple[Endpoint, tuple[str, ...]] | None:
    """The endpoint of a request and the ids in its path; None when there is no such endpoint."""
    for (verb, pattern), endpoint in routes.items():
        found = re.fullmatch(pattern.replace("{}", "([^/]+)"), path)
        if found and verb == method:
            return endpoint, tuple(unquote(part) for part in found.groups())
    return None
