"""The shared posting spec: what to send to a source, and tests that show the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from flask import Response, current_app, request
from flask_babel import get_locale

from exchange.catalog import queries as catalog
from exchange.core import clock
from exchange.core.actors import Actor
from exchange.core.db import roll_back_request
from exchange.core.errors import DomainError, NotFound
from exchange.core.limits import limiter
from exchange.core.web import render
from exchange.identity.access import public
from exchange.leads import post_queries
from exchange.leads import queries as leads
from exchange.leads.post_models import SourceTerms
from exchange.leads.post_presets import presets
from exchange.leads.services import posts
from exchange.leads.services.post_checks import SPEC
from exchange.market.services import pings
from exchange.sellers import posting
from exchange.sellers.schemas import PingOut, PostOut
from exchange.sellers.specs import make_spec
from exchange.sellers.webhooks.blueprint import blueprint

TRIES: Final = "20 per minute; 200 per hour"


@blueprint.get("/posting/<token>")
@public
def spec(token: str) -> Response:
    return _page(_terms(token), token)


@blueprint.post("/posting/<token>")
@public
@limiter.limit(TRIES)
def try_out(token: str) -> Response:
    """Check a lead that is never kept, and show the answer on the page."""
    return _tried(token, _post, shown_as="body")


@blueprint.post("/posting/<token>/ping")
@public
@limiter.limit(TRIES)
def try_ping(token: str) -> Response:
    """Check a ping that is never kept; its answer has one bid, at the price of the source."""
    return _tried(token, _ping, shown_as="ping")


def _tried(token: str, answer: Callable[[SourceTerms, str], str], *, shown_as: str) -> Response:
    terms, text = _terms(token), request.form.get("body", "")
    try:
        return _page(terms, token, **{shown_as: text}, answer=answer(terms, text))
    except DomainError as error:
        roll_back_request()
        return _page(_terms(token), token, **{shown_as: text}, refusal=error)


def _post(terms: SourceTerms, text: str) -> str:
    sent = posting.json_body(text)
    incoming = posts.Incoming(sent=sent, via=SPEC, raw=text.encode(), is_test=True)
    actor = Actor("visitor", organization_id=terms.organization_id)
    found = posts.post_lead(terms_id=terms.id, incoming=incoming, actor=actor)
    return PostOut().dumps(posting.answer_json(found), indent=2, ensure_ascii=False)


def _ping(terms: SourceTerms, text: str) -> str:
    found = pings.ask(terms_id=terms.id, sent=posting.json_body(text), is_test=True)
    return PingOut().dumps(posting.ping_json(found), indent=2, ensure_ascii=False)


def _page(terms: SourceTerms, token: str, **shown: Any) -> Response:  # Any: for the template
    vertical = leads.vertical_of(terms.vertical_id)
    base = current_app.config["SETTINGS"].base_url.rstrip("/")
    found = make_spec(
        terms,
        catalog.get_definition(vertical),
        source=post_queries.source_of(terms).name,
        base=base,
        now=clock.now(),
        language=str(get_locale()),
    )
    return render(
        "sources/spec.html",
        spec=found,
        terms=terms,
        token=token,
        vertical=vertical,
        source=post_queries.source_of(terms),
        presets=presets().values(),
        base=base,
        **shown,
    )


def _terms(token: str) -> SourceTerms:
    found = post_queries.find_terms_of_spec(token)
    if found is None:
        raise NotFound("This posting spec is not shared any more.")
    return found
