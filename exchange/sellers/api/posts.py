"""Single leads: offered without their person, posted one by one, and what became of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from exchange.core import limits
from exchange.core.db import parse_id
from exchange.core.forms import list_of
from exchange.core.idempotency import HEADER, idempotent
from exchange.core.limits import limiter
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import Permission
from exchange.leads.post_models import Post
from exchange.leads.services import posts
from exchange.market.ping_models import Ping
from exchange.market.queries.pings import pings_of_seller
from exchange.market.refusal_words import refusals_json
from exchange.market.services import pings
from exchange.sellers import posted, posting
from exchange.sellers.api.blueprint import blueprint
from exchange.sellers.ping_schemas import PingOut, PingSeenOut, PingsQuery, PostSeenOut
from exchange.sellers.schemas import PostOut

Json = dict[str, Any]  # Any: what the schemas write
Sent = Mapping[str, Any]  # Any: JSON, or the fields of a form
LEAD_BODY: Final = {
    "required": True,
    "description": (
        "source and vertical, contract (of a targeted lead), contact, consent, attributes,"
        " requested_at, sub_id, external_id,"
        " test, call. Or a form with the same names, flat."
    ),
    "content": {
        "application/json": {"schema": {"type": "object"}},
        "application/x-www-form-urlencoded": {"schema": {"type": "object"}},
    },
}
PING_BODY: Final = {
    **LEAD_BODY,
    "description": (
        "source and vertical, attributes, requested_at, phone_sha256 or email_sha256, test; no"
        " contact. The hashes are over the normal forms: see the posting spec of the source. Or a"
        " form with the same names, flat."
    ),
}
# Of one key, in a second: far above what a lead form sends, and no key slows another one.
PINGS, POSTS = "60 per second", "30 per second"


@blueprint.route("/pings", methods=["POST"])
@limiter.limit(lambda: PINGS, key_func=limits.program)
@limits.in_turn
@requires(Permission.LEAD_POST, Permission.BATCH_UPLOAD)
@blueprint.doc(requestBody=PING_BODY)
@blueprint.response(200, PingOut)
def ping() -> Json:
    """Offer a lead without its person, who is named by SHA-256 only; the answer is what is bid.

    matched: a bid can be taken until `expires_at` by posting the lead to /leads with `ping_id` and
    `bid_id`. no_match, duplicate, rejected: nothing can be posted for it. A ping with `test: true`
    is checked like any other, kept nowhere and answered with one bid at your own price.
    """
    sent = posting.sent_body()
    named = posting.named_terms(sent, viewer=organization().id)
    answered = pings.ask(terms_id=named.terms.id, sent=sent)
    return posting.ping_json(answered)


@blueprint.route("/pings", methods=["GET"])
@requires(Permission.BATCH_READ)
@blueprint.arguments(PingsQuery, location="query")
@blueprint.response(200, list_of(PingSeenOut))
def pings_so_far(asked: Json) -> Json:
    """List your pings with what was bid and what came of each, newest first. Kept for 30 days."""
    page = pings_of_seller(organization().id, **asked)
    return {
        "items": [posted.ping_seen_json(seen) for seen in posted.pings_seen(page.items)],
        "has_more": page.has_more,
        "next_cursor": page.next_cursor,
    }


@blueprint.route("/leads", methods=["POST"])
@limiter.limit(lambda: POSTS, key_func=limits.program)
@limits.in_turn
@requires(Permission.LEAD_POST, Permission.BATCH_UPLOAD)
@blueprint.doc(requestBody=LEAD_BODY)
@blueprint.response(201, PostOut)
def post_lead() -> ResponseReturnValue:
    """Post one lead of a source, or the lead of a ping.

    The answer says what became of it: accepted, queued_for_check, duplicate, rejected with every
    error, or suppressed. All of these are 201: there is nothing to try again. A lead with
    `test: true` is checked like any other and not kept. The same external_id of a source, and
    the same Idempotency-Key, get the first answer again.

    With `ping_id` and `bid_id` (or `any`) the lead is sold for that bid at its price, or nothing
    of it is kept. It must be the lead that was pinged; a ping is used once.
    """
    return _post_once() if HEADER in request.headers else _post()


def _post() -> ResponseReturnValue:
    sent = posting.sent_body()
    incoming = posts.Incoming(sent=sent, via="api", raw=posting.raw_body())
    answer = _posted_for_ping(sent, incoming) if sent.get("ping_id") else _posted(sent, incoming)
    response = jsonify(PostOut().dump(answer))
    response.status_code = 201
    return response


def _posted(sent: Sent, incoming: posts.Incoming) -> Json:
    named = posting.named_terms(sent, viewer=organization().id)
    return posting.answer_json(
        posts.post_lead(terms_id=named.terms.id, incoming=incoming, actor=actor())
    )


def _posted_for_ping(sent: Sent, incoming: posts.Incoming) -> Json:
    sold = pings.post(
        ping_id=parse_id(str(sent["ping_id"]), Ping),
        bid=str(sent.get("bid_id") or ""),
        incoming=incoming,
        actor=actor(),
    )
    return posting.posted_json(sold)


_post_once = idempotent(_post)


@blueprint.route("/posts/<post_id>", methods=["GET"])
@requires(Permission.BATCH_READ)
@blueprint.response(200, PostSeenOut)
def post(post_id: str) -> Json:
    """Show what became of one post: its sales, and why standing orders did not take the lead."""
    seen = posted.get_post(parse_id(post_id, Post), viewer=organization().id)
    return {
        **posting.answer_json(posts.answer_of(seen.post, seen.terms)),
        "state": seen.state,
        "sales": seen.sales,
        "refusals": seen.met and refusals_json(seen.met),
    }
