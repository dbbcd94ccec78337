"""Form bodies with nested brackets, the way Stripe takes them: `a[b][0][c]=1`."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from stripe_sandbox.errors import StripeError
from stripe_sandbox.messages import Json

_DEEPEST = 10


def decode(text: str) -> Json:
    """Nested dictionaries and lists of strings; raises StripeError when nested beyond reason."""
    tree: Json = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        _place(tree, _steps(key), value=value)
    return {name: _with_lists(item) for name, item in tree.items()}


def _steps(key: str) -> list[str]:
    steps = [key.split("[", 1)[0], *re.findall(r"\[([^\]]*)\]", key)]
    if len(steps) > _DEEPEST:
        raise StripeError(f"Invalid parameter nesting: {key[:60]}", param=steps[0])
    return steps


def _place(tree: Json, steps: list[str], *, value: str) -> None:
    for step in steps[:-1]:
        deeper = tree.setdefault(step or str(len(tree)), {})
        if not isinstance(deeper, dict):
            raise StripeError(f"Invalid parameter nesting: {steps[0]}", param=steps[0])
        tree = deeper
    tree[steps[-1] or str(len(tree))] = value


def _with_lists(value: object) -> object:
    if not isinstance(value, dict):
        return value
    items = {key: _with_lists(item) for key, item in value.items()}
    if items and all(key == str(place) for place, key in enumerate(items)):
        return list(items.values())
    return items
