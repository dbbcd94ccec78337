"""Tables of contracts: standing orders of buyers, what each version asks, what they used."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from exchange.core.db import Model, Record, enum_column, money_columns
from exchange.core.money import Money
from exchange.core.states import Graph
from exchange.market.contract_terms import Period
from exchange.market.models import PricingModel


class ContractStatus(StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


C = ContractStatus


class Contract(Record):
    """A buyer's standing order: leads that fit its newest terms are bought as they come."""

    KIND, PREFIX = "contract", "con"
    TRANSITIONS: ClassVar[Graph] = {
        C.DRAFT: {C.ACTIVE, C.ENDED},
        C.ACTIVE: {C.PAUSED, C.ENDED},
        C.PAUSED: {C.ACTIVE, C.ENDED},
        C.ENDED: set(),
    }
    __table_args__ = (
        Index(None, "organization_id", "status"),
        Index(None, "vertical_id", "status"),
        Index(None, "changed_at"),
        Index(None, "vertical_id", "changed_in"),
    )

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))  # the buyer
    vertical_id: Mapped[UUID] = mapped_column(ForeignKey("vertical.id"))
    schema_id: Mapped[UUID] = mapped_column(ForeignKey("lead_schema.id"))  # of its criteria
    name: Mapped[str]
    status: Mapped[ContractStatus] = mapped_column(enum_column(C), default=C.DRAFT)
    pause_reason: Mapped[str] = mapped_column(default="")  # buyer, trial, exchange
    limited_by: Mapped[str] = mapped_column(default="", server_default="")  # as its buyer was told
    pricing_model: Mapped[PricingModel] = mapped_column(enum_column(PricingModel))
    price: Mapped[Money] = money_columns("price")  # of a lead or an action, by the newest terms
    terms_version: Mapped[int] = mapped_column(default=1)
    ranked_at: Mapped[datetime | None]  # first activated: the second key of the ranking
    changed_at: Mapped[datetime]  # terms or state
    # The number of the transaction that changed these last; a trigger writes it. What an index of
    # contracts follows, because a moment says nothing of when it was committed.
    changed_in: Mapped[int] = mapped_column(
        BigInteger, server_default=text("pg_current_xact_id()::text::bigint")
    )


class ContractTerms(Record):
    """What a contract asks and pays, by version; never edited. `contract_terms` reads `content`."""

    KIND, PREFIX = "contract_terms", "cot"
    __table_args__ = (
        UniqueConstraint("contract_id", "version"),
        CheckConstraint("price_amount > 0", name="price"),
    )

    contract_id: Mapped[UUID] = mapped_column(ForeignKey("contract.id"))
    version: Mapped[int]
    price: Mapped[Money] = money_columns("price")
    content: Mapped[dict[str, Any]]  # Any: JSON of Terms


class ContractSourceStatus(StrEnum):
    REQUESTED = "requested"  # by the seller who joins, or by leads that would fit
    APPROVED = "approved"
    REFUSED = "refused"


class ContractSource(Record):
    """A seller's source as a contract sees it: a source may need the buyer's word first."""

    KIND, PREFIX = "contract_source", "cos"
    TRANSITIONS: ClassVar[Graph] = {
        ContractSourceStatus.REQUESTED: {
            ContractSourceStatus.APPROVED, ContractSourceStatus.REFUSED,
        },
        ContractSourceStatus.APPROVED: {ContractSourceStatus.REFUSED},
        ContractSourceStatus.REFUSED: {ContractSourceStatus.APPROVED},
    }  # fmt: skip
    __table_args__ = (UniqueConstraint("contract_id", "source_id"), Index(None, "source_id"))

    contract_id: Mapped[UUID] = mapped_column(ForeignKey("contract.id"))
    source_id: Mapped[UUID] = mapped_column(ForeignKey("source.id"))
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))  # the seller
    status: Mapped[ContractSourceStatus] = mapped_column(
        enum_column(ContractSourceStatus), default=ContractSourceStatus.REQUESTED
    )


class CapUse(Model):
    """What a contract took inside one hour, day, week or month of its own clock, or in all.

    Written in the transaction that takes the slots, under the contract's lock; it never exceeds
    the cap. What is let go of before delivery is given back to where it was counted.
    """

    __tablename__ = "cap_use"
    __table_args__ = (CheckConstraint("leads >= 0 AND amount >= 0", name="used"),)

    contract_id: Mapped[UUID] = mapped_column(ForeignKey("contract.id"), primary_key=True)
    period: Mapped[Period] = mapped_column(enum_column(Period), primary_key=True)
    starts_at: Mapped[datetime] = mapped_column(primary_key=True)  # by the contract's clock
    leads: Mapped[int] = mapped_column(default=0)
    amount: Mapped[int] = mapped_column(BigInteger, default=0)  # minor units of its currency
