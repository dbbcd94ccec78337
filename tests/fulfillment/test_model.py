"""What follows a purchase against a model of it: whatever happens, both say the same.

The model knows leads, lines and cents; it knows nothing of postings, slots or states of returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from exchange.billing import queries as billing
from exchange.billing.models import AccountKind
from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db, get
from exchange.core.errors import Conflict, DomainError, Gone, InsufficientFunds
from exchange.core.invariants import violations
from exchange.core.money import Currency
from exchange.fulfillment import queries
from exchange.fulfillment.models import ReturnOutcome
from exchange.fulfillment.services import returns, settlements
from exchange.leads.models import Lead, LeadKind
from exchange.market import queries as market
from exchange.market.models import Listing, OrderLine
from tests.cast import Cast, Player
from tests.factories.billing import fund_wallet
from tests.factories.leads import leads_of
from tests.factories.market import make_listing, place

STEPS, RUNS = 30, 12
PRICE, FEE = 45_00, 8_10
WINDOW = 72  # hours
REASONS = st.sampled_from(["fictitious", "outside_criteria"])
OUTCOMES = st.sampled_from([ReturnOutcome.APPROVED, ReturnOutcome.DENIED])
PICKS = st.integers(0, 30)


@dataclass
class Line:
    """What the model knows of a bought lead."""

    id: UUID
    buyer: int
    lead: UUID
    bought_at: int  # hours since the beginning
    state: str = "delivered"  # returned, settled
    asked: str = ""  # the reason, once a return was asked for
    verdict: str = ""  # approved, denied
    objection: str = ""  # raised, won, lost
    decided_at: int = 0


@dataclass
class Stock:
    """What the model knows of a lead."""

    most: int
    sold: int = 0
    is_bad: bool = False
    buyers: set[int] = field(default_factory=set)  # who had it ever


class Trade(RuleBasedStateMachine):
    """Two buyers, one seller, two small lots; time passes in days."""

    def __init__(self, cast: Cast) -> None:
        super().__init__()
        self.cast, self.buyers = cast, [cast.buyer, cast.other_buyer]
        self.block = undone()
        self.block.__enter__()
        self.hour, self.lines, self.wallets = 0, list[Line](), [0, 0]
        self.stocks: dict[UUID, Stock] = {}
        self.listings: list[Listing] = []

    def teardown(self) -> None:
        try:
            assert violations() == []
        finally:
            self.block.__exit__(None, None, None)

    @initialize()
    def open_the_market(self) -> None:
        shared = make_listing(self.cast.seller, leads=3, kind=LeadKind.SHARED, sales_max=2)
        self.listings = [make_listing(self.cast.seller, leads=4), shared]
        for listing in self.listings:
            for lead in leads_of(market.get_batch_of(listing)):
                self.stocks[lead.id] = Stock(lead.sales_max)
        for buyer in (0, 1):
            self.pay_in(buyer, 4)

    @rule(buyer=st.integers(0, 1), leads=st.integers(1, 4))
    def pay_in(self, buyer: int, leads: int) -> None:
        fund_wallet(self.buyers[buyer], leads * PRICE)
        self.wallets[buyer] += leads * PRICE

    @rule(buyer=st.integers(0, 1), lot=st.integers(0, 1), quantity=st.integers(1, 3))
    def buy(self, buyer: int, lot: int, quantity: int) -> None:
        listing = self.listings[lot]
        order = leads_of(market.get_batch_of(listing))  # by row: the freshest first
        free = [lead.id for lead in order if self.is_free(lead.id, buyer)]
        if len(free) < quantity:
            self.refused(Gone, lambda: place(self.buyers[buyer], listing, quantity))
        elif self.wallets[buyer] < quantity * PRICE:
            self.refused(InsufficientFunds, lambda: place(self.buyers[buyer], listing, quantity))
        else:
            made = market.lines_of(place(self.buyers[buyer], listing, quantity).id)
            assert [line.lead_id for line in made] == free[:quantity]
            self.wallets[buyer] -= quantity * PRICE
            for line in made:
                self.lines.append(Line(line.id, buyer, line.lead_id, self.hour))
                self.stocks[line.lead_id].sold += 1
                self.stocks[line.lead_id].buyers.add(buyer)

    @precondition(lambda self: any(not line.asked for line in self.lines))
    @rule(pick=PICKS, reason=REASONS)
    def ask_back(self, pick: int, reason: str) -> None:
        fresh = [line for line in self.lines if not line.asked]
        self.ask(fresh[pick % len(fresh)], reason)

    @precondition(lambda self: self.lines)
    @rule(pick=PICKS, reason=REASONS)
    def ask_whatever_was_asked_before(self, pick: int, reason: str) -> None:
        self.ask(self.line(pick), reason)

    def ask(self, line: Line, reason: str) -> None:
        ask: Callable[[], Any] = lambda: returns.request_return(  # noqa: E731  # one call
            line_id=line.id, reason=reason, actor=self.buyers[line.buyer].actor
        )
        if line.asked or line.state == "returned":
            self.refused(Conflict, ask)
        elif line.state == "settled" or self.hour - line.bought_at >= WINDOW:
            self.refused(Gone, ask)
        else:
            ask()
            line.asked = reason

    @precondition(lambda self: any(line.asked and not line.verdict for line in self.lines))
    @rule(pick=PICKS, outcome=OUTCOMES)
    def decide(self, pick: int, outcome: ReturnOutcome) -> None:
        waiting = [line for line in self.lines if line.asked and not line.verdict]
        line = waiting[pick % len(waiting)]
        made = queries.find_return_of_line(line.id)
        returns.decide(
            return_id=made.id, outcome=outcome, explanation="So.", actor=self.cast.admin.actor
        )
        line.verdict, line.decided_at = outcome.value, self.hour
        if outcome is ReturnOutcome.APPROVED:
            self.give_back(line)

    @precondition(lambda self: any(line.verdict == "approved" for line in self.lines))
    @rule(pick=PICKS)
    def object(self, pick: int) -> None:
        granted = [line for line in self.lines if line.verdict == "approved"]
        line = granted[pick % len(granted)]
        made = queries.find_return_of_line(line.id)
        contest: Callable[[], Any] = lambda: returns.contest_return(  # noqa: E731  # one call
            return_id=made.id, explanation="No.", actor=self.cast.seller.actor
        )
        if line.objection or self.hour - line.decided_at >= 72:
            self.refused(DomainError, contest)
        else:
            contest()
            line.objection = "raised"

    @precondition(lambda self: any(line.objection == "raised" for line in self.lines))
    @rule(pick=PICKS, outcome=OUTCOMES)
    def arbitrate(self, pick: int, outcome: ReturnOutcome) -> None:
        raised = [line for line in self.lines if line.objection == "raised"]
        line = raised[pick % len(raised)]
        made = queries.find_return_of_line(line.id)
        returns.arbitrate(
            return_id=made.id, outcome=outcome, explanation="So.", actor=self.cast.admin.actor
        )
        line.objection = "won" if outcome is ReturnOutcome.DENIED else "lost"

    @precondition(lambda self: self.lines)
    @rule(pick=PICKS)
    def fail_a_check(self, pick: int) -> None:
        lead = self.line(pick).lead
        held = [one for one in self.lines if one.lead == lead and one.state != "returned"]
        done = returns.refund_failed_check(lead_id=lead, evidence={}, actor=SYSTEM)
        assert done == len(held)
        self.stocks[lead].is_bad = True
        for line in held:
            if line.verdict == "denied" or not line.asked:
                line.asked = "failed_check"
            line.verdict, line.objection, line.decided_at = "approved", "", self.hour
            self.give_back(line)

    @rule(hours=st.sampled_from([5, 5, 25, 75]))
    def let_time_pass(self, hours: int) -> None:
        clock.advance(timedelta(hours=hours))
        self.hour += hours

    @rule()
    def settle(self) -> None:
        for order_id in queries.orders_to_settle(clock.now(), limit=100):
            settlements.settle_order(order_id=order_id, actor=SYSTEM)
        for line in self.lines:
            is_over = self.hour - line.bought_at >= WINDOW
            if line.state == "delivered" and is_over and bool(line.asked) == bool(line.verdict):
                line.state = "settled"

    def refused(self, kind: type[DomainError], verb: Callable[[], Any]) -> None:
        """The verb must be refused so; what it began is forgotten as at the end of a request."""
        with pytest.raises(kind), db.session.begin_nested():
            verb()
        db.session.expire_all()

    def is_free(self, lead_id: UUID, buyer: int) -> bool:
        stock = self.stocks[lead_id]
        return not stock.is_bad and stock.sold < stock.most and buyer not in stock.buyers

    def line(self, pick: int) -> Line:
        return self.lines[pick % len(self.lines)]

    def give_back(self, line: Line) -> None:
        line.state = "returned"
        self.wallets[line.buyer] += PRICE
        if line.asked == "outside_criteria":
            self.stocks[line.lead].sold -= 1
        else:
            self.stocks[line.lead].is_bad = True

    @invariant()
    def the_money_is_where_the_model_has_it(self) -> None:
        by_state = {
            s: sum(line.state == s for line in self.lines) for s in ("delivered", "settled")
        }
        won = sum(line.objection == "won" for line in self.lines)
        for player, cents in zip(self.buyers, self.wallets, strict=True):
            assert balance(player, AccountKind.WALLET) == cents
        seller = self.cast.seller
        assert balance(seller, AccountKind.PENDING) == by_state["delivered"] * PRICE
        theirs = (AccountKind.PAYABLE, AccountKind.RESERVE, AccountKind.SELLER_DEBT)
        earned = (by_state["settled"] + won) * (PRICE - FEE)
        assert sum(balance(seller, kind) for kind in theirs) == earned
        assert platform(AccountKind.COMMISSION) == by_state["settled"] * FEE
        assert platform(AccountKind.WRITE_OFF) == -won * (PRICE - FEE)

    @invariant()
    def lines_and_leads_are_as_the_model_has_them(self) -> None:
        db.session.expire_all()
        assert [get(OrderLine, line.id).status for line in self.lines] == [
            line.state for line in self.lines
        ]
        for lead_id, stock in self.stocks.items():
            assert get(Lead, lead_id).sold == stock.sold


@contextmanager
def undone() -> Iterator[None]:
    """Work that is forgotten at the end, with the time that passed in it."""
    savepoint = db.session.begin_nested()
    try:
        yield
    finally:
        savepoint.rollback()
        db.session.expire_all()
        db.session.info.clear()


def balance(player: Player, kind: AccountKind) -> int:
    return billing.balance(player.organization.id, kind, Currency.USD).amount


def platform(kind: AccountKind) -> int:
    return billing.platform_balance(kind, Currency.USD).amount


def test_trade_agrees_with_the_model(cast: Cast) -> None:
    run_state_machine_as_test(
        lambda: Trade(cast),
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
