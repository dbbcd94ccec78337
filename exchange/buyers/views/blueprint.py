"""The blueprint that the buyer's pages hang on."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("buyers", __name__, url_prefix="/buyers")
