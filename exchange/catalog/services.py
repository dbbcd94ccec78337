"""Verbs of the catalog: publish a vertical, pause it, let it trade again.

Publishing adds versions and edits none, so whatever was agreed stays as it was agreed.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from exchange.catalog import queries
from exchange.catalog.definition import VerticalDefinition, problems
from exchange.catalog.models import CallScript, LeadSchema, Vertical, VerticalStatus, VerticalTerms
from exchange.core import events
from exchange.core.actors import Actor
from exchange.core.db import db, lock, save
from exchange.core.errors import Conflict, Invalid
from exchange.core.states import transition

# A lead, a price and an hour mean something else under another of these: that is a new vertical.
FIXED = ("country", "currency", "language", "time_zone")


def publish_vertical(*, definition: VerticalDefinition, actor: Actor) -> Vertical:
    """Make a new vertical, or new versions of what the definition changes, or change nothing.

    Safe to repeat: what is in force already gets no new version and no event. Raises Invalid
    when the definition contradicts itself, Conflict when it moves a vertical to another country,
    currency, language or time zone.
    """
    _require_sound(definition)
    vertical = queries.find_vertical(definition.code)
    if vertical is None:
        return _found(definition, actor)
    vertical = lock(Vertical, vertical.id)
    _require_same_place(vertical, definition)
    changed = _add_versions(vertical, definition)
    if vertical.profile != definition.profile():
        vertical.profile = definition.profile()
        changed.append("profile")
    if changed:
        events.record("vertical.published", subject=vertical, actor=actor, changed=changed)
    return vertical


def pause_vertical(*, code: str, reason: str, actor: Actor) -> Vertical:
    """Take in and list nothing new; what is agreed runs on. Raises NotFound, IllegalTransition."""
    vertical = lock(Vertical, queries.get_vertical(code).id)
    transition(vertical, VerticalStatus.PAUSED, actor=actor, reason=reason)
    return vertical


def resume_vertical(*, code: str, actor: Actor) -> Vertical:
    """Let a paused vertical trade again. Raises NotFound, IllegalTransition."""
    vertical = lock(Vertical, queries.get_vertical(code).id)
    transition(vertical, VerticalStatus.ACTIVE, actor=actor)
    return vertical


def _require_sound(definition: VerticalDefinition) -> None:
    wrong = problems(definition)
    if wrong:
        raise Invalid("This definition contradicts itself.", errors=tuple(wrong))


def _require_same_place(vertical: Vertical, definition: VerticalDefinition) -> None:
    moved = [name for name in FIXED if getattr(vertical, name) != getattr(definition, name)]
    if moved:
        raise Conflict(
            f"A vertical keeps its {', '.join(moved)}; publish a new one under another code.",
            code="vertical_fixed",
        )


def _found(definition: VerticalDefinition, actor: Actor) -> Vertical:
    vertical = save(
        Vertical(
            code=definition.code,
            country=definition.country,
            currency=definition.currency,
            time_zone=definition.time_zone,
            language=definition.language,
            profile=definition.profile(),
            schema_version=0,
            terms_version=0,
        )
    )
    changed = _add_versions(vertical, definition)
    events.record("vertical.published", subject=vertical, actor=actor, changed=changed)
    return vertical


def _add_versions(vertical: Vertical, definition: VerticalDefinition) -> list[str]:
    """Add a version of each part that differs from the one in force; returns their names."""
    data = definition.to_json()
    changed = []
    if _schema_in_force(vertical) != data["fields"]:
        vertical.schema_version += 1
        version = vertical.schema_version
        save(LeadSchema(vertical_id=vertical.id, version=version, content=data["fields"]))
        changed.append("schema")
    if _terms_in_force(vertical) != data["terms"]:
        vertical.terms_version += 1
        version = vertical.terms_version
        save(VerticalTerms(vertical_id=vertical.id, version=version, content=data["terms"]))
        changed.append("terms")
    return changed + [name for script in data["scripts"] for name in _add_script(vertical, script)]


def _schema_in_force(vertical: Vertical) -> list[Any] | None:  # Any: JSON
    return db.session.scalar(
        select(LeadSchema.content).where(
            LeadSchema.vertical_id == vertical.id, LeadSchema.version == vertical.schema_version
        )
    )


def _terms_in_force(vertical: Vertical) -> dict[str, Any] | None:  # Any: JSON
    return db.session.scalar(
        select(VerticalTerms.content).where(
            VerticalTerms.vertical_id == vertical.id,
            VerticalTerms.version == vertical.terms_version,
        )
    )


def _add_script(vertical: Vertical, content: dict[str, Any]) -> list[str]:  # Any: JSON
    language = content["language"]
    mine = (CallScript.vertical_id == vertical.id, CallScript.language == language)
    newest = db.session.scalar(select(func.max(CallScript.version)).where(*mine)) or 0
    present = db.session.scalar(
        select(CallScript.content).where(*mine, CallScript.version == newest)
    )
    if present == content:
        return []
    save(
        CallScript(vertical_id=vertical.id, language=language, version=newest + 1, content=content)
    )
    return [f"script_{language}"]
