"""What a contract asks, resolved: spans of days are dates, a radius is postal codes."""

from __future__ import annotations

from datetime import date

import pytest

from exchange.catalog import places
from exchange.catalog.criteria import All, Between, Not, Within
from exchange.core.errors import NotFound
from exchange.market import queries
from exchange.market.contract_terms import Radius
from tests.catalog.test_places import AROUND
from tests.factories.catalog import make_vertical
from tests.factories.contracts import make_contract

DAY = date(2026, 11, 22)


def test_a_contract_is_its_buyers(cast):
    contract = make_contract(cast.buyer)
    assert queries.get_contract(contract.id, viewer=cast.buyer.organization.id) is contract
    with pytest.raises(NotFound):
        queries.get_contract(contract.id, viewer=cast.other_buyer.organization.id)


def test_spans_of_days_are_dates_of_the_day(cast):
    vertical = make_vertical("car_insurance_ru")
    ends_soon = Within("policy_ends_on", 0, 30)
    contract = make_contract(cast.buyer, vertical, criteria=All((Not(ends_soon),)))
    assert queries.terms_of(contract).criteria == All((Not(ends_soon),))
    found = queries.resolved_terms(contract, DAY)
    assert found.criteria == All((Not(Between("policy_ends_on", "2026-11-22", "2026-12-22")),))


def test_a_lead_fits_by_its_postal_code_or_by_the_radius(cast):
    places.import_places(AROUND)
    contract = make_contract(cast.buyer, radius=Radius("10001", 5), postal_codes=("60601", "07030"))
    found = queries.resolved_terms(contract, DAY)
    assert found.postal_codes == ("60601", "07030", "10001")
    assert found.radius is None


def test_a_radius_never_widens_to_everywhere(cast):
    """Without places it is its own center alone: no codes at all would mean any."""
    contract = make_contract(cast.buyer, radius=Radius("10001", 5))
    assert queries.resolved_terms(contract, DAY).postal_codes == ("10001",)
