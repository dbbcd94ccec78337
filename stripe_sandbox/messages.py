"""One request and one response, free of sockets: what doors take and give."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

# Stripe's objects differ by kind and version; here they are data, not types.
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived; header names are in lower case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def form(self) -> str:
        """The encoded parameters, wherever the method carries them."""
        in_query = self.method in {"GET", "DELETE"}
        return self.query if in_query else self.body.decode("utf-8", errors="replace")


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; `dropped` means that the connection is reset instead."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    dropped: bool = False

    def having(self, **headers: str) -> Self:
        """The same answer with more headers; underscores in names stand for dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **named})


def as_json(status: int, body: object) -> Response:
    text = json.dumps(public(body), ensure_ascii=False, indent=2)
    return Response(status, text.encode(), {"Content-Type": "application/json; charset=utf-8"})


def public(value: object) -> object:
    """The value without what the sandbox keeps for itself: names that begin with `_`."""
    if isinstance(value, dict):
        return {key: public(item) for key, item in value.items() if not str(key).startswith("_")}
    if isinstance(value, list):
        return [public(item) for item in value]
    return value
