"""Doors of a source that strangers knock at: form builders, lead ads, readers of a spec, visitors.

Nobody is signed in here and no cookie is trusted, so no form carries a session's token.
"""

from __future__ import annotations

from exchange.sellers.webhooks import capture, intake, specs
from exchange.sellers.webhooks.blueprint import blueprint

__all__ = ["blueprint", "capture", "intake", "specs"]
