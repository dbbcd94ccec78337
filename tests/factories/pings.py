"""Pings for tests: the lead of `make_body` without its person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exchange.catalog.values import iso_moment
from exchange.core import clock
from exchange.leads.fingerprints import digest
from exchange.leads.services import posts
from exchange.market.services import pings
from tests.cast import Player
from tests.factories.leads import make_person
from tests.factories.posts import ATTRIBUTES, SOURCE, VERTICAL, make_body


def make_ping(person: Mapping[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """A ping that passes every check, of a new person."""
    return {
        "source": SOURCE,
        "vertical": VERTICAL,
        "attributes": dict(ATTRIBUTES),
        "channel": "search_ads",
        "requested_at": iso_moment(clock.now()),
        **hashes_of(person or make_person()),
        **more,
    }


def hashes_of(person: Mapping[str, str]) -> dict[str, str]:
    """How a ping names somebody."""
    return {f"{what}_sha256": digest(person[what]) for what in ("phone", "email") if what in person}


def lead_of(ping: Mapping[str, Any], person: Mapping[str, str], **more: Any) -> dict[str, Any]:
    """The lead that was pinged, with its person."""
    same = {name: ping[name] for name in ("attributes", "channel", "requested_at")}
    return make_body(person, **same, **more)


def post(
    seller: Player, answered: pings.Answered, body: Mapping[str, Any], *, bid: str = pings.ANY
) -> pings.Posted:
    """The lead of a ping posted through the verb."""
    incoming = posts.Incoming(sent=body, via="api", raw=repr(sorted(body.items())).encode())
    return pings.post(ping_id=answered.ping.id, bid=bid, incoming=incoming, actor=seller.actor)
