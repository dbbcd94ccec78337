"""Events as the operator reads them: who, what, and the facts, in one line each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from flask_babel import gettext as _

from exchange.admin import queries
from exchange.billing.queries import public_id_of
from exchange.core.events import Event

# What something became says how it looks; everything else is neutral.
TONES: Final = {
    "approved": "ok", "accepted": "ok", "paid": "ok", "settled": "ok", "confirmed": "ok",
    "suspended": "bad", "rejected": "bad", "failed": "bad", "denied": "bad",
    "contested": "warn", "undecided": "warn", "requested": "warn", "paused": "warn",
}  # fmt: skip
ICONS: Final = {"ok": "check", "bad": "x", "warn": "alert", "mute": "dot"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a timeline, with the names that the component reads."""

    at: datetime
    title: str
    by: str
    detail: str
    subject: str  # a public id
    href: str
    tone: str
    icon: str


def entries(events: Sequence[Event]) -> list[Entry]:
    """The events in the same order, with the names of the people behind them."""
    people = queries.people({e.actor_id for e in events if e.actor_id and e.actor_kind == "user"})
    return [_entry(event, _actor(event, people)) for event in events]


def _entry(event: Event, by: str) -> Entry:
    tone = TONES.get(event.type.rpartition(".")[2], "mute")
    subject = public_id_of(event.subject) if event.subject_id else event.subject_kind
    facts = {key: value for key, value in event.facts.items() if value not in ("", None)}
    words = {key: "was" if key == "before" else key.replace("_", " ") for key in facts}
    detail = ", ".join(f"{words[key]}: {_said(value)}" for key, value in facts.items())
    return Entry(event.occurred_at, event.type, by, detail, subject, "", tone, ICONS[tone])


def _said(value: Any) -> str:  # Any: a fact is JSON
    """A fact in a line; of several, each with its name."""
    if isinstance(value, dict):
        return "; ".join(f"{key.replace('_', ' ')} {_said(one)}" for key, one in value.items())
    return "–" if value in ("", None) else str(value)


def _actor(event: Event, people: Mapping[UUID, str]) -> str:
    if event.actor_kind == "user" and event.actor_id:
        return people.get(event.actor_id) or str(_("A former user"))
    return str(_("A program with a key") if event.actor_kind == "key" else _("The system"))
