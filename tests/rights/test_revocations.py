"""Withdrawals: they hold at once, for everybody, and say nothing of whether somebody is known."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db, unit_of_work
from exchange.core.errors import Gone, Invalid
from exchange.core.events import Event
from exchange.leads import people
from exchange.leads.models import LeadStatus, SuppressionEntry
from exchange.leads.rights import Revocation, RevocationVia
from exchange.leads.services import revocations
from exchange.market import queries
from exchange.notifications.models import Notice
from tests.conftest import count_statements
from tests.factories.billing import fund_wallet
from tests.factories.fulfillment import buy, fresh
from tests.factories.leads import leads_of, make_batch, make_person
from tests.factories.market import make_listing, place


def revoke(person: str, **options) -> Revocation:
    with unit_of_work():
        return revocations.revoke(
            person=person, region="US", via=RevocationVia.PAGE, actor=SYSTEM, **options
        )


class TestRevoke:
    def test_it_holds_before_any_job_has_run(self, cast):
        person = make_person()
        listing = make_listing(cast.seller, people=[person])
        fund_wallet(cast.buyer)
        revoke(person["phone"])
        with pytest.raises(Gone):
            place(cast.buyer, listing, 1)

    def test_leads_leave_sale_in_every_lot(self, cast, run_jobs):
        person = make_person()
        again = {**person, "phone": make_person()["phone"]}
        window = timedelta(0)
        lots = [
            make_batch(seller, people=[one], window=window)
            for seller, one in ((cast.seller, person), (cast.other_seller, again))
        ]
        found = revoke(person["phone"])
        run_jobs()
        assert [leads_of(lot)[0].status for lot in lots] == [LeadStatus.SUPPRESSED] * 2
        assert fresh(found).leads == 2

    def test_the_other_identities_of_the_person_are_suppressed_too(self, cast, run_jobs):
        person = make_person()
        (lead,) = leads_of(make_batch(cast.seller, people=[person]))
        revoke(person["phone"])
        run_jobs()
        assert people.suppressed_hashes(people.hashes_of([lead.id])) == people.hashes_of([lead.id])

    def test_holders_are_told(self, cast, run_jobs):
        person = make_person()
        (line,) = buy(cast.buyer, make_listing(cast.seller, people=[person]))
        db.session.commit()
        revoke(person["email"])
        run_jobs()
        notice = db.session.scalars(select(Notice).where(Notice.kind == "revocation.applied")).one()
        assert notice.organization_id == cast.buyer.organization.id
        assert notice.facts == {"line": line.public_id}

    def test_it_is_an_event_with_a_receipt(self, cast):
        found = revoke("nobody@example.com")
        event = db.session.scalars(select(Event).where(Event.type == "consent.revoked")).one()
        assert event.subject_id == found.id
        assert found.public_id.startswith("rvc_")

    def test_twice_is_fine(self, cast, run_jobs):
        for _ in range(2):
            revoke("nobody@example.com")
        run_jobs()
        assert len(db.session.scalars(select(SuppressionEntry)).all()) == 1

    @pytest.mark.parametrize("text", ["", "nobody", "12"])
    def test_what_cannot_be_read_is_refused_without_repeating_it(self, cast, text):
        with pytest.raises(Invalid) as refused:
            revoke(text)
        assert not text or text not in str(refused.value.errors)

    def test_the_sweep_finds_what_redis_forgot(self, cast, sweep, run_jobs):
        person = make_person()
        (lead,) = leads_of(make_batch(cast.seller, people=[person]))
        db.session.commit()
        revocations.revoke(person=person["phone"], region="US", via=RevocationVia.API, actor=SYSTEM)
        sweep("leads.apply_revocation")
        run_jobs()
        assert fresh(lead).status is LeadStatus.SUPPRESSED

    def test_the_second_look_says_nothing_twice(self, cast, sweep, run_jobs):
        person = make_person()
        buy(cast.buyer, make_listing(cast.seller, people=[person]))
        db.session.commit()
        revoke(person["email"])
        run_jobs()
        clock.advance(people.SECOND_LOOK)
        sweep("leads.apply_revocation")
        assert run_jobs() == 1
        kinds = select(Notice).where(Notice.kind == "revocation.applied")
        assert len(db.session.scalars(kinds).all()) == 1


def test_known_and_unknown_take_the_same_work(cast):
    person = make_person()
    make_batch(cast.seller, people=[person])
    revoke("somebody@example.com")  # the first one asks what the time is
    seen = []
    for text in (person["phone"], make_person()["phone"]):
        with count_statements() as statements:
            revoke(text)
        seen.append([one for one in statements if "SAVEPOINT" not in one])
    assert seen[0] == seen[1]


def test_a_lot_can_be_bought_of_without_them(cast, run_jobs):
    person = make_person()
    listing = make_listing(cast.seller, people=[person, make_person()])
    fund_wallet(cast.buyer)
    revoke(person["phone"])
    run_jobs()
    assert queries.count_sellable(listing, viewer=cast.buyer.organization.id) == 1
    assert place(cast.buyer, listing, 1).quantity == 1
