"""The index of a process follows every committed change, in whatever order it was committed."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import func, select, update

from exchange.catalog.criteria import Within
from exchange.core import clock
from exchange.core.db import db
from exchange.market import queries
from exchange.market.contract_models import Contract, ContractStatus
from exchange.market.models import PricingModel
from exchange.market.queries import contract_book
from tests.cast import make_cast
from tests.conftest import count_statements
from tests.factories.catalog import make_vertical
from tests.factories.contracts import make_contract

ROUNDS = 30


def known(vertical_id) -> dict:
    return {key: entry.price for key, entry in queries.contract_index(vertical_id).entries.items()}


def truth(vertical_id) -> dict:
    rows = select(Contract).where(
        Contract.vertical_id == vertical_id, Contract.status == ContractStatus.ACTIVE
    )
    return {one.id: one.price.amount for one in db.session.scalars(rows)}


def test_it_holds_active_contracts_only(cast):
    vertical = make_vertical()
    active = make_contract(cast.buyer)
    make_contract(cast.buyer, status=ContractStatus.PAUSED)
    by_action = make_contract(cast.buyer, pricing_model=PricingModel.CPA)
    assert known(vertical.id).keys() == {active.id, by_action.id}
    active.status = ContractStatus.PAUSED
    db.session.flush()
    assert known(vertical.id).keys() == {by_action.id}


def test_of_what_went_no_terms_are_read(cast):
    vertical, one = make_vertical(), make_contract(cast.buyer)
    assert known(vertical.id).keys() == {one.id}
    one.status = ContractStatus.PAUSED
    db.session.flush()
    with count_statements() as seen:
        assert known(vertical.id) == {}
    assert seen
    assert not [statement for statement in seen if "contract_terms" in statement]


def test_what_is_rolled_back_was_never_there(cast):
    vertical, kept = make_vertical(), make_contract(cast.buyer)
    with db.session.begin_nested() as savepoint:
        make_contract(cast.other_buyer)
        db.session.execute(update(Contract).where(Contract.id == kept.id).values(status="paused"))
        assert kept.id not in known(vertical.id)
        savepoint.rollback()
    assert known(vertical.id) == {kept.id: kept.price.amount}


def test_days_are_counted_from_the_day_that_it_is(cast):
    vertical = make_vertical("car_insurance_ru")
    contract = make_contract(cast.buyer, vertical, criteria=Within("policy_ends_on", 0, 30))
    first = queries.contract_index(vertical.id).entries[contract.id].terms.criteria
    clock.advance(timedelta(days=1))
    second = queries.contract_index(vertical.id).entries[contract.id].terms.criteria
    assert first != second


@pytest.mark.commits
def test_a_change_that_is_committed_late_is_not_passed_over(committed):
    cast, vertical = make_cast(), make_vertical()
    early, late = make_contract(cast.buyer, price=10_00), make_contract(cast.buyer, price=11_00)
    db.session.commit()
    assert known(vertical.id) == truth(vertical.id)
    db.session.rollback()
    engine = db.engine
    with engine.connect() as slow:
        begun = slow.begin()
        change(slow, early.id, 20_00)
        with engine.connect() as quick, quick.begin():
            change(quick, late.id, 21_00)
        assert known(vertical.id) == {early.id: 10_00, late.id: 21_00}
        db.session.rollback()
        begun.commit()
    assert known(vertical.id) == {early.id: 20_00, late.id: 21_00}


@pytest.mark.commits
def test_what_is_read_again_beside_a_long_transaction_is_taken_once(committed, monkeypatch):
    cast, vertical = make_cast(), make_vertical()
    one = make_contract(cast.buyer, price=10_00)
    db.session.commit()
    known(vertical.id)
    db.session.rollback()
    with db.engine.connect() as slow, slow.begin():
        slow.execute(select(func.pg_current_xact_id()))
        with db.engine.connect() as quick, quick.begin():
            change(quick, one.id, 20_00)
        assert known(vertical.id) == {one.id: 20_00}
        db.session.rollback()
        monkeypatch.setattr(contract_book.Book, "_take", None)
        assert known(vertical.id) == {one.id: 20_00}
        db.session.rollback()
        monkeypatch.undo()
        with db.engine.connect() as quick, quick.begin():
            change(quick, one.id, 30_00)
        assert known(vertical.id) == {one.id: 30_00}


def change(connection, contract_id, price: int) -> None:
    values = {"price_amount": price, "changed_at": func.exchange_now()}
    connection.execute(update(Contract.__table__).where(Contract.id == contract_id).values(values))


@pytest.mark.commits
@pytest.mark.parametrize("is_control", [False, pytest.param(True, marks=pytest.mark.control)])
def test_concurrent_edits_lose_nothing(committed, monkeypatch, is_control):
    """The control follows the newest moment it has seen, as one would without thinking."""
    cast, vertical = make_cast(), make_vertical()
    some = [make_contract(cast.buyer, price=10_00 + n).id for n in range(6)]
    db.session.commit()
    if is_control:
        monkeypatch.setattr(contract_book, "_read", by_newest_number(contract_book._read))
    known(vertical.id)
    lost = 0
    for number in range(ROUNDS):
        edit_in_turns(some, Random(number), follow=lambda: known(vertical.id))
        db.session.rollback()
        lost += known(vertical.id) != truth(vertical.id)
    assert (lost > 0) == is_control


def edit_in_turns(contract_ids, random: Random, *, follow) -> None:
    """Several edits that are under way together and are committed in another order."""
    engine, open_ = db.engine, []
    for contract_id in random.sample(contract_ids, 4):
        connection = engine.connect()
        begun = connection.begin()
        change(connection, contract_id, random.randrange(1, 100_000))
        open_.append((connection, begun))
        follow()
        db.session.rollback()
    random.shuffle(open_)
    for connection, begun in open_:
        begun.commit() if random.random() < 0.8 else begun.rollback()
        connection.close()
        follow()
        db.session.rollback()


def by_newest_number(read):
    def newest(vertical_id, *, since, also):
        rows = read(vertical_id, since=since, also=also)
        numbers = [row.changed_in for row in rows if row.id is not None]
        highest = max([*numbers, since - 1]) + 1
        return [Seen(row, highest) for row in rows]

    return newest


class Seen:
    """A row whose next number is the highest that was read."""

    def __init__(self, row, lowest: int) -> None:
        self._row, self.lowest = row, lowest

    def __getattr__(self, name: str):
        return getattr(self._row, name)
