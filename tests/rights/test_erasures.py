"""Erasure: the person is gone from every lot, their holders know, and what is public still agrees."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db
from exchange.core.errors import Gone, Invalid, NotFound
from exchange.core.events import Event
from exchange.fulfillment import queries as fulfillment
from exchange.fulfillment.models import ErasureNotice
from exchange.fulfillment.services import erasure_notices, reveals
from exchange.leads import people, queries, seal
from exchange.leads.models import Contact, Fingerprint, LeadStatus
from exchange.leads.rights import Erasure
from exchange.leads.services import erasures, posts
from exchange.market.models import LineStatus
from exchange.notifications.models import Notice
from tests.factories.billing import fund_wallet
from tests.factories.fulfillment import buy, fresh
from tests.factories.leads import leads_of, make_batch, make_person
from tests.factories.market import make_listing, place
from tests.factories.posts import make_body, make_terms


def erase(person: str, **options) -> Erasure:
    return erasures.erase(person=person, region="US", actor=SYSTEM, **options)


class TestErase:
    def test_the_person_is_destroyed_in_every_lot(self, cast):
        person = make_person()
        options = {"people": [person, make_person()], "window": timedelta(0)}
        lots = [make_batch(seller, **options) for seller in (cast.seller, cast.other_seller)]
        found = erase(person["phone"])
        gone = [leads_of(lot)[0] for lot in lots]
        assert [lead.status for lead in gone] == [LeadStatus.PURGED] * 2
        assert [(lead.preview, lead.attributes) for lead in gone] == [({}, {})] * 2
        assert found.contacts == 2
        assert sorted(found.lead_ids) == sorted(lead.public_id for lead in gone)
        kept = [leads_of(lot)[1] for lot in lots]
        assert db.session.get(Contact, kept[0].id) is not None
        assert kept[0].status is LeadStatus.VALID

    def test_nothing_of_the_person_is_in_the_tables(self, cast):
        person = make_person()
        make_batch(cast.seller, people=[person])
        erase(person["email"])
        digits = person["phone"][-7:]
        for table in ("lead", "contact", "event", "erasure", "suppression_entry", "fingerprint"):
            rows = db.session.execute(text(f"SELECT row_to_json(t)::text FROM {table} t"))
            assert not any(digits in row[0] or person["email"] in row[0] for row in rows), table

    def test_they_never_come_in_again(self, cast):
        person = make_person()
        make_batch(cast.seller, people=[person])
        found = erase(person["phone"])
        assert people.suppressed_hashes(found.hashes) == set(found.hashes)
        assert len(found.hashes) == 2  # the e-mail of the same lead too

    def test_fingerprints_go_and_are_counted(self, cast):
        person = make_person()
        make_batch(cast.seller, people=[person])
        assert erase(person["phone"]).fingerprints == 2
        assert db.session.scalar(select(func.count()).select_from(Fingerprint)) == 0

    def test_by_a_lead(self, cast):
        (lead,) = leads_of(make_batch(cast.seller, leads=1))
        erasures.erase(lead_id=lead.id, actor=SYSTEM)
        assert fresh(lead).status is LeadStatus.PURGED
        with pytest.raises(NotFound):
            erasures.erase(lead_id=lead.id, actor=SYSTEM)

    def test_somebody_unknown_is_suppressed_all_the_same(self, cast):
        found = erase("nobody@example.com")
        assert (found.lead_ids, found.contacts) == ([], 0)
        assert people.suppressed_hashes(found.hashes) == set(found.hashes)

    def test_either_a_lead_or_a_person(self, cast):
        with pytest.raises(Invalid):
            erasures.erase(actor=SYSTEM)

    def test_what_waits_for_delivery_is_let_go_of(self, cast):
        person = make_person()
        listing = make_listing(cast.seller, people=[person])
        fund_wallet(cast.buyer)
        erase(person["phone"])
        with pytest.raises(Gone):
            place(cast.buyer, listing, 1)

    def test_the_published_root_still_agrees(self, cast):
        person = make_person()
        batch = make_batch(cast.seller, people=[make_person(), person, make_person()])
        root = batch.merkle_root
        erase(person["phone"])
        assert seal.merkle_root(queries.leaves(batch.id)) == root
        assert len(list(queries.leaves(batch.id))) == batch.population

    def test_the_second_look_finds_who_came_in_at_the_same_moment(
        self, cast, sweep, run_jobs, monkeypatch
    ):
        person = make_person()
        found = erase(person["phone"])
        with monkeypatch.context() as beside:  # written by who had asked before
            beside.setattr(people, "suppressed_hashes", lambda *_, **__: set())
            (lead,) = leads_of(make_batch(cast.seller, people=[person]))
        clock.advance(people.SECOND_LOOK)
        sweep("leads.look_again")
        run_jobs()
        assert fresh(lead).status is LeadStatus.PURGED
        assert fresh(found).lead_ids == [lead.public_id]
        sweep("leads.look_again")
        assert run_jobs() == 0


class TestHolders:
    @pytest.fixture
    def sold(self, cast):
        person = make_person()
        (line,) = buy(cast.buyer, make_listing(cast.seller, people=[person]))
        return person, line

    def test_the_contact_is_gone_for_whoever_bought_it(self, cast, sold):
        person, line = sold
        erase(person["phone"])
        viewer = cast.buyer.organization.id
        with pytest.raises(Gone) as refused:
            reveals.open_line(line_id=line.id, viewer=viewer, actor=cast.buyer.actor)
        assert refused.value.code == "contact_erased"
        exported = reveals.export_order(
            order_id=line.order_id, viewer=viewer, actor=cast.buyer.actor
        )
        assert exported == []
        assert fresh(line).status is LineStatus.DELIVERED  # the books stay as they are

    def test_a_buyer_is_told_and_answers(self, cast, sold):
        person, line = sold
        found = erase(person["phone"])
        notice = db.session.scalars(select(ErasureNotice)).one()
        assert (notice.organization_id, notice.line_ids) == (line.buyer_id, [line.public_id])
        told = db.session.scalars(select(Notice).where(Notice.kind == "erasure_notice.sent")).one()
        assert told.organization_id == line.buyer_id
        buyer = cast.buyer
        for _ in range(2):
            erasure_notices.acknowledge(
                notice_id=notice.id, viewer=buyer.organization.id, actor=buyer.actor
            )
        assert fresh(notice).acknowledged_by_id == buyer.user.id
        paper = fulfillment.certificate(found.id)
        assert (paper["buyers_told"], paper["buyers_answered"]) == (1, 1)
        kinds = select(func.count()).where(Event.type == "erasure_notice.acknowledged")
        assert db.session.scalar(kinds) == 1

    def test_nobody_else_can_answer(self, cast, sold):
        person, _ = sold
        erase(person["phone"])
        notice = db.session.scalars(select(ErasureNotice)).one()
        other = cast.other_buyer
        with pytest.raises(NotFound):
            erasure_notices.acknowledge(
                notice_id=notice.id, viewer=other.organization.id, actor=other.actor
            )

    def test_silence_is_reminded_of_each_week(self, cast, sold, sweep, run_jobs):
        person, _ = sold
        erase(person["phone"])
        repeated = select(func.count()).where(Notice.kind == "erasure_notice.repeated")
        for days, times in ((6, 0), (1, 1), (1, 1), (6, 2)):
            clock.advance(timedelta(days=days))
            sweep("fulfillment.remind")
            run_jobs()
            assert db.session.scalar(repeated) == times
        notice = db.session.scalars(select(ErasureNotice)).one()
        buyer = cast.buyer
        erasure_notices.acknowledge(
            notice_id=notice.id, viewer=buyer.organization.id, actor=buyer.actor
        )
        clock.advance(timedelta(days=8))
        sweep("fulfillment.remind")
        assert run_jobs() == 0

    def test_the_certificate_says_what_and_when_and_not_who(self, cast, sold):
        person, line = sold
        paper = fulfillment.certificate(erase(person["phone"]).id)
        assert paper["receipt"].startswith("era_")
        assert paper["destroyed"]["contacts_with_keys"] == 1
        printed = json.dumps(paper)
        assert person["phone"] not in printed
        assert person["email"] not in printed
        assert line.public_id not in printed


def test_where_a_posted_person_came_from_goes_too(cast):
    person = make_person()
    body = make_body(person, utm={"utm_source": "fb"}, landing_url="https://a.example/taylor")
    incoming = posts.Incoming(sent=body, via="api", raw=b"{}", ip="192.0.2.7", user_agent="A")
    terms = make_terms(cast.seller)
    made = posts.post_lead(terms_id=terms.id, incoming=incoming, actor=cast.seller.actor).post
    assert made.origin
    assert made.address_index
    erasures.erase(person=person["phone"], region="US", actor=SYSTEM)
    kept = fresh(made)
    assert (kept.origin, kept.address_index, kept.agent_index) == ({}, None, None)
