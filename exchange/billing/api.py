"""Doors of money for programs: wallet, top-ups, payouts, movements and the chain of the ledger."""

from __future__ import annotations

from typing import Any

from exchange.billing import queries, stripe_pages
from exchange.billing.models import Payout, TopUp, TopUpStatus
from exchange.billing.queries import Head, OwnLink, Slice, StatementLine
from exchange.billing.schemas import (
    HeadOut,
    HeadQuery,
    LinkOut,
    PayoutBody,
    PayoutOut,
    ProofQuery,
    StatementQuery,
    TopUpBody,
    TopUpOut,
    TransferOut,
    WalletOut,
)
from exchange.billing.services import payouts, top_ups
from exchange.core.db import parse_id
from exchange.core.doors import Blueprint
from exchange.core.errors import NotFound
from exchange.core.forms import PageQuery, list_of
from exchange.core.idempotency import idempotent
from exchange.core.pagination import Page
from exchange.identity.access import actor, organization, public, requires
from exchange.identity.permissions import Permission

blueprint = Blueprint("billing_api", __name__, description="Money")

Json = dict[str, Any]  # Any: arguments checked by their schemas


@blueprint.route("/wallet", methods=["GET"])
@requires(Permission.MONEY_READ)
@blueprint.response(200, WalletOut)
def wallet() -> Json:
    """Show what you have, by currency and account; nothing is ever converted."""
    return {"balances": queries.balances(organization().id)}


@blueprint.route("/top_ups", methods=["POST"])
@requires(Permission.TOP_UP)
@idempotent
@blueprint.arguments(TopUpBody)
@blueprint.response(201, TopUpOut)
def start_top_up(body: Json) -> TopUp:
    """Start a top-up. Read it again for the `checkout_url` on which it is paid."""
    return top_ups.start(organization_id=organization().id, amount=body["amount"], actor=actor())


@blueprint.route("/top_ups", methods=["GET"])
@requires(Permission.MONEY_READ)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, list_of(TopUpOut))
def list_top_ups(asked: Json) -> Page[TopUp]:
    """List your top-ups, newest first."""
    return queries.top_ups(organization().id, **asked)


@blueprint.route("/top_ups/<top_up_id>", methods=["GET"])
@requires(Permission.MONEY_READ)
@blueprint.response(200, TopUpOut)
def show_top_up(top_up_id: str) -> TopUp:
    """Show a top-up; the wallet is credited when the payment has come, never earlier."""
    found = queries.get_top_up(parse_id(top_up_id, TopUp), viewer=organization().id)
    if found.status is TopUpStatus.STARTED and found.checkout_url is None:
        stripe_pages.checkout_url(found)
    return found


@blueprint.route("/transfers", methods=["GET"])
@requires(Permission.MONEY_READ)
@blueprint.arguments(StatementQuery, location="query")
@blueprint.response(200, list_of(TransferOut))
def list_transfers(asked: Json) -> Slice[StatementLine]:
    """List what moved on your accounts, with the balance after each line, newest first."""
    return queries.statement(organization().id, **asked)


@blueprint.route("/payouts", methods=["POST"])
@requires(Permission.PAYOUT_REQUEST)
@idempotent
@blueprint.arguments(PayoutBody)
@blueprint.response(201, PayoutOut)
def request_payout(body: Json) -> Payout:
    """Request a payout of all that is payable in a currency, or of an amount."""
    amount = body["amount"]
    return payouts.request(
        organization_id=organization().id,
        currency=body["currency"] or amount.currency,
        amount=amount,
        actor=actor(),
    )


@blueprint.route("/payouts", methods=["GET"])
@requires(Permission.MONEY_READ)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, list_of(PayoutOut))
def list_payouts(asked: Json) -> Page[Payout]:
    """List your payouts, newest first."""
    return queries.payouts(organization().id, **asked)


@blueprint.route("/payouts/<payout_id>", methods=["GET"])
@requires(Permission.MONEY_READ)
@blueprint.response(200, PayoutOut)
def show_payout(payout_id: str) -> Payout:
    """Show a payout."""
    return queries.get_payout(parse_id(payout_id, Payout), viewer=organization().id)


@blueprint.route("/ledger/head", methods=["GET"])
@public
@blueprint.arguments(HeadQuery, location="query")
@blueprint.response(200, HeadOut)
def show_head(asked: Json) -> Head:
    """Show the head of the hash chain over all postings, or a former link by its number.

    Write it down: whatever is altered later gives another hash for the same number.
    """
    return queries.head(asked["seq"])


@blueprint.route("/ledger/proof", methods=["GET"])
@requires(Permission.MONEY_READ)
@blueprint.arguments(ProofQuery, location="query")
@blueprint.response(200, list_of(LinkOut))
def show_proof(asked: Json) -> Slice[OwnLink]:
    """List your postings with their links of the chain, newest first.

    `hash` is SHA-256 of `previous` and the canonical form of `document` (UTF-8, names sorted, no
    spaces). `document.organizations` names your link before this one, 0 for the first: so you can
    tell that none is missing.
    """
    ours = organization().id
    if asked.pop("org") not in {None, ours}:
        raise NotFound
    return queries.proof(ours, **asked)
