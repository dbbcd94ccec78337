"""The shared posting spec: what to send to a source, and a test lead that shows the answer."""

from __future__ import annotations

from typing import Any

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
from exchange.sellers import posting
from exchange.sellers.schemas import PostOut
from exchange.sellers.specs import PLACEHOLDER, make_spec
from exchange.sellers.webhooks.blueprint import blueprint


@blueprint.get("/posting/<token>")
@public
def spec(token: str) -> Response:
    return _page(_terms(token), token)


@blueprint.post("/posting/<token>")
@public
@limiter.limit("20 per minute; 200 per hour")
def try_out(token: str) -> Response:
    """Check a lead that is never kept, and show the answer on the page."""
    terms, text = _terms(token), request.form.get("body", "")
    try:
        sent = posting.json_body(text)
        incoming = posts.Incoming(sent=sent, via=SPEC, raw=text.encode(), is_test=True)
        actor = Actor("visitor", organization_id=terms.organization_id)
        found = posts.post_lead(terms_id=terms.id, incoming=incoming, actor=actor)
        answer = PostOut().dumps(posting.answer_json(found), indent=2, ensure_ascii=False)
        return _page(terms, token, body=text, answer=answer)
    except DomainError as error:
        roll_back_request()
        return _page(_terms(token), token, body=text, refusal=error)


def _page(terms: SourceTerms, token: str, **shown: Any) -> Response:  # Any: for the template
    vertical = leads.vertical_of(terms.vertical_id)
    base = current_app.config["SETTINGS"].base_url.rstrip("/")
    found = make_spec(
        terms,
        catalog.get_definition(vertical),
        url=f"{base}/api/v1/leads/in/{PLACEHOLDER}",
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
