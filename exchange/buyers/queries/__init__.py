"""What the buyer's pages show: rows of several packages read together, by noun."""

from exchange.buyers.queries.actions import agreed_action, leads_of_actions, steps_of_action
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
    "agreed_action",
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
    "leads_of_actions",
    "leads_of_returns",
    "market_of",
    "masked_leads",
    "offers",
    "openings",
    "order_rows",
    "orders",
    "regions_of",
    "steps_of_action",
    "steps_of_return",
    "with_leads",
]
