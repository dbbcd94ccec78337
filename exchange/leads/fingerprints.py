"""The normalised strings by which one person is found again; the caller makes keyed hashes.

They are contacts themselves: never stored, logged or shown.
"""

from __future__ import annotations

from typing import NamedTuple

from exchange.leads.emails import Email
from exchange.leads.phones import Phone


class IdentityKey(NamedTuple):
    """What kind of identity it is, which the hash includes, and its one way to be written."""

    kind: str  # phone, email
    value: str


def identity_keys(phone: Phone | None, email: Email | None) -> tuple[IdentityKey, ...]:
    """The phone in E.164 without its extension, and the folded e-mail; the stronger first."""
    keys = []
    if phone:
        keys.append(IdentityKey("phone", phone.e164))
    if email:
        keys.append(IdentityKey("email", email.key))
    return tuple(keys)
