"""Sentences about what follows a sale that hold at any moment."""

from __future__ import annotations

from exchange.core.invariants import invariant
from exchange.fulfillment.queries import lines


@invariant("fulfillment.windows")
def deliveries_without_window() -> list[str]:
    """Whatever was delivered has a last moment of a return."""
    return [
        f"line {found} was delivered without a window" for found in lines.lines_without_window()
    ]


@invariant("fulfillment.refunds")
def wrong_refunds() -> list[str]:
    """A returned line is refunded whole, any other line at most in part."""
    return [f"line {found} is refunded wrongly" for found in lines.lines_with_wrong_refund()]


@invariant("fulfillment.approvals")
def granted_but_not_returned() -> list[str]:
    """A return that was granted has given the money back."""
    return [
        f"return {found} was granted and its line not returned"
        for found in lines.approvals_without_refund()
    ]
