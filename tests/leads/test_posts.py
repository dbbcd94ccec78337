"""Leads one by one: the same checks as a file's, an answer at once, a row for every post."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db, get
from exchange.core.errors import Conflict, Forbidden, Invalid
from exchange.core.events import Event
from exchange.core.states import transition
from exchange.identity import services as identity
from exchange.leads import post_queries
from exchange.leads.models import (
    Batch,
    BatchStatus,
    Consent,
    ConsentText,
    Lead,
    LeadStatus,
    ProblemRow,
    SourceStatus,
)
from exchange.leads.post_models import Post, PostOutcome
from exchange.leads.services import post_checks, suppression
from tests.factories.leads import make_person
from tests.factories.posts import CONSENT, make_body, make_terms, post

End = PostOutcome


def leads() -> int:
    return db.session.scalar(select(func.count()).select_from(Lead)) or 0


@pytest.fixture
def terms(cast):
    return make_terms(cast.seller)


def test_a_good_lead_is_kept_with_its_contact_locked_and_its_consent_written(cast, terms):
    person = make_person()
    answer = post(cast.seller, terms, make_body(person, external_id="crm-17", sub_id="camp-3"))
    assert answer.post.outcome is End.QUEUED_FOR_CHECK
    assert (answer.errors, answer.ignored) == ((), ())
    lead = get(Lead, answer.post.lead_id)
    assert lead.status is LeadStatus.VALID
    assert lead.in_frame
    assert (lead.sub_source, lead.region, lead.attributes["is_homeowner"]) == ("camp-3", "OH", True)
    consent = db.session.get(Consent, lead.id)
    assert get(ConsentText, consent.text_id).text == CONSENT
    batch = get(Batch, lead.batch_id)
    assert (batch.status, batch.rows_done, batch.valid) == (BatchStatus.OPEN, 1, 1)
    kept = str(vars(answer.post))
    assert person["phone"] not in kept
    assert person["email"] not in kept


def test_every_error_comes_at_once_with_its_place(cast, terms):
    body = make_body({"name": "Taylor Person", "phone": "12345", "email": "no-at-sign"})
    body["attributes"]["project"] = "a castle"
    del body["consent"]["text"]
    answer = post(cast.seller, terms, body)
    assert answer.post.outcome is End.REJECTED
    assert {(e.pointer, e.code) for e in answer.errors} == {
        ("/contact/phone", "short_code"),
        ("/contact/email", "email_invalid"),
        ("/attributes/project", "value_not_allowed"),
        ("/consent_text", "consent_missing"),
    }
    assert leads() == 0
    assert post_queries.find_open_lot(terms) is None
    assert answer.post.errors[0].keys() == {"pointer", "code"}


@pytest.mark.parametrize("owner", ["seller", "other_seller"])
def test_a_known_person_is_a_duplicate_since_when_and_never_whose(cast, terms, owner):
    person = make_person()
    first = post(cast.seller, terms, make_body(person))
    seller = getattr(cast, owner)
    again = post(seller, make_terms(seller, source="another page"), make_body(person))
    assert again.post.outcome is End.DUPLICATE
    assert first.post.created_at >= again.post.since >= get(Lead, first.post.lead_id).requested_at
    assert again.post.lead_id is None
    assert leads() == 1
    repeats = db.session.scalars(select(Event).where(Event.type == "lead.asked_again")).all()
    assert [event.subject_id for event in repeats] == [first.post.lead_id] * (owner == "seller")


def test_somebody_who_is_suppressed_is_not_taken(cast, terms):
    person = make_person()
    first = post(cast.seller, terms, make_body(person))
    suppression.suppress_person(lead_id=first.post.lead_id, origin="objection", actor=SYSTEM)
    again = post(cast.other_seller, make_terms(cast.other_seller), make_body(person))
    assert (again.post.outcome, again.post.reason) == (End.SUPPRESSED, "suppressed")


def test_a_lead_for_a_person_to_look_at_waits(cast, terms):
    answer = post(
        cast.seller, terms, make_body({**make_person(), "name": "Ask Google"}, test=False)
    )
    lead = answer.post.lead_id and get(Lead, answer.post.lead_id)
    assert answer.post.outcome is End.QUEUED_FOR_CHECK
    assert lead.status in {LeadStatus.VALID, LeadStatus.IN_REVIEW}


def test_who_did_not_agree_to_our_call_is_kept_and_not_offered(cast):
    terms = make_terms(cast.seller, trusted=True)
    body = make_body()
    body["consent"]["quality_check"] = False
    answer = post(cast.seller, terms, body)
    assert (answer.post.outcome, answer.post.reason) == (End.QUEUED_FOR_CHECK, "check_not_agreed")
    assert not get(Lead, answer.post.lead_id).in_frame


def test_a_test_says_what_would_happen_and_keeps_its_own_line_alone(cast):
    terms = make_terms(cast.seller, trusted=True)
    answer = post(cast.seller, terms, make_body(test=True))
    assert (answer.post.outcome, answer.post.is_test) == (End.ACCEPTED, True)
    bad = post(cast.seller, terms, make_body({"name": "T", "phone": "1"}, test="1"))
    assert bad.post.outcome is End.REJECTED
    assert leads() == 0
    assert db.session.scalars(select(Batch)).all() == []
    assert db.session.scalar(select(func.count()).select_from(Post)) == 2


def test_a_source_in_test_mode_keeps_nothing(cast):
    terms = make_terms(cast.seller, is_test=True)
    assert post(cast.seller, terms).post.is_test
    assert leads() == 0


def test_a_test_may_come_from_somebody_who_is_not_approved_yet_a_lead_may_not(cast, terms):
    identity.suspend_organization(
        organization_id=cast.seller.organization.id, reason="papers", actor=cast.admin.actor
    )
    assert post(cast.seller, terms, make_body(test=True)).post.outcome is End.QUEUED_FOR_CHECK
    with pytest.raises(Forbidden):
        post(cast.seller, terms)
    assert leads() == 0


def test_an_external_id_is_one_lead_of_its_source(cast, terms):
    body = make_body(external_id="crm-1")
    first, again = post(cast.seller, terms, body), post(cast.seller, terms, body)
    assert again.is_repeat
    assert again.post.id == first.post.id
    with pytest.raises(Conflict) as used:
        post(cast.seller, terms, make_body(external_id="crm-1"))
    assert used.value.code == "external_id_used"
    other = make_terms(cast.seller, source="another page")
    assert not post(cast.seller, other, make_body(external_id="crm-1")).is_repeat


@pytest.mark.parametrize("name", ["+1 614", "person@example.com", "{phone}", "a b", "x" * 201])
def test_an_external_id_holds_no_contact(cast, terms, name):
    person = make_person()
    with pytest.raises(Invalid) as refused:
        post(cast.seller, terms, make_body(person, external_id=name.format(phone=person["phone"])))
    assert refused.value.errors[0].code == "external_id_invalid"


def test_a_ping_is_refused_in_clear_words(cast, terms):
    with pytest.raises(Invalid) as refused:
        post(cast.seller, terms, make_body(ping_id="ping_1", bid_id="bid_1"))
    assert refused.value.errors[0].code == "ping_unknown"


@pytest.mark.parametrize("status", [SourceStatus.PAUSED, SourceStatus.STOPPED])
def test_a_source_that_does_not_run_takes_nothing(cast, terms, status):
    transition(post_queries.source_of(terms), status, actor=SYSTEM)
    with pytest.raises(Conflict) as refused:
        post(cast.seller, terms)
    assert refused.value.code == "source_stopped"


@pytest.mark.parametrize(
    ("call", "outcome", "reason"),
    [
        ({"duration_seconds": 60}, End.QUEUED_FOR_CHECK, ""),
        ({"duration_seconds": 59}, End.REJECTED, "call_too_short"),
        ({"duration_seconds": "a while"}, End.REJECTED, "number_invalid"),
        ({}, End.REJECTED, "missing_required"),
    ],
)
def test_a_lead_by_phone_was_a_call_of_some_length(cast, call, outcome, reason):
    terms = make_terms(cast.seller, channel="inbound_call")
    body = make_body(call=call)
    del body["channel"]
    answer = post(cast.seller, terms, body)
    assert (answer.post.outcome, answer.post.reason) == (outcome, reason)
    assert {e.pointer for e in answer.errors} <= {"/call/duration_seconds"}


def test_a_call_says_when_the_person_asked_and_how(cast):
    terms = make_terms(cast.seller, call_seconds_min=20)
    started = clock.now().replace(microsecond=0)
    body = make_body(call={"duration_seconds": 25, "started_at": started.isoformat()})
    del body["channel"]
    answer = post(cast.seller, terms, body)
    lead = get(Lead, answer.post.lead_id)
    assert lead.requested_at == started
    assert answer.post.origin["call_duration_seconds"] == "25"


def test_what_the_seller_said_once_fills_what_a_post_leaves_out(cast):
    terms = make_terms(
        cast.seller,
        channel="social_ads",
        consent_text=CONSENT,
        consent_url="https://ads.example/form",
        is_check_agreed=True,
    )
    body = make_body()
    del body["consent"], body["channel"]
    lead = get(Lead, post(cast.seller, terms, body).post.lead_id)
    consent = db.session.get(Consent, lead.id)
    assert get(ConsentText, consent.text_id).text == CONSENT
    assert (consent.page_url, consent.purposes) == ("https://ads.example/form", ["quality_check"])
    assert lead.in_frame


@pytest.mark.parametrize(
    "sent",
    [
        {"contact": {"name": ["A", "B"]}},
        {"attributes": {"budget": {"amount": 3}}},
        {"comment": "x" * 9_000},
        {"contact": {"name": "a\x00b"}},
        {"na\x00me": "x"},
        {"sub_id": "\ud800"},
    ],
)
def test_a_value_that_is_no_single_text_is_refused_with_its_place(cast, terms, sent):
    with pytest.raises(Invalid) as refused:
        post(cast.seller, terms, sent)
    assert refused.value.errors[0].code == "invalid"


def test_a_duplicate_leaves_no_row_in_the_lot(cast, terms):
    person = make_person()
    post(cast.seller, terms, make_body(person))
    post(cast.seller, terms, make_body(person))
    batch = get(Batch, post_queries.find_open_lot(terms))
    assert batch.rows_done == 1
    assert db.session.scalars(select(ProblemRow)).all() == []


def test_a_test_asks_for_so_many_people_a_day_and_no_more(cast, terms, monkeypatch):
    monkeypatch.setattr(post_checks, "TESTS_THAT_ASK", 2)
    person = make_person()
    post(cast.other_seller, make_terms(cast.other_seller), make_body(person))
    ends = [post(cast.seller, terms, make_body(person, test=True)).post for _ in range(3)]
    assert [end.outcome for end in ends] == [End.DUPLICATE, End.DUPLICATE, End.QUEUED_FOR_CHECK]
    assert ends[2].since is None
    clock.advance(timedelta(days=1, minutes=1))
    assert post(cast.seller, terms, make_body(person, test=True)).post.outcome is End.DUPLICATE


def test_who_may_not_trade_learns_of_nobody_by_tests(cast, terms):
    person = make_person()
    post(cast.other_seller, make_terms(cast.other_seller), make_body(person))
    identity.suspend_organization(
        organization_id=cast.seller.organization.id, reason="papers", actor=cast.admin.actor
    )
    answer = post(cast.seller, terms, make_body(person, test=True))
    assert (answer.post.outcome, answer.post.since) == (End.QUEUED_FOR_CHECK, None)
