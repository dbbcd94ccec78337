"""Questions about money, by noun; importing this registers the invariants of the books."""

from __future__ import annotations

from exchange.billing.queries import invariants
from exchange.billing.queries.balances import (
    BalancePill,
    Balances,
    TrialLine,
    balance,
    balance_pill,
    balances,
    currencies_used,
    debtors_with_money,
    home_currency,
    no_balances,
    platform_balance,
    spendable,
    trial_balance,
    wallet_of,
    wallets,
)
from exchange.billing.queries.calendar import PendingDay, pending_calendar, pending_days
from exchange.billing.queries.credit import CreditStep, credit_history
from exchange.billing.queries.journal import (
    get_entries,
    journal,
    posting_public_id,
    whole_journal,
)
from exchange.billing.queries.links import (
    ChainReport,
    Head,
    OwnLink,
    head,
    proof,
    verify_chain,
)
from exchange.billing.queries.records import (
    SaleHistory,
    commission_bps,
    find_payout_account,
    get_payout,
    get_top_up,
    holds_of,
    payouts,
    sale_histories,
    top_ups,
)
from exchange.billing.queries.slices import Slice
from exchange.billing.queries.statements import (
    StatementLine,
    public_id_of,
    statement,
    whole_statement,
)

__all__ = [
    "BalancePill",
    "Balances",
    "ChainReport",
    "CreditStep",
    "Head",
    "OwnLink",
    "PendingDay",
    "SaleHistory",
    "Slice",
    "StatementLine",
    "TrialLine",
    "balance",
    "balance_pill",
    "balances",
    "commission_bps",
    "credit_history",
    "currencies_used",
    "debtors_with_money",
    "find_payout_account",
    "get_entries",
    "get_payout",
    "get_top_up",
    "head",
    "holds_of",
    "home_currency",
    "invariants",
    "journal",
    "no_balances",
    "payouts",
    "pending_calendar",
    "pending_days",
    "platform_balance",
    "posting_public_id",
    "proof",
    "public_id_of",
    "sale_histories",
    "spendable",
    "statement",
    "top_ups",
    "trial_balance",
    "verify_chain",
    "wallet_of",
    "wallets",
    "whole_journal",
    "whole_statement",
]
