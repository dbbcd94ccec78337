"""The arithmetic of the hash chain: the canonical form of a posting and the hash of a link.

Pure, so that anybody can do it again. A link is a JSON document of its number, the posting and,
for each organization that the posting touches, the number of that organization's link before this
one (0: none). Its canonical form is UTF-8 with sorted names and no spaces, and

    hash = SHA-256(hash of the link before, 32 zero bytes for the first | canonical form)

Thus nothing can be altered, taken out or put in later without another head, and an organization
that holds its own links can tell that none of its postings is missing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from exchange.billing.accounts import AccountRef
from exchange.billing.models import Reason
from exchange.core.events import Ref
from exchange.core.money import Money

GENESIS: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Leg:
    """One transfer of a posting, with its accounts spelled out."""

    source: AccountRef
    target: AccountRef
    amount: Money


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A posting as it stands in the books, whole."""

    id: UUID
    key: str
    reason: Reason
    subject: Ref
    occurred_at: datetime
    created_at: datetime
    legs: tuple[Leg, ...]

    @property
    def organizations(self) -> frozenset[UUID]:
        """The parties whose accounts it touches."""
        sides = (side for leg in self.legs for side in (leg.source, leg.target))
        return frozenset(side.organization_id for side in sides if side.organization_id is not None)


def document(entry: JournalEntry, *, seq: int, organizations: Mapping[str, int]) -> dict[str, Any]:
    """What the link of this number says of the posting, as plain JSON values."""
    return {
        "seq": seq,
        "organizations": dict(organizations),
        "posting": {
            "id": str(entry.id),
            "key": entry.key,
            "reason": entry.reason.value,
            "subject": f"{entry.subject.kind}:{entry.subject.id}",
            "occurred_at": _moment(entry.occurred_at),
            "created_at": _moment(entry.created_at),
            "transfers": [
                {
                    "source": account_name(leg.source),
                    "target": account_name(leg.target),
                    "amount": leg.amount.amount,
                }
                for leg in entry.legs
            ],
        },
    }


def canonical(link: Mapping[str, Any]) -> bytes:
    """The bytes of a link that are hashed."""
    text = json.dumps(link, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def link_hash(previous: bytes, link: Mapping[str, Any]) -> bytes:
    """The hash of a link that stands behind one with the hash `previous`."""
    return sha256(previous + canonical(link)).digest()


def account_name(ref: AccountRef) -> str:
    """`platform/cash/EUR`, or the organization's UUID in the first place."""
    return f"{ref.organization_id or 'platform'}/{ref.kind}/{ref.currency}"


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds")
