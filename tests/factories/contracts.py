"""Contracts for tests that are about something else: rows as the verbs leave them."""

from __future__ import annotations

from typing import Any

from exchange.catalog import queries as catalog
from exchange.catalog.models import Vertical
from exchange.core import clock
from exchange.core.db import save
from exchange.core.money import Money
from exchange.market.contract_models import Contract, ContractStatus, ContractTerms
from exchange.market.contract_terms import Terms
from exchange.market.models import PricingModel
from tests.cast import Player
from tests.factories.catalog import make_vertical


def make_contract(
    buyer: Player,
    vertical: Vertical | None = None,
    *,
    price: int = 5_000,
    status: ContractStatus = ContractStatus.ACTIVE,
    pricing_model: PricingModel = PricingModel.CPL,
    **asked: Any,
) -> Contract:
    """An active contract of the buyer at `price` minor units; `asked` goes into its terms."""
    vertical = vertical or make_vertical()
    money = Money(price, vertical.currency)
    terms = Terms(**{"time_zone": vertical.time_zone, **asked})
    contract = save(
        Contract(
            organization_id=buyer.organization.id,
            vertical_id=vertical.id,
            schema_id=catalog.get_schema(vertical).id,
            name="Standing order",
            status=status,
            pricing_model=pricing_model,
            price=money,
            ranked_at=clock.now(),
            changed_at=clock.now(),
        )
    )
    save(ContractTerms(contract_id=contract.id, version=1, price=money, content=terms.to_json()))
    return contract
