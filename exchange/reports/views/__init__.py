"""Public pages: how leads are checked, the documentation of the API, the style guide."""

from __future__ import annotations

from exchange.reports.views import docs, method, search, styleguide, terms
from exchange.reports.views.blueprint import blueprint

__all__ = ["blueprint", "docs", "method", "search", "styleguide", "terms"]
