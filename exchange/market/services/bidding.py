"""What contracts bid for a lead that is offered without its person, and taking such a bid.

A bid is a contract at one version of its terms: its price is what the buyer is charged, also where
the contract asks something else a moment later. Whether it can still be paid is decided under the
locks of the purchase.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self
from uuid import UUID

from exchange.core.money import Currency, Money

BIDS_MAX: Final = 10  # that are told; nobody takes the eleventh
PREFIX: Final = "pbid"


@dataclass(frozen=True, slots=True)
class Bid:
    """What one contract pays for the lead of a ping."""

    id: str  # public; says nothing of the buyer
    contract_id: UUID | None  # None: of a test
    version: int  # of the contract's terms
    price: Money
    sales_max: int  # how often the lead may be sold, this sale included

    @property
    def is_exclusive(self) -> bool:
        """Whether nobody else gets the lead."""
        return self.sales_max == 1

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The form in which bids are stored with their ping."""
        return {
            "id": self.id,
            "contract_id": str(self.contract_id),
            "version": self.version,
            "amount": self.price.amount,
            "currency": str(self.price.currency),
            "sales_max": self.sales_max,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:  # Any: JSON
        """Read what `to_json` wrote."""
        return cls(
            data["id"],
            UUID(data["contract_id"]),
            data["version"],
            Money(data["amount"], Currency(data["currency"])),
            data["sales_max"],
        )
