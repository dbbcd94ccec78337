"""Lists as Stripe gives them (newest first, pages by id), and the `expand` parameter."""

from __future__ import annotations

from stripe_sandbox.call import Call
from stripe_sandbox.errors import invalid, no_such
from stripe_sandbox.messages import Json
from stripe_sandbox.params import Params

_COMPARISONS = {
    "gt": int.__gt__,
    "gte": int.__ge__,
    "lt": int.__lt__,
    "lte": int.__le__,
}


def page(call: Call, kind: str, *, url: str, filters: tuple[str, ...] = ()) -> Json:
    """One page of the account's objects of a kind that match the parameters."""
    return cut(call.params, matching(call, kind, filters=filters), url=url)


def matching(call: Call, kind: str, *, filters: tuple[str, ...]) -> list[Json]:
    """The account's objects of a kind, filtered by equality and by `created`, newest first."""
    items = call.store.newest_first(kind, account=call.account)
    for name in filters:
        wanted = call.params.text(name)
        if wanted is not None:
            items = [item for item in items if item.get(name) == wanted]
    return _created(call.params, items)


def cut(params: Params, items: list[Json], *, url: str) -> Json:
    """One page of items that are already in order."""
    limit = params.whole("limit") or 10
    if not 1 <= limit <= 100:
        raise invalid("limit", "Limit must be between 1 and 100.")
    after, before = params.text("starting_after"), params.text("ending_before")
    if before is not None:
        rest = items[: _place(items, before, param="ending_before")]
        return _envelope(rest[-limit:], more=len(rest) > limit, url=url)
    rest = items if after is None else items[_place(items, after, param="starting_after") + 1 :]
    return _envelope(rest[:limit], more=len(rest) > limit, url=url)


def _envelope(items: list[Json], *, more: bool, url: str) -> Json:
    return {"object": "list", "data": items, "has_more": more, "url": url}


def _place(items: list[Json], object_id: str, *, param: str) -> int:
    for place, item in enumerate(items):
        if item["id"] == object_id:
            return place
    raise no_such("object", object_id, param=param)


def _created(params: Params, items: list[Json]) -> list[Json]:
    bounds = params.group("created")
    for name, holds in _COMPARISONS.items():
        bound = bounds.whole(name)
        if bound is not None:
            items = [item for item in items if holds(int(item["created"]), bound)]
    return items


def expand(call: Call, body: Json) -> Json:
    """Put objects in the place of their ids, along each path of `expand`."""
    for path in call.params.texts("expand"):
        _expand(call, body, path=path)
    return body


def _expand(call: Call, body: Json, *, path: str) -> None:
    name, _, rest = path.partition(".")
    value = body[name] if name in body else body.get(f"_{name}", "")
    if isinstance(value, str):
        value = call.store.find(value)
        if value is None:
            raise invalid("expand", f"This property cannot be expanded ({path}).")
    body[name] = value
    if rest:
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                _expand(call, item, path=rest)
