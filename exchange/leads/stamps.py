"""The stamp in a hosted form: when it was shown, with which wording, signed by us.

It makes the time that filling took a fact of ours, and a form that is sent twice one post.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from exchange.core.keys import keyring

KEPT: Final = timedelta(hours=24)  # a form that was open longer is shown anew


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a form knows of how it was shown."""

    nonce: str
    shown_at: datetime
    text_id: UUID  # of the consent wording

    def seconds_until(self, moment: datetime) -> int:
        """How long the form was open."""
        return max(0, int((moment - self.shown_at).total_seconds()))


def make_stamp(*, form_id: UUID, text_id: UUID, now: datetime) -> str:
    """The text for the hidden field of a form that is shown now."""
    body = f"{secrets.token_hex(8)}.{int(now.timestamp())}.{text_id.hex}"
    return f"{body}.{_signature(form_id, body)}"


def read_stamp(text: str, *, form_id: UUID, now: datetime) -> Stamp | None:
    """The stamp of this form; None for one that is forged, another form's, or too old."""
    body, _, signature = text.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _signature(form_id, body).encode()):
        return None
    nonce, seconds, text_id = body.split(".")
    shown_at = datetime.fromtimestamp(int(seconds), UTC)
    return Stamp(nonce, shown_at, UUID(text_id)) if now - shown_at <= KEPT else None


def _signature(form_id: UUID, body: str) -> str:
    return keyring().blind_index("stamp", f"{form_id}|{body}").hex()
