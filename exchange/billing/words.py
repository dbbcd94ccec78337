"""What accounts, movements and troubles are called, in the reader's language when shown."""

from __future__ import annotations

from typing import Final

from flask_babel import lazy_gettext as _

from exchange.billing.models import AccountKind, Reason

ACCOUNTS: Final[dict[AccountKind, str]] = {
    AccountKind.CASH: _("At Stripe"),
    AccountKind.BANK: _("At the bank"),
    AccountKind.SUSPENSE: _("Not matched yet"),
    AccountKind.COMMISSION: _("Commission"),
    AccountKind.INSPECTION_INCOME: _("Income from inspections"),
    AccountKind.PROCESSING_FEES: _("Processing fees"),
    AccountKind.VERIFICATION_COST: _("Cost of checks"),
    AccountKind.TAX_PAYABLE: _("Tax"),
    AccountKind.GUARANTEE_LOSSES: _("Paid under the guarantee"),
    AccountKind.CHARGEBACK_LOSSES: _("Lost to chargebacks"),
    AccountKind.WRITE_OFF: _("Written off"),
    AccountKind.WALLET: _("Wallet"),
    AccountKind.HELD: _("Set aside"),
    AccountKind.BUYER_DEBT: _("Owed by the buyer"),
    AccountKind.PENDING: _("Pending"),
    AccountKind.RESERVE: _("Reserve"),
    AccountKind.PAYABLE: _("Payable"),
    AccountKind.IN_TRANSIT: _("On its way"),
    AccountKind.SELLER_DEBT: _("Debt"),
    AccountKind.VERIFIER_PAYABLE: _("Earned by checks"),
}
BUYER_ACCOUNTS: Final = (AccountKind.WALLET, AccountKind.HELD, AccountKind.BUYER_DEBT)
SELLER_ACCOUNTS: Final = (
    AccountKind.PENDING,
    AccountKind.RESERVE,
    AccountKind.PAYABLE,
    AccountKind.IN_TRANSIT,
    AccountKind.SELLER_DEBT,
    AccountKind.WALLET,
    AccountKind.HELD,
)
REASONS: Final[dict[Reason, str]] = {
    Reason.TOPPED_UP: _("Top-up"),
    Reason.HELD: _("Set aside"),
    Reason.HOLD_RELEASED: _("Set aside no longer"),
    Reason.DELIVERED: _("Lead delivered, return window open"),
    Reason.SALE_SETTLED: _("Return window closed, sale settled"),
    Reason.SALE_REVERSED: _("Settled sale taken back for a refund"),
    Reason.REFUNDED: _("Refund"),
    Reason.RESERVE_RELEASED: _("Released from the reserve"),
    Reason.PAYOUT_REQUESTED: _("Payout requested"),
    Reason.PAYOUT_PAID: _("Payout paid"),
    Reason.PAYOUT_FAILED: _("Payout failed, money back"),
    Reason.PROCESSING_FEE: _("Processing fee"),
    Reason.VERIFICATION_PAID: _("Checks paid"),
    Reason.INSPECTED: _("A lead called at your cost"),
    Reason.ACTION_APPROVED: _("Action approved"),
    Reason.DEBT_REPAID: _("Debt repaid from the wallet"),
    Reason.CORRECTION: _("Correction"),
}
# What a posting is about; other kinds have no page and are shown by their id.
SUBJECTS: Final[dict[str, str]] = {
    "order": _("Order"),
    "line": _("Lead"),
    "contract": _("Contract"),
    "conversion": _("Action"),
    "bid": _("Sealed bid"),
    "top_up": _("Top-up"),
    "payout": _("Payout"),
    "inspection": _("Lead called"),
    "full_inspection": _("Full inspection"),
    "organization": _("Account"),
}
# Stripe's own words for why, and ours; others are shown as they are.
FAILURES: Final[dict[str, str]] = {
    "organization_suspended": _("Held while your organization is suspended."),
    "balance_insufficient": _(
        "The exchange's balance at Stripe did not suffice at that moment. Please request it again."
    ),
    "insufficient_capabilities_for_transfer": _(
        "Your payout account cannot receive transfers. Please complete it at Stripe."
    ),
    "reversed": _("Stripe took the transfer back. The money is payable again."),
}


def failure(code: str) -> str:
    """Why something failed, in words where we have them."""
    return str(FAILURES.get(code, code.replace("_", " ")))
