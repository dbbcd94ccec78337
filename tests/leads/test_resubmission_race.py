"""A person of a rejected lot comes back through ten sources at once: one row takes them over.

The control takes the guard away, the fingerprint that one row alone can claim, and must keep more.
"""

from __future__ import annotations

from collections import Counter

import pytest
from flask import Flask
from sqlalchemy import func, select

from exchange.core import clock
from exchange.core.db import db, unit_of_work
from exchange.core.invariants import violations
from exchange.leads.models import BatchStatus, Lead, LeadStatus
from exchange.leads.post_models import SourceTerms
from exchange.leads.services import resubmission, writing
from tests.cast import Player, make_cast
from tests.factories.leads import make_batch, make_person
from tests.factories.posts import make_body, make_terms, post
from tests.racing import Client, patiently, race

pytestmark = pytest.mark.commits
POSTS = 10


def ten_posts() -> list[Client]:
    """One person whose lot was rejected, posted through ten sources of its seller."""
    seller, person = make_cast().seller, make_person()
    batch = make_batch(seller, people=[person], status=BatchStatus.REJECTED)
    batch.decided_at = clock.now()
    terms = [make_terms(seller, source=f"page {number}") for number in range(POSTS)]
    db.session.commit()
    body = make_body(person)
    return [poster(seller, one, body) for one in terms]


def poster(seller: Player, terms: SourceTerms, body: dict[str, object]) -> Client:
    def send() -> str:
        with unit_of_work():
            return str(post(seller, terms, body).post.outcome)

    return lambda: patiently(send)


def count(status: LeadStatus) -> int:
    return db.session.scalar(select(func.count()).where(Lead.status == status)) or 0


def test_one_row_takes_the_person_over(committed: Flask) -> None:
    outcomes = race(committed, ten_posts())
    assert outcomes == {"queued_for_check": 1, "duplicate": POSTS - 1}
    assert (count(LeadStatus.WITHDRAWN), count(LeadStatus.IN_REVIEW)) == (1, 1)
    assert violations() == []


def test_control_without_the_fingerprint_there_are_several(
    committed: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients, asked = ten_posts(), Counter[bytes]()

    def look_only(claims: list[writing.Claim], **_named: object) -> set[bytes]:
        """Beaten at first sight, and never again: nobody claims anything."""
        asked.update(claim.lead_id for claim in claims)
        return {claim.lead_id for claim in claims if asked[claim.lead_id] == 1}

    monkeypatch.setattr(writing, "claim_fingerprints", look_only)
    monkeypatch.setattr(resubmission, "let_go", lambda _comebacks, **_named: None)
    race(committed, clients)
    assert count(LeadStatus.IN_REVIEW) > 1
