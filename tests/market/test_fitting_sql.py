"""What a contract asks reads the same in SQL as in the plain predicate."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import select, update

from exchange.core import ids
from exchange.core.db import db
from exchange.leads.models import Lead
from exchange.market import queries
from exchange.market.fitting import LeadFacts, fits
from exchange.market.models import Listing
from exchange.market.queries.fitting_sql import fits_sql
from tests.factories.leads import leads_of
from tests.factories.market import make_listing
from tests.market.asking import NOW, entries, facts

LISTINGS, LEADS = 4, 12
Met = list[tuple[Lead, LeadFacts]]


@pytest.fixture
def met(cast) -> Met:
    """Leads in the tables as the facts say: what is of a lot is the same for all its leads."""
    random, found = Random(11), []
    for number in range(LISTINGS):
        seller = cast.seller if number % 2 else cast.other_seller
        listing = make_listing(seller, leads=LEADS)
        lot = facts(random)
        listing.quality_class, listing.bad_upper = lot.quality_class, lot.bad_upper
        listing.price = replace(listing.price, amount=lot.price_min)
        leads = leads_of(queries.get_batch_of(listing))
        found += [(lead, put(lead, listing, facts(random))) for lead in leads]
    db.session.flush()
    return found


def put(lead: Lead, listing: Listing, said: LeadFacts) -> LeadFacts:
    values = {
        "attributes": said.attributes,
        "kind": said.kind,
        "region": said.region,
        "postal_code": said.postal_code,
        "requested_at": said.requested_at,
        "checked_at": NOW if said.is_checked else None,
    }
    db.session.execute(update(Lead).where(Lead.id == lead.id).values(**values))
    return replace(
        said,
        quality_class=listing.quality_class,
        bad_upper=listing.bad_upper,
        price_min=listing.price.amount,
        seller=ids.encode("org", lead.organization_id),
        source=ids.encode("src", lead.source_id),
    )


quiet = [HealthCheck.function_scoped_fixture]


@settings(max_examples=150, deadline=None, suppress_health_check=quiet)
@given(entry=entries())
def test_sql_is_the_predicate(met, entry):
    sellers, sources = (sorted({getattr(f, name) for _, f in met}) for name in ("seller", "source"))
    # The parties of the properties are nobody here: every second one becomes somebody.
    terms = replace(
        entry.terms,
        sellers_only=entry.terms.sellers_only and (*entry.terms.sellers_only[1:], sellers[0]),
        sellers_never=entry.terms.sellers_never and (*entry.terms.sellers_never[1:], sellers[-1]),
        sources_never=entry.terms.sources_never and (*entry.terms.sources_never[1:], sources[0]),
    )
    price = entry.price_at(NOW)
    found = db.session.scalars(
        select(Lead.id)
        .join(Listing, Listing.batch_id == Lead.batch_id)
        .where(*fits_sql(terms, price=price, now=NOW))
    )
    expected = {lead.id for lead, said in met if fits(terms, said, price=price, now=NOW)}
    assert set(found) == expected
