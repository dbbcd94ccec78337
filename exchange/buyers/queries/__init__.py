"""What the buyer's pages show: rows of several packages read together, by noun."""

from exchange.buyers.queries.actions import agreed_action, leads_of_actions, steps_of_action
from exchange.buyers.queries.auctions import (
    AuctionRow,
    AuctionView,
    auction_page,
    bid_page,
    find_auction_of,
    get_auction_view,
)
from exchange.buyers.queries.contracts import (
    ContractRow,
    SourceRow,
    Version,
    contract_rows,
    contracts,
    get_contract_row,
    source_rows,
    versions,
)
from exchange.buyers.queries.home import bought_this_week, closing_leads
from exchange.buyers.queries.leads import (
    BoughtLead,
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
    "AuctionRow",
    "AuctionView",
    "BoughtLead",
    "ContractRow",
    "Filled",
    "ListingView",
    "Market",
    "Offer",
    "Offers",
    "Opening",
    "OrderRow",
    "OrderView",
    "SourceRow",
    "Version",
    "agreed_action",
    "auction_page",
    "bid_page",
    "bought_leads",
    "bought_this_week",
    "closing_leads",
    "completeness",
    "contract_rows",
    "contracts",
    "count_leads",
    "fields_of_order",
    "find_auction_of",
    "freshest",
    "get_auction_view",
    "get_bought_lead",
    "get_contract_row",
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
    "saved_searches",
    "source_rows",
    "steps_of_action",
    "steps_of_return",
    "versions",
    "with_leads",
]
