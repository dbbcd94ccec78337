"""The blueprint of what a source shows to the world."""

from __future__ import annotations

from flask import Blueprint, request

from exchange.sellers.posting import BODY_BYTES_MAX

blueprint = Blueprint("sources", __name__)


@blueprint.before_request
def bound_the_body() -> None:
    """Strangers send a lead here, never a file."""
    request.max_content_length = BODY_BYTES_MAX
