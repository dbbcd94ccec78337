"""The card of a source: its fixed words, what it supplies to a file, and which pictures it takes.

Pure: what a file gets of its source is decided here once, when the file is uploaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from exchange.catalog.fields import FieldSpec, LeadFields, parse
from exchange.catalog.values import FieldError, ParseContext

PICTURE_BYTES_MAX: Final = 5_000_000
HEAD_BYTES: Final = 12  # of a picture: enough to tell what it is


class SourceChannel(StrEnum):
    """How people come to ask."""

    SEARCH_ADS = "search_ads"
    SOCIAL_ADS = "social_ads"
    LEAD_AD_FORM = "lead_ad_form"  # filled in inside the advertising network
    OWN_SITE = "own_site"
    COMPARISON_SITE = "comparison_site"
    EMAIL = "email"
    MESSENGER = "messenger"
    CALL_CENTER_OUTBOUND = "call_center_outbound"
    INBOUND_CALL = "inbound_call"
    PARTNER = "partner"
    OTHER = "other"


class Collector(StrEnum):
    """Who collects the leads of a source."""

    OWN = "own"  # the seller
    PARTNER = "partner"  # somebody who works for the seller


# What a card may say for rows that leave it empty, beside its channel and its consent text.
DEFAULT_FIELDS: Final = frozenset({"sub_id", "consent_url", "consent_quality_check"})

# Schemas have finer words for channels than cards; where a schema has the card's own, that is it.
_CHANNEL_OF_ROWS: Final = {
    SourceChannel.LEAD_AD_FORM: "social_ads",
    SourceChannel.COMPARISON_SITE: "aggregator",
    SourceChannel.PARTNER: "cpa_network",
    SourceChannel.CALL_CENTER_OUTBOUND: "other",
}


def supplied(
    *,
    channel: SourceChannel | None,
    landing_url: str,
    consent_text: str,
    defaults: Mapping[str, str],
    fields: LeadFields,
    context: ParseContext,
) -> dict[str, str]:
    """What stands for the empty cells of a file, by field of its schema.

    A default beats what the card says of itself. What the schema cannot read is left out: a card
    never makes a row worse than an empty cell does.
    """
    own = {"channel": _channel(channel, fields), "consent_url": landing_url}
    wanted = {**own, **{k: v for k, v in defaults.items() if v}, "consent_text": consent_text}
    return {
        name: text
        for name, text in wanted.items()
        if text and (spec := fields.by_name.get(name)) and _is_readable(spec, text, context=context)
    }


def picture_type(head: bytes) -> str | None:
    """The content type that the first bytes of a picture tell; None for anything else."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return None


def _channel(channel: SourceChannel | None, fields: LeadFields) -> str:
    spec = fields.by_name.get("channel")
    if channel is None or spec is None:
        return ""
    own = str(channel)
    return own if own in spec.choice_by_value else _CHANNEL_OF_ROWS.get(channel, own)


def _is_readable(spec: FieldSpec, text: str, *, context: ParseContext) -> bool:
    try:
        return parse(spec, text, context) is not None
    except FieldError:
        return False
