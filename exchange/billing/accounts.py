"""The chart of accounts: one function per account, so that a movement reads as a sentence.

Balances are credits less debits: what we owe a party is positive, `cash` mirrors Stripe with the
sign reversed. Debit and credit are how a trial balance prints it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final
from uuid import UUID, uuid5

from exchange.billing.models import AccountKind
from exchange.core.money import Currency

NAMESPACE: Final = UUID("6d6f6e65-7920-7069-6e73-20646f776e2e")
K = AccountKind


class AccountClass(StrEnum):
    ASSET = "asset"
    LIABILITY = "liability"
    INCOME = "income"
    EXPENSE = "expense"


CLASSES: Final[dict[AccountKind, AccountClass]] = {
    K.CASH: AccountClass.ASSET,
    K.BANK: AccountClass.ASSET,
    K.SUSPENSE: AccountClass.LIABILITY,
    K.COMMISSION: AccountClass.INCOME,
    K.INSPECTION_INCOME: AccountClass.INCOME,
    K.PROCESSING_FEES: AccountClass.EXPENSE,
    K.VERIFICATION_COST: AccountClass.EXPENSE,
    K.TAX_PAYABLE: AccountClass.LIABILITY,
    K.GUARANTEE_LOSSES: AccountClass.EXPENSE,
    K.CHARGEBACK_LOSSES: AccountClass.EXPENSE,
    K.WRITE_OFF: AccountClass.EXPENSE,
    K.WALLET: AccountClass.LIABILITY,
    K.HELD: AccountClass.LIABILITY,
    K.BUYER_DEBT: AccountClass.ASSET,
    K.PENDING: AccountClass.LIABILITY,
    K.RESERVE: AccountClass.LIABILITY,
    K.PAYABLE: AccountClass.LIABILITY,
    K.IN_TRANSIT: AccountClass.LIABILITY,
    K.SELLER_DEBT: AccountClass.ASSET,
    K.VERIFIER_PAYABLE: AccountClass.LIABILITY,
}
# What a party owes us may grow without a floor; everything else of theirs stays at nil or above.
WITHOUT_FLOOR: Final = frozenset({K.BUYER_DEBT, K.SELLER_DEBT})


@dataclass(frozen=True, slots=True)
class AccountRef:
    """An account by what it is; its id follows, so that nobody needs to look it up."""

    kind: AccountKind
    currency: Currency
    organization_id: UUID | None = None  # None: the platform's

    @property
    def id(self) -> UUID:
        """The same id for the same owner, kind and currency, on every machine."""
        return _id(self)

    @property
    def floor(self) -> int | None:
        """The least balance in minor units, None where there is no floor or no stored balance."""
        return None if self.organization_id is None or self.kind in WITHOUT_FLOOR else 0


@lru_cache(maxsize=4_096)
def _id(account: AccountRef) -> UUID:
    return uuid5(NAMESPACE, f"{account.organization_id}/{account.kind}/{account.currency}")


def cash(currency: Currency) -> AccountRef:
    """Our money at Stripe, with the sign reversed."""
    return AccountRef(K.CASH, currency)


def commission(currency: Currency) -> AccountRef:
    """Our share of settled sales."""
    return AccountRef(K.COMMISSION, currency)


def processing_fees(currency: Currency) -> AccountRef:
    """What Stripe keeps of payments."""
    return AccountRef(K.PROCESSING_FEES, currency)


def inspection_income(currency: Currency) -> AccountRef:
    """What sellers pay for having leads called."""
    return AccountRef(K.INSPECTION_INCOME, currency)


def verification_cost(currency: Currency) -> AccountRef:
    """What checks cost the exchange."""
    return AccountRef(K.VERIFICATION_COST, currency)


def write_off(currency: Currency) -> AccountRef:
    """What the exchange bears itself."""
    return AccountRef(K.WRITE_OFF, currency)


def wallet(buyer_id: UUID, currency: Currency) -> AccountRef:
    """What an organization has paid in and can spend."""
    return AccountRef(K.WALLET, currency, buyer_id)


def held(buyer_id: UUID, currency: Currency) -> AccountRef:
    """What active holds have set aside."""
    return AccountRef(K.HELD, currency, buyer_id)


def buyer_debt(buyer_id: UUID, currency: Currency) -> AccountRef:
    """What a buyer owes after actions that neither wallet nor credit covered."""
    return AccountRef(K.BUYER_DEBT, currency, buyer_id)


def pending(seller_id: UUID, currency: Currency) -> AccountRef:
    """Delivered to a buyer whose return window is open."""
    return AccountRef(K.PENDING, currency, seller_id)


def reserve(seller_id: UUID, currency: Currency) -> AccountRef:
    """Kept back against later returns."""
    return AccountRef(K.RESERVE, currency, seller_id)


def payable(seller_id: UUID, currency: Currency) -> AccountRef:
    """What a seller can have paid out."""
    return AccountRef(K.PAYABLE, currency, seller_id)


def in_transit(party_id: UUID, currency: Currency) -> AccountRef:
    """A payout that is sent and not confirmed."""
    return AccountRef(K.IN_TRANSIT, currency, party_id)


def seller_debt(seller_id: UUID, currency: Currency) -> AccountRef:
    """What a seller owes after refunds that nothing of theirs covered."""
    return AccountRef(K.SELLER_DEBT, currency, seller_id)


def verifier_payable(organization_id: UUID, currency: Currency) -> AccountRef:
    """What verifiers earned and their organization was not paid yet."""
    return AccountRef(K.VERIFIER_PAYABLE, currency, organization_id)
