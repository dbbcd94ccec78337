"""Why standing orders did not take what is on sale, for its seller."""

from __future__ import annotations

from exchange.core.db import parse_id
from exchange.identity.access import organization, requires
from exchange.identity.permissions import Permission
from exchange.market import queries
from exchange.market.api.blueprint import blueprint
from exchange.market.models import Listing
from exchange.market.refusal_words import refusals_json
from exchange.market.schemas import RefusalsOut

Json = dict[str, object]


@blueprint.route("/listings/<listing_id>/refusals", methods=["GET"])
@requires(Permission.BATCH_READ)
@blueprint.response(200, RefusalsOut)
def refusals(listing_id: str) -> Json:
    """Show why contracts that asked for leads of your listing did not get them.

    Of each lead the last time that it met all contracts. A reason is named where three buyers or
    more are behind it; `few` is how often the others gave theirs.
    """
    mine = queries.get_own_listing(parse_id(listing_id, Listing), viewer=organization().id)
    return refusals_json(queries.refusals_of_listing(mine.id))
