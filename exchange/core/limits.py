"""Limits on how often somebody may knock: sign-in and sign-up, counted in Redis."""

from __future__ import annotations

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

# Without Redis the count goes on in this process: the limit gets looser, never absent.
limiter = Limiter(get_remote_address, in_memory_fallback_enabled=True, key_prefix="fixed-window")


def init_app(app: Flask, redis_url: str) -> None:
    """Count in the Redis that also rings for jobs."""
    # The library has a scheme of its own for sockets.
    uri = redis_url.replace("unix://", "redis+unix://", 1)
    app.config.setdefault("RATELIMIT_STORAGE_URI", uri)
    app.config.setdefault("RATELIMIT_STRATEGY", "fixed-window")
    limiter.init_app(app)
