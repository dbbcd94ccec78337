"""Tables of matching: what became of each lead that met the contracts, and what is still to meet.

They are written by the transaction that matches. None of them holds a contact.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ForeignKey, Index, Integer, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from exchange.core import ids
from exchange.core.db import Model, Record, enum_column
from exchange.market.allocation import Refusal


class LeadMatch(Model):
    """The last time that a lead on sale met all contracts, and why others did not get it.

    A lead without such a row, or with one of other terms of its listing, has not met them yet.
    """

    __tablename__ = "lead_match"
    __table_args__ = (Index(None, "listing_id"),)

    lead_id: Mapped[UUID] = mapped_column(ForeignKey("lead.id"), primary_key=True)
    listing_id: Mapped[UUID] = mapped_column(ForeignKey("listing.id"))
    terms_version: Mapped[int]  # of the listing: another price is another question
    matched_at: Mapped[datetime]
    fitting: Mapped[int]  # contracts that asked for it
    taken: Mapped[int]  # of these, those that got it then
    # By reason: how many contracts, and the first of them by rank.
    refusals: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))


class ContractRefusal(Model):
    """How many leads that a contract asked for it did not get, by UTC day and reason."""

    __tablename__ = "contract_refusal"

    contract_id: Mapped[UUID] = mapped_column(ForeignKey("contract.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    reason: Mapped[Refusal] = mapped_column(enum_column(Refusal), primary_key=True)
    leads: Mapped[int]


class RefusalTally(Model):
    """What the contracts of one round did not get for one reason, until it is added up by day.

    A round only adds such rows: it waits for no other that refused the same contracts.
    """

    __tablename__ = "refusal_tally"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.uuid7)
    day: Mapped[date]  # UTC
    reason: Mapped[Refusal] = mapped_column(enum_column(Refusal))
    contract_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    leads: Mapped[list[int]] = mapped_column(ARRAY(Integer))  # of each of them


class ContractRound(Record):
    """A contract is to meet what is on sale: it changed, or what limits it is over by then.

    Rows are only added and, by whoever has seen them, taken away: a change that is committed while
    its contract meets leads is not lost with the row of an earlier one.
    """

    KIND, PREFIX = "contract_round", "crd"
    __table_args__ = (Index(None, "due_at"), Index(None, "contract_id", "due_at"))

    contract_id: Mapped[UUID] = mapped_column(ForeignKey("contract.id"))
    due_at: Mapped[datetime]


class MatchRequest(Record):
    """Something of a listing is to meet the contracts; written with what caused it.

    Rows of one listing do not wait for each other: whoever matches takes away those it had seen.
    """

    KIND, PREFIX = "match_request", "mrq"
    __table_args__ = (Index(None, "listing_id"),)

    listing_id: Mapped[UUID] = mapped_column(ForeignKey("listing.id"))
