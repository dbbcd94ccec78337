"""One row to one checked lead: valid, for a person to look at, or refused with all its reasons.

Pure: what time it is and what the batch declares are passed in. Duplicates and suppression are
the caller's, who alone may look at what others uploaded.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple, Self

from exchange.catalog.definition import Terms, VerticalDefinition
from exchange.catalog.fields import SENT_FIELDS, FieldSpec, LeadFields, Value
from exchange.catalog.values import ParseContext, iso_moment
from exchange.leads.cells import PROBLEMS, CellReader, Finding, Found, cell_reader
from exchange.leads.fingerprints import IdentityKey, identity_keys
from exchange.leads.mask import masked_email, masked_name, masked_phone
from exchange.leads.reading import Row

# Clocks of forms and servers differ by so much without anybody lying.
SKEW: Final = timedelta(minutes=5)
# Fields of a schema that say how old somebody is.
_AGES: Final = frozenset({"age", "birth_date", "date_of_birth", "birth_year"})
# What the record of consent calls these fields.
_CONSENT: Final = {
    "consent_text": "text",
    "consent_at": "given_at",
    "consent_url": "page_url",
    "consent_quality_check": "quality_check",
    "consent_buyers": "buyers",
}


class Outcome(StrEnum):
    VALID = "valid"
    IN_REVIEW = "in_review"  # accepted, not for sale until a person has looked
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Rules:
    """What rows are checked against: the vertical, what the batch declares, and the time."""

    fields: LeadFields
    terms: Terms
    context: ParseContext
    phone_region: str  # of numbers without a country code
    now: datetime
    defaults: Mapping[str, str] = dataclasses.field(default_factory=dict)  # for empty cells
    demo: bool = False  # whether numbers kept for examples pass

    @classmethod
    def of(cls, definition: VerticalDefinition, *, now: datetime, demo: bool = False) -> Self:
        """The vertical's own rules; `dataclasses.replace` puts in what a batch declares."""
        return cls(
            fields=definition.fields,
            terms=definition.terms,
            context=definition.context(),
            phone_region=definition.phone_region,
            now=now,
            demo=demo,
        )


# Not frozen: setting sixteen fields of a frozen object is a tenth of the time of a row.
@dataclass(slots=True, kw_only=True)
class CheckedRow:
    """A row and all that was found; values of an invalid row are not given.

    `contact`, `identities` and `consent` are personal; `preview` is what may be shown of them.
    """

    number: int
    line: int
    outcome: Outcome
    errors: Sequence[Finding] = ()
    reviews: Sequence[Finding] = ()
    notes: Sequence[Finding] = ()
    attributes: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    contact: Mapping[str, Value] = dataclasses.field(default_factory=dict, repr=False)
    identities: Sequence[IdentityKey] = dataclasses.field(default=(), repr=False)
    preview: Mapping[str, str] = dataclasses.field(default_factory=dict)
    consent: Mapping[str, Value] = dataclasses.field(default_factory=dict, repr=False)
    requested_at: datetime | None = None
    channel: str = ""
    sub_source: str = ""
    region: str = ""
    postal_code: str = ""
    # How it was sent, for the marks alone: compared while the file is read and never kept.
    sent: Mapping[str, Value] = dataclasses.field(default_factory=dict, repr=False)

    @property
    def codes(self) -> tuple[str, ...]:
        """Why it is not valid, each code once."""
        return tuple(dict.fromkeys(finding.code for finding in self.errors or self.reviews))


class _Cell(NamedTuple):
    """A field of the row: its column, what stands for an empty cell, and how it is read."""

    name: str
    is_attribute: bool
    column: int | None
    default: str
    missing: Finding | None  # what an empty cell means
    reader: CellReader


class Checker:
    """Checks the rows of one file. `columns` is the index of the column of each mapped field."""

    def __init__(self, rules: Rules, *, columns: Mapping[str, int] | None = None) -> None:
        self._rules = rules
        self._bounds = _Bounds.of(rules)
        policy, known = rules.terms.consent, rules.fields.by_name
        wanted = {
            "consent_text": policy.text_required,
            "consent_at": policy.time_required,
            "consent_url": policy.url_required,
        }
        self._proofs = [name for name, is_required in wanted.items() if is_required]
        self._contacts = [spec.name for spec in rules.fields.contacts]
        self._consents = [(name, key) for name, key in _CONSENT.items() if name in known]
        self._sent = [name for name in SENT_FIELDS if name in known]
        self._cells = [self._cell(spec, columns or {}) for spec in rules.fields.specs]

    def _cell(self, spec: FieldSpec, columns: Mapping[str, int]) -> _Cell:
        rules = self._rules
        reader = cell_reader(spec, rules.context, phone_region=rules.phone_region, demo=rules.demo)
        missing = Finding(spec.name, _code(spec.name, "missing_required"))
        return _Cell(
            name=spec.name,
            is_attribute=spec.is_attribute,
            column=columns.get(spec.name),
            default=rules.defaults.get(spec.name, ""),
            missing=missing if spec.required else None,
            reader=reader,
        )

    def check(self, row: Row) -> CheckedRow:
        """The checked lead of a row as it was read."""
        if row.problem:
            errors = (Finding("", row.problem),)
            return CheckedRow(
                number=row.number, line=row.line, outcome=Outcome.INVALID, errors=errors
            )
        cells = row.cells
        texts = [
            cells[cell.column] if cell.column is not None else cell.default for cell in self._cells
        ]
        return self._checked(texts, number=row.number, line=row.line)

    def check_values(self, values: Mapping[str, str], *, number: int = 1) -> CheckedRow:
        """The checked lead of texts by field, as a post sends them."""
        texts = [values.get(cell.name, "") for cell in self._cells]
        return self._checked(texts, number=number, line=number)

    def _checked(self, texts: Sequence[str], *, number: int, line: int) -> CheckedRow:
        found = Found()
        # The hottest loop of intake: what comes again is found without a call.
        for cell, filled in zip(self._cells, texts, strict=True):
            name, is_attribute, _, default, missing, reader = cell
            text = filled or default
            if text in reader.known:
                value = reader.known[text]
            elif text:
                value = _read(cell, text, found)
            else:
                value = None
                if missing:
                    found.errors.append(missing)
            if value is not None:
                (found.attributes if is_attribute else found.values)[name] = value
        return self._concluded(found, number=number, line=line)

    def _concluded(self, found: Found, *, number: int, line: int) -> CheckedRow:
        self._check_together(found)
        if found.errors:
            return CheckedRow(
                number=number,
                line=line,
                outcome=Outcome.INVALID,
                errors=found.errors,
                reviews=found.reviews,
                notes=found.notes,
            )
        return self._lead(found, number=number, line=line)

    def _check_together(self, found: Found) -> None:
        """What only several fields and the time can tell."""
        if not (found.phone or found.email or found.errors):
            found.errors.append(Finding("", "missing_required"))
        self._bounds.check(found)
        for name in self._proofs:
            if name not in found.values and not found.failed(name):
                found.errors.append(Finding(name, "consent_missing"))

    def _lead(self, found: Found, *, number: int, line: int) -> CheckedRow:
        values, attributes = found.values, found.attributes
        contact = {name: values[name] for name in self._contacts if name in values}
        return CheckedRow(
            number=number,
            line=line,
            outcome=Outcome.IN_REVIEW if found.reviews else Outcome.VALID,
            reviews=found.reviews,
            notes=found.notes,
            attributes=attributes,
            contact=contact | found.extensions,
            identities=identity_keys(found.phone, found.email),
            preview=_preview(found),
            consent={key: values[name] for name, key in self._consents if name in values},
            requested_at=_moment(values.get("requested_at")),
            channel=str(values.get("channel", "")),
            sub_source=str(values.get("sub_id", "")),
            region=str(attributes.get("region", "")),
            postal_code=str(attributes.get("postal_code", "")),
            sent={name: values[name] for name in self._sent if name in values},
        )


def _read(cell: _Cell, text: str, found: Found) -> Value | None:
    """The value of a filled cell; what is wrong with it is put to what was found."""
    try:
        return cell.reader.read(text, found)
    except PROBLEMS as problem:
        found.errors.append(Finding(cell.name, _code(cell.name, problem.code)))
        return None


def _code(name: str, code: str) -> str:
    """What is missing of a consent and too little of an age have codes of their own."""
    if code == "missing_required" and name in _CONSENT:
        return "consent_missing"
    return "age" if code == "too_small" and name in _AGES else code


class _Bounds(NamedTuple):
    """The rules of time as texts that sort as they happened, made once per file."""

    latest: str  # no request or consent after it
    oldest: str  # no request before it
    youngest: tuple[tuple[str, Value], ...]  # the last value of an adult, by field

    @classmethod
    def of(cls, rules: Rules) -> Self:
        years = rules.terms.minimum_age
        today = rules.now.date()
        # Born today in that year is old enough; born on a leap day is from 1 March on.
        born = f"{today.year - years:04}-{today:%m-%d}"
        youngest: dict[str, Value] = {
            "age": years,
            "birth_date": born,
            "date_of_birth": born,
            "birth_year": today.year - years,
        }
        return cls(
            latest=iso_moment(rules.now + SKEW),
            oldest=iso_moment(rules.now - timedelta(days=rules.terms.max_age_days)),
            youngest=tuple(item for item in youngest.items() if item[0] in rules.fields.by_name),
        )

    def check(self, found: Found) -> None:
        values = found.values
        requested_at, consent_at = values.get("requested_at"), values.get("consent_at")
        if isinstance(requested_at, str):
            if requested_at > self.latest:
                found.errors.append(Finding("requested_at", "requested_in_future"))
            elif requested_at < self.oldest:
                found.errors.append(Finding("requested_at", "too_old"))
        if isinstance(consent_at, str) and consent_at > self.latest:
            found.errors.append(Finding("consent_at", "consent_in_future"))
        for name, limit in self.youngest:
            value = found.attributes.get(name, values.get(name))
            if value is not None and self._is_minor(name, value, limit):
                found.errors.append(Finding(name, "age"))

    @staticmethod
    def _is_minor(name: str, value: Value, limit: Value) -> bool:
        if isinstance(value, str) and isinstance(limit, str):
            return value > limit
        if isinstance(value, str) or isinstance(limit, str):
            return False  # a schema that keeps ages as words, such as bands
        return value < limit if name == "age" else value > limit


def _moment(value: Value | None) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None


def _preview(found: Found) -> dict[str, str]:
    preview = {}
    if name := found.values.get("name"):
        preview["name"] = masked_name(str(name))
    if found.phone:
        preview["phone"] = masked_phone(found.phone.e164)
    if found.email:
        preview["email"] = masked_email(found.email.address)
    return preview
