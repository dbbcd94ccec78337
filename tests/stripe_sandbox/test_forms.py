"""Nested form bodies."""

from __future__ import annotations

import pytest

from stripe_sandbox.errors import StripeError
from stripe_sandbox.forms import decode


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", {}),
        ("a=1&b=", {"a": "1", "b": ""}),
        ("a[b][c]=1&a[b][d]=2", {"a": {"b": {"c": "1", "d": "2"}}}),
        ("a[0][b]=1&a[1][b]=2", {"a": [{"b": "1"}, {"b": "2"}]}),
        ("expand[]=x&expand[]=y", {"expand": ["x", "y"]}),
        ("m[5]=five", {"m": {"5": "five"}}),
        ("n=%D0%9B%D0%B8%D0%B4+1", {"n": "Лид 1"}),
    ],
)
def test_brackets_nest(text: str, value: object):
    assert decode(text) == value


@pytest.mark.parametrize("text", ["a=1&a[b]=2", "a" + "[b]" * 11 + "=1"])
def test_nonsense_is_refused(text: str):
    with pytest.raises(StripeError, match="nesting"):
        decode(text)
