"""What the buyer's pages show: rows of several packages read together, by noun."""

from exchange.buyers.queries.home import bought_this_week, closing_leads
from exchange.buyers.queries.leads import (
    BoughtLead,
    BoughtPage,
    Opening,
    bought_leads,
    get_bought_lead,
    openings,
    with_leads,
)
from exchange.buyers.queries.listings import (
    Filled,
    ListingView,
    completeness,
    count_leads,
    freshest,
    get_listing_view,
    masked_leads,
    regions_of,
)
from exchange.buyers.queries.market import Market, Offer, Offers, market_of, offers
from exchange.buyers.queries.orders import (
    OrderPage,
    OrderRow,
    OrderView,
    fields_of_order,
    get_order_view,
    order_rows,
    orders,
)
from exchange.buyers.queries.returns import leads_of_returns, steps_of_return
from exchange.buyers.queries.searches import saved_searches

__all__ = [
    "BoughtLead",
    "BoughtPage",
    "Filled",
    "ListingView",
    "Market",
    "Offer",
    "Offers",
    "Opening",
    "OrderPage",
    "OrderRow",
    "OrderView",
    "bought_leads",
    "bought_this_week",
    "closing_leads",
    "completeness",
    "count_leads",
    "fields_of_order",
    "freshest",
    "get_bought_lead",
    "get_listing_view",
    "get_order_view",
    "leads_of_returns",
    "market_of",
    "masked_leads",
    "offers",
    "openings",
    "order_rows",
    "orders",
    "regions_of",
    "saved_searches",
    "steps_of_return",
    "with_leads",
]
