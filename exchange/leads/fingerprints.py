"""The normalised strings by which one person is found again; the caller makes keyed hashes.

They are contacts themselves: never stored, logged or shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from exchange.catalog.policies import ANY_FIELD, DuplicatePolicy, Match

BETWEEN = "\x1f"  # stands in no phone and no e-mail
DIGEST: Final = "sha256:"  # before the kind of an identity of which only the SHA-256 is known


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


def digest(text: str) -> str:
    """The SHA-256 of an identity in its one way to be written, as others send it: hexadecimal."""
    return sha256(text.encode()).hexdigest()


def digested(key: IdentityKey) -> IdentityKey:
    """The same identity as whoever only sent the SHA-256 of its parts would name it."""
    parts = key.value.split(BETWEEN)
    return known_by_digest(
        IdentityKey(key.kind, BETWEEN.join(digest(part) if part else "" for part in parts))
    )


def known_by_digest(key: IdentityKey) -> IdentityKey:
    """A key that was made of digests; its kind keeps it apart from one that was made of people."""
    return IdentityKey(DIGEST + key.kind, key.value)
