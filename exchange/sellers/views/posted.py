"""Pages of what came in one by one: one post with what became of it, and the last pings."""

from __future__ import annotations

from flask import Response
from flask_babel import gettext as _

from exchange.core.db import parse_id
from exchange.core.forms import PageQuery
from exchange.core.pagination import Page
from exchange.core.web import load_query, render
from exchange.identity.access import organization, requires
from exchange.identity.permissions import Permission
from exchange.leads import post_queries
from exchange.leads.findings import row_sentence
from exchange.leads.post_models import Post, SourceTerms
from exchange.market.ping_models import PingAnswer
from exchange.market.queries.pings import ping_answers, pings_of, pings_of_seller
from exchange.market.refusal_words import REFUSALS
from exchange.sellers import posted, queries
from exchange.sellers.ping_schemas import PingsQuery
from exchange.sellers.views.blueprint import blueprint


@blueprint.get("/posting/posts/<post_id>")
@requires(Permission.BATCH_READ)
def post(post_id: str) -> Response:
    """What became of one post: its sales, or why nobody bought it."""
    return render(
        "sellers/posting/post.html",
        seen=posted.get_post(parse_id(post_id, Post), viewer=organization().id),
        sentence=lambda code: _(row_sentence(code)),
        refusal_words=REFUSALS,
    )


@blueprint.get("/posting/pings")
@requires(Permission.BATCH_READ)
def all_pings() -> Response:
    """The pings of every source, or those that were answered in one way."""
    asked, seller = load_query(PingsQuery()), organization().id
    page = pings_of_seller(seller, **asked)
    return render(
        "sellers/posting/all_pings.html",
        block="results",
        asked=asked,
        answers=list(PingAnswer),
        sources={view.source.public_id: view.source for view in queries.terms_views(viewer=seller)},
        page=Page(posted.pings_seen(page.items), page.next_cursor),
        sentence=lambda code: _(row_sentence(code)),
    )


@blueprint.get("/posting/<terms_id>/pings")
@requires(Permission.BATCH_READ)
def pings(terms_id: str) -> Response:
    """The last pings of a source, what was bid, and why nobody did."""
    terms = post_queries.get_source_terms(parse_id(terms_id, SourceTerms), viewer=organization().id)
    page = pings_of(terms.id, **load_query(PageQuery()))
    return render(
        "sellers/posting/pings.html",
        block="results",
        seen=queries.terms_view(terms),
        page=Page(posted.pings_seen(page.items), page.next_cursor),
        answers=ping_answers(terms.id),
        sentence=lambda code: _(row_sentence(code)),
    )
