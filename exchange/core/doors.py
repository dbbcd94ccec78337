"""The blueprint of API doors: whatever a body holds instead of JSON is a refusal, never a fault."""

from __future__ import annotations

from typing import Any

from flask import Request
from flask_smorest import Blueprint as SmorestBlueprint
from marshmallow import Schema
from webargs.flaskparser import FlaskParser

from exchange.core.errors import Malformed


class BodyParser(FlaskParser):
    """Reads a body as the library does, and knows what the library takes for a fault of ours."""

    def load_json(self, req: Request, schema: Schema) -> Any:  # Any: whatever was sent
        """The body. Raises Malformed for a number with more digits than Python reads."""
        try:
            return super().load_json(req, schema)
        except ValueError:
            raise Malformed("The body must be JSON.") from None


class Blueprint(SmorestBlueprint):  # type: ignore[misc]  # flask-smorest ships no types
    """A blueprint of doors under /api/v1."""

    ARGUMENTS_PARSER = BodyParser()
