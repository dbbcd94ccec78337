"""After an erasure nothing of the person is left anywhere, and what was published still agrees."""

from __future__ import annotations

import json

from sqlalchemy import select, text

from exchange.catalog.scripts import Outcome
from exchange.core.actors import SYSTEM
from exchange.core.db import db, get
from exchange.leads.models import Lead
from exchange.leads.services import erasures
from exchange.verification import queries
from exchange.verification.models import Verdict, VerificationTask
from exchange.verification.records import check_record
from tests.factories.fulfillment import buy, fresh
from tests.factories.leads import make_person
from tests.factories.market import make_listing
from tests.verification.support import claimed, everybody, inspection_at, make_sample, report, work

TABLES = """
    SELECT table_name FROM information_schema.tables
     WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
"""


def places(*words: str) -> list[str]:
    """Tables in which one of the words stands in any column."""
    found = []
    for table in db.session.scalars(text(TABLES)):
        rows = db.session.scalars(text(f'SELECT row_to_json(t)::text FROM "{table}" t'))
        if any(word in row for row in rows for word in words):
            found.append(table)
    return found


def test_no_table_knows_the_person_any_more(cast):
    person = {**make_person(), "name": "Zacharias Quill"}
    (line,) = buy(cast.buyer, make_listing(cast.seller, people=[person]))
    lead = get(Lead, line.lead_id)
    shown = [lead.preview["phone"], lead.preview["email"]]
    assert places(*shown) == ["lead"]
    erasures.erase(person=person["phone"], region="US", actor=SYSTEM)
    contacts = [person["email"], person["phone"], person["phone"][2:], "Quill"]
    assert places(*shown, *contacts) == []


def test_what_a_verifier_wrote_down_goes_too(cast):
    sample = make_sample(cast.seller)
    note = "Call her at 614 234 9999"
    verdict = report(cast.verifier, claimed(cast.verifier), Outcome.CONFIRMED, note=note)
    lead_id = inspection_at(sample, 1).lead_id
    assert verdict.lead_id == lead_id
    erasures.erase(lead_id=lead_id, actor=SYSTEM)
    kept = fresh(db.session.get(Verdict, verdict.id))
    assert (kept.note, kept.corrections, kept.code) == ("", {}, "confirmed")
    drafts = select(VerificationTask.draft).where(VerificationTask.id == verdict.task_id)
    assert db.session.scalars(drafts).all() == [{}]


def test_the_public_record_of_a_decided_lot_still_agrees(cast):
    sample = make_sample(cast.seller)
    work(cast.verifier, everybody(Outcome.CONFIRMED))
    before = queries.public_record(sample.batch_id)
    header, leaves = json.dumps(before.header), list(before.leaves())
    erasures.erase(lead_id=inspection_at(sample, 1).lead_id, actor=SYSTEM)
    after = queries.public_record(sample.batch_id)
    assert list(after.leaves()) == leaves
    assert json.dumps(after.header) == header
    checks = check_record(json.loads(json.dumps(after.header)), after.leaves)
    assert [check.piece for check in checks if not check.agrees] == []
