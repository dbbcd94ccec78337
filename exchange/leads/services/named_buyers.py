"""Verb of named buyers: whom a consent names is kept beside it, and only they may buy the lead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import text

from exchange.catalog.fields import Value
from exchange.core.db import db
from exchange.leads.naming import split_names

# Of the leads that were written only: a row may have become a duplicate.
WRITE: Final = text(
    """
    INSERT INTO consent_buyer (lead_id, name)
    SELECT wanted.lead_id, wanted.name
      FROM unnest(CAST(:lead_ids AS uuid[]), CAST(:names AS text[])) AS wanted (lead_id, name)
      JOIN lead ON lead.id = wanted.lead_id
    ON CONFLICT DO NOTHING
    """
)


def write(texts: Mapping[UUID, Value | None]) -> None:
    """Keep the names that the consents of these leads give; most give none."""
    named = [
        (lead_id, name)
        for lead_id, given in texts.items()
        if given
        for name in split_names(str(given))
    ]
    if named:
        lead_ids, names = zip(*named, strict=True)
        db.session.execute(WRITE, {"lead_ids": list(lead_ids), "names": list(names)})
