"""What the pages of a listing and of its purchases ask alike."""

from __future__ import annotations

from flask import request

from exchange.buyers import queries
from exchange.buyers.queries import ListingView
from exchange.core.db import parse_id
from exchange.identity.access import actor, organization
from exchange.identity.permissions import Permission
from exchange.market import queries as market
from exchange.market.matching import TEST_LEADS
from exchange.market.models import Listing, ListingMode, ListingStatus, ListingTerms


def seen_listing(listing_id: str) -> ListingView:
    """The listing as our organization sees it. Raises NotFound."""
    return queries.get_listing_view(parse_id(listing_id, Listing), viewer=organization().id)


def may_buy() -> bool:
    """Whether whoever looks may place orders."""
    return organization().is_approved and Permission.ORDER_PLACE in actor().permissions


def may_try(seen: ListingView) -> bool:
    """Whether whoever looks may buy five leads at random; the verb asks again."""
    listing = seen.listing
    is_sold_here = listing.mode is ListingMode.FIXED and listing.status is ListingStatus.PUBLISHED
    return may_buy() and is_sold_here and seen.is_new_to_viewer and seen.stock.left >= TEST_LEADS


def former_terms(seen: ListingView) -> ListingTerms | None:
    """The terms that the buyer had seen, where others hold by now."""
    version = request.form.get("terms_version", type=int)
    if version is None or not 0 < version < seen.listing.terms_version:
        return None
    return market.get_terms(seen.listing.id, version=version)
