"""Limits on how often somebody may knock, by address or by key, counted in Redis.

Who knocks too often is told so (429 with Retry-After) before anything else is done for them.
"""

from __future__ import annotations

import math
import time
from hashlib import sha256

from flask import Flask, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

# Without Redis the count goes on in this process: the limit gets looser, never absent.
limiter = Limiter(get_remote_address, in_memory_fallback_enabled=True, key_prefix="fixed-window")


def program() -> str:
    """Whose key is counted: a hash of it, without asking whether it is known; else the address."""
    said = request.headers.get("Authorization")
    return sha256(said.encode()).hexdigest() if said else get_remote_address()


def seconds_left() -> int:
    """After how many seconds whoever was refused just now may knock again; at least one."""
    limit = limiter.current_limit
    return max(1, math.ceil(limit.reset_at - time.time())) if limit else 1


def init_app(app: Flask, redis_url: str) -> None:
    """Count in the Redis that also rings for jobs."""
    # The library has a scheme of its own for sockets.
    uri = redis_url.replace("unix://", "redis+unix://", 1)
    app.config.setdefault("RATELIMIT_STORAGE_URI", uri)
    app.config.setdefault("RATELIMIT_STRATEGY", "fixed-window")
    limiter.init_app(app)
