"""The blueprint of what a source shows to the world."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("sources", __name__)
