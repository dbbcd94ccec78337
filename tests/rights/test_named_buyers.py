"""A consent that names buyers is for them alone; a vertical may want every consent to name some."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from exchange.catalog.definition import problems
from exchange.catalog.schemas import load_preset
from exchange.catalog.services import publish_vertical
from exchange.core.actors import SYSTEM
from exchange.core.db import db
from exchange.core.errors import Gone
from exchange.leads import naming, people
from exchange.leads.rights import ConsentBuyer
from exchange.leads.services import named_buyers
from exchange.market import queries
from exchange.market.queries.stock import names_of_buyer
from tests.factories.billing import fund_wallet
from tests.factories.leads import leads_of
from tests.factories.market import make_listing, place


def name(listing, *texts: str) -> None:
    """Names in the consents of the listing's leads, in their order."""
    leads = leads_of(queries.get_batch_of(listing))
    named_buyers.write({lead.id: given for lead, given in zip(leads, texts, strict=False)})


@pytest.fixture
def listing(cast):
    for buyer in (cast.buyer, cast.other_buyer):
        fund_wallet(buyer)
    return make_listing(cast.seller, leads=2)


class TestNames:
    @pytest.mark.parametrize(
        ("given", "names"),
        [
            ("", ()),
            ("Acme, Inc.; Best Roofs", ("acme, inc.", "best roofs")),
            ("ACME  Inc|acme inc", ("acme inc",)),
            ("Первая\nВторая", ("первая", "вторая")),
            (" ; ;", ()),
        ],
    )
    def test_a_cell_is_split_and_folded(self, given, names):
        assert naming.split_names(given) == names

    def test_an_organization_is_found_by_each_of_its_names(self, cast):
        ours = cast.buyer.organization
        found = names_of_buyer(ours.id)
        for given in (ours.trade_name.upper(), ours.name, ours.public_id):
            assert naming.fold(given) in found


class TestSale:
    def test_only_a_buyer_who_is_named_gets_the_lead(self, cast, listing):
        name(listing, cast.buyer.organization.trade_name)
        with pytest.raises(Gone) as refused:
            place(cast.other_buyer, listing, 2)
        assert refused.value.facts == {"left": 1}
        assert place(cast.buyer, listing, 2).quantity == 2

    def test_by_legal_name_and_by_id(self, cast, listing):
        ours = cast.buyer.organization
        name(listing, ours.name, f"Somebody; {ours.public_id}")
        assert place(cast.buyer, listing, 2).quantity == 2

    def test_others_are_not_shown_it(self, cast, listing):
        name(listing, "Somebody Else")
        viewer = cast.buyer.organization.id
        assert queries.count_sellable(listing, viewer=viewer) == 1
        assert queries.search(viewer=viewer, filters=queries.Filters()).items[0].available == 1

    def test_where_every_consent_must_name_one_the_others_are_not_sold(self, cast, listing):
        definition = load_preset("home_improvement_us")
        spec = next(s for s in definition.fields.specs if s.name == "consent_url")
        field = replace(spec, name="consent_buyers", required=True)
        consent = replace(definition.terms.consent, named_buyer_required=True)
        strict = replace(definition, terms=replace(definition.terms, consent=consent))
        assert [p.code for p in problems(strict)] == ["field_missing"]
        assert field.is_record_field
        name(listing, cast.buyer.organization.trade_name)
        _demand_names(queries.get_batch_of(listing).vertical_id)
        with pytest.raises(Gone) as refused:
            place(cast.buyer, listing, 2)
        assert refused.value.facts == {"left": 1}


def _demand_names(vertical_id) -> None:
    """The policy in force, as an operator's next version of the terms would have it."""
    db.session.execute(
        text(
            "INSERT INTO vertical_terms (id, vertical_id, version, content)"
            " SELECT gen_random_uuid(), vertical_id, version + 1, jsonb_set(content,"
            " '{consent,named_buyer_required}', 'true') FROM vertical_terms"
            " WHERE vertical_id = :id ORDER BY version DESC LIMIT 1"
        ),
        {"id": vertical_id},
    )
    db.session.execute(
        text("UPDATE vertical SET terms_version = terms_version + 1 WHERE id = :id"),
        {"id": vertical_id},
    )
    db.session.expire_all()


def test_what_a_consent_names_is_never_edited(cast, listing):
    name(listing, "Somebody")
    assert db.session.scalars(select(ConsentBuyer.name)).all() == ["somebody"]
    with pytest.raises(DBAPIError), db.session.begin_nested():
        db.session.execute(text("UPDATE consent_buyer SET name = 'x'"))


def test_names_of_leads_that_were_not_written_are_dropped(cast):
    named_buyers.write({cast.buyer.organization.id: "Somebody"})
    assert db.session.scalars(select(ConsentBuyer)).all() == []
    assert people.named_for([], ["x"]) == set()


def test_publishing_the_same_definition_again_changes_nothing(cast):
    definition = load_preset("home_improvement_us")
    first = publish_vertical(definition=definition, actor=SYSTEM).terms_version
    assert publish_vertical(definition=definition, actor=SYSTEM).terms_version == first
