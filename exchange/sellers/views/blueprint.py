"""The blueprint that the seller's pages hang on."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("sellers", __name__, url_prefix="/sellers")
