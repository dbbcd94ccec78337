"""Tables of offers: contracts that their buyers show to sellers, who join them with a source."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from exchange.core.db import Record, enum_column
from exchange.core.states import Graph


class OfferStatus(StrEnum):
    PUBLISHED = "published"
    UNPUBLISHED = "unpublished"  # nobody new joins; who has joined goes on


class Offer(Record):
    """What a buyer says about a contract to whoever might bring leads for it (decision 13).

    What is paid and asked stands in the contract; here are words beside it.
    """

    KIND, PREFIX = "offer", "off"
    TRANSITIONS: ClassVar[Graph] = {
        OfferStatus.PUBLISHED: {OfferStatus.UNPUBLISHED},
        OfferStatus.UNPUBLISHED: {OfferStatus.PUBLISHED},
    }
    __table_args__ = (Index(None, "organization_id"),)

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))  # the buyer
    contract_id: Mapped[UUID] = mapped_column(ForeignKey("contract.id"), unique=True)
    headline: Mapped[str]
    description: Mapped[str]
    status: Mapped[OfferStatus] = mapped_column(
        enum_column(OfferStatus), default=OfferStatus.UNPUBLISHED
    )
    published_at: Mapped[datetime | None]
