"""The wanted board: what standing orders ask for and pay, by region, and never whose they are.

A figure is told where three buyers or more are behind it (decision 13); a region in which fewer
buy is there, and says "few". A contract counts where it names the region; one that names none has
a row of its own, so that no difference of two rows is about one buyer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, TextClause, Uuid, bindparam, text

from exchange.core import clock
from exchange.core.db import db
from exchange.core.money import Currency, Money
from exchange.market.models import PricingModel

BUYERS_MIN: Final = 3  # behind every figure
CONTRACTS_MIN: Final = 5  # under so many prices a quartile is a price of somebody

# What a contract took today by its own clock: a day begins at another moment in each zone.
_PLACED: Final = """
    WITH wanted AS (
      SELECT contract.id, contract.organization_id, contract.pricing_model, contract.price_amount,
             terms.content, CAST(terms.content #>> '{caps,leads,day}' AS bigint) AS day_cap,
             coalesce(used.leads, 0) AS used
        FROM contract
        JOIN contract_terms AS terms
          ON terms.contract_id = contract.id AND terms.version = contract.terms_version
        JOIN organization
          ON organization.id = contract.organization_id AND organization.status = 'approved'
        LEFT JOIN cap_use AS used
          ON used.contract_id = contract.id AND used.period = 'day'
         AND used.starts_at > CAST(:now AS timestamptz) - interval '2 days'
         AND CAST(used.starts_at AT TIME ZONE (terms.content ->> 'time_zone') AS date)
           = CAST(CAST(:now AS timestamptz) AT TIME ZONE (terms.content ->> 'time_zone') AS date)
       WHERE contract.status = 'active' AND contract.vertical_id = :vertical_id
    ), placed AS (
      SELECT wanted.*, coalesce(place.region, '') AS region
        FROM wanted
        LEFT JOIN LATERAL jsonb_array_elements_text(wanted.content -> 'regions') AS place (region)
          ON true
    )
"""


def _over(question: str) -> TextClause:
    """A question about the contracts of a vertical, each once for every region that it names."""
    return text(f"{_PLACED} {question}")


_ROWS: Final = _over(
    """
    SELECT region, count(*) AS contracts, count(DISTINCT organization_id) AS buyers,
           sum(greatest(day_cap - used, 0)) AS unfilled,
           count(DISTINCT organization_id) FILTER (WHERE day_cap IS NOT NULL) AS capped_buyers,
           bool_or(day_cap IS NULL) AS is_open
      FROM placed GROUP BY region ORDER BY region
    """
).bindparams(bindparam("vertical_id", type_=Uuid))
_PRICES: Final = _over(
    """
    SELECT region, pricing_model, count(*) AS n,
           percentile_disc(0.25) WITHIN GROUP (ORDER BY price_amount) AS low,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY price_amount) AS median,
           percentile_disc(0.75) WITHIN GROUP (ORDER BY price_amount) AS high
      FROM placed GROUP BY region, pricing_model
    HAVING count(*) >= :contracts_min AND count(DISTINCT organization_id) >= :buyers_min
    """
).bindparams(
    bindparam("vertical_id", type_=Uuid), contracts_min=CONTRACTS_MIN, buyers_min=BUYERS_MIN
)
_ASKED: Final = _over(
    """
    SELECT region, asked.field, count(*) AS contracts
      FROM placed
     CROSS JOIN LATERAL (
           SELECT DISTINCT found #>> '{}' AS field
             FROM jsonb_path_query(placed.content -> 'criteria', '$.**.field') AS found
     ) AS asked
     GROUP BY region, asked.field
    HAVING count(DISTINCT organization_id) >= :buyers_min
     ORDER BY count(*) DESC, asked.field
    """
).bindparams(bindparam("vertical_id", type_=Uuid), buyers_min=BUYERS_MIN)


@dataclass(frozen=True, slots=True)
class Bids:
    """Quartiles of what active contracts pay, and how many contracts that is."""

    low: Money
    median: Money
    high: Money
    n: int


@dataclass(frozen=True, slots=True)
class WantedRow:
    """What is wanted of a vertical in a region."""

    region: str  # empty: contracts that name no region
    contracts: int | None  # None: fewer than three buyers, "few"
    prices: Mapping[PricingModel, Bids]  # one that is missing: not enough contracts
    unfilled: int | None  # leads that daily caps still take today; None: not told
    is_open: bool  # a contract without a daily cap is among them
    asked: Mapping[str, float]  # by attribute, the share of contracts that ask about it


def wanted(*, vertical_id: UUID, currency: Currency, region: str | None = None) -> list[WantedRow]:
    """The wanted board of a vertical, contracts without a region first; one region where given."""
    prices, asked = _prices(vertical_id, currency), _asked(vertical_id)
    return [
        _row(row, prices.get(row.region, {}), asked.get(row.region, {}))
        for row in _ask(_ROWS, vertical_id)
        if region is None or row.region == region
    ]


def _row(
    row: Row[Any], prices: Mapping[PricingModel, Bids], asked: Mapping[str, int]
) -> WantedRow:  # Any: as the statement selects
    is_told = row.buyers >= BUYERS_MIN
    return WantedRow(
        region=row.region,
        contracts=row.contracts if is_told else None,
        prices=prices,
        unfilled=int(row.unfilled) if row.capped_buyers >= BUYERS_MIN else None,
        is_open=is_told and row.is_open,
        asked={name: count / row.contracts for name, count in asked.items()},
    )


def _prices(vertical_id: UUID, currency: Currency) -> dict[str, dict[PricingModel, Bids]]:
    found: defaultdict[str, dict[PricingModel, Bids]] = defaultdict(dict)
    for row in _ask(_PRICES, vertical_id):
        low, median, high = (Money(price, currency) for price in (row.low, row.median, row.high))
        found[row.region][PricingModel(row.pricing_model)] = Bids(low, median, high, row.n)
    return found


def _asked(vertical_id: UUID) -> dict[str, dict[str, int]]:
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for row in _ask(_ASKED, vertical_id):
        found[row.region][row.field] = row.contracts
    return found


def _ask(statement: Any, vertical_id: UUID) -> Sequence[Row[Any]]:  # Any: text with its binds
    given = {"vertical_id": vertical_id, "now": clock.now()}
    return db.session.execute(statement, given).all()
