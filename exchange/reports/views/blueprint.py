"""The blueprint that public pages hang on."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("reports", __name__)
