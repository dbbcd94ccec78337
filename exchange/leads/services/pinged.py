"""Leads without their person: read what is pinged, ask who it is, and know the posted lead again.

A ping names the person by SHA-256 only. Of that a keyed hash is kept, as of every contact.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from exchange.catalog.definition import VerticalDefinition
from exchange.catalog.fields import FieldType, LeadFields, Value
from exchange.core import clock
from exchange.core.errors import FieldProblem, Invalid
from exchange.leads import people
from exchange.leads.bodies import Body, read_body
from exchange.leads.cells import Finding
from exchange.leads.checking import CheckedRow
from exchange.leads.fingerprints import (
    IdentityKey,
    digest,
    duplicate_keys,
    identity_keys,
    known_by_digest,
)
from exchange.leads.post_models import SourceTerms
from exchange.leads.services import post_checks, single
from exchange.leads.vault import blind_index

DIGESTS: Final = ("phone_sha256", "email_sha256")
NOT_SELLABLE: Final = "not_sellable"  # the same for every list, so that none is told by it
DUPLICATE: Final = "duplicate_in_window"
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Promise:
    """What a ping said, by which the posted lead is known again."""

    attributes: Mapping[str, Value]
    requested_at: datetime
    phone: bytes | None  # keyed hashes of the SHA-256
    email: bytes | None


@dataclass(frozen=True, slots=True)
class PingRead:
    """A ping as it was read, or why it is not a lead of the vertical."""

    row: CheckedRow = field(repr=False)
    promise: Promise = field(repr=False)
    people: tuple[bytes, ...] = field(repr=False)  # keyed hashes of those whom it may name
    repeats: tuple[bytes, ...] = field(repr=False)  # by which a repeat is found in the vertical
    errors: tuple[FieldProblem, ...]
    ignored: tuple[str, ...]
    is_test: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """Why nobody may buy the person, in a code; and which buyers keep them off their purchases."""

    reason: str
    kept_from: frozenset[UUID] = frozenset()


def read_ping(
    terms: SourceTerms, definition: VerticalDefinition, sent: Mapping[str, Any]
) -> PingRead:
    """The lead that a ping describes; what it leaves out is filled in as of a post.

    Raises Invalid for a body that cannot be read, names nobody by a SHA-256, or holds a contact.
    """
    fields = definition.fields
    body = read_body(sent, fields=fields, separator=definition.decimal_separator)
    _require_no_contact(body, fields)
    keys = _keys(body)
    row = post_checks.check_ping(terms, definition, body)
    by_kind = {key.kind: blind_index(*known_by_digest(key)) for key in keys}
    return PingRead(
        row=row,
        promise=Promise(
            attributes=row.attributes,
            requested_at=row.requested_at or clock.now(),
            phone=by_kind.get("phone"),
            email=by_kind.get("email"),
        ),
        people=_known(keys),
        repeats=_known(duplicate_keys(keys, definition.terms.duplicates)),
        errors=tuple(_problem(body, finding) for finding in row.errors),
        ignored=tuple(body.ignored),
        is_test=terms.is_test or body.is_test,
    )


def standing(terms: SourceTerms, ping: PingRead) -> Standing:
    """Whether the person can be sold, as far as the exchange knows them."""
    keepers = people.keepers(ping.people) if ping.people else set()
    if not keepers.isdisjoint({None, terms.organization_id}):
        return Standing(NOT_SELLABLE)
    if ping.repeats and single.first_known(terms, ping.repeats, now=clock.now()):
        return Standing(DUPLICATE)
    return Standing("", frozenset(keeper for keeper in keepers if keeper))


def require_same(promise: Promise, row: CheckedRow, *, body: Body, fields: LeadFields) -> None:
    """The posted lead is the pinged one. Raises Invalid with every difference."""
    wrong = tuple(
        FieldProblem(body.pointer(name), "differs_from_ping", "The ping said something else.")
        for name in _differences(promise, row, fields)
    )
    if wrong:
        raise Invalid(errors=wrong)


def _differences(promise: Promise, row: CheckedRow, fields: LeadFields) -> Iterator[str]:
    said = promise.attributes
    yield from sorted(
        name
        for name in said.keys() | row.attributes.keys()
        if said.get(name) != row.attributes.get(name)
    )
    if row.requested_at != promise.requested_at:
        yield "requested_at"
    named = dict(row.identities)
    if promise.phone and promise.phone not in _indexes("phone", named.get("phone")):
        yield "phone"
    if promise.email and promise.email not in _indexes(
        "email", named.get("email"), *_addresses(row, fields)
    ):
        yield "email"


def _addresses(row: CheckedRow, fields: LeadFields) -> Iterator[str]:
    """The e-mail in lower case, for whoever hashes it as it is, with its tag and dots."""
    for spec in fields.contacts:
        if spec.type is FieldType.EMAIL and (value := row.contact.get(spec.name)):
            yield str(value).lower()


def _indexes(kind: str, *texts: str | None) -> set[bytes | None]:
    return {
        blind_index(*known_by_digest(IdentityKey(kind, digest(text)))) for text in texts if text
    }


def _require_no_contact(body: Body, fields: LeadFields) -> None:
    sent = [spec.name for spec in fields.contacts if spec.name in body.values]
    if sent:
        detail = "A ping has no contact in it: send it with the lead."
        raise Invalid(
            errors=tuple(
                FieldProblem(body.pointer(name), "contact_in_ping", detail) for name in sent
            )
        )


def _keys(body: Body) -> tuple[IdentityKey, ...]:
    """The person by SHA-256, as `fingerprints` writes them. Raises Invalid."""
    said = {name: body.envelope.get(name, "").lower() for name in DIGESTS}
    wrong = [name for name, text in said.items() if text and not _DIGEST.fullmatch(text)]
    if wrong or not any(said.values()):
        detail = "Send the SHA-256 of the normal form in hexadecimal: see the posting spec."
        code = "digest_invalid" if wrong else "required"
        raise Invalid(
            errors=tuple(FieldProblem(f"/{name}", code, detail) for name in wrong or DIGESTS[:1])
        )
    return identity_keys(said["phone_sha256"], said["email_sha256"])


def _known(keys: tuple[IdentityKey, ...]) -> tuple[bytes, ...]:
    """The keyed hashes under which these people are kept; nothing of whom nobody has met."""
    wanted = [value for key in keys if (value := blind_index(*known_by_digest(key)))]
    return tuple(people.hashes_by_digest(wanted))


def _problem(body: Body, finding: Finding) -> FieldProblem:
    return FieldProblem(body.pointer(finding.field), finding.code, "")
