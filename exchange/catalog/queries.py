"""Questions about verticals. The catalog is public: nothing here depends on who asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from exchange.catalog.definition import Terms, VerticalDefinition
from exchange.catalog.models import CallScript, LeadSchema, Vertical, VerticalStatus, VerticalTerms
from exchange.core.db import db
from exchange.core.errors import NotFound


def find_vertical(code: str) -> Vertical | None:
    """The vertical with this code, if there is one."""
    return db.session.scalar(select(Vertical).where(Vertical.code == code))


def get_vertical(code: str) -> Vertical:
    """The vertical with this code, active or paused. Raises NotFound."""
    vertical = find_vertical(code)
    if vertical is None:
        raise NotFound(f"There is no vertical {code}.")
    return vertical


def verticals(*, with_paused: bool = False) -> Sequence[Vertical]:
    """Every vertical that trades, by code; also the paused ones when asked for."""
    wanted = list(VerticalStatus) if with_paused else [VerticalStatus.ACTIVE]
    return db.session.scalars(
        select(Vertical).where(Vertical.status.in_(wanted)).order_by(Vertical.code)
    ).all()


def get_schema(vertical: Vertical, *, version: int | None = None) -> LeadSchema:
    """The lead schema in force, or a former version. Raises NotFound."""
    schema = db.session.scalar(
        select(LeadSchema).where(
            LeadSchema.vertical_id == vertical.id,
            LeadSchema.version == (version or vertical.schema_version),
        )
    )
    if schema is None:
        raise NotFound(f"There is no version {version} of this schema.")
    return schema


def schema_id(vertical: Vertical) -> UUID:
    """The id of the lead schema in force, without all that is in it."""
    same = (
        LeadSchema.vertical_id == vertical.id,
        LeadSchema.version == vertical.schema_version,
    )
    return db.session.scalars(select(LeadSchema.id).where(*same)).one()


def get_terms(vertical: Vertical, *, version: int | None = None) -> Terms:
    """The terms in force, or a former version. Raises NotFound."""
    return Terms.from_json(get_terms_row(vertical, version=version).content)


def get_terms_row(vertical: Vertical, *, version: int | None = None) -> VerticalTerms:
    """The row behind `get_terms`, with its version. Raises NotFound."""
    terms = db.session.scalar(
        select(VerticalTerms).where(
            VerticalTerms.vertical_id == vertical.id,
            VerticalTerms.version == (version or vertical.terms_version),
        )
    )
    if terms is None:
        raise NotFound(f"There is no version {version} of these terms.")
    return terms


def scripts(vertical: Vertical) -> list[CallScript]:
    """The newest version of the script in every language, the vertical's own language first."""
    newest = (
        select(CallScript)
        .where(CallScript.vertical_id == vertical.id)
        .order_by(CallScript.language, CallScript.version.desc())
        .ext(distinct_on(CallScript.language))
    )
    found = db.session.scalars(newest).all()
    return sorted(found, key=lambda script: (script.language != vertical.language, script.language))


def get_script(vertical: Vertical, *, language: str | None = None) -> CallScript:
    """The newest script in the language, else in the vertical's own. Raises NotFound."""
    found = {script.language: script for script in scripts(vertical)}
    script = found.get(language or vertical.language) or found.get(vertical.language)
    if script is None:
        raise NotFound("This vertical has no script.")
    return script


def get_definition(vertical: Vertical) -> VerticalDefinition:
    """Everything in force as one value: what was published last."""
    return VerticalDefinition.from_json(
        {
            **vertical.profile,
            "fields": get_schema(vertical).content,
            "terms": get_terms_row(vertical).content,
            "scripts": [script.content for script in scripts(vertical)],
        }
    )


def get_rules(vertical: Vertical) -> VerticalDefinition:
    """Everything in force but the scripts: what a lead is checked by, kept from the last time.

    Versions are never edited, so their numbers say whether it is still the same.
    """
    key = (vertical.schema_version, vertical.terms_version, dict(vertical.profile))
    known = _rules.get(vertical.id)
    if known is None or known[0] != key:
        content = {
            **vertical.profile,
            "fields": get_schema(vertical).content,
            "terms": get_terms_row(vertical).content,
            "scripts": [],
        }
        known = _rules[vertical.id] = (key, VerticalDefinition.from_json(content))
    return known[1]


_rules: dict[UUID, tuple[tuple[int, int, dict[str, Any]], VerticalDefinition]] = {}  # Any: JSON
