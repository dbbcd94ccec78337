"""Lists of people: hashed as they come, asked at intake, at the order and in the delivery."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from exchange.core import clock, events
from exchange.core.actors import SYSTEM
from exchange.core.db import db, save, unit_of_work
from exchange.core.errors import Forbidden, Gone, Invalid, NotFound
from exchange.fulfillment.models import Delivery, DeliveryStatus
from exchange.fulfillment.services import deliveries
from exchange.leads import people
from exchange.leads.models import ContactChannel, LeadStatus, SuppressionEntry
from exchange.leads.rights import ListPurpose, PersonList
from exchange.leads.services import person_lists
from exchange.market import queries
from exchange.market.models import LineStatus, OrderStatus
from tests.factories.billing import fund_wallet
from tests.factories.fulfillment import fresh
from tests.factories.leads import leads_of, make_batch, make_person
from tests.factories.market import make_listing, place

SUPPRESSED, KNOWN = ListPurpose.SUPPRESSED, ListPurpose.KNOWN


def add(player, *lines, purpose=SUPPRESSED, everybody=False, **options) -> PersonList:
    given = {
        "channel": ContactChannel.ANY,
        "name": "Register of last month",
        "listed_on": None,
        "region": "US",
        **options,
    }
    with unit_of_work():
        return person_lists.add_list(
            organization_id=None if everybody else player.organization.id,
            purpose=purpose,
            text="\n".join(lines),
            actor=player.actor,
            **given,
        )


def one_sale(cast):
    """A listing of one lead, and its person."""
    person = make_person()
    return make_listing(cast.seller, people=[person]), person


@pytest.fixture
def undelivered(cast, monkeypatch):
    """An order that waits for its delivery, as another channel than the portal leaves it."""
    monkeypatch.setitem(events.LISTENERS, "order.confirmed", [])
    fund_wallet(cast.buyer)
    people_of = [make_person(), make_person()]
    order = place(cast.buyer, make_listing(cast.seller, people=people_of), 2)
    by = clock.now() + timedelta(hours=24)
    save(Delivery(order_id=order.id, organization_id=order.buyer_id, deliver_by=by))
    db.session.commit()
    return order, people_of


class TestReading:
    def test_lines_are_counted_and_nothing_readable_is_kept(self, cast):
        found = add(
            cast.seller,
            "Phone;E-mail",
            "+1 614 234 5678; ann.lee@example.com",
            "(614) 234-5678",
            "not a person",
            "",
            "bob@example.com",
        )
        counts = (found.lines_taken, found.lines_repeated, found.lines_bad)
        assert counts == (2, 1, 1)
        assert people.count_people(owner_id=cast.seller.organization.id) == 3
        kept = db.session.execute(text("SELECT row_to_json(e)::text FROM suppression_entry e"))
        assert not any(word in row[0] for row in kept for word in ("614234", "lee", "bob"))

    def test_it_is_read_as_a_file_is(self, cast):
        lines = ("Bob.Smith+news@GMAIL.com", "8 (916) 123-45-67")
        add(cast.seller, *lines, region="RU")
        again = add(cast.seller, "bobsmith@googlemail.com", "+7 916 123 45 67", region="US")
        hashes = select(SuppressionEntry.hash).where(SuppressionEntry.list_id == again.id)
        found = people.suppressed_hashes(
            set(db.session.scalars(hashes)), seller_id=cast.seller.organization.id
        )
        assert len(found) == 2
        assert people.count_people(owner_id=cast.seller.organization.id) == 2

    @pytest.mark.parametrize("lines", [("",), ("nobody",), ("name", "x")])
    def test_a_text_without_people_is_refused(self, cast, lines):
        with pytest.raises(Invalid):
            add(cast.seller, *lines)

    def test_a_list_of_tomorrow_is_refused(self, cast):
        with pytest.raises(Invalid):
            add(cast.seller, "a@example.com", listed_on=clock.now().date() + timedelta(days=1))

    def test_only_a_buyer_knows_people(self, cast):
        with pytest.raises(Forbidden):
            add(cast.seller, "a@example.com", purpose=KNOWN)

    def test_an_event_says_how_many_and_not_who(self, cast):
        add(cast.seller, "ann.lee@example.com")
        kinds = select(events.Event).where(events.Event.type == "person_list.added")
        event = db.session.scalars(kinds).one()
        assert event.facts == {"purpose": "suppressed", "lines": 1}


class TestWhoIsStopped:
    def test_the_exchanges_list_stops_every_sale(self, cast, run_jobs):
        listing, person = one_sale(cast)
        fund_wallet(cast.buyer)
        add(cast.admin, person["phone"], everybody=True)
        with pytest.raises(Gone):
            place(cast.buyer, listing, 1)
        run_jobs()
        (lead,) = leads_of(queries.get_batch_of(listing))
        assert lead.status is LeadStatus.SUPPRESSED

    @pytest.mark.parametrize("channel", list(ContactChannel))
    def test_whatever_the_channel(self, cast, channel):
        listing, person = one_sale(cast)
        fund_wallet(cast.buyer)
        add(cast.admin, person["email"], everybody=True, channel=channel)
        with pytest.raises(Gone):
            place(cast.buyer, listing, 1)

    def test_a_sellers_list_stops_that_sellers_leads_only(self, cast, run_jobs):
        listing, person = one_sale(cast)
        fund_wallet(cast.buyer)
        add(cast.other_seller, person["phone"])
        mine = add(cast.seller, make_person()["phone"])
        run_jobs()
        assert fresh(mine).applied_at is not None
        assert place(cast.buyer, listing, 1).quantity == 1

    def test_a_sellers_own_leads_leave_sale(self, cast, run_jobs):
        listing, person = one_sale(cast)
        add(cast.seller, person["phone"])
        run_jobs()
        (lead,) = leads_of(queries.get_batch_of(listing))
        assert lead.status is LeadStatus.SUPPRESSED

    @pytest.mark.parametrize("purpose", [SUPPRESSED, KNOWN])
    def test_a_buyers_list_stops_that_buyer_only(self, cast, run_jobs, purpose):
        listing, person = one_sale(cast)
        for buyer in (cast.buyer, cast.other_buyer):
            fund_wallet(buyer)
        add(cast.buyer, person["email"], purpose=purpose)
        run_jobs()
        with pytest.raises(Gone):
            place(cast.buyer, listing, 1)
        assert place(cast.other_buyer, listing, 1).quantity == 1

    def test_a_list_of_one_number_points_at_nobody(self, cast):
        """Which lead is that person's would be told by the one that goes missing."""
        listing = make_listing(cast.seller, people=[make_person(), known := make_person()])
        viewer = cast.buyer.organization.id
        before = queries.sellable_leads(listing, viewer=viewer).items
        add(cast.buyer, known["phone"], purpose=KNOWN)
        assert queries.sellable_leads(listing, viewer=viewer).items == before
        assert queries.count_sellable(listing, viewer=viewer) == 2
        assert queries.search(viewer=viewer, filters=queries.Filters()).items[0].available == 2

    def test_a_listed_person_is_passed_over_and_not_counted_out_loud(self, cast):
        people = [known := make_person(), *(make_person() for _ in range(3))]
        listing = make_listing(cast.seller, people=people)
        fund_wallet(cast.buyer)
        add(cast.buyer, known["phone"], purpose=KNOWN)
        for asked, left in ((5, 4), (1_000, 4)):  # as many as everybody sees
            with pytest.raises(Gone) as refused:
                place(cast.buyer, listing, asked)
            assert refused.value.facts == {"left": left}
        order = place(cast.buyer, listing, 3)
        assert order.quantity == 3


class TestRemoval:
    def test_a_removed_list_holds_no_longer(self, cast):
        listing, person = one_sale(cast)
        fund_wallet(cast.buyer)
        mine = add(cast.buyer, person["email"], purpose=KNOWN)
        owner = cast.buyer.organization.id
        person_lists.remove_list(list_id=mine.id, organization_id=owner, actor=cast.buyer.actor)
        assert db.session.scalar(select(func.count()).select_from(SuppressionEntry)) == 0
        assert place(cast.buyer, listing, 1).quantity == 1

    def test_what_another_list_says_stays(self, cast):
        person = make_person()
        first, _ = add(cast.buyer, person["phone"]), add(cast.buyer, person["phone"])
        owner = cast.buyer.organization.id
        person_lists.remove_list(list_id=first.id, organization_id=owner, actor=cast.buyer.actor)
        assert people.count_people(owner_id=owner) == 1

    def test_one_person_leaves_all_lists_of_the_purpose(self, cast):
        person = make_person()
        for purpose in (SUPPRESSED, SUPPRESSED, KNOWN):
            add(cast.buyer, person["phone"], purpose=purpose)
        owner = cast.buyer.organization.id
        gone = person_lists.remove_person(
            organization_id=owner,
            purpose=SUPPRESSED,
            person=person["phone"],
            region="US",
            actor=cast.buyer.actor,
        )
        assert gone == 2
        assert people.count_people(owner_id=owner) == 1

    def test_nobody_elses_list_can_be_removed(self, cast):
        mine = add(cast.buyer, "a@example.com")
        other = cast.other_buyer
        for owner in (other.organization.id, None):
            with pytest.raises(NotFound):
                person_lists.remove_list(list_id=mine.id, organization_id=owner, actor=other.actor)


class TestInTheDelivery:
    @pytest.mark.parametrize("who", ["admin", "seller", "buyer"])
    def test_whoever_is_listed_after_the_order_is_not_delivered(self, cast, undelivered, who):
        order, (first, _) = undelivered
        add(getattr(cast, who), first["phone"], everybody=who == "admin")
        delivery = db.session.scalars(select(Delivery)).one()
        deliveries.deliver(delivery_id=delivery.id, actor=SYSTEM)
        counts = queries.tally(order).counts
        assert counts == {LineStatus.RELEASED: 1, LineStatus.DELIVERED: 1}

    def test_a_list_of_somebody_elses_stops_nothing(self, cast, undelivered):
        order, (first, _) = undelivered
        add(cast.other_buyer, first["phone"])
        add(cast.other_seller, first["phone"])
        delivery = db.session.scalars(select(Delivery)).one()
        deliveries.deliver(delivery_id=delivery.id, actor=SYSTEM)
        assert queries.tally(order).counts == {LineStatus.DELIVERED: 2}

    def test_what_waits_is_stopped_before_it_is_due(self, cast, undelivered, run_jobs):
        order, listed = undelivered
        add(cast.admin, *(person["phone"] for person in listed), everybody=True)
        db.session.commit()
        run_jobs()
        assert queries.tally(order).counts == {LineStatus.RELEASED: 2}
        assert fresh(order).status is OrderStatus.CANCELLED
        assert db.session.scalars(select(Delivery)).one().status is DeliveryStatus.CANCELLED

    def test_the_sweep_finds_what_redis_forgot(self, cast, undelivered, run_jobs, sweep):
        order, (first, _) = undelivered
        found = add(cast.admin, first["phone"], everybody=True)
        person_lists.apply_list(list_id=found.id)
        sweep("fulfillment.stop")
        run_jobs()
        assert queries.tally(order).counts[LineStatus.RELEASED] == 1


def test_a_row_that_came_in_at_the_same_moment_is_found_by_the_second_look(
    cast, run_jobs, sweep, monkeypatch
):
    person = make_person()
    found = add(cast.admin, person["phone"], everybody=True)
    person_lists.apply_list(list_id=found.id)
    with monkeypatch.context() as beside:  # written by who had asked before
        beside.setattr(people, "suppressed_hashes", lambda *_, **__: set())
        (lead,) = leads_of(make_batch(cast.seller, people=[person]))
    clock.advance(people.SECOND_LOOK)
    sweep("leads.apply_list")
    run_jobs()
    assert fresh(lead).status is LeadStatus.SUPPRESSED
    sweep("leads.apply_list")
    assert run_jobs() == 0  # and there is no third


def test_no_event_holds_a_contact(cast, run_jobs):
    listing, person = one_sale(cast)
    add(cast.seller, person["phone"], person["email"])
    run_jobs()
    facts = json.dumps([event.facts for event in db.session.scalars(select(events.Event))])
    assert person["phone"] not in facts
    assert person["email"] not in facts
    assert listing is not None
