"""Suppression and delivery at the same moment, on a database where commits are real.

Whichever comes first, nobody is delivered after they were suppressed. The control delivers without
asking and must break that, or the test would prove nothing.
"""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import pytest
from sqlalchemy import select

from exchange.core import clock, events
from exchange.core.actors import SYSTEM
from exchange.core.db import db, unit_of_work
from exchange.fulfillment.models import Delivery
from exchange.fulfillment.services import deliveries
from exchange.leads import queries as queries_of_leads
from exchange.leads import rows
from exchange.leads.models import (
    ContactChannel,
    Fingerprint,
    Lead,
    LeadStatus,
    ProblemRow,
    SuppressionEntry,
)
from exchange.leads.people import hashes_of
from exchange.leads.rights import ListPurpose, RevocationVia
from exchange.leads.services import person_lists, repeats, revocations, writing
from exchange.market import queries
from exchange.market.models import LineStatus, OrderLine
from tests.cast import Cast, make_cast
from tests.factories.billing import fund_wallet
from tests.factories.leads import leads_of, make_batch, make_person
from tests.factories.market import make_listing, place
from tests.racing import meeting, patiently, race

pytestmark = pytest.mark.commits
ORDERS = 12


@pytest.fixture
def cast(committed) -> Cast:
    return make_cast()


@pytest.fixture
def waiting(cast, monkeypatch):
    """Orders of one lead each that wait for their delivery, and the person behind each."""
    monkeypatch.setitem(events.LISTENERS, "order.confirmed", [])
    found = []
    people = [make_person() for _ in range(ORDERS)]
    listing = make_listing(cast.seller, people=people)
    fund_wallet(cast.buyer)
    by_id = dict(
        zip([lead.id for lead in leads_of(queries.get_batch_of(listing))], people, strict=True)
    )
    for lead_id, person in by_id.items():
        order = place(cast.buyer, listing, lead_ids=[lead_id])
        delivery = Delivery(
            order_id=order.id, organization_id=order.buyer_id, deliver_by=clock.now()
        )
        db.session.add(delivery)
        db.session.flush()
        found.append((delivery.id, lead_id, person))
    db.session.commit()
    return found


def deliver(delivery_id: UUID):
    def once() -> str:
        with unit_of_work():
            deliveries.deliver(delivery_id=delivery_id, actor=SYSTEM)
        return "delivered"

    return lambda: patiently(once)


def withdraw(person: str):
    def once() -> str:
        with unit_of_work():
            made = revocations.revoke(
                person=person, region="US", via=RevocationVia.PAGE, actor=SYSTEM
            )
        with unit_of_work():
            revocations.apply_revocation(revocation_id=made.id)
        return "withdrawn"

    return lambda: patiently(once)


def enlist(cast: Cast, person: str):
    owner, actor = cast.buyer.organization.id, cast.buyer.actor

    def once() -> str:
        with unit_of_work():
            person_lists.add_list(
                organization_id=owner,
                purpose=ListPurpose.KNOWN,
                channel=ContactChannel.ANY,
                name="CRM",
                listed_on=None,
                text=person,
                region="US",
                actor=actor,
            )
        return "listed"

    return lambda: patiently(once)


def delivered() -> set[UUID]:
    statement = select(OrderLine.lead_id).where(OrderLine.status == LineStatus.DELIVERED)
    return set(db.session.scalars(statement))


def listed_before(lead_ids: set[UUID]) -> set[UUID]:
    """Which of these leads were delivered although their entry was committed before."""
    late = set()
    for lead_id in lead_ids:
        entry = db.session.scalar(
            select(SuppressionEntry.created_at).where(
                SuppressionEntry.hash.in_(hashes_of([lead_id]))
            )
        )
        line = db.session.scalars(select(OrderLine).where(OrderLine.lead_id == lead_id)).one()
        if entry and entry < line.delivered_at:
            late.add(lead_id)
    return late


def test_suppression_committed_between_order_and_delivery_always_wins(committed, cast, waiting):
    early, racing = waiting[: ORDERS // 2], waiting[ORDERS // 2 :]
    race(committed, [withdraw(person["phone"]) for _, _, person in early[:3]])
    race(committed, [enlist(cast, person["email"]) for _, _, person in early[3:]])
    clients = [
        client
        for delivery_id, _, person in racing
        for client in (deliver(delivery_id), withdraw(person["phone"]))
    ]
    outcomes = race(committed, [*clients, *(deliver(one) for one, _, _ in early)])
    assert outcomes == {"delivered": ORDERS, "withdrawn": len(racing)}
    assert delivered().isdisjoint({lead_id for _, lead_id, _ in early})
    # Each of the others was delivered or stopped, and never both.
    lines = db.session.scalars(select(OrderLine)).all()
    assert {line.status for line in lines} <= {LineStatus.DELIVERED, LineStatus.RELEASED}
    assert len(lines) == ORDERS


@pytest.mark.control
def test_a_delivery_that_does_not_ask_breaks_it(committed, cast, waiting, monkeypatch):
    monkeypatch.setattr(deliveries, "_undeliverable", lambda _ids, **_others: set())
    race(committed, [withdraw(person["phone"]) for _, _, person in waiting])
    race(committed, [deliver(delivery_id) for delivery_id, _, _ in waiting])
    late = {lead_id for _, lead_id, _ in waiting}
    assert delivered() == late
    assert listed_before(late) == late


def test_repeats_of_one_lead_at_once_are_all_counted(committed, cast):
    batch = make_batch(cast.seller, leads=2)
    ids = [lead.id for lead in leads_of(batch)]
    source = batch.source_id
    db.session.commit()

    def once() -> str:
        with unit_of_work():
            at = clock.now()
            repeats.attach([repeats.Repeat(one, at, source) for one in reversed(ids)])
        return "attached"

    assert race(committed, [lambda: patiently(once)] * 20) == {"attached": 20}
    leads = db.session.scalars(select(Lead)).all()
    assert [lead.asks for lead in leads] == [21, 21]
    assert {lead.status for lead in leads} == {LeadStatus.VALID}


SELLERS = 10


@pytest.fixture
def opened(cast) -> None:
    """The vertical is there before anybody comes, and what its first lot writes once."""
    make_batch(cast.seller, leads=1)
    db.session.commit()


def post_the_same_person(committed, cast) -> Counter[str]:
    """Ten lots at once with one person in all of them; what became of the row, by how often."""
    person = make_person()
    sellers = [cast.seller, cast.other_seller]

    def post(number: int):
        def once() -> str:
            with unit_of_work():
                source = f"source {number}"
                batch = make_batch(
                    sellers[number % 2], people=[person, make_person()], source=source
                )
                return "live" if batch.duplicate == 0 else "duplicate"

        return lambda: patiently(once)

    return race(committed, [post(number) for number in range(SELLERS)])


@pytest.mark.usefixtures("opened")
def test_one_of_ten_posts_of_the_same_person_lives(committed, cast):
    assert post_the_same_person(committed, cast) == {"live": 1, "duplicate": SELLERS - 1}
    refused = db.session.scalars(select(ProblemRow)).all()
    assert {tuple(row.codes) for row in refused} == {("duplicate_in_window",)}
    since = {row.since for row in refused}
    assert len(since) == 1  # all of them are told since when, and not through whom
    assert since <= set(db.session.scalars(select(Fingerprint.since)))


@pytest.mark.control
@pytest.mark.usefixtures("opened")
def test_looking_before_writing_lets_several_live(committed, cast, monkeypatch):
    """As a program does that knows nothing of others: everybody looks before anybody writes."""
    meet = meeting(SELLERS)

    def look_then_write(claims, *, vertical_id, now, window):
        known = queries_of_leads.known_people(vertical_id, {v for c in claims for v in c.hashes})
        meet()
        rows.claim_fingerprints(claims, vertical_id=vertical_id, now=now, window=window)
        return {claim.lead_id for claim in claims if not known.keys().isdisjoint(claim.hashes)}

    monkeypatch.setattr(writing, "claim_fingerprints", look_then_write)
    assert post_the_same_person(committed, cast) == {"live": SELLERS}
