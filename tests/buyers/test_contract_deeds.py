"""Several contracts at once: paused, resumed, and paid more for after a look at what it means."""

from __future__ import annotations

import re

import pytest

from exchange.core.money import Currency, Money
from exchange.market.contract_models import ContractStatus
from exchange.market.services import contracts as verbs
from tests.buyers.support import keep, key, text_of, words_of
from tests.factories.contracts import make_contract

HOME = "/buyers/contracts"


@pytest.fixture
def page(enter, cast):
    return enter(cast.buyer)


def usd(amount):
    return Money(amount, Currency.USD)


def test_those_that_can_be_are_paused_and_resumed(page, cast):
    on = [make_contract(cast.buyer) for _ in range(2)]
    draft = make_contract(cast.buyer, status=ContractStatus.DRAFT)
    keep()
    ids = [one.public_id for one in (*on, draft)]
    assert all(one in text_of(page.get(HOME)) for one in ids)
    answer = page.post(f"{HOME}/deeds", data={"ids": ids, "deed": "pause"})
    assert answer.status_code == 303
    assert "2 contracts are paused." in words_of(page.get(answer.headers["Location"]))
    assert [one.status for one in on] == [ContractStatus.PAUSED] * 2
    assert draft.status is ContractStatus.DRAFT
    page.post(f"{HOME}/deeds", data={"ids": ids[:1], "deed": "resume"})
    assert [one.status for one in on] == [ContractStatus.ACTIVE, ContractStatus.PAUSED]


def test_prices_are_shown_before_they_change_and_change_once(page, cast):
    contracts = [make_contract(cast.buyer, price=price) for price in (50_00, 33_33)]
    ended = make_contract(cast.buyer, status=ContractStatus.ENDED)
    keep()
    ids = [one.public_id for one in (*contracts, ended)]
    asked = page.post(f"{HOME}/deeds", data={"ids": ids, "deed": "price", "percent": "5"})
    body = words_of(asked)
    assert "Change the price of 2 contracts?" in body
    assert "$50.00 $52.50" in body
    assert "$33.33 $35.00" in body
    assert contracts[0].price == usd(50_00)
    form = hidden(text_of(asked))
    for _ in range(2):  # the second click
        assert page.post(f"{HOME}/prices", data=form).status_code == 303
    assert {one.price for one in contracts} == {usd(52_50), usd(35_00)}
    assert {one.terms_version for one in contracts} == {2}


def test_what_changed_meanwhile_changes_nothing(page, cast):
    contracts = [make_contract(cast.buyer) for _ in range(2)]
    keep()
    data = {"ids": [one.public_id for one in contracts], "deed": "price", "percent": "-10"}
    form = hidden(text_of(page.post(f"{HOME}/deeds", data=data)))
    verbs.change(contract_id=contracts[1].id, price=usd(70_00), actor=cast.buyer.actor)
    keep()
    assert "was changed meanwhile" in words_of(page.post(f"{HOME}/prices", data=form), 409)
    assert [one.price for one in contracts] == [usd(50_00), usd(70_00)]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"deed": "pause"}, "Choose contracts first."),
        ({"deed": "price", "ids": True}, "Say by how many percent."),
        ({"deed": "price", "ids": True, "percent": "0"}, "Say by how many percent."),
    ],
)
def test_what_is_missing_is_said_on_the_list(page, cast, form, words):
    mine = make_contract(cast.buyer)
    keep()
    sent = {**form, "ids": [mine.public_id]} if "ids" in form else form
    assert words in words_of(page.post(f"{HOME}/deeds", data=sent), 422)


def test_strangers_move_nothing(page, enter, cast):
    mine = make_contract(cast.buyer)
    keep()
    data = {"ids": [mine.public_id], "deed": "pause", "percent": "5", "idempotency_key": key()}
    for who in (cast.other_buyer, cast.seller):
        browser = enter(who)
        for path in (f"{HOME}/deeds", f"{HOME}/prices"):
            assert browser.post(path, data=data).status_code == 404, path
    assert mine.status is ContractStatus.ACTIVE
    assert mine.price == usd(50_00)


def hidden(html):
    """The hidden fields of the form that asks, as a browser sends them."""
    found = {}
    (form,) = re.findall(r"<form[^>]*contracts/prices.*?</form>", html, re.DOTALL)
    for name, value in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form):
        found.setdefault(name, []).append(value)
    return found
