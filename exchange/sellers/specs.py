"""The posting spec of a source, made from the schema of its vertical: what to send, in examples."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from shlex import quote
from typing import Any, Final
from urllib.parse import urlencode

from exchange.catalog.definition import VerticalDefinition
from exchange.catalog.fields import FieldSpec, FieldType
from exchange.catalog.values import iso_moment
from exchange.catalog.words import fold
from exchange.leads.bodies import CONSENT
from exchange.leads.findings import ROW_SENTENCES
from exchange.leads.fingerprints import digest
from exchange.leads.post_models import SourceTerms
from exchange.market.services.pings import ANY

PLACEHOLDER: Final = "YOUR-POSTING-TOKEN"
KEY: Final = "YOUR-API-KEY"
# What is said of the form alone, not of the lead.
EXTRA: Final = {"external_id": "your-own-id-17", "test": True}
_CONSENT_KEYS: Final = {name: key for key, name in CONSENT.items()}
_MOMENTS: Final = frozenset({"requested_at", "consent_at"})


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field as the page explains it."""

    name: str  # flat
    pointer: str  # nested
    label: str
    type: str
    required: bool
    choices: tuple[tuple[str, str], ...]  # code and word
    example: str


@dataclass(frozen=True, slots=True)
class Spec:
    """Everything that whoever sends leads must know."""

    path: str
    fields: tuple[FieldRow, ...]
    json_example: str
    form_example: str
    curl_json: str
    curl_form: str
    ping_example: str
    curl_ping: str
    curl_bid: str  # the lead of a ping
    codes: Mapping[str, str]
    vectors: tuple[tuple[str, str, str], ...]  # what, the normal form, its hash


def make_spec(
    terms: SourceTerms,
    definition: VerticalDefinition,
    *,
    source: str,
    base: str,
    now: datetime,
    language: str,
) -> Spec:
    """The spec of a source at this base address, with examples that pass at this moment."""
    url = f"{base}/api/v1/leads/in/{PLACEHOLDER}"
    rows = tuple(
        _row(spec, definition, terms, now=now, language=language)
        for spec in definition.fields.specs
    )
    nested = _json(nested_example(rows))
    named = {"source": source, "vertical": definition.code}
    ping, bid = _ping(rows, named), nested_example(rows) | {"ping_id": "ping_…", "bid_id": ANY}
    flat = urlencode({**{row.name: row.example for row in rows if row.example}, "test": "1"})
    return Spec(
        path=url,
        fields=rows,
        json_example=nested,
        form_example=flat,
        curl_json=f"curl -X POST '{url}' -H 'Content-Type: application/json' -d {quote(nested)}",
        curl_form=f"curl -X POST '{url}' -d {quote(flat)}",
        ping_example=ping,
        curl_ping=_curl(f"{base}/api/v1/pings", ping),
        curl_bid=_curl(f"{base}/api/v1/leads", _json(bid)),
        codes=ROW_SENTENCES,
        vectors=_vectors(),
    )


def nested_example(rows: tuple[FieldRow, ...]) -> dict[str, Any]:  # Any: JSON
    """The example as the JSON body."""
    body: dict[str, Any] = {}
    for row in rows:
        if row.example:
            *sections, key = row.pointer.strip("/").split("/")
            place = body.setdefault(sections[0], {}) if sections else body
            place[key] = row.example
    return body | EXTRA


def _ping(rows: tuple[FieldRow, ...], named: dict[str, Any]) -> str:  # Any: JSON
    """The example without its person, who is named by SHA-256."""
    example = nested_example(rows)
    digests = {f"{what}_sha256": hashed for what, _text, hashed in _vectors()}
    kept = {name: example[name] for name in example if name not in {"contact", "consent"}}
    kept.pop("external_id")
    return _json(named | kept | digests)


def _json(body: dict[str, Any]) -> str:  # Any: JSON
    return json.dumps(body, ensure_ascii=False, indent=2)


def _curl(url: str, body: str) -> str:
    return (
        f"curl -X POST '{url}' -H 'Authorization: Bearer {KEY}'"
        f" -H 'Content-Type: application/json' -d {quote(body)}"
    )


def pointer_of(spec: FieldSpec) -> str:
    """Where a field stands in the JSON body."""
    if spec.contact:
        return f"/contact/{spec.name}"
    if spec.name in _CONSENT_KEYS:
        return f"/consent/{_CONSENT_KEYS[spec.name]}"
    return f"/attributes/{spec.name}" if spec.is_attribute else f"/{spec.name}"


def _row(
    spec: FieldSpec,
    definition: VerticalDefinition,
    terms: SourceTerms,
    *,
    now: datetime,
    language: str,
) -> FieldRow:
    return FieldRow(
        name=spec.name,
        pointer=pointer_of(spec),
        label=spec.label_in(language),
        type=_type(spec, definition),
        required=spec.required and not _is_supplied(spec, terms),
        choices=tuple((choice.value, _word(choice.label, language)) for choice in spec.choices),
        example=_example(spec, now),
    )


def _is_supplied(spec: FieldSpec, terms: SourceTerms) -> bool:
    """Whether the terms or the clock say it where a post does not."""
    supplied = {
        "requested_at": True,
        "channel": bool(terms.channel),
        "consent_text": bool(terms.consent_text),
        "consent_at": bool(terms.consent_text),
        "consent_url": bool(terms.consent_url),
    }
    return supplied.get(spec.name, False)


def _type(spec: FieldSpec, definition: VerticalDefinition) -> str:
    if spec.type is FieldType.MONEY:
        return f"{spec.type} ({definition.currency})"
    return f"{spec.type} ({spec.unit})" if spec.unit else str(spec.type)


def _word(label: Mapping[str, str], language: str) -> str:
    return label.get(language) or label.get("en", "")


def _example(spec: FieldSpec, now: datetime) -> str:
    if spec.name in _MOMENTS:
        return iso_moment(now)
    if spec.choices:
        known = spec.choice_by_word.get(fold(spec.example))
        return known or spec.choices[0].value
    return spec.example


def _vectors() -> tuple[tuple[str, str, str], ...]:
    """Test vectors of the hashes by which people are asked for without naming them."""
    examples = (("phone", "+16145550142"), ("email", "taylor@example.com"))
    return tuple((what, text, digest(text)) for what, text in examples)
