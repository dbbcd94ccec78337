"""What the doors of single leads share: the body as it was sent, and the answer as it is said."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from exchange.core.errors import Conflict, FieldProblem, Invalid, Malformed, TooLarge
from exchange.core.ids import decode, encode
from exchange.leads.findings import row_sentence
from exchange.leads.models import Lead
from exchange.leads.post_models import Post, SourceTerms
from exchange.leads.post_queries import Named, find_named
from exchange.leads.services.posts import Answer
from exchange.market.contract_models import Contract
from exchange.market.services.pings import Answered, Posted

BODY_BYTES_MAX: Final = 65_536
FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")

Json = Any  # Any: whatever was sent


def sent_body() -> dict[str, Json]:
    """The body of the request, JSON or a form. Raises Malformed and TooLarge."""
    request.max_content_length = BODY_BYTES_MAX
    try:
        raw = request.get_data(cache=True)
        if request.mimetype in FORMS:
            return {name: ", ".join(values) for name, values in request.form.lists()}
    except RequestEntityTooLarge as error:
        raise TooLarge("A lead is at most 64 KB.") from error
    return json_body(raw)


def json_body(raw: bytes | str) -> dict[str, Json]:
    """The JSON object that a text holds. Raises Malformed."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Malformed("Send one JSON object, or a form.")
    return body


def raw_body() -> bytes:
    """The body to the byte, as repeats are told by."""
    return request.get_data(cache=True)


def named_terms(sent: Mapping[str, Json], *, viewer: UUID) -> Named:
    """The terms of the source and vertical that a body names, and of its contract if it names one.

    Raises Invalid where it names none, and Conflict `terms_missing` where the seller has not said
    on what terms single leads of the source are sold.
    """
    source, code = sent.get("source"), sent.get("vertical")
    missing = [
        FieldProblem(f"/{name}", "required", "Say which one.")
        for name, value in (("source", source), ("vertical", code))
        if not isinstance(value, str) or not value.strip()
    ]
    if missing:
        raise Invalid(errors=tuple(missing))
    named = find_named(
        source=str(source).strip(),
        vertical=str(code),
        contract_id=_contract(sent),
        viewer=viewer,
    )
    if named is None:
        raise Conflict(
            "Set the terms for single leads of this source first, on its page.",
            code="terms_missing",
        )
    return named


def require_meant(sent: Mapping[str, Json], terms: SourceTerms) -> None:
    """A body that names a contract is for that contract alone. Raises Invalid `contract`."""
    meant = _contract(sent)
    if meant is not None and meant != terms.contract_id:
        detail = "This address takes no leads for that contract."
        raise Invalid(errors=(FieldProblem("/contract", "value_not_allowed", detail),))


def _contract(sent: Mapping[str, Json]) -> UUID | None:
    named = sent.get("contract")
    if named in (None, ""):
        return None
    found = decode(Contract.PREFIX, str(named))
    if found is None:
        detail = f"This is not an id that begins with {Contract.PREFIX}_."
        raise Invalid(errors=(FieldProblem("/contract", "invalid", detail),))
    return found


def answer_json(answer: Answer) -> dict[str, Json]:
    """The answer of the API; pages show the same."""
    post, terms = answer.post, answer.terms
    return {
        "id": post.public_id,
        "object": "post",
        "created_at": post.created_at,
        "status": post.outcome,
        "reason": post.reason or None,
        "detail": row_sentence(post.reason) if post.reason else None,
        "since": post.since,
        "errors": problems_json(answer.errors),
        "notes": list(answer.notes),
        "ignored": list(answer.ignored),
        "test": post.is_test,
        "lead": lead_id(post),
        "external_id": post.external_id,
        "price": terms.price,
    }


def ping_json(answered: Answered) -> dict[str, Json]:
    """The answer to a ping. Who bids is not said, nor who is known and through whom."""
    ping = answered.ping
    return {
        "id": None if answered.is_test else ping.public_id,
        "object": "ping",
        "status": ping.answer,
        "reason": ping.reason or None,
        "detail": row_sentence(ping.reason) if ping.reason else None,
        "expires_at": ping.expires_at if answered.bids else None,
        "bids": [
            {
                "id": bid.id,
                "price": bid.price,
                "exclusive": bid.is_exclusive,
                "max_sales": bid.sales_max,
            }
            for bid in answered.bids
        ],
        "errors": problems_json(answered.errors),
        "ignored": list(answered.ignored),
        "test": answered.is_test,
    }


def posted_json(posted: Posted) -> dict[str, Json]:
    """The answer to the lead of a ping: as to any other, at the price that it was bought for."""
    answer = answer_json(posted.answer)
    return answer | {
        "price": posted.bid and posted.bid.price,
        "bid_id": posted.bid and posted.bid.id,
    }


def problems_json(errors: Sequence[FieldProblem]) -> list[dict[str, str]]:
    """Errors of a lead with the sentences of their codes."""
    return [{"pointer": e.pointer, "code": e.code, "detail": row_sentence(e.code)} for e in errors]


def lead_id(post: Post) -> str | None:
    """The public id of the lead that a post became."""
    return None if post.lead_id is None else encode(Lead.PREFIX, post.lead_id)
