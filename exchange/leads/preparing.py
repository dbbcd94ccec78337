"""From rows to what is written of them: checked, locked, and in the database's own form.

It knows no database and asks nobody, so several processes can do it beside the one that writes.
Whether a person is known or suppressed is the writer's to decide.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self
from uuid import UUID

from exchange.catalog.definition import Terms
from exchange.catalog.policies import ANY_FIELD
from exchange.core.crypto import Entropy, Keyring
from exchange.core.ids import uuid7_bytes
from exchange.leads import locking, seal
from exchange.leads.checking import CheckedRow, Checker, Outcome, Rules
from exchange.leads.copying import (
    binary,
    boolean,
    document,
    fields_of,
    head,
    identifier,
    integer,
    moment,
    string,
)
from exchange.leads.digests import pair
from exchange.leads.fingerprints import duplicate_keys
from exchange.leads.mending import Mending
from exchange.leads.reading import Row
from exchange.leads.suspicion import ANYWHERE, Facts, Zones, row_facts, row_marks

if TYPE_CHECKING:
    from exchange.leads.models import Batch, Import

LEAD_COLUMNS: Final = (
    "id", "created_at", "organization_id", "vertical_id", "batch_id", "source_id", "kind",
    "sales_max", "sold", "row_number", "status", "sub_source", "attributes", "preview", "region",
    "postal_code", "requested_at", "landing_url", "leaf", "in_frame", "suspicion", "marks",
)  # fmt: skip
CONTACT_COLUMNS: Final = (
    "lead_id", "key_version", "wrapped_key", "locked", "salt", "phone_index", "email_index",
)  # fmt: skip
CONSENT_COLUMNS: Final = ("lead_id", "given_at", "page_url", "purposes", "text_id")
LEAD_HEAD: Final = head(len(LEAD_COLUMNS))
CONTACT_HEAD: Final = head(len(CONTACT_COLUMNS))
CONSENT_HEAD: Final = head(len(CONSENT_COLUMNS))
VALID, IN_REVIEW = string("valid"), string("in_review")
AGREED, NOTHING = document(["quality_check"]), document([])  # purposes


@dataclass(frozen=True, slots=True)
class Lot:
    """What the leads of a batch have in common."""

    batch_id: UUID
    organization_id: UUID
    vertical_id: UUID
    source_id: UUID
    kind: str
    sales_max: int
    needs_agreement: bool  # only who agreed to a quality check may be drawn (decision 14)

    @classmethod
    def of_draft(cls, draft: Import, terms: Terms) -> Self:
        """The same of a file that is no batch yet."""
        return cls(
            draft.id, draft.organization_id, draft.vertical_id, draft.source_id, "", 1,
            terms.consent.quality_check_required,
        )  # fmt: skip

    @classmethod
    def of(cls, batch: Batch, terms: Terms) -> Self:
        """The common part of a batch on the terms of its vertical."""
        return cls(
            batch.id, batch.organization_id, batch.vertical_id, batch.source_id, batch.kind.value,
            batch.sales_max, terms.consent.quality_check_required,
        )  # fmt: skip


class Candidate(NamedTuple):
    """A row that may become a lead: who it is by keyed hashes, and its rows of three tables.

    Of the consent the last field is missing: the id of the text with this digest. Of the lead the
    last two: how odd it looks, which may depend on the rows before it.
    """

    number: int
    line: int
    lead_id: bytes
    people: tuple[bytes, ...]  # every identity, for lists of people
    hashes: tuple[bytes, ...]  # by which a repeat is found in the vertical
    digests: bytes  # the same people for who knows a SHA-256 of them only: see `digests`
    is_valid: bool  # else for a person to look at
    asked_at: int  # seconds since 1970
    lead: bytes
    contact: bytes
    consent: bytes
    text: bytes | None
    cells: bytes  # as they were sent, marshaled: for the problem file, should the person be known
    marks: tuple[str, ...]  # what looks odd about the row by itself
    buyers: str  # whom the consent names
    facts: Facts  # for what only many rows show

    @property
    def id(self) -> UUID:
        """The id that the lead will have."""
        return UUID(bytes=self.lead_id)

    def lock_cells(self, recipe: Recipe) -> bytes:
        """The cells under the key of the file, for a row that becomes no lead after all."""
        # Safe: `prepare` of this program packed them, nobody else can.
        cells = marshal.loads(self.cells)  # noqa: S302  # nosec B302
        return lock_cells(recipe, cells, row=self.number)


class Invalid(NamedTuple):
    """A row that was refused, with its codes and its locked cells."""

    number: int
    line: int
    codes: tuple[str, ...]
    locked: bytes


class Prepared(NamedTuple):
    """What became of a block: each of its rows is a candidate or invalid."""

    candidates: list[Candidate]
    invalid: list[Invalid]
    texts: dict[bytes, str]  # of consent, by digest

    def __reduce__(self) -> tuple[Any, ...]:  # Any: pickle's own protocol
        """Travel as plain tuples, which costs a third of travelling as objects."""
        rows = [(*row[:-1], tuple(row.facts)) for row in self.candidates]
        return _arrived, (marshal.dumps((rows, [*map(tuple, self.invalid)], self.texts)),)

    @property
    def size(self) -> int:
        """How many rows the block had."""
        return len(self.candidates) + len(self.invalid)

    def without_first(self, count: int) -> Prepared:
        """The block without so many of its first rows."""
        if count == 0:
            return self
        numbers = [row.number for row in self.candidates] + [row.number for row in self.invalid]
        left = frozenset(sorted(numbers)[count:])
        candidates = [row for row in self.candidates if row.number in left]
        return Prepared(
            candidates, [row for row in self.invalid if row.number in left], self.texts
        )  # fmt: skip


def _arrived(sent: bytes) -> Prepared:
    """What `Prepared.__reduce__` sent."""
    # Safe: the sender is our own child, which reads cells that were parsed, not the file.
    rows, invalid, texts = marshal.loads(sent)  # noqa: S302  # nosec B302
    candidates = [Candidate._make((*row[:-1], Facts(*row[-1]))) for row in rows]
    return Prepared(candidates, [*map(Invalid._make, invalid)], texts)


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that preparing needs; it travels to other processes, so it is plain data."""

    lot: Lot
    rules: Rules
    columns: dict[str, int]
    mending: Mending
    secret: bytes  # of the file: refused rows are locked under it
    ring: Keyring
    zones: Zones = field(default_factory=lambda: ANYWHERE)


class Preparer:
    """Prepares the rows of one batch."""

    def __init__(self, recipe: Recipe) -> None:
        lot = recipe.lot
        self._recipe = recipe
        self._ring = recipe.ring
        self._now = recipe.rules.now
        self._random = Entropy().take
        # The fields that all leads of the lot share stand together in LEAD_COLUMNS.
        self._common = fields_of(
            self._now, lot.organization_id, lot.vertical_id, lot.batch_id, lot.source_id, lot.kind,
            lot.sales_max, 0,
        )  # fmt: skip

    @cached_property
    def _checker(self) -> Checker:
        return Checker(self._recipe.rules, columns=self._recipe.columns)

    def work(self, rows: Iterable[Row]) -> Prepared:
        """Check and prepare rows as they were read."""
        mending = self._recipe.mending
        wanted = [*map(mending.edited, rows)]
        checked = self._checker.check_all([*map(mending.mended, wanted)])
        done = Prepared([], [], {})
        for row, sent in zip(checked.rows(), wanted, strict=True):
            self._add(done, row, cells=sent.cells)
        return done

    def prepare_checked(self, rows: Iterable[CheckedRow], *, cells: Sequence[str]) -> Prepared:
        """Prepare rows that came checked; `cells` is what their sender would see again."""
        done = Prepared([], [], {})
        for row in rows:
            self._add(done, row, cells=cells)
        return done

    def _add(self, done: Prepared, row: CheckedRow, *, cells: Sequence[str]) -> None:
        if row.outcome is Outcome.INVALID:
            locked = lock_cells(self._recipe, cells, row=row.number)
            done.invalid.append(Invalid(row.number, row.line, row.codes, locked))
            return
        text = row.consent.get("text")
        digest = _digest(str(text)) if text else None
        if digest:
            done.texts[digest] = str(text)
        done.candidates.append(self._candidate(row, digest, cells=cells))

    def _candidate(
        self, row: CheckedRow, digest: bytes | None, *, cells: Sequence[str]
    ) -> Candidate:
        lead_id = uuid7_bytes(self._random)
        contact = {name: str(value) for name, value in row.contact.items()}
        locked = locking.lock(contact, lead_id=lead_id, ring=self._ring, random=self._random)
        asked_at = row.requested_at or self._now  # a file that does not say means the upload
        indexes = {key.kind: self._ring.blind_index(key.kind, key.value) for key in row.identities}
        is_valid = row.outcome is Outcome.VALID
        return Candidate(
            row.number, row.line, lead_id, tuple(indexes.values()),
            self._duplicate_hashes(row, indexes), self._digests(row, indexes), is_valid,
            int(asked_at.timestamp()),
            self._lead(row, lead_id=lead_id, asked_at=asked_at, salt=locked.salt),
            _contact(locked, lead_id=lead_id, indexes=indexes),
            _consent(row, lead_id), digest, marshal.dumps(list(cells)),
            row_marks(row, zones=self._recipe.zones), str(row.consent.get("buyers", "")),
            row_facts(row),
        )  # fmt: skip

    def _duplicate_hashes(self, row: CheckedRow, indexes: Mapping[str, bytes]) -> tuple[bytes, ...]:
        policy = self._recipe.rules.terms.duplicates
        if policy == ANY_FIELD:
            return tuple(indexes.values())
        keys = duplicate_keys(row.identities, policy)
        return tuple(self._ring.blind_index(key.kind, key.value) for key in keys)

    def _digests(self, row: CheckedRow, indexes: Mapping[str, bytes]) -> bytes:
        together = duplicate_keys(row.identities, self._recipe.rules.terms.duplicates)
        keys = dict.fromkeys((*row.identities, *together))
        return b"".join(pair(key, ring=self._ring, known=indexes.get(key.kind)) for key in keys)

    def _lead(self, row: CheckedRow, *, lead_id: bytes, asked_at: datetime, salt: bytes) -> bytes:
        is_valid = row.outcome is Outcome.VALID
        agreed = not self._recipe.lot.needs_agreement or bool(row.consent.get("quality_check"))
        return b"".join((
            LEAD_HEAD,
            identifier(lead_id),
            self._common,
            integer(row.number),
            VALID if is_valid else IN_REVIEW,
            string(row.sub_source),
            document(row.attributes),
            document(row.preview),
            string(row.region),
            string(row.postal_code),
            moment(asked_at),
            string(str(row.consent.get("page_url", ""))),
            binary(_leaf(row, asked_at, salt)),
            boolean(is_valid and agreed),
        ))  # fmt: skip


@lru_cache(100)
def _digest(text: str) -> bytes:
    """By what a wording of consent is found again; a file has few of them."""
    return sha256(text.encode()).digest()


def lock_cells(recipe: Recipe, cells: Sequence[str], *, row: int) -> bytes:
    """The cells of a refused row under the key of its file."""
    return locking.lock_cells(recipe.secret, cells, batch_id=recipe.lot.batch_id, row=row)


def _leaf(row: CheckedRow, asked_at: datetime, salt: bytes) -> bytes:
    record = {**row.attributes, **row.contact, "requested_at": asked_at.isoformat()}
    return seal.leaf(salt, seal.canonical(record))


def _contact(locked: locking.Locked, *, lead_id: bytes, indexes: Mapping[str, bytes]) -> bytes:
    return b"".join((
        CONTACT_HEAD,
        identifier(lead_id),
        integer(locked.key_version),
        binary(locked.wrapped_key),
        binary(locked.locked),
        binary(locked.salt),
        binary(indexes.get("phone")),
        binary(indexes.get("email")),
    ))  # fmt: skip


def _consent(row: CheckedRow, lead_id: bytes) -> bytes:
    """The record of consent without its last field."""
    given_at = row.consent.get("given_at")
    return b"".join((
        CONSENT_HEAD,
        identifier(lead_id),
        moment(datetime.fromisoformat(str(given_at)) if given_at else None),
        string(str(row.consent.get("page_url", ""))),
        AGREED if row.consent.get("quality_check") else NOTHING,
    ))  # fmt: skip
