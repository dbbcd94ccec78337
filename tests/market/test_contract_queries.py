"""What a contract asks, resolved: spans of days are dates, a radius is postal codes."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from exchange.catalog import places
from exchange.catalog.criteria import All, Between, Not, Within
from exchange.core import clock
from exchange.core.db import db
from exchange.core.errors import NotFound
from exchange.leads.models import Lead
from exchange.market import queries
from exchange.market.contract_index import ContractIndex, Entry
from exchange.market.contract_terms import Radius
from exchange.market.fitting import fits
from exchange.market.models import Listing
from exchange.market.queries.fitting_sql import fits_sql
from exchange.market.queries.meeting import leads_of_listing
from tests.catalog.test_places import AROUND
from tests.factories.catalog import make_vertical
from tests.factories.contracts import make_contract
from tests.factories.market import make_listing

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


def test_an_american_add_on_is_inside_its_five_digits(cast):
    """For the index, in SQL and by the plain predicate; the buyer gets what the person wrote."""
    listing = make_listing(cast.seller, leads=2, values={"postal_code": "43085-1234"})
    leads, now = leads_of_listing(listing), clock.now()
    for codes, are_asked in ((("43085",), True), (("43215",), False)):
        contract = make_contract(cast.buyer, postal_codes=codes)
        terms, price = queries.resolved_terms(contract, DAY), contract.price.amount
        entry = Entry(contract.id, contract.organization_id, 1, price, contract.ranked_at, terms)
        for lead in leads:
            assert fits(terms, lead.facts, price=price, now=now) is are_asked
            assert list(ContractIndex([entry]).fitting(lead.facts, now)) == [entry] * are_asked
        asked = select(Lead).join(Listing, Listing.batch_id == Lead.batch_id)
        found = db.session.scalars(asked.where(*fits_sql(terms, price=price, now=now))).all()
        assert len(found) == len(leads) * are_asked
    assert {lead.facts.attributes["postal_code"] for lead in leads} == {"43085-1234"}


def test_a_radius_never_widens_to_everywhere(cast):
    """Without places it is its own center alone: no codes at all would mean any."""
    contract = make_contract(cast.buyer, radius=Radius("10001", 5))
    assert queries.resolved_terms(contract, DAY).postal_codes == ("10001",)
