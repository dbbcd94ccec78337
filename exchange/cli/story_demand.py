"""What the buyers of the demo want: standing orders, an offer, and the sources that joined it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from exchange.catalog import queries as catalog
from exchange.catalog.policies import QualityClass
from exchange.cli.story_people import LOGINS, actor_of
from exchange.cli.story_sources import FORM_SOURCE, VERTICAL
from exchange.core import clock
from exchange.core.db import db
from exchange.core.money import Money
from exchange.leads import post_queries, samples
from exchange.leads.services import posts, sources
from exchange.market.contract_models import Contract
from exchange.market.models import PricingModel
from exchange.market.services import contracts, offers

ROOFS: Final = "Roofs, Ohio and neighbors"
OFFERED_SOURCE: Final = "Search ads"
LEADS: Final = 3
HEADLINE: Final = "Roof and gutter requests from homeowners in Ohio"
DESCRIPTION: Final = (
    "Our own crews work all over Ohio. We call within the hour on working days.\n"
    "Best are requests from search: people who have a leak or an old roof and want a price."
)


@dataclass(frozen=True, slots=True)
class Order:
    """A standing order of the demo."""

    buyer: str
    name: str
    vertical: str
    share: int  # of a hundred, of the typical price of a lead
    content: dict[str, Any] = field(default_factory=dict)  # Any: JSON of Terms
    pricing_model: PricingModel = PricingModel.CPL


def _asks(**choices: str | bool) -> dict[str, Any]:  # Any: JSON of criteria
    return {"all": [{"field": name, "is": value} for name, value in choices.items()]}


ORDERS: Final = (
    Order(
        LOGINS["buyer"], ROOFS, VERTICAL, 110,
        {
            "regions": ["OH", "IN", "KY"],
            "criteria": _asks(project="roofing", is_homeowner=True),
            "caps": {"leads": {"day": 5}},
        },
    ),
    Order(
        LOGINS["buyer"], "Windows, anywhere", VERTICAL, 90,
        {"criteria": _asks(project="windows", is_homeowner=True), "caps": {"leads": {"day": 2}}},
    ),
    Order(
        "casa@demo.example", "Hipotecas firmadas", "mortgage_es", 900,
        {"action": {
            "action": "Hipoteca firmada", "attribution_days": 60, "decision_days": 14,
            "past_due": "approve",
        }},
        PricingModel.CPA,
    ),
    # So many that the wanted board has figures: three buyers, and none with money to spend.
    Order(
        "gutters@demo.example", "Gutters, Midwest", VERTICAL, 95,
        {"regions": ["OH", "MI"], "criteria": _asks(is_homeowner=True),
         "caps": {"leads": {"day": 20}}},
    ),
    Order(
        "gutters@demo.example", "Roofs, Ohio", VERTICAL, 105,
        {"regions": ["OH"], "criteria": _asks(project="roofing", is_homeowner=True),
         "caps": {"leads": {"day": 8}}},
    ),
    Order(
        "windows@demo.example", "Windows and doors", VERTICAL, 85,
        {"regions": ["OH", "PA"], "criteria": _asks(project="windows", is_homeowner=True),
         "caps": {"leads": {"day": 12}}},
    ),
    Order(
        "windows@demo.example", "Siding, Ohio", VERTICAL, 100,
        {"regions": ["OH"], "criteria": _asks(project="siding"),
         "caps": {"leads": {"day": 6}}},
    ),
)  # fmt: skip


def tell_orders() -> None:
    """Every standing order is drafted and begins to buy."""
    for order in ORDERS:
        vertical = catalog.get_vertical(order.vertical)
        typical = catalog.get_definition(vertical).terms.typical_prices[QualityClass.STANDARD]
        actor = actor_of(order.buyer)
        made = contracts.draft(
            vertical_code=order.vertical,
            name=order.name,
            price=Money(typical * order.share // 100, vertical.currency),
            pricing_model=order.pricing_model,
            content=order.content,
            actor=actor,
        )
        contracts.activate(contract_id=made.id, actor=actor)


def tell_offer() -> None:
    """One order is shown to sellers; a source is let in, another waits for the buyer's word."""
    buyer, seller = actor_of(LOGINS["buyer"]), actor_of(LOGINS["seller"])
    contract = _contract(ROOFS)
    offer = offers.publish(
        contract_id=contract.id, headline=HEADLINE, description=DESCRIPTION, actor=buyer
    )
    assert seller.organization_id is not None
    asked = []
    for name in (OFFERED_SOURCE, FORM_SOURCE):
        source = sources.ensure_source(organization_id=seller.organization_id, name=name)
        joined = offers.join(
            offer_id=offer.id, source_id=source.id, declared_unsold=True, actor=seller
        )
        asked.append(joined.id)
    contracts.approve_source(contract_source_id=asked[0], actor=buyer)
    offers.reflect(contract_id=contract.id)


def tell_targeted() -> None:
    """The source that was let in brings leads for the offer, and one that it does not ask for."""
    contract = _contract(ROOFS)
    for terms in post_queries.terms_of_contract(contract.id):
        if not terms.closed_reason:
            _post(terms.id)


def _post(terms_id: UUID) -> None:
    definition = catalog.get_definition(catalog.get_vertical(VERTICAL))
    random = Random(ROOFS)  # noqa: S311  # the same invented people on every machine
    rows = samples.invented_rows(definition, random=random, count=LEADS, now=clock.now())
    for row, project in zip(rows, ("roofing", "roofing", "kitchen"), strict=True):
        sent = {**row, "region": "OH", "postal_code": "43004", "project": project}
        sent["is_homeowner"] = "yes"
        posts.post_lead(
            terms_id=terms_id,
            incoming=posts.Incoming(sent=sent, via="api", raw=json.dumps(sent).encode()),
            actor=actor_of(LOGINS["seller"]),
        )


def _contract(name: str) -> Contract:
    found = db.session.scalar(select(Contract).where(Contract.name == name))
    assert found is not None
    return found
