"""What the event list takes and gives. Events are thin: what it was and what it was about."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from exchange.billing.queries import public_id_of
from exchange.core.events import Event
from exchange.core.forms import PageQuery


class EventQuery(PageQuery):
    type = fields.String(
        load_default="",
        validate=validate.Regexp(r"^[a-z_]+\.[a-z_]*$"),
        metadata={"description": "A type, or its beginning such as `return.`"},
    )


class EventOut(Schema):
    id = fields.String(attribute="public_id")
    object = fields.Constant("event")
    type = fields.String()
    created_at = fields.AwareDateTime(format="iso", attribute="occurred_at")
    subject = fields.Method("subject_of")

    def subject_of(self, event: Event) -> dict[str, Any] | None:  # Any: JSON
        """The kind and the public id of what the event is about."""
        if event.subject_id is None:
            return None
        return {"object": event.subject_kind, "id": public_id_of(event.subject)}
