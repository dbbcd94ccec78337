"""Figures and lists that read several packages together; nothing here writes."""

from exchange.reports.queries.buyers import BuyerFigures, buyer_figures
from exchange.reports.queries.events import events, find_ref
from exchange.reports.queries.sellers import Checked, Flow, SellerFigures, seller_figures

__all__ = [
    "BuyerFigures",
    "Checked",
    "Flow",
    "SellerFigures",
    "buyer_figures",
    "events",
    "find_ref",
    "seller_figures",
]
