"""Where the money is: the trial balance of a currency, and the accounts behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select

from exchange.billing import queries as billing
from exchange.billing.chain import JournalEntry
from exchange.billing.models import Account, AccountKind
from exchange.billing.queries import TrialLine
from exchange.billing.queries.journal import PREFIX
from exchange.core import ids
from exchange.core.db import db
from exchange.core.errors import NotFound
from exchange.core.money import Currency, Money, total
from exchange.identity.models import Organization

ACCOUNTS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """Every kind of account of one currency with its sum, and both sides added up."""

    currency: Currency
    lines: Sequence[TrialLine]
    debit: Money
    credit: Money

    @property
    def difference(self) -> Money:
        """The sum of all accounts; anything but nil is a fault."""
        return self.credit - self.debit


@dataclass(frozen=True, slots=True)
class AccountLine:
    """An account of a party, with its owner."""

    kind: AccountKind
    owner_id: UUID
    owner: str
    balance: Money


def trial() -> list[TrialBalance]:
    """The trial balance of each currency in which money ever moved."""
    return [_trial(currency) for currency in billing.currencies_used()]


def accounts(
    *, kind: AccountKind | None = None, currency: Currency | None = None
) -> list[AccountLine]:
    """The accounts of parties with the largest balances, at most 100."""
    statement = (
        select(Account, Organization.trade_name)
        .join(Organization, Organization.id == Account.organization_id)
        .order_by(Account.balance.desc(), Account.id)
        .limit(ACCOUNTS_MAX)
    )
    if kind:
        statement = statement.where(Account.kind == kind)
    if currency:
        statement = statement.where(Account.currency == currency)
    return [_line(account, owner) for account, owner in db.session.execute(statement)]


def _trial(currency: Currency) -> TrialBalance:
    lines = billing.trial_balance(currency)
    debit = total((line.debit for line in lines), currency)
    credit = total((line.credit for line in lines), currency)
    return TrialBalance(currency, lines, debit, credit)


def _line(account: Account, owner: str) -> AccountLine:
    assert account.organization_id is not None
    balance = Money(account.balance or 0, Currency(account.currency))
    return AccountLine(account.kind, account.organization_id, owner, balance)


def get_entry(posting_id: str) -> JournalEntry:
    """A posting with its transfers, by its public id. Raises NotFound."""
    found = ids.decode(PREFIX, posting_id)
    entries = billing.get_entries([found]) if found else {}
    if found not in entries:
        raise NotFound
    return entries[found]
