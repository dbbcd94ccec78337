"""Reveals: only what was paid for, only who may, never without a record."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from exchange.core.db import db
from exchange.core.errors import Conflict, Forbidden, Gone, NotFound
from exchange.core.events import Event
from exchange.fulfillment.services import returns, reveals
from exchange.fulfillment.services.reveals import Purpose
from exchange.identity.permissions import Permission
from exchange.leads.models import Contact
from exchange.market.models import LineStatus
from tests.factories.fulfillment import buy, make_line, make_return
from tests.factories.leads import make_person
from tests.factories.market import make_listing


def openings(lead_id=None) -> list[Event]:
    statement = select(Event).where(Event.type == "contact.opened").order_by(Event.id)
    if lead_id:
        statement = statement.where(Event.subject_id == lead_id)
    return list(db.session.scalars(statement))


def without(actor, permission):
    return replace(actor, permissions=actor.permissions - {permission})


class TestOpenLine:
    def test_gives_the_person_and_writes_down_who_looked_and_why(self, cast):
        person = make_person()
        (line,) = buy(cast.buyer, make_listing(cast.seller, people=[person]))
        opened = reveals.open_line(
            line_id=line.id, viewer=cast.buyer.organization.id, actor=cast.buyer.actor
        )
        assert opened.contact["phone"] == person["phone"]
        assert opened.contact["name"] == person["name"]
        (event,) = openings(line.lead_id)
        assert event.actor_id == cast.buyer.user.id
        assert event.actor_organization_id == cast.buyer.organization.id
        assert event.facts == {"purpose": "read"}

    def test_each_opening_is_an_event(self, cast):
        line = make_line(cast)
        for _ in range(3):
            reveals.open_line(
                line_id=line.id, viewer=cast.buyer.organization.id, actor=cast.buyer.actor
            )
        assert len(openings(line.lead_id)) == 3

    def test_does_not_print_the_person(self, cast):
        line = make_line(cast)
        opened = reveals.open_line(
            line_id=line.id, viewer=cast.buyer.organization.id, actor=cast.buyer.actor
        )
        assert opened.contact["phone"] not in repr(opened)

    def test_strangers_find_nothing(self, cast):
        line = make_line(cast)
        for stranger in (cast.other_buyer, cast.seller):
            with pytest.raises(NotFound):
                reveals.open_line(
                    line_id=line.id, viewer=stranger.organization.id, actor=stranger.actor
                )
        assert openings() == []

    def test_without_the_permission_nothing_is_opened_or_written(self, cast):
        line = make_line(cast)
        actor = without(cast.buyer.actor, Permission.CONTACT_OPEN)
        with pytest.raises(Forbidden):
            reveals.open_line(line_id=line.id, viewer=cast.buyer.organization.id, actor=actor)
        assert openings() == []

    def test_a_refunded_lead_is_closed_for_good(self, cast):
        line = make_line(cast)
        made = make_return(cast, line)
        returns.decide(
            return_id=made.id,
            outcome=returns.ReturnOutcome.APPROVED,
            explanation="Nobody of this name lives there.",
            actor=cast.admin.actor,
        )
        with pytest.raises(Gone) as refused:
            reveals.open_line(
                line_id=line.id, viewer=cast.buyer.organization.id, actor=cast.buyer.actor
            )
        assert refused.value.code == "refunded"

    def test_a_lead_that_is_not_delivered_is_closed(self, cast):
        line = make_line(cast)
        line.status = LineStatus.RESERVED  # as an order by another channel stands
        with db.session.no_autoflush, pytest.raises(Conflict):
            reveals.open_line(
                line_id=line.id, viewer=cast.buyer.organization.id, actor=cast.buyer.actor
            )
        db.session.expire(line)

    def test_an_erased_person_is_gone(self, cast):
        line = make_line(cast)
        db.session.delete(db.session.get(Contact, line.lead_id))
        db.session.flush()
        with pytest.raises(Gone) as refused:
            reveals.open_line(
                line_id=line.id, viewer=cast.buyer.organization.id, actor=cast.buyer.actor
            )
        assert refused.value.code == "contact_erased"


class TestOrders:
    def test_all_readable_lines_are_opened_and_recorded(self, cast):
        lines = buy(cast.buyer, make_listing(cast.seller, leads=5), 5)
        opened = reveals.open_order(
            order_id=lines[0].order_id,
            viewer=cast.buyer.organization.id,
            actor=cast.buyer.actor,
        )
        assert [one.line.id for one in opened] == [line.id for line in lines]
        assert {event.subject_id for event in openings()} == {line.lead_id for line in lines}

    def test_refunded_and_erased_leads_are_left_out(self, cast):
        lines = buy(cast.buyer, make_listing(cast.seller, leads=3), 3)
        made = make_return(cast, lines[0])
        returns.decide(
            return_id=made.id,
            outcome=returns.ReturnOutcome.APPROVED,
            explanation="Made up.",
            actor=cast.admin.actor,
        )
        db.session.delete(db.session.get(Contact, lines[1].lead_id))
        db.session.flush()
        opened = reveals.open_order(
            order_id=lines[0].order_id,
            viewer=cast.buyer.organization.id,
            actor=cast.buyer.actor,
        )
        assert [one.line.id for one in opened] == [lines[2].id]
        assert len(openings()) == 1

    def test_an_export_is_a_purpose_and_a_permission_of_its_own(self, cast):
        lines = buy(cast.buyer, make_listing(cast.seller, leads=2), 2)
        order, viewer = lines[0].order_id, cast.buyer.organization.id
        with pytest.raises(Forbidden):
            reveals.export_order(
                order_id=order,
                viewer=viewer,
                actor=without(cast.buyer.actor, Permission.CONTACT_EXPORT),
            )
        assert openings() == []
        rows = reveals.export_order(order_id=order, viewer=viewer, actor=cast.buyer.actor)
        assert [row["line"] for row in rows] == [line.public_id for line in lines]
        assert all(row["phone"].startswith("+1614") and row["project"] for row in rows)
        assert {event.facts["purpose"] for event in openings()} == {Purpose.EXPORT}

    def test_a_strangers_order_does_not_exist(self, cast):
        line = make_line(cast)
        with pytest.raises(NotFound):
            reveals.export_order(
                order_id=line.order_id,
                viewer=cast.other_buyer.organization.id,
                actor=cast.other_buyer.actor,
            )
