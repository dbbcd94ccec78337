"""What must be true of the books at any moment, as queries."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text

from exchange.core.db import db
from exchange.core.invariants import invariant

# What every account should hold by its history; platform accounts keep no balance to compare.
HISTORY: Final = """
WITH history AS (
  SELECT account_id, sum(amount) AS amount FROM (
    SELECT target_id AS account_id, amount FROM transfer
    UNION ALL SELECT source_id, -amount FROM transfer
  ) AS movement GROUP BY account_id
)
"""


@invariant("ledger.balances")
def balances_equal_history() -> list[str]:
    """Every stored balance equals the sum of the account's transfers."""
    return _found(
        """
        SELECT format('account %s (%s %s) holds %s, its history says %s',
                      a.id, a.kind, a.currency, a.balance, coalesce(h.amount, 0))
        FROM account AS a LEFT JOIN history AS h ON h.account_id = a.id
        WHERE a.balance IS NOT NULL AND a.balance <> coalesce(h.amount, 0)
        """,
        opening=HISTORY,
    )


@invariant("ledger.zero")
def currencies_sum_to_nil() -> list[str]:
    """Stored balances and those of the platform's accounts add up to nil in each currency."""
    return _found(
        """
        SELECT format('all balances of %s add up to %s', a.currency,
                      sum(coalesce(a.balance, h.amount, 0)))
        FROM account AS a LEFT JOIN history AS h ON h.account_id = a.id
        GROUP BY a.currency HAVING sum(coalesce(a.balance, h.amount, 0)) <> 0
        """,
        opening=HISTORY,
    )


@invariant("ledger.one_currency")
def transfers_stay_in_one_currency() -> list[str]:
    """Both accounts of a transfer are of one currency."""
    return _found(
        """
        SELECT format('posting %s moves %s into %s', t.posting_id, s.currency, g.currency)
        FROM transfer AS t
        JOIN account AS s ON s.id = t.source_id
        JOIN account AS g ON g.id = t.target_id
        WHERE s.currency <> g.currency
        """
    )


@invariant("ledger.postings")
def postings_move_something() -> list[str]:
    """No posting stands without a transfer."""
    return _found(
        """
        SELECT format('posting %s moves nothing', p.key) FROM posting AS p
        WHERE NOT EXISTS (SELECT FROM transfer AS t WHERE t.posting_id = p.id)
        """
    )


@invariant("ledger.floors")
def accounts_keep_their_floor() -> list[str]:
    """No account of a party is below its floor."""
    return _found(
        """
        SELECT format('account %s (%s %s) is at %s, below %s', id, kind, currency, balance, floor)
        FROM account WHERE balance < floor
        """
    )


@invariant("ledger.credit")
def wallets_end_at_the_credit_limit() -> list[str]:
    """A wallet goes below nil as far as the limit that was approved last, or not at all."""
    return _found(
        """
        SELECT format('wallet of %s in %s goes down to %s, its credit limit is %s',
                      a.organization_id, a.currency, a.floor, coalesce(c.amount, 0))
        FROM account AS a
        LEFT JOIN LATERAL (
          SELECT amount_amount AS amount FROM credit_limit
          WHERE organization_id = a.organization_id AND amount_currency = a.currency
            AND status = 'approved'
          ORDER BY decided_at DESC, id DESC LIMIT 1
        ) AS c ON true
        WHERE a.kind = 'wallet' AND -a.floor <> coalesce(c.amount, 0)
        """
    )


@invariant("ledger.holds")
def held_equals_active_holds() -> list[str]:
    """What an organization has in `held` is what its active holds and its pools set aside."""
    return _found(
        """
        SELECT format('organization %s has %s %s in held, active holds and pools of %s',
                      organization_id, coalesce(a.balance, 0), currency, coalesce(h.amount, 0))
        FROM (
          SELECT organization_id, currency, balance FROM account WHERE kind = 'held'
        ) AS a
        FULL JOIN (
          SELECT organization_id, amount_currency AS currency, sum(amount_amount) AS amount
          FROM (
            SELECT organization_id, amount_currency, amount_amount
            FROM hold WHERE status = 'active'
            UNION ALL SELECT organization_id, amount_currency, amount_amount FROM pool
          ) AS set_aside GROUP BY 1, 2
        ) AS h USING (organization_id, currency)
        WHERE coalesce(a.balance, 0) <> coalesce(h.amount, 0)
        """
    )


@invariant("ledger.payouts")
def in_transit_equals_open_payouts() -> list[str]:
    """What an organization has on its way out is what its unfinished payouts took."""
    return _found(
        """
        SELECT format('organization %s has %s %s in transit and open payouts of %s',
                      organization_id, coalesce(a.balance, 0), currency, coalesce(p.amount, 0))
        FROM (
          SELECT organization_id, currency, balance FROM account WHERE kind = 'in_transit'
        ) AS a
        FULL JOIN (
          SELECT organization_id, amount_currency AS currency, sum(amount_amount) AS amount
          FROM payout WHERE status IN ('releasable', 'held', 'in_transit') GROUP BY 1, 2
        ) AS p USING (organization_id, currency)
        WHERE coalesce(a.balance, 0) <> coalesce(p.amount, 0)
        """
    )


@invariant("ledger.top_ups")
def succeeded_top_ups_were_credited() -> list[str]:
    """A top-up succeeded if and only if its money was posted."""
    return _found(
        """
        SELECT format('top-up %s is %s and its posting %s', t.id, t.status,
                      CASE WHEN p.id IS NULL THEN 'is missing' ELSE 'stands' END)
        FROM top_up AS t LEFT JOIN posting AS p ON p.key = 'top-up-' || t.id
        WHERE (t.status = 'succeeded') <> (p.id IS NOT NULL)
        """
    )


def _found(query: str, *, opening: str = "") -> list[str]:
    return list(db.session.scalars(text(opening + query)))
