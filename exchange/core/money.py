"""Money: integers of the minor unit with a currency. No float, no Decimal, no naked int.

`+`, `-`, comparison and `total` refuse mixed currencies; shares floor, splits lose nothing.
"""

# No postponed annotations here: SQLAlchemy reads the field types of Money when a composite of two
# columns is declared in another module.

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import total_ordering

BASIS_POINTS = 10_000


class Currency(StrEnum):
    """Currencies that a wallet can hold; all of them have two decimals."""

    EUR = "EUR"
    MYR = "MYR"
    RUB = "RUB"
    USD = "USD"

    @property
    def exponent(self) -> int:
        """How many decimals the minor unit stands behind the point (ISO 4217)."""
        return 2


class CurrencyMismatch(ValueError):
    """Two currencies met in one sum; that is a mistake in the program."""


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (cents, kopecks) of one currency."""

    amount: int
    currency: Currency

    def __post_init__(self) -> None:
        if not isinstance(self.amount, int) or isinstance(self.amount, bool):
            raise TypeError(f"an amount is an integer of minor units, not {type(self.amount)}")
        object.__setattr__(self, "currency", Currency(self.currency))

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same(other).amount, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same(other).amount, self.currency)

    def __mul__(self, count: int) -> "Money":
        return Money(self.amount * count, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.amount < self._same(other).amount

    def __bool__(self) -> bool:
        return self.amount != 0

    def _same(self, other: "Money") -> "Money":
        if other.currency is not self.currency:
            raise CurrencyMismatch(f"{self.currency} met {other.currency}")
        return other

    def share(self, bps: int) -> "Money":
        """The part of `bps` basis points, rounded down: who receives the rest loses nothing."""
        return Money(self.amount * bps // BASIS_POINTS, self.currency)

    def plus_percent(self, percent: int) -> "Money":
        """So many percent more, or less, rounded half up to the minor unit."""
        return Money((self.amount * (100 + percent) + 50) // 100, self.currency)

    def split(self, weights: Sequence[int]) -> list["Money"]:
        """Parts in proportion to the weights by largest remainder; they add up exactly."""
        whole = sum(weights)
        floors = [self.amount * weight // whole for weight in weights]
        remainders = [self.amount * weight % whole for weight in weights]
        order = sorted(range(len(weights)), key=lambda i: (-remainders[i], i))
        for i in order[: self.amount - sum(floors)]:
            floors[i] += 1
        assert sum(floors) == self.amount
        return [Money(part, self.currency) for part in floors]


def total(amounts: Iterable[Money], currency: Currency) -> Money:
    """The sum of amounts that must all be of `currency`."""
    result = Money(0, currency)
    for amount in amounts:
        result = result + amount
    return result
