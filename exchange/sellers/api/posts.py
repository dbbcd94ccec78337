"""What became of a lead that was posted, asked for later."""

from __future__ import annotations

from typing import Any

from exchange.core.db import parse_id
from exchange.identity.access import organization, requires
from exchange.identity.permissions import Permission
from exchange.leads.post_models import Post
from exchange.leads.services import posts
from exchange.market.refusal_words import refusals_json
from exchange.sellers import posted, posting
from exchange.sellers.api.blueprint import blueprint
from exchange.sellers.ping_schemas import PostSeenOut

Json = dict[str, Any]  # Any: what the schemas write


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
