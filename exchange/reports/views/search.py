"""The search box of every page: an id or number leads to the page of what it names.

Whether that page may be seen is decided there: this door tells nobody what exists.
"""

from __future__ import annotations

from typing import Any, Final

from flask import request
from flask.typing import ResponseReturnValue

from exchange.billing.queries import public_id_of
from exchange.core.events import Ref
from exchange.core.web import render, see_other
from exchange.identity.access import organization, requires
from exchange.identity.permissions import OrganizationKind, Permission
from exchange.reports.queries import find_ref
from exchange.reports.views.blueprint import blueprint

K = OrganizationKind
# The endpoint that shows a kind of record to a kind of organization, and its argument.
PAGES: Final[dict[tuple[OrganizationKind, str], tuple[str, str]]] = {
    (K.SELLER, "import"): ("sellers.show_import", "import_id"),
    (K.SELLER, "batch"): ("sellers.batch", "batch_id"),
    (K.SELLER, "return"): ("sellers.lead_return", "return_id"),
    (K.SELLER, "payout"): ("billing.payout", "payout_id"),
    (K.BUYER, "listing"): ("buyers.listing", "listing_id"),
    (K.BUYER, "order"): ("buyers.order", "order_id"),
    (K.BUYER, "line"): ("buyers.lead", "line_id"),
    (K.BUYER, "return"): ("buyers.lead_return", "return_id"),
    (K.BUYER, "top_up"): ("billing.top_up", "top_up_id"),
    (K.OPERATOR, "organization"): ("admin.organization", "organization_id"),
    (K.OPERATOR, "return"): ("admin.lead_return", "return_id"),
}


@blueprint.get("/search")
@requires(Permission.SELF_MANAGE)
def search() -> ResponseReturnValue:
    asked = request.args.get("q", "").strip()
    found = find_ref(asked)
    target = _target(found) if found else None
    if target is None:
        return render("reports/search.html", asked=asked, status=404 if asked else 200)
    return see_other(target[0], **target[1])


def _target(found: Ref) -> tuple[str, dict[str, Any]] | None:  # Any: arguments of url_for
    kind, public_id = organization().kind, public_id_of(found)
    page = PAGES.get((kind, found.kind))
    if page is not None:
        return page[0], {page[1]: public_id}
    # Staff follow everything else through the log.
    return ("admin.events", {"subject": public_id}) if kind is K.OPERATOR else None
