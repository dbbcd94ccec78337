"""The API's frame: the OpenAPI document, its version and the doors under /api/v1.

Errors are rendered by the application's one handler, not by the library's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from flask import Blueprint, Flask, jsonify
from flask.typing import ResponseReturnValue
from flask_smorest import Api as SmorestApi

from exchange.identity.access import public

PREFIX: Final = "/api/v1"


class Api(SmorestApi):  # type: ignore[misc]  # flask-smorest ships no types
    """flask-smorest without its error handler, which would take over the pages as well."""

    def _register_error_handlers(self) -> None:
        """Leave errors to the application."""


def init_app(app: Flask, doors: Sequence[Blueprint]) -> Sequence[Blueprint]:
    """Mount the doors and publish the document that describes them; returns what was mounted."""
    app.config.update(
        API_TITLE="Lead exchange",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_JSON_PATH=None,
        OPENAPI_URL_PREFIX=None,
        API_SPEC_OPTIONS={
            "info": {"description": "Amounts are integers of the minor unit."},
            "security": [{"key": []}],
        },
    )
    api = Api(app)
    api.spec.components.security_scheme("key", {"type": "http", "scheme": "bearer"})
    for door in doors:
        api.register_blueprint(door, url_prefix=PREFIX)

    # Made anew for each application: a blueprint takes no routes after it was registered.
    frame = Blueprint("api", __name__)

    @frame.get(f"{PREFIX}/openapi.json")
    @public
    def openapi() -> ResponseReturnValue:
        return jsonify(api.spec.to_dict())

    app.extensions["openapi"] = api.spec
    app.register_blueprint(frame)
    return doors
