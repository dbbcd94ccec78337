"""The blueprint of the spot check's pages."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from flask import Blueprint

from exchange.identity.access import actor
from exchange.verification.services import tasks

blueprint: Final = Blueprint("verification", __name__, url_prefix="/verification")


def me() -> UUID:
    """The person at the page."""
    return tasks.verifier_of(actor())
