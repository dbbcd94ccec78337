"""The blueprint of the spot check's pages."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from flask import Blueprint
from flask_babel import get_locale

from exchange.catalog.models import Vertical
from exchange.catalog.queries import get_definition
from exchange.identity.access import actor
from exchange.verification.services import tasks

blueprint: Final = Blueprint("verification", __name__, url_prefix="/verification")


def me() -> UUID:
    """The person at the page."""
    return tasks.verifier_of(actor())


def label_of(vertical: Vertical) -> str:
    """What people call it, in the language of the page."""
    return get_definition(vertical).label_in(str(get_locale()))
