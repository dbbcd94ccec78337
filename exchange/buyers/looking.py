"""What an address of the market asks for: read by its page, and again for a kept search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from marshmallow import EXCLUDE, ValidationError

from exchange.buyers.narrowing import PREFIX, Narrowing
from exchange.buyers.schemas import MarketQuery
from exchange.catalog import queries as catalog
from exchange.catalog.criteria import EVERYTHING
from exchange.catalog.fields import LeadFields
from exchange.catalog.models import Vertical
from exchange.core.errors import Invalid
from exchange.market.filters import Filters
from exchange.market.queries import Sort

INSIDE: Final = ("region", "price_min", "price_max")  # which mean something in one vertical only
KEPT: Final = MarketQuery().fields.keys() - {"cursor"}  # of an address, beside fields


@dataclass(frozen=True, slots=True)
class Look:
    """What somebody looks for, as the market understood it."""

    asked: Mapping[str, Any]  # Any: what the schema read
    vertical: Vertical | None
    fields: LeadFields | None  # of the vertical
    narrowing: Narrowing  # by its fields
    filters: Filters

    @property
    def sort(self) -> Sort:
        """The order of the answer."""
        found: Sort = self.asked["sort"]
        return found


def look(sent: Mapping[str, str], asked: Mapping[str, Any]) -> Look:
    """What the arguments of an address ask for, once `MarketQuery` has read them.

    Raises Invalid for a value that no lead can have, NotFound for a vertical that is none.
    """
    vertical = catalog.get_vertical(asked["vertical"]) if asked["vertical"] else None
    if vertical is None:
        return Look(asked, None, None, Narrowing(), _filters({**asked, **dict.fromkeys(INSIDE)}))
    fields = catalog.get_schema(vertical).fields
    narrowing = Narrowing.of(sent, fields, region=asked["region"], fresh_hours=asked["fresh"])
    filters = _filters(asked, vertical=vertical, narrowing=narrowing, fields=fields)
    return Look(asked, vertical, fields, narrowing, filters)


def look_again(query: str) -> Look:
    """The same of a search that was kept. Raises Invalid and NotFound as `look`."""
    sent = dict(parse_qsl(query))
    try:
        asked = MarketQuery().load(sent, unknown=EXCLUDE)
    except ValidationError as error:
        raise Invalid("This search cannot be read any longer.") from error
    return look(sent, asked)


def kept_query(sent: Mapping[str, str]) -> str:
    """The arguments that are kept of an address, in one order."""
    kept = (
        (name, text)
        for name, text in sent.items()
        if text and (name in KEPT or name.startswith(PREFIX))
    )
    return urlencode(sorted(kept))


def _filters(
    asked: Mapping[str, Any],
    *,
    vertical: Vertical | None = None,
    narrowing: Narrowing | None = None,
    fields: LeadFields | None = None,
) -> Filters:
    def only(name: str) -> tuple[Any, ...]:
        return (asked[name],) if asked[name] else ()

    return Filters(
        vertical_id=vertical.id if vertical else None,
        regions=only("region"),
        fresh_hours=asked["fresh"],
        temperatures=only("temperature"),
        kind=asked["kind"],
        quality_classes=only("quality_class"),
        grades=only("grade"),
        price_min=asked["price_min"],
        price_max=asked["price_max"],
        bad_upper_max=asked["bad_max"] and asked["bad_max"] / 100,
        checked=asked["checked"],
        is_aged=asked["aged"],
        has=only("has"),
        criteria=narrowing.criteria(fields) if narrowing and fields else EVERYTHING,
    )
