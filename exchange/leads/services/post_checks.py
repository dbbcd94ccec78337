"""Checks of a post beside those of every row: names of the seller's own, calls, where it came from.

What a body leaves out stands in the terms of its source, said once.
"""

from __future__ import annotations

import dataclasses
import re
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from exchange.catalog.definition import Terms, VerticalDefinition
from exchange.catalog.values import iso_moment
from exchange.core import clock
from exchange.core.db import get
from exchange.core.errors import FieldProblem, Invalid
from exchange.identity.models import Organization
from exchange.leads import post_queries
from exchange.leads.bodies import ORIGIN_MAX, Body
from exchange.leads.cells import Finding
from exchange.leads.checking import CheckedRow, Checker, Outcome, Rules
from exchange.leads.post_models import SourceTerms

TESTS_THAT_ASK: Final = 100  # of a source and vertical in a day
SPEC: Final = "spec"  # a stranger at the shared posting spec
CALL_CHANNELS: Final = frozenset({"call", "inbound_call"})
CALL: Final = "inbound_call"  # the channel of a lead that came by phone
FORM_SECONDS_MAX: Final = 86_400
PHONE_DIGITS: Final = 7  # so many last digits of a phone tell whose it is
_EXTERNAL_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/=+-]{0,199}")


def check(
    terms: SourceTerms, definition: VerticalDefinition, body: Body, *, is_test: bool
) -> CheckedRow:
    """The checked lead; what the body leaves out is filled in from the terms and the clock.

    A test may name a number that is kept for examples.
    """
    row = _checked(_rules(terms, definition, is_test=is_test), terms, body)
    if found := _call_problem(terms, body, channel=row.channel):
        return dataclasses.replace(row, outcome=Outcome.INVALID, errors=(*row.errors, found))
    return row


def check_ping(terms: SourceTerms, definition: VerticalDefinition, body: Body) -> CheckedRow:
    """The same of a lead that comes without its person; a call may still be going on."""
    return _checked(_rules(terms, definition, is_test=False).of_ping(), terms, body)


def _rules(terms: SourceTerms, definition: VerticalDefinition, *, is_test: bool) -> Rules:
    is_demo = is_test or get(Organization, terms.organization_id).is_demo
    return Rules.of(definition, now=clock.now(), demo=is_demo)


def _checked(rules: Rules, terms: SourceTerms, body: Body) -> CheckedRow:
    checker = Checker(dataclasses.replace(rules, defaults=_defaults(terms, body)))
    return checker.check_values(body.values)


def _defaults(terms: SourceTerms, body: Body) -> dict[str, str]:
    """What stands for a field that the body leaves out: now, and what the seller said once."""
    asked_at = body.call.get("started_at") or iso_moment(clock.now())
    channel = post_queries.source_of(terms).channel or terms.channel
    found = {
        "requested_at": asked_at,
        "channel": CALL if body.call or channel in CALL_CHANNELS else channel,
    }
    if terms.consent_text and "consent_text" not in body.values:
        # Posting the seller's form is agreeing to the wording under it.
        found["consent_text"] = terms.consent_text
        found["consent_at"] = body.values.get("requested_at", asked_at)
        found["consent_url"] = terms.consent_url
        found["consent_quality_check"] = "yes" if terms.is_check_agreed else ""
    elif terms.consent_url:
        found["consent_url"] = terms.consent_url
    return found


def _call_problem(terms: SourceTerms, body: Body, *, channel: str) -> Finding | None:
    """A lead that came by phone says how long the call was, and it was long enough."""
    source_channel = post_queries.source_of(terms).channel or terms.channel
    if not body.call and not {channel, source_channel} & CALL_CHANNELS:
        return None
    said = body.call.get("duration_seconds", "")
    if not said.isdecimal() or len(said) > len(str(FORM_SECONDS_MAX)):
        return Finding("call", "number_invalid" if said else "missing_required")
    return Finding("call", "call_too_short") if int(said) < terms.call_seconds_min else None


def external_id(text: str | None, body: Body) -> str | None:
    """The seller's own name for the lead: no contact, because it is shown and kept. Invalid."""
    if not text:
        return None
    tail = re.sub(r"\D", "", body.values.get("phone", ""))[-PHONE_DIGITS:]
    is_phone = len(tail) == PHONE_DIGITS and tail in re.sub(r"\D", "", text)
    if is_phone or not _EXTERNAL_ID.fullmatch(text):
        detail = "Use letters, digits and . _ : / - and nothing of the contact; at most 200."
        raise Invalid(errors=(FieldProblem("/external_id", "external_id_invalid", detail),))
    return text


def seconds(known: int | None, said: str) -> int | None:
    """How long the form was open: what the door knows, else what the body says."""
    if known is None and said.isdecimal() and len(said) <= len(str(FORM_SECONDS_MAX)):
        known = int(said)
    return None if known is None else min(known, FORM_SECONDS_MAX)


def origin(body: Body) -> dict[str, str]:
    """Where the person came from; of the page only its place, because arguments may name people."""
    calls = {f"call_{name}": text[:40] for name, text in body.call.items()}
    page = _place(body.envelope.get("landing_url", ""))
    return {**body.utm, **calls, **({"landing_url": page} if page else {})}


def _place(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    page = f"{parts.scheme}://{parts.netloc}{parts.path}" if parts.scheme and parts.netloc else ""
    return page if len(page) <= ORIGIN_MAX and "@" not in page else ""


def may_ask(terms: SourceTerms, *, via: str) -> bool:
    """Whether a test is told if somebody knows the person.

    A test leaves nothing behind, so it would let anybody ask for person after person: strangers
    and sellers who may not trade are never told, others some times a day.
    """
    if via == SPEC or not get(Organization, terms.organization_id).is_approved:
        return False
    since = clock.now() - timedelta(days=1)
    return post_queries.count_tests(terms.id, since=since) < TESTS_THAT_ASK


def is_check_agreed(row: CheckedRow, terms: Terms) -> bool:
    """Whether the person may be called by us, so that the lead can be checked and sold."""
    return bool(row.consent.get("quality_check")) or not terms.consent.quality_check_required
