"""Pages of the spot check, one module per room on one blueprint."""

from __future__ import annotations

from exchange.verification.views import callbacks, calls, gold, pay, shift, training
from exchange.verification.views.blueprint import blueprint

__all__ = ["blueprint", "callbacks", "calls", "gold", "pay", "shift", "training"]
