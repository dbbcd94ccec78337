"""Tables of verticals. What was agreed is never edited: fields, terms and scripts have versions.

A vertical points at the versions in force; batches, listings and checks name the one they used.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from exchange.catalog.field_definitions import fields_from_json
from exchange.catalog.fields import LeadFields
from exchange.catalog.scripts import Script
from exchange.core.db import Model, Record, enum_column
from exchange.core.money import Currency
from exchange.core.states import Graph


class VerticalStatus(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"  # takes in and lists nothing new; what is agreed runs on


class Vertical(Record):
    """An industry in a country: one currency, one clock, one set of rules."""

    KIND, PREFIX = "vertical", "vrt"
    TRANSITIONS: ClassVar[Graph] = {
        VerticalStatus.ACTIVE: {VerticalStatus.PAUSED},
        VerticalStatus.PAUSED: {VerticalStatus.ACTIVE},
    }

    code: Mapped[str] = mapped_column(String(40), unique=True)
    status: Mapped[VerticalStatus] = mapped_column(
        enum_column(VerticalStatus), default=VerticalStatus.ACTIVE
    )
    country: Mapped[str] = mapped_column(String(2))
    currency: Mapped[Currency] = mapped_column(enum_column(Currency))
    time_zone: Mapped[str]
    language: Mapped[str] = mapped_column(String(2))  # its people's own
    profile: Mapped[dict[str, Any]]  # Any: JSON; VerticalDefinition.profile()
    schema_version: Mapped[int]  # in force now; what is in use keeps its own
    terms_version: Mapped[int]


class LeadSchema(Record):
    """The fields of a vertical's leads in one version. Immutable once a batch used it."""

    KIND, PREFIX = "lead_schema", "lsc"
    __table_args__ = (
        UniqueConstraint("vertical_id", "version"),
        CheckConstraint("version > 0", name="version"),
    )

    vertical_id: Mapped[UUID] = mapped_column(ForeignKey("vertical.id"))
    version: Mapped[int]
    content: Mapped[list[Any]]  # Any: JSON of field definitions

    @property
    def fields(self) -> LeadFields:
        """The fields, read from the stored content; keep the value in loops."""
        return fields_from_json(self.content)


class VerticalTerms(Record):
    """Windows, reasons, prices, calling hours and policies of a vertical in one version."""

    KIND, PREFIX = "vertical_terms", "vtm"
    __table_args__ = (
        UniqueConstraint("vertical_id", "version"),
        CheckConstraint("version > 0", name="version"),
    )

    vertical_id: Mapped[UUID] = mapped_column(ForeignKey("vertical.id"))
    version: Mapped[int]
    content: Mapped[dict[str, Any]]  # Any: JSON of Terms


class CallScript(Record):
    """What verifiers say, in one language and one version; the highest version is spoken."""

    KIND, PREFIX = "call_script", "csc"
    __table_args__ = (
        UniqueConstraint("vertical_id", "language", "version"),
        CheckConstraint("version > 0", name="version"),
        Index(None, "vertical_id", "language"),
    )

    vertical_id: Mapped[UUID] = mapped_column(ForeignKey("vertical.id"))
    language: Mapped[str] = mapped_column(String(2))
    version: Mapped[int]
    content: Mapped[dict[str, Any]]  # Any: JSON of Script

    @property
    def script(self) -> Script:
        """The script, read from the stored content."""
        return Script.from_json(self.content)


class Place(Model):
    """Where a postal code is, as the operator's gazetteer says; what a radius is measured by."""

    __tablename__ = "place"
    __table_args__ = (
        Index(None, "country", "latitude"),
        CheckConstraint("latitude BETWEEN -90 AND 90", name="latitude"),
        CheckConstraint("longitude BETWEEN -180 AND 180", name="longitude"),
    )

    country: Mapped[str] = mapped_column(String(2), primary_key=True)
    postal_code: Mapped[str] = mapped_column(String(20), primary_key=True)
    latitude: Mapped[float]  # degrees, WGS 84
    longitude: Mapped[float]
