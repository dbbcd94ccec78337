"""Who counts as known, and what becomes of a person who asks again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from exchange.catalog.definition import Terms
from exchange.catalog.policies import ANY_FIELD, DuplicatePolicy, IdentityField, Match
from exchange.catalog.schemas import load_preset
from exchange.core import clock
from exchange.core.db import db
from exchange.core.events import Event
from exchange.leads.emails import parse_email
from exchange.leads.fingerprints import IdentityKey, duplicate_keys
from exchange.leads.models import Lead
from exchange.leads.services import repeats
from exchange.leads.temperature import Because, Temperature, temperature
from exchange.notifications.models import Notice
from tests.factories.fulfillment import buy, fresh
from tests.factories.leads import leads_of, make_batch
from tests.factories.market import make_listing

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PHONE, EMAIL = IdentityKey("phone", "+16142345678"), IdentityKey("email", "a@example.com")
ALL = DuplicatePolicy(match=Match.ALL)
PHONE_ONLY = DuplicatePolicy((IdentityField.PHONE,))


class TestKeys:
    @pytest.mark.parametrize(
        ("policy", "identities", "kinds"),
        [
            (ANY_FIELD, (PHONE, EMAIL), ["phone", "email"]),
            (ANY_FIELD, (EMAIL,), ["email"]),
            (PHONE_ONLY, (PHONE, EMAIL), ["phone"]),
            (PHONE_ONLY, (EMAIL,), []),
            (ALL, (PHONE, EMAIL), ["email+phone"]),
            (ALL, (PHONE,), ["email+phone"]),
            (ALL, (), []),
        ],
    )
    def test_a_policy_names_its_keys(self, policy, identities, kinds):
        assert [key.kind for key in duplicate_keys(identities, policy)] == kinds

    def test_all_means_that_everything_agrees(self):
        other = IdentityKey("email", "b@example.com")
        together = duplicate_keys((PHONE, EMAIL), ALL)
        assert together != duplicate_keys((PHONE, other), ALL)
        assert together != duplicate_keys((PHONE,), ALL)
        assert together == duplicate_keys((EMAIL, PHONE), ALL)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Ann.Lee+x@gmail.com", "annlee@googlemail.com"),
            ("ANN@Example.com", "ann+list@example.com"),
        ],
    )
    def test_one_mailbox_has_one_key(self, one, other):
        assert parse_email(one).key == parse_email(other).key

    def test_elsewhere_a_dot_is_another_mailbox(self):
        assert parse_email("ann.lee@example.com").key != parse_email("annlee@example.com").key

    def test_terms_that_were_agreed_before_know_no_policy(self):
        terms = load_preset("home_improvement_us").terms
        data = terms.to_json()
        for name in ("duplicates", "retention"):
            del data[name]
        del data["consent"]["named_buyer_required"]
        assert Terms.from_json(data) == terms
        assert Terms.from_json(terms.to_json()) == terms

    def test_a_policy_survives_its_json(self):
        terms = replace(load_preset("home_improvement_us").terms, duplicates=ALL)
        assert Terms.from_json(terms.to_json()).duplicates == ALL


class TestTemperature:
    def at(self, **ago):
        times = {
            name: NOW - timedelta(hours=hours) for name, hours in ago.items() if name != "asks"
        }
        given = {"last_asked_at": None, "checked_at": None, "asks": ago.get("asks", 1), **times}
        return temperature(now=NOW, **given)

    @pytest.mark.parametrize(
        ("facts", "value", "because"),
        [
            ({"requested_at": 1}, Temperature.WARM, Because.ASKED),
            ({"requested_at": 73}, Temperature.COLD, Because.OLD),
            ({"requested_at": 500, "checked_at": 2}, Temperature.HOT, Because.REACHED),
            ({"requested_at": 500, "checked_at": 48}, Temperature.WARM, Because.REACHED),
            ({"requested_at": 2000, "checked_at": 721}, Temperature.COLD, Because.OLD),
            ({"requested_at": 300, "asks": 2, "last_asked_at": 3}, "hot", "asked_again"),
            ({"requested_at": 300, "asks": 2, "last_asked_at": 100}, "warm", "asked_again"),
            ({"requested_at": 600, "asks": 5, "last_asked_at": 169}, "cold", "old"),
        ],
    )
    def test_facts_decide(self, facts, value, because):
        found = self.at(**facts)
        assert (found.value, found.because) == (value, because)

    @given(st.integers(0, 1000), st.integers(0, 1000), st.integers(1, 9))
    def test_it_never_gets_warmer_by_waiting(self, first, second, asks):
        ranks = list(Temperature)
        asked = NOW - timedelta(hours=max(first, second))
        times = {"requested_at": asked, "last_asked_at": asked, "checked_at": asked, "asks": asks}
        early = temperature(now=NOW - timedelta(hours=min(first, second)), **times)
        assert ranks.index(early.value) <= ranks.index(temperature(now=NOW, **times).value)

    def test_it_holds_until_it_says(self):
        asked = {"requested_at": NOW, "asks": 1, "last_asked_at": None, "checked_at": None}
        until = temperature(now=NOW, **asked).until
        assert temperature(now=until - timedelta(seconds=1), **asked).value is Temperature.WARM
        assert temperature(now=until, **asked).value is Temperature.COLD


class TestAttach:
    def test_the_live_lead_counts_one_more(self, cast):
        batch = make_batch(cast.seller, leads=2)
        lead, other = leads_of(batch)
        later = clock.now()
        times = [later - timedelta(minutes=5), later]
        repeats.attach([repeats.Repeat(lead.id, at, batch.source_id) for at in times])
        assert (fresh(lead).asks, lead.last_asked_at) == (3, later)
        assert (fresh(other).asks, other.last_asked_at) == (1, None)
        event = db.session.scalars(select(Event).where(Event.type == "lead.asked_again")).one()
        assert (event.subject_id, event.facts["times"]) == (lead.id, 2)
        assert event.facts["sources"] == [str(batch.source_id)]

    def test_an_older_request_does_not_make_it_younger(self, cast):
        batch = make_batch(cast.seller, leads=1)
        (lead,) = leads_of(batch)
        old = lead.requested_at - timedelta(days=1)
        repeats.attach([repeats.Repeat(lead.id, old, batch.source_id)])
        assert fresh(lead).last_asked_at == lead.requested_at

    def test_whoever_holds_it_is_told(self, cast):
        (line,) = buy(cast.buyer, make_listing(cast.seller, leads=1))
        lead = db.session.get(Lead, line.lead_id)
        repeats.attach([repeats.Repeat(lead.id, clock.now(), lead.source_id)])
        notice = db.session.scalars(select(Notice).where(Notice.kind == "lead.asked_again")).one()
        assert notice.organization_id == cast.buyer.organization.id
        assert notice.facts == {"line": line.public_id}

    def test_before_a_sale_nobody_is_told(self, cast):
        batch = make_batch(cast.seller, leads=1)
        (lead,) = leads_of(batch)
        repeats.attach([repeats.Repeat(lead.id, clock.now(), batch.source_id)])
        kinds = select(Notice).where(Notice.kind == "lead.asked_again")
        assert db.session.scalars(kinds).all() == []

    def test_nothing_is_nothing(self, cast):
        before = db.session.scalars(select(Notice.id)).all()
        repeats.attach([])
        assert db.session.scalars(select(Notice.id)).all() == before
