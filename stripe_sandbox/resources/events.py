"""Events read back: how a webhook that never arrived is found."""

from __future__ import annotations

from stripe_sandbox import lists
from stripe_sandbox.call import Call
from stripe_sandbox.messages import Json


def retrieve(call: Call) -> Json:
    return call.own("event")


def list_all(call: Call) -> Json:
    """Newest first, by `type` or `types`; a connected account's events need its header."""
    listed = lists.matching(call, "event", filters=("type",))
    types = call.params.texts("types")
    if types:
        listed = [event for event in listed if event["type"] in types]
    return lists.cut(call.params, listed, url="/v1/events")
