"""How much is where: balances of parties, and the trial balance of the whole house."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    SQLColumnExpression,
    Uuid,
    any_,
    func,
    literal,
    select,
)
from sqlalchemy.orm import aliased

from exchange.billing.accounts import CLASSES, AccountClass, AccountRef
from exchange.billing.models import Account, AccountKind, TopUp, TopUpStatus, Transfer
from exchange.core.db import db
from exchange.core.money import Currency, Money
from exchange.identity.models import Organization
from exchange.identity.permissions import OrganizationKind

# Under a fifth of the last top-up the wallet counts as limited.
LIMITED_BPS: Final = 2_000
HEADROOM: Final = func.greatest(Account.balance - Account.floor, 0)
HOME_CURRENCIES: Final = {"MY": Currency.MYR, "RU": Currency.RUB, "US": Currency.USD}


@dataclass(frozen=True, slots=True)
class Balances:
    """What one organization has in one currency, by account; debts are what it owes."""

    currency: Currency
    wallet: Money
    held: Money
    pending: Money
    reserve: Money
    payable: Money
    in_transit: Money
    debt: Money
    credit: Money  # the limit: how far the wallet may go below nil

    @property
    def free(self) -> Money:
        """What can be spent: the wallet and what is left of the credit."""
        return self.wallet + self.credit

    @property
    def credit_used(self) -> Money:
        """What of the credit is spent."""
        return max(-self.wallet, Money(0, self.currency))


@dataclass(frozen=True, slots=True)
class BalancePill:
    """The wallet in the head of each page: its figure, and in a word whether it will do."""

    amount: Money
    state: str  # enough, limited or empty


@dataclass(frozen=True, slots=True)
class TrialLine:
    """One kind of account in the trial balance: its sum stands on one of the two sides."""

    kind: AccountKind
    account_class: AccountClass
    debit: Money
    credit: Money


def balance(organization_id: UUID, kind: AccountKind, currency: Currency) -> Money:
    """The balance of one account of a party, nil where it was never opened."""
    ref = AccountRef(kind, currency, organization_id)
    amount = db.session.scalar(select(Account.balance).where(Account.id == ref.id))
    return Money(amount or 0, currency)


def wallets(owners: Collection[UUID], *, currency: Currency) -> dict[UUID, int]:
    """What each of these can spend now, in minor units: down to the floor, where credit ends.

    Nil where nothing was ever paid in.
    """
    refs = {AccountRef(AccountKind.WALLET, currency, owner).id: owner for owner in owners}
    same = Account.id == any_(literal(list(refs), ARRAY(Uuid)))
    rows = db.session.execute(select(Account.id, HEADROOM).where(same))
    return dict.fromkeys(owners, 0) | {refs[account_id]: left for account_id, left in rows}


def spendable(organization_id: UUID, currency: Currency) -> Money:
    """What one organization can spend now, its credit included."""
    return Money(wallets([organization_id], currency=currency)[organization_id], currency)


def wallet_of(
    owner: SQLColumnExpression[UUID], currency: SQLColumnExpression[str]
) -> ColumnElement[int]:
    """A column beside these two: what `wallets` says of the owner."""
    own = (Account.organization_id == owner, Account.currency == currency)
    found = select(HEADROOM).where(*own, Account.kind == AccountKind.WALLET)
    return func.coalesce(found.scalar_subquery(), 0)


def platform_balance(kind: AccountKind, currency: Currency) -> Money:
    """The balance of an account of the house: the sum of its transfers, for it keeps none."""
    account_id = AccountRef(kind, currency).id
    came = select(func.sum(Transfer.amount)).where(Transfer.target_id == account_id)
    went = select(func.sum(Transfer.amount)).where(Transfer.source_id == account_id)
    amount = (db.session.scalar(came) or 0) - (db.session.scalar(went) or 0)
    return Money(int(amount), currency)


def balances(organization_id: UUID) -> list[Balances]:
    """What an organization has, by currency; only currencies in which it ever had money."""
    rows = db.session.execute(
        select(Account.currency, Account.kind, Account.balance, Account.floor)
        .where(Account.organization_id == organization_id)
        .order_by(Account.currency)
    ).all()
    found: dict[Currency, dict[AccountKind, int]] = {}
    credit = {row.currency: -row.floor for row in rows if row.kind is AccountKind.WALLET}
    for row in rows:
        found.setdefault(Currency(row.currency), {})[row.kind] = row.balance
    return [
        _balances(currency, amounts, credit=credit.get(currency, 0))
        for currency, amounts in found.items()
    ]


def no_balances(currency: Currency) -> Balances:
    """What an organization has before any money moved."""
    return _balances(currency, {})


def _balances(currency: Currency, amounts: dict[AccountKind, int], *, credit: int = 0) -> Balances:
    def of(kind: AccountKind) -> Money:
        return Money(amounts.get(kind, 0), currency)

    return Balances(
        currency=currency,
        wallet=of(AccountKind.WALLET),
        held=of(AccountKind.HELD),
        pending=of(AccountKind.PENDING),
        reserve=of(AccountKind.RESERVE),
        payable=of(AccountKind.PAYABLE),
        in_transit=of(AccountKind.IN_TRANSIT),
        debt=-(of(AccountKind.SELLER_DEBT) + of(AccountKind.BUYER_DEBT)),
        credit=Money(credit, currency),
    )


def balance_pill(organization: Organization) -> BalancePill | None:
    """The wallet that a buyer topped up last, with what it is good for; None for others."""
    if organization.kind is not OrganizationKind.BUYER:
        return None
    last = db.session.scalar(
        select(TopUp)
        .where(TopUp.organization_id == organization.id, TopUp.status == TopUpStatus.SUCCEEDED)
        .order_by(TopUp.id.desc())
        .limit(1)
    )
    if last is None:
        left = _fullest_wallet(organization)
        return BalancePill(left, "enough" if left else "empty")
    left = spendable(organization.id, last.amount.currency)
    limited = left < last.amount.share(LIMITED_BPS)
    return BalancePill(left, "empty" if not left else "limited" if limited else "enough")


def _fullest_wallet(organization: Organization) -> Money:
    """What can be spent without a top-up: credit, or money that was given back for example."""
    row = db.session.execute(
        select(HEADROOM.label("left"), Account.currency)
        .where(Account.organization_id == organization.id, Account.kind == AccountKind.WALLET)
        .order_by(HEADROOM.desc())
        .limit(1)
    ).one_or_none()
    found = row and Money(row.left, Currency(row.currency))
    return found or Money(0, home_currency(organization))


def home_currency(organization: Organization) -> Currency:
    """The currency to begin with, by country; euro where there is none of its own."""
    return HOME_CURRENCIES.get(organization.country, Currency.EUR)


def trial_balance(currency: Currency) -> list[TrialLine]:
    """Every kind of account with its sum; debits equal credits, or the books are wrong."""
    movements = (
        select(Transfer.target_id.label("account_id"), Transfer.amount.label("amount"))
        .union_all(select(Transfer.source_id, -Transfer.amount))
        .subquery()
    )
    rows = db.session.execute(
        select(Account.kind, func.sum(movements.c.amount).label("amount"))
        .join(movements, movements.c.account_id == Account.id)
        .where(Account.currency == currency)
        .group_by(Account.kind)
    )
    sums = {row.kind: int(row.amount) for row in rows}
    return [_trial_line(kind, sums[kind], currency) for kind in AccountKind if kind in sums]


def debtors_with_money(*, limit: int) -> list[tuple[UUID, Currency]]:
    """Buyers who owe something that their wallet could repay."""
    debt, wallet = aliased(Account), aliased(Account)
    rows = db.session.execute(
        select(debt.organization_id, debt.currency)
        .join(
            wallet,
            (wallet.organization_id == debt.organization_id) & (wallet.currency == debt.currency),
        )
        .where(
            debt.kind == AccountKind.BUYER_DEBT,
            debt.balance < 0,
            wallet.kind == AccountKind.WALLET,
            wallet.balance > 0,
        )
        .order_by(debt.id)
        .limit(limit)
    )
    return [(row.organization_id, Currency(row.currency)) for row in rows]


def currencies_used() -> Sequence[Currency]:
    """The currencies in which money ever moved."""
    found = db.session.scalars(select(Account.currency).distinct().order_by(Account.currency))
    return [Currency(code) for code in found]


def _trial_line(kind: AccountKind, amount: int, currency: Currency) -> TrialLine:
    # Balances are credits less debits; a trial balance prints each on its side.
    return TrialLine(
        kind, CLASSES[kind], Money(max(-amount, 0), currency), Money(max(amount, 0), currency)
    )
