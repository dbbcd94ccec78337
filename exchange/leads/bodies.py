"""The body of a post, nested or flat, as texts by field; each remembers where it stood.

Pure. Names are ours, or words by which a file's header would be understood; what nobody knows is
named as ignored and never kept.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from exchange.catalog.fields import LeadFields
from exchange.catalog.words import fold
from exchange.core.errors import FieldProblem, Invalid

TEXT_MAX: Final = 8_192  # characters, as of a cell
NAME_MAX: Final = 200  # characters
ORIGIN_MAX: Final = 200  # characters of one word about where the person came from
# What a body says beside the lead itself.
ENVELOPE: Final = frozenset(
    {
        *("source", "vertical", "external_id", "test", "ip", "user_agent", "form_seconds"),
        *("contract", "landing_url", "ping_id", "bid_id", "idempotency_key", "csrf_token"),
        *("phone_sha256", "email_sha256"),
    }
)
TRUE: Final = frozenset({"1", "yes", "true", "on"})
SECTIONS: Final = frozenset({"contact", "attributes", "consent", "call", "utm"})
CONSENT: Final = {
    "text": "consent_text",
    "given_at": "consent_at",
    "page_url": "consent_url",
    "quality_check": "consent_quality_check",
}
CALL: Final = ("duration_seconds", "started_at")
UTM: Final = frozenset(
    {*(f"utm_{name}" for name in ("source", "medium", "campaign", "term", "content")), "gclid"}
)
FIRST: Final = frozenset(map(fold, ("first name", "firstname", "given name", "fname")))
LAST: Final = frozenset(
    map(fold, ("last name", "lastname", "surname", "family name", "lname", "фамилия", "apellidos"))
)
_UNSTORABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")

Json = Any  # Any: whatever was sent


@dataclass(slots=True)
class Body:
    """What a body says: texts by field with their pointers, and the envelope."""

    values: dict[str, str] = dataclasses.field(default_factory=dict, repr=False)
    pointers: dict[str, str] = dataclasses.field(default_factory=dict)
    envelope: dict[str, str] = dataclasses.field(default_factory=dict, repr=False)
    call: dict[str, str] = dataclasses.field(default_factory=dict)
    utm: dict[str, str] = dataclasses.field(default_factory=dict)
    ignored: list[str] = dataclasses.field(default_factory=list)
    names: dict[str, str] = dataclasses.field(default_factory=dict, repr=False)  # first, last

    @property
    def is_test(self) -> bool:
        """Whether it is only tried out."""
        return self.envelope.get("test", "").lower() in TRUE

    def pointer(self, name: str) -> str:
        """Where a field stood, or where it would stand."""
        return self.pointers.get(name, f"/{name}" if name else "/")


def read_body(sent: Mapping[str, Json], *, fields: LeadFields, separator: str | None) -> Body:
    """The body by the fields of its vertical; `separator` is how numbers are read there.

    Raises Invalid, with every pointer, for a value that is no single text, number or yes and no.
    """
    body, problems = Body(), list[FieldProblem]()
    for pointer, section, key, value in _entries(sent):
        if len(key) > NAME_MAX or _UNSTORABLE.search(pointer):
            problems.append(FieldProblem("/", "invalid", "A name in the body cannot be read."))
            continue
        text = _text(value, separator)
        if text is None or len(text) > TEXT_MAX or _UNSTORABLE.search(text):
            problems.append(FieldProblem(pointer, "invalid", "Send one text, number or boolean."))
        elif text:
            _place(body, fields, pointer=pointer, section=section, key=key, text=text)
    if problems:
        raise Invalid(errors=tuple(problems))
    _join_names(body)
    return body


def _entries(sent: Mapping[str, Json]) -> Iterator[tuple[str, str, str, Json]]:
    """Pointer, section, key and value of everything that was sent."""
    for key, value in sent.items():
        if key in SECTIONS and isinstance(value, Mapping):
            for inner, one in value.items():
                yield f"/{key}/{inner}", key, str(inner), one
        else:
            yield f"/{key}", "", str(key), value


def _text(value: Json, separator: str | None) -> str | None:
    """The value as somebody would have typed it; None for what is no single value."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".").replace(".", separator or ".")
    return str(value).strip() if isinstance(value, str | int) else None


def _place(
    body: Body, fields: LeadFields, *, pointer: str, section: str, key: str, text: str
) -> None:
    if section == "call" and key in CALL:
        body.call[key] = text
    elif section == "utm" or key in UTM:
        _keep_utm(body, key, text)
    elif not section and key in ENVELOPE:
        body.envelope[key] = text
    else:
        _place_field(body, fields, pointer=pointer, section=section, key=key, text=text)


def _place_field(
    body: Body, fields: LeadFields, *, pointer: str, section: str, key: str, text: str
) -> None:
    name = CONSENT.get(key, key) if section == "consent" else key
    spec = fields.by_name.get(name) or fields.find_by_header(name)
    word = fold(name)
    if spec is not None and word not in LAST:
        body.values.setdefault(spec.name, text)
        body.pointers.setdefault(spec.name, pointer)
    elif word in FIRST | LAST:
        body.names["last" if word in LAST else "first"] = text
        body.pointers.setdefault("name", pointer)
    else:
        body.ignored.append(pointer)


def _keep_utm(body: Body, key: str, text: str) -> None:
    """Words of advertising are short and name nobody; an address among them is left out."""
    if key in UTM and len(text) <= ORIGIN_MAX and "@" not in text:
        body.utm[key] = text
    else:
        body.ignored.append(f"/{key}")


def _join_names(body: Body) -> None:
    """A name in parts is one name."""
    parts = [body.names.get("first") or body.values.get("name"), body.names.get("last")]
    if body.names:
        body.values["name"] = " ".join(part for part in parts if part)
