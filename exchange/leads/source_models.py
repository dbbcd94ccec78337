"""Tables of a source's card: its wordings, version by version, and what people saw."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from exchange.core.db import Model, Record


class SourceConsent(Model):
    """A version of the wording that a source shows. Append-only: a new one edits no old one."""

    __tablename__ = "source_consent"

    source_id: Mapped[UUID] = mapped_column(ForeignKey("source.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)  # from 1
    text_id: Mapped[UUID] = mapped_column(ForeignKey("consent_text.id"))
    since: Mapped[datetime]


class SourcePicture(Record):
    """What people saw: a picture of the ad or the form, encrypted. The newest one is shown."""

    KIND, PREFIX = "source_picture", "pic"
    __table_args__ = (Index(None, "source_id"),)

    source_id: Mapped[UUID] = mapped_column(ForeignKey("source.id"))
    content_type: Mapped[str]  # told by its first bytes, never by its sender
    size: Mapped[int]  # bytes
    sha256: Mapped[bytes]
    key_version: Mapped[int]
    wrapped_key: Mapped[bytes]
