"""The seller's API: files and single leads, and what buyers want."""

from __future__ import annotations

from exchange.sellers.api import batches, offers, posts
from exchange.sellers.api.blueprint import blueprint

__all__ = ["batches", "blueprint", "offers", "posts"]
