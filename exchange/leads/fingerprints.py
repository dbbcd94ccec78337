"""The normalised strings by which one person is found again; the caller makes keyed hashes.

They are contacts themselves: never stored, logged or shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from exchange.catalog.policies import ANY_FIELD, DuplicatePolicy, Match

BETWEEN = "\x1f"  # stands in no phone and no e-mail


class IdentityKey(NamedTuple):
    """What kind of identity it is, which the hash includes, and its one way to be written."""

    kind: str  # phone, email
    value: str


def identity_keys(phone: str | None, email: str | None) -> tuple[IdentityKey, ...]:
    """Of a phone in E.164 without its extension and a folded e-mail; the stronger first."""
    keys = []
    if phone:
        keys.append(IdentityKey("phone", phone))
    if email:
        keys.append(IdentityKey("email", email))
    return tuple(keys)


def duplicate_keys(
    identities: Sequence[IdentityKey], policy: DuplicatePolicy
) -> tuple[IdentityKey, ...]:
    """By which keys a repeat is found in a vertical: a row is one where any of them is held.

    Where all fields must agree there is one key of them together; a field that the person left
    empty agrees with an empty one.
    """
    if policy == ANY_FIELD:
        return tuple(identities)
    held = {key.kind: key for key in identities}
    if policy.match is Match.ANY:
        return tuple(held[name] for name in policy.fields if name in held)
    if not any(name in held for name in policy.fields):
        return ()
    values = [held[name].value if name in held else "" for name in sorted(policy.fields)]
    return (IdentityKey("+".join(sorted(policy.fields)), BETWEEN.join(values)),)
