"""Tables of money. The ledger's own tables are written by `ledger.post_all` alone."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from exchange.core.db import Model, Record, enum_column, money_columns
from exchange.core.money import Money
from exchange.core.states import Graph


class AccountKind(StrEnum):
    """The chart of accounts (decision 17); `accounts` says who owns which kind."""

    CASH = "cash"  # platform: at Stripe, with the sign reversed
    BANK = "bank"
    SUSPENSE = "suspense"
    COMMISSION = "commission"
    INSPECTION_INCOME = "inspection_income"
    PROCESSING_FEES = "processing_fees"
    VERIFICATION_COST = "verification_cost"
    TAX_PAYABLE = "tax_payable"
    GUARANTEE_LOSSES = "guarantee_losses"
    CHARGEBACK_LOSSES = "chargeback_losses"
    WRITE_OFF = "write_off"
    WALLET = "wallet"  # buyer
    HELD = "held"
    BUYER_DEBT = "buyer_debt"
    PENDING = "pending"  # seller
    RESERVE = "reserve"
    PAYABLE = "payable"
    IN_TRANSIT = "in_transit"  # seller and verifier
    SELLER_DEBT = "seller_debt"
    VERIFIER_PAYABLE = "verifier_payable"


class Account(Model):
    """A place where money is. Platform accounts have no owner, no balance and are never locked."""

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint("(organization_id IS NULL) = (balance IS NULL)", name="platform"),
        CheckConstraint("floor IS NULL OR balance >= floor", name="floor"),
        Index(None, "organization_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)  # made from owner, kind and currency
    organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organization.id"))
    kind: Mapped[AccountKind] = mapped_column(enum_column(AccountKind))
    currency: Mapped[str] = mapped_column(String(3))
    balance: Mapped[int | None] = mapped_column(BigInteger)  # minor units
    floor: Mapped[int | None] = mapped_column(BigInteger)  # NULL: none


class Reason(StrEnum):
    """Why money moved: one word per business fact."""

    TOPPED_UP = "topped_up"
    HELD = "held"
    HOLD_RELEASED = "hold_released"
    DELIVERED = "delivered"
    SALE_SETTLED = "sale_settled"
    SALE_REVERSED = "sale_reversed"  # a settled sale is pending again, to be refunded from there
    REFUNDED = "refunded"
    RESERVE_RELEASED = "reserve_released"
    PAYOUT_REQUESTED = "payout_requested"
    PAYOUT_PAID = "payout_paid"
    PAYOUT_FAILED = "payout_failed"
    PROCESSING_FEE = "processing_fee"
    VERIFICATION_PAID = "verification_paid"
    INSPECTED = "inspected"  # a lead was called at its seller's cost
    ACTION_APPROVED = "action_approved"  # what was set aside for an action is its seller's
    DEBT_REPAID = "debt_repaid"  # a buyer's wallet paid what was owed
    CORRECTION = "correction"


class Posting(Model):
    """One business fact, made once under its key; its transfers say what moved."""

    __tablename__ = "posting"
    __table_args__ = (Index(None, "subject_kind", "subject_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    reason: Mapped[Reason] = mapped_column(enum_column(Reason))
    subject_kind: Mapped[str]
    subject_id: Mapped[UUID]
    occurred_at: Mapped[datetime]  # when it happened
    created_at: Mapped[datetime]  # when it was written


class Transfer(Model):
    """Money from one account to another; it cannot be unbalanced."""

    __tablename__ = "transfer"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("source_id <> target_id", name="moves"),
        Index(None, "source_id"),
        Index(None, "target_id"),
    )

    posting_id: Mapped[UUID] = mapped_column(ForeignKey("posting.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    target_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    amount: Mapped[int] = mapped_column(BigInteger)  # minor units of the accounts' currency


class ChainLink(Model):
    """The hash chain over committed postings, laid by one sealer (decisions 18 and 42)."""

    __tablename__ = "chain_link"

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    posting_id: Mapped[UUID] = mapped_column(ForeignKey("posting.id"), unique=True)
    hash: Mapped[bytes]
    # organization id to the seq of its link before this one; 0 where this is its first
    organizations: Mapped[dict[str, int]] = mapped_column()
    sealed_at: Mapped[datetime]


class ChainTail(Model):
    """Where an organization's newest link is, so that the sealer need not search for it.

    It proves nothing: verification works out the same from the links alone.
    """

    __tablename__ = "chain_tail"

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)


class HoldStatus(StrEnum):
    ACTIVE = "active"
    CAPTURED = "captured"
    RELEASED = "released"
    EXPIRED = "expired"


class Hold(Record):
    """Buyer's money set aside for one subject; it resolves once."""

    KIND, PREFIX = "hold", "hld"
    TRANSITIONS: ClassVar[Graph] = {
        HoldStatus.ACTIVE: {HoldStatus.CAPTURED, HoldStatus.RELEASED, HoldStatus.EXPIRED},
        HoldStatus.CAPTURED: set(),
        HoldStatus.RELEASED: set(),
        HoldStatus.EXPIRED: set(),
    }
    __table_args__ = (
        Index(None, "subject_kind", "subject_id", unique=True),
        Index(None, "organization_id", "status"),
        CheckConstraint("amount_amount > 0", name="amount"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    amount: Mapped[Money] = money_columns("amount")
    subject_kind: Mapped[str]
    subject_id: Mapped[UUID]
    status: Mapped[HoldStatus] = mapped_column(enum_column(HoldStatus), default=HoldStatus.ACTIVE)


class Pool(Record):
    """A buyer's money set aside for what several things together may come to cost (decision 19).

    It grows and shrinks, and gives holds to those that do cost; `held` is both together.
    """

    KIND, PREFIX = "pool", "pol"
    __table_args__ = (
        Index(None, "subject_kind", "subject_id", unique=True),
        Index(None, "organization_id"),
        CheckConstraint("amount_amount >= 0", name="amount"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    amount: Mapped[Money] = money_columns("amount")
    subject_kind: Mapped[str]
    subject_id: Mapped[UUID]
    changes: Mapped[int] = mapped_column(default=0)  # how often it was resized; keys of postings
    sized_at: Mapped[datetime]  # when its size was worked out last


class TopUpStatus(StrEnum):
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class TopUp(Record):
    """Money on its way into a wallet through Stripe Checkout; the event credits it, once."""

    KIND, PREFIX = "top_up", "top"
    TRANSITIONS: ClassVar[Graph] = {
        TopUpStatus.STARTED: {TopUpStatus.SUCCEEDED, TopUpStatus.FAILED},
        TopUpStatus.SUCCEEDED: set(),
        TopUpStatus.FAILED: {TopUpStatus.SUCCEEDED},  # money that came after all is never refused
    }
    __table_args__ = (
        Index(None, "organization_id"),
        # What the sweep for fees asks every few seconds.
        Index(
            None,
            "payment_id",
            postgresql_where=text("status = 'succeeded' AND fee_booked_at IS NULL"),
        ),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    amount: Mapped[Money] = money_columns("amount")
    status: Mapped[TopUpStatus] = mapped_column(
        enum_column(TopUpStatus), default=TopUpStatus.STARTED
    )
    session_id: Mapped[str | None] = mapped_column(unique=True)  # Stripe's checkout session
    checkout_url: Mapped[str | None]
    payment_id: Mapped[str | None] = mapped_column(unique=True)  # Stripe's payment intent
    fee_booked_at: Mapped[datetime | None]  # when what Stripe kept of it was posted


class PayoutAccountStatus(StrEnum):
    STARTED = "started"  # Stripe has not answered yet
    READY = "ready"


class PayoutAccount(Record):
    """Where a seller's payouts go: a connected account at Stripe."""

    KIND, PREFIX = "payout_account", "pac"
    TRANSITIONS: ClassVar[Graph] = {
        PayoutAccountStatus.STARTED: {PayoutAccountStatus.READY},
        PayoutAccountStatus.READY: set(),
    }

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"), unique=True)
    status: Mapped[PayoutAccountStatus] = mapped_column(
        enum_column(PayoutAccountStatus), default=PayoutAccountStatus.STARTED
    )
    external_id: Mapped[str | None] = mapped_column(unique=True)
    failure: Mapped[str] = mapped_column(server_default=text("''"), default="")  # Stripe's code


class PayoutStatus(StrEnum):
    RELEASABLE = "releasable"  # set aside, waiting for the transfer to be sent
    HELD = "held"  # stopped by the operator or by a suspended organization
    IN_TRANSIT = "in_transit"  # Stripe has the transfer
    PAID = "paid"
    FAILED = "failed"


class Payout(Record):
    """A seller's payable money on its way out as one Connect transfer."""

    KIND, PREFIX = "payout", "pay"
    TRANSITIONS: ClassVar[Graph] = {
        PayoutStatus.RELEASABLE: {PayoutStatus.IN_TRANSIT, PayoutStatus.HELD, PayoutStatus.FAILED},
        PayoutStatus.HELD: {PayoutStatus.RELEASABLE, PayoutStatus.IN_TRANSIT, PayoutStatus.FAILED},
        PayoutStatus.IN_TRANSIT: {PayoutStatus.PAID, PayoutStatus.FAILED},
        PayoutStatus.PAID: {PayoutStatus.FAILED},  # Stripe took the transfer back
        PayoutStatus.FAILED: set(),
    }
    __table_args__ = (Index(None, "organization_id"), Index(None, "status"))

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    amount: Mapped[Money] = money_columns("amount")
    status: Mapped[PayoutStatus] = mapped_column(
        enum_column(PayoutStatus), default=PayoutStatus.RELEASABLE
    )
    external_id: Mapped[str | None] = mapped_column(unique=True)  # Stripe's transfer
    failure: Mapped[str] = mapped_column(default="")  # a code: why it is held or has failed
    attempts: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    next_attempt_at: Mapped[datetime]  # when the sweep rings for it again


class CommissionRate(Record):
    """The exchange's share of a settled sale, by scope, from a moment on; never edited."""

    KIND, PREFIX = "commission_rate", "com"
    __table_args__ = (Index(None, "scope", "effective_from"),)

    scope: Mapped[str]  # the code of a vertical; billing only compares the word
    bps: Mapped[int]
    effective_from: Mapped[datetime]


class CreditStatus(StrEnum):
    PROPOSED = "proposed"
    APPROVED = "approved"  # by a second person; holds until the next one is approved
    DECLINED = "declined"


class CreditLimit(Record):
    """How far a buyer's wallet may go below nil, with who asked for it, why, and who decided."""

    KIND, PREFIX = "credit_limit", "crl"
    TRANSITIONS: ClassVar[Graph] = {
        CreditStatus.PROPOSED: {CreditStatus.APPROVED, CreditStatus.DECLINED},
        CreditStatus.APPROVED: set(),
        CreditStatus.DECLINED: set(),
    }
    __table_args__ = (
        CheckConstraint("amount_amount >= 0", name="amount"),
        CheckConstraint("(status = 'proposed') = (decided_by_id IS NULL)", name="decided"),
        CheckConstraint(
            "status <> 'approved' OR decided_by_id <> proposed_by_id", name="two_people"
        ),
        Index(None, "organization_id"),
        Index(
            "uq_credit_limit_waiting",
            "organization_id",
            "amount_currency",
            unique=True,
            postgresql_where=text("status = 'proposed'"),
        ),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))  # the buyer
    amount: Mapped[Money] = money_columns("amount")
    reason: Mapped[str]
    status: Mapped[CreditStatus] = mapped_column(
        enum_column(CreditStatus), default=CreditStatus.PROPOSED
    )
    proposed_by_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    decided_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id"))
    decided_at: Mapped[datetime | None]


class InboundStatus(StrEnum):
    RECEIVED = "received"
    HANDLED = "handled"
    IGNORED = "ignored"  # a type that concerns nothing here
    FAILED = "failed"  # kept; the sweep tries again


class InboundEvent(Record):
    """What Stripe told us: stored first, worked on afterwards, each once."""

    KIND, PREFIX = "inbound_event", "ibe"
    TRANSITIONS: ClassVar[Graph] = {
        InboundStatus.RECEIVED: {
            InboundStatus.HANDLED, InboundStatus.IGNORED, InboundStatus.FAILED,
        },
        InboundStatus.FAILED: {InboundStatus.HANDLED, InboundStatus.IGNORED},
        InboundStatus.HANDLED: set(),
        InboundStatus.IGNORED: set(),
    }  # fmt: skip
    __table_args__ = (
        Index(None, "source", "external_id", unique=True),
        Index(None, "status", "next_attempt_at"),
    )

    source: Mapped[str]
    external_id: Mapped[str]
    type: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column()
    status: Mapped[InboundStatus] = mapped_column(
        enum_column(InboundStatus), default=InboundStatus.RECEIVED
    )
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime]
    failure: Mapped[str] = mapped_column(server_default=text("''"), default="")
