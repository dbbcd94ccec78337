"""The books as a beancount file: text in which an outside auditor's own tools find every cent.

Beancount counts debits as positive, so a transfer adds to its source and takes from its target.
Both legs are written, and at the end what each account must hold: a changed amount anywhere shows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Final

from exchange.billing.accounts import CLASSES, AccountClass, AccountRef
from exchange.billing.chain import JournalEntry
from exchange.core import ids
from exchange.core.money import Money

ROOTS: Final = {
    AccountClass.ASSET: "Assets",
    AccountClass.LIABILITY: "Liabilities",
    AccountClass.INCOME: "Income",
    AccountClass.EXPENSE: "Expenses",
}
OPENED: Final = "1970-01-01"


def statements(entries: Iterable[JournalEntry]) -> Iterator[str]:
    """The lines of the file, each with its end; entries come oldest first."""
    sums: defaultdict[AccountRef, int] = defaultdict(int)
    opened: set[str] = set()
    last = date(1970, 1, 1)
    yield 'option "title" "Lead exchange"\n'
    for entry in entries:
        last = max(last, entry.created_at.date())
        for account in _accounts(entry):
            if account not in opened:
                opened.add(account)
                yield f"\n{OPENED} open {account}\n"
        yield from _transaction(entry, sums)
    yield from _assertions(sums, on=last + timedelta(days=1))


def account(ref: AccountRef) -> str:
    """`Liabilities:Org-01J...:Wallet`, or `Assets:House:Cash`."""
    owner = "House"
    if ref.organization_id is not None:
        owner = ids.encode("Org", ref.organization_id).replace("_", "-")
    kind = "".join(word.title() for word in ref.kind.split("_"))
    return f"{ROOTS[CLASSES[ref.kind]]}:{owner}:{kind}"


def _accounts(entry: JournalEntry) -> Iterator[str]:
    for leg in entry.legs:
        yield account(leg.source)
        yield account(leg.target)


def _transaction(entry: JournalEntry, sums: defaultdict[AccountRef, int]) -> Iterator[str]:
    yield f'\n{entry.created_at.date()} * "{entry.reason.value}" "{entry.key}"\n'
    for leg in entry.legs:
        for ref, amount in ((leg.source, leg.amount), (leg.target, -leg.amount)):
            sums[ref] += amount.amount
            yield f"  {account(ref)}  {_amount(amount)}\n"


def _assertions(sums: dict[AccountRef, int], *, on: date) -> Iterator[str]:
    yield "\n"
    for ref, amount in sums.items():
        yield f"{on} balance {account(ref)}  {_amount(Money(amount, ref.currency))}\n"


def _amount(money: Money) -> str:
    unit = 10**money.currency.exponent
    whole, rest = divmod(abs(money.amount), unit)
    sign = "-" if money.amount < 0 else ""
    return f"{sign}{whole}.{rest:0{money.currency.exponent}} {money.currency}"
