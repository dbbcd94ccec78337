"""Single leads for tests: terms through the verb, bodies as a seller's program sends them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

from exchange.catalog.policies import QualityClass
from exchange.catalog.values import iso_moment
from exchange.core import clock
from exchange.core.db import db
from exchange.core.money import Money
from exchange.leads.models import LeadKind
from exchange.leads.post_models import SourceTerms
from exchange.leads.services import posting, posts
from tests.cast import Player
from tests.factories.catalog import VERTICAL, make_vertical
from tests.factories.leads import make_person

SOURCE = "quotes page"
CONSENT = "I agree to be called about my project, including a call to check my request."
ATTRIBUTES = {
    "region": "OH", "postal_code": "43004", "project": "roofing", "scope": "replace",
    "property_type": "single_family", "is_homeowner": True, "timeframe": "month",
}  # fmt: skip
_names = count(1)


def make_terms(
    seller: Player, *, source: str = SOURCE, trusted: bool = False, **wish: Any
) -> SourceTerms:
    """Standing terms of a source; with `trusted`, as after an accepted lot."""
    vertical = make_vertical(wish.pop("vertical", VERTICAL))
    given = {
        "quality_class": QualityClass.STANDARD,
        "kind": LeadKind.EXCLUSIVE,
        "price": Money(45_00, vertical.currency),
        "sales_max": 1,
        "declared_unsold": True,
        **wish,
    }
    terms = posting.set_terms(
        organization_id=seller.organization.id,
        source_name=source,
        vertical_code=vertical.code,
        wish=posting.Wish(**given),
        actor=seller.actor,
    )
    if trusted:
        terms.trusted_since = clock.now()
        db.session.flush()
    return terms


def make_body(person: Mapping[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """A body that passes every check, of a new person."""
    return {
        "source": SOURCE,
        "vertical": VERTICAL,
        "contact": dict(person or make_person()),
        "consent": {
            "text": CONSENT,
            "given_at": iso_moment(clock.now()),
            "page_url": "https://quotes.example/form",
            "quality_check": True,
        },
        "attributes": dict(ATTRIBUTES),
        "channel": "search_ads",
        **more,
    }


def post(
    seller: Player, terms: SourceTerms, body: Mapping[str, Any] | None = None, **more: Any
) -> posts.Answer:
    """One lead posted through the verb."""
    sent = {**(body or make_body()), **more}
    incoming = posts.Incoming(
        sent=sent, via="api", raw=repr(sorted(sent.items(), key=str)).encode()
    )
    return posts.post_lead(terms_id=terms.id, incoming=incoming, actor=seller.actor)
