"""Leads paid by their action as their seller sees them: how far the money of each has come."""

from __future__ import annotations

import pytest

from exchange.core.db import db
from exchange.core.money import Currency, Money
from exchange.fulfillment import queries
from exchange.fulfillment.conversion_models import RejectionReason
from exchange.fulfillment.services import conversions, settlements
from tests.factories.actions import make_action_lines, report
from tests.sellers.test_posting_pages import words_of

PRICE = 50_00


def usd(amount: int) -> Money:
    return Money(amount, Currency.USD)


@pytest.fixture
def actions(cast):
    """Four reports: one waits, one is approved, one is settled, one is rejected."""
    lines = make_action_lines(cast, 5)
    made = [report(cast.buyer, line) for line in lines[:4]]
    for one in made[1:3]:
        conversions.approve(conversion_id=one.id, actor=cast.buyer.actor)
    settlements.settle_action(conversion_id=made[2].id, actor=cast.admin.actor)
    conversions.reject(
        conversion_id=made[3].id, reason=RejectionReason.CANCELLED, actor=cast.buyer.actor
    )
    db.session.commit()
    return made


def test_money_is_told_by_how_far_it_has_come(cast, actions):
    (found,) = queries.action_sums(cast.seller.organization.id)
    assert (found.held, found.held_n) == (usd(PRICE), 1)
    assert (found.waiting, found.waiting_n, found.owed) == (usd(PRICE), 1, usd(0))
    assert (found.settled, found.settled_n, found.rejected_n) == (usd(PRICE), 1, 1)
    assert queries.action_sums(cast.other_seller.organization.id) == []


def test_the_page_says_what_is_still_held(cast, client, actions):
    page = words_of(cast.seller.sign_in(client).get("/sellers/actions"))
    for words in (
        "Set apart, being decided $50.00 1 action",
        "Approved, not yours yet $50.00 1 action",
        "Settled $50.00 1 action",
        "Canceled",
        "waits for the buyer's money" if actions[1].owed else "being settled",
        "counts until",
    ):
        assert words in page, words


def test_what_a_buyer_owes_of_it_is_told(cast, client):
    """The wallet covers a pool of one action: the second report is lent."""
    lines = make_action_lines(cast, 2, funds=PRICE)
    for line in lines:
        made = report(cast.buyer, line)
        conversions.approve(conversion_id=made.id, actor=cast.buyer.actor)
    db.session.commit()
    (found,) = queries.action_sums(cast.seller.organization.id)
    assert (found.waiting, found.owed) == (usd(2 * PRICE), usd(PRICE))
    page = words_of(cast.seller.sign_in(client).get("/sellers/actions"))
    assert "of it buyers still owe $50.00" in page
    assert "waits for the buyer's money" in page
