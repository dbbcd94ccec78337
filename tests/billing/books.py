"""Sales of nothing in particular: billing knows money and references, so tests need no leads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Connection

from exchange.billing import accounts, ledger, queries
from exchange.billing.models import AccountKind, Reason
from exchange.billing.services import holds, refunds, sales
from exchange.core.actors import SYSTEM
from exchange.core.db import db, unit_of_work
from exchange.core.events import Ref
from exchange.core.ids import uuid7
from exchange.core.money import Currency, Money
from tests.cast import Player
from tests.factories.billing import fund_wallet

EUR = Currency.EUR
COMMISSION_BPS, RESERVE_BPS = 1_500, 1_000


def eur(amount: int) -> Money:
    """So many euro cents."""
    return Money(amount, EUR)


def fund(buyer: Player, amount: int) -> Money:
    """So many euro cents in the buyer's wallet."""
    return fund_wallet(buyer, amount, EUR)


@dataclass(frozen=True)
class Deal:
    """One sale between two players."""

    buyer: Player
    seller: Player
    price: Money = Money(10_000, EUR)  # noqa: RUF009  # frozen, so sharing it is safe
    ref: Ref = field(default_factory=lambda: Ref("line", uuid7()))

    def hold(self) -> Deal:
        """Set the price aside."""
        hold([self])
        return self

    def deliver(self) -> Deal:
        """Set aside and deliver."""
        self.hold()
        seller_of = {self.ref.id: self.seller.organization.id}
        holds.capture_all(refs=[self.ref], seller_of=seller_of, actor=SYSTEM)
        return self

    def settle(
        self, *, commission_bps: int = COMMISSION_BPS, reserve_bps: int = RESERVE_BPS
    ) -> Deal:
        """Close the return window of a delivered sale."""
        sales.settle(
            ref=self.ref,
            seller_id=self.seller.organization.id,
            price=self.price,
            commission_bps=commission_bps,
            reserve_bps=reserve_bps,
            actor=SYSTEM,
        )
        return self

    def refund(self, amount: int | None = None, *, settled: bool, reason: str = "return") -> Money:
        """Give the price or a part of it back."""
        return refunds.refund(
            ref=self.ref,
            buyer_id=self.buyer.organization.id,
            seller_id=self.seller.organization.id,
            price=self.price,
            settled=settled,
            reason_key=reason,
            amount=None if amount is None else eur(amount),
            actor=SYSTEM,
        )


def hold(deals: list[Deal], subject: Ref | None = None) -> Ref:
    """Set the prices of several deals of one buyer aside, as one order does."""
    subject = subject or Ref("order", uuid7())
    holds.place(
        organization_id=deals[0].buyer.organization.id,
        holds=[(deal.ref, deal.price) for deal in deals],
        subject=subject,
        actor=SYSTEM,
    )
    return subject


def spend_payable(seller: Player, amount: int) -> None:
    """Take so many euro cents out of what is payable, so that a refund finds less."""
    owner = seller.organization.id
    move = ledger.Move(accounts.payable(owner, EUR), accounts.cash(EUR), eur(amount))
    ledger.post(
        key=f"test-{uuid7()}",
        reason=Reason.CORRECTION,
        subject=Ref("organization", owner),
        moves=[move],
    )


def amounts(player: Player, currency: Currency = EUR) -> dict[str, int]:
    """What the player has, by account, without what is nil."""
    found = [row for row in queries.balances(player.organization.id) if row.currency is currency]
    names = ("wallet", "held", "pending", "reserve", "payable", "in_transit", "debt")
    return {
        name: getattr(row, name).amount for row in found for name in names if getattr(row, name)
    }


def house(kind: AccountKind, currency: Currency = EUR) -> int:
    """The balance of an account of the platform."""
    return queries.platform_balance(kind, currency).amount


def commit() -> None:
    """End the unit of work as a request does: what was rung for goes out."""
    with unit_of_work():
        pass


@contextmanager
def undone() -> Iterator[None]:
    """Whatever is committed inside the block is forgotten at its end."""
    commit()
    connection = db.engines[None]
    assert isinstance(connection, Connection)  # the fixture puts the test's own one there
    savepoint = connection.begin_nested()
    db.session.expunge_all()
    try:
        yield
    finally:
        # Detached objects keep what they know; a rollback would make them forget it.
        db.session.expunge_all()
        db.session.rollback()
        savepoint.rollback()
