"""What the doors of single leads say afterwards: what became of a post, and of a ping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from exchange.core import clock
from exchange.core.db import get
from exchange.core.errors import NotFound
from exchange.core.ids import encode
from exchange.leads import post_queries
from exchange.leads.models import Batch, Lead, Source
from exchange.leads.post_models import Post, SourceTerms
from exchange.market import queries as market
from exchange.market.models import OrderLine
from exchange.market.ping_models import Ping, PingStatus
from exchange.market.queries.pings import sales_of_pings
from exchange.market.services.bidding import Bid
from exchange.market.services.pings import Answered, bids_of
from exchange.sellers.offering import LeadStanding
from exchange.sellers.posting import ping_json


@dataclass(frozen=True, slots=True)
class PostSeen:
    """A post with where its lead stands, and why standing orders did not take it."""

    post: Post
    terms: SourceTerms
    source: Source
    lead: LeadStanding | None  # None: nothing was kept
    sales: Sequence[OrderLine]
    met: market.Met | None  # None: it has not met the contracts

    @property
    def state(self) -> str:
        """Where its lead stands, in the word of a badge; the post's own where it has none."""
        return str(self.post.outcome) if self.lead is None else self.lead.state


@dataclass(frozen=True, slots=True)
class PingSeen:
    """A ping with its bids, and what came of it."""

    ping: Ping
    source: Source
    bids: Sequence[Bid]  # the highest first
    line: OrderLine | None  # the sale for a bid

    @property
    def state(self) -> str:
        """In the word of a badge; empty where nobody bid."""
        if not self.bids or self.ping.status is not PingStatus.OFFERED:
            return str(self.ping.status) if self.bids else ""
        return "open" if self.ping.expires_at > clock.now() else "expired"


def get_post(post_id: UUID, *, viewer: UUID) -> PostSeen:
    """A seller's own post with all that is said of it. Raises NotFound."""
    post = get(Post, post_id)
    if post.organization_id != viewer:
        raise NotFound
    terms, lead = get(SourceTerms, post.terms_id), None
    sales: Sequence[OrderLine] = ()
    if post.lead_id is not None:
        found, sales = get(Lead, post.lead_id), market.sales_of_lead(post.lead_id)
        lead = LeadStanding(found, get(Batch, found.batch_id), next(iter(sales), None))
    return PostSeen(
        post=post,
        terms=terms,
        source=post_queries.source_of(terms),
        lead=lead,
        sales=sales,
        met=market.refusals_of_lead(post.lead_id) if post.lead_id else None,
    )


def ping_seen_json(seen: PingSeen) -> dict[str, Any]:  # Any: what the schema writes
    """What was said to a ping, and what came of it."""
    ping = seen.ping
    return {
        **ping_json(Answered(ping, tuple(seen.bids))),
        "created_at": ping.created_at,
        "source_id": seen.source.public_id,
        "outcome": seen.state or None,
        "post_id": ping.post_id and encode(Post.PREFIX, ping.post_id),
        "price": seen.line and seen.line.price,
    }


def pings_seen(pings: Sequence[Ping]) -> list[PingSeen]:
    """These pings with their bids and sales, in their order."""
    lines = sales_of_pings(pings)
    return [
        PingSeen(
            ping=ping,
            source=post_queries.source_of(get(SourceTerms, ping.terms_id)),
            bids=bids_of(ping),
            line=lines.get(ping.id),
        )
        for ping in pings
    ]
