"""The verb of posting: one lead is checked, kept in its source's lot, and answered at once.

A file's rows and a post go through the same checks and the same writing. Every post leaves a row
with its answer, which names nobody; a test leaves nothing else.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from exchange.catalog import queries as catalog
from exchange.catalog.definition import VerticalDefinition
from exchange.catalog.values import iso_moment
from exchange.core import events
from exchange.core.actors import Actor
from exchange.core.db import db, get, lock, save
from exchange.core.errors import Conflict, FieldProblem, Invalid
from exchange.identity.services import require_approved
from exchange.leads import post_queries, queries
from exchange.leads.bodies import Body, read_body
from exchange.leads.cells import Finding
from exchange.leads.checking import CheckedRow, Outcome
from exchange.leads.models import Batch, Lead, LeadStatus, SourceStatus
from exchange.leads.post_models import Post, PostOutcome, SourceTerms
from exchange.leads.services import lots, pinged, post_checks, single, sources
from exchange.leads.services.pinged import Promise
from exchange.leads.services.resubmission import FAILED_BEFORE, RESUBMITTED
from exchange.leads.vault import blind_index


@dataclass(frozen=True, slots=True)
class Incoming:
    """A post as a door hands it on; what the door itself knows stands beside the body."""

    sent: Mapping[str, Any] = field(repr=False)  # Any: whatever was sent
    via: str
    raw: bytes = field(repr=False)
    is_test: bool = False
    external_id: str | None = None
    form_seconds: int | None = None
    ip: str = field(default="", repr=False)
    user_agent: str = field(default="", repr=False)
    promise: Promise | None = field(default=None, repr=False)  # of the ping that it answers


@dataclass(frozen=True, slots=True)
class Answer:
    """What a post led to. Nothing of it says whose lead came first."""

    post: Post
    terms: SourceTerms
    errors: tuple[FieldProblem, ...] = ()  # with codes; the door says the sentences
    notes: tuple[str, ...] = ()  # codes of what was changed or is odd
    ignored: tuple[str, ...] = ()
    is_repeat: bool = False


@dataclass(frozen=True, slots=True)
class _Verdict:
    """How a post ends."""

    outcome: PostOutcome
    reason: str = ""
    errors: Sequence[Finding] = ()
    since: datetime | None = None
    lead_id: UUID | None = None


def post_lead(*, terms_id: UUID, incoming: Incoming, actor: Actor) -> Answer:
    """Check a lead, keep it where it is good, and say what became of it.

    A repeat of an `external_id` gets its first answer again. A test is checked like any other and
    keeps nothing. Raises Conflict `source_stopped`, `external_id_used` (for another lead) and
    Invalid for a body that cannot be read, or for another lead than the one that was pinged; a
    lead that fails the checks is an answer, no error.
    """
    terms = get(SourceTerms, terms_id)
    definition = catalog.get_rules(queries.vertical_of(terms.vertical_id))
    body = read_body(
        incoming.sent, fields=definition.fields, separator=definition.decimal_separator
    )
    incoming = _completed(incoming, body, terms)
    if (promise := incoming.promise) is not None:
        body.values.setdefault("requested_at", iso_moment(promise.requested_at))
    if not incoming.is_test:
        require_approved(terms.organization_id)
        terms = lock(SourceTerms, terms_id)  # one post of a source after the other
    require_running(terms)
    if (earlier := _earlier(terms, incoming)) is not None:
        return answer_of(earlier, terms)
    row = post_checks.check(terms, definition, body, is_test=incoming.is_test)
    if promise is not None and row.outcome is not Outcome.INVALID:
        pinged.require_same(promise, row, body=body, fields=definition.fields)
    asks = not incoming.is_test or post_checks.may_ask(terms, via=incoming.via)
    verdict = _decide(terms, definition, row, is_test=incoming.is_test, asks=asks, actor=actor)
    post = save(_post(terms, incoming, body, verdict=verdict))
    errors = tuple(_problem(body, finding) for finding in verdict.errors)
    notes = tuple(dict.fromkeys(finding.code for finding in (*row.reviews, *row.notes)))
    return Answer(post, terms, errors, notes, tuple(body.ignored))


def note_refusal(*, terms_id: UUID, incoming: Incoming, reason: str) -> Post:
    """Write down a post that was refused before anybody looked at the lead."""
    terms = get(SourceTerms, terms_id)
    refused = dataclasses.replace(incoming, external_id=None)
    return save(_post(terms, refused, Body(), verdict=_Verdict(PostOutcome.REJECTED, reason)))


def require_running(terms: SourceTerms) -> None:
    """Raises Conflict `source_stopped` where the source takes no leads."""
    source = post_queries.source_of(terms)
    if source.status is not SourceStatus.ACTIVE:
        raise Conflict(f"This source is {source.status}.", code="source_stopped")
    if terms.closed_reason:
        detail = "Leads are not taken for this contract now. The page of the offer says why."
        raise Conflict(detail, code="offer_closed", reason=terms.closed_reason)


def _completed(incoming: Incoming, body: Body, terms: SourceTerms) -> Incoming:
    """What the door does not know stands in the body. Raises Invalid."""
    if incoming.promise is None and body.envelope.keys() & {"ping_id", "bid_id"}:
        detail = "The lead of a ping is posted with the API key, at /api/v1/leads."
        raise Invalid(errors=(FieldProblem("/ping_id", "ping_unknown", detail),))
    said = body.envelope
    return dataclasses.replace(
        incoming,
        is_test=incoming.is_test or terms.is_test or body.is_test,
        external_id=post_checks.external_id(incoming.external_id or said.get("external_id"), body),
        form_seconds=post_checks.seconds(incoming.form_seconds, said.get("form_seconds", "")),
        ip=incoming.ip or said.get("ip", ""),
        user_agent=incoming.user_agent or said.get("user_agent", ""),
    )


def _earlier(terms: SourceTerms, incoming: Incoming) -> Post | None:
    """The post that had this name before. Raises Conflict where it was about something else."""
    if incoming.external_id is None or incoming.is_test:
        return None
    earlier = post_queries.find_post(terms.source_id, incoming.external_id)
    if earlier is not None and earlier.body_hash != _body_hash(incoming):
        raise Conflict(
            "This external_id was used for another lead of the source.", code="external_id_used"
        )
    return earlier


def answer_of(post: Post, terms: SourceTerms) -> Answer:
    """What was said to a post, to whoever sends it again or asks for it."""
    errors = tuple(FieldProblem(e["pointer"], e["code"], "") for e in post.errors)
    return Answer(post, terms, errors, is_repeat=True)


def _decide(
    terms: SourceTerms,
    definition: VerticalDefinition,
    row: CheckedRow,
    *,
    is_test: bool,
    asks: bool,
    actor: Actor,
) -> _Verdict:
    if row.outcome is Outcome.INVALID:
        return _Verdict(PostOutcome.REJECTED, row.errors[0].code, row.errors)
    if not asks:
        return _tried(terms, definition, row)
    if single.is_suppressed(row, terms=terms):
        return _Verdict(PostOutcome.SUPPRESSED, "suppressed")
    since = single.known_since(terms, row, terms=definition.terms, is_test=is_test)
    if since is not None:
        return _Verdict(PostOutcome.DUPLICATE, "duplicate_in_window", since=since)
    return _tried(terms, definition, row) if is_test else _keep(terms, definition, row, actor=actor)


def _tried(terms: SourceTerms, definition: VerticalDefinition, row: CheckedRow) -> _Verdict:
    """How a test of somebody new ends."""
    agreed = post_checks.is_check_agreed(row, definition.terms)
    return _kept(row, sells_now=terms.trusted_since is not None, in_frame=agreed)


def _keep(
    terms: SourceTerms, definition: VerticalDefinition, row: CheckedRow, *, actor: Actor
) -> _Verdict:
    """Write the lead into the lot that is open, unless somebody posts the person this moment."""
    batch = lots.take_lot(terms, actor=actor)
    sources.hold_open(terms.source_id)  # after the lot, as whoever decides about lots goes
    written = single.write(batch, row, definition=definition)
    lead = written.lead
    if lead is None and written.status is LeadStatus.SUPPRESSED:
        return _Verdict(PostOutcome.SUPPRESSED, "suppressed")
    if lead is None and written.status is LeadStatus.INVALID:
        return _Verdict(PostOutcome.REJECTED, FAILED_BEFORE, since=written.since)
    if lead is None:
        return _Verdict(PostOutcome.DUPLICATE, "duplicate_in_window", since=written.since)
    _count(batch, lead)
    events.record("lead.posted", subject=lead, actor=actor, batch_id=str(batch.id))
    lots.seal_if_full(batch)
    verdict = _kept(row, sells_now=batch.sells_at_once, in_frame=lead.in_frame)
    if lead.repeats_id is not None:
        verdict = _Verdict(PostOutcome.QUEUED_FOR_CHECK, RESUBMITTED)
    return dataclasses.replace(verdict, lead_id=lead.id)


def _count(batch: Batch, lead: Lead) -> None:
    batch.rows_done += 1
    batch.valid += lead.status is LeadStatus.VALID
    batch.in_review += lead.status is LeadStatus.IN_REVIEW
    db.session.flush()


def _kept(row: CheckedRow, *, sells_now: bool, in_frame: bool) -> _Verdict:
    """How a lead that passed ends; without agreement to our call it is kept and not offered."""
    if row.outcome is Outcome.IN_REVIEW:
        return _Verdict(PostOutcome.QUEUED_FOR_CHECK, row.codes[0])
    if not in_frame:
        return _Verdict(PostOutcome.QUEUED_FOR_CHECK, "check_not_agreed")
    return _Verdict(PostOutcome.ACCEPTED if sells_now else PostOutcome.QUEUED_FOR_CHECK)


def _post(terms: SourceTerms, incoming: Incoming, body: Body, *, verdict: _Verdict) -> Post:
    errors = [{"pointer": _pointer(body, f), "code": f.code} for f in verdict.errors]
    return Post(
        organization_id=terms.organization_id,
        terms_id=terms.id,
        source_id=terms.source_id,
        via=incoming.via,
        is_test=incoming.is_test,
        external_id=incoming.external_id,
        outcome=verdict.outcome,
        reason=verdict.reason,
        errors=errors,
        since=verdict.since,
        lead_id=verdict.lead_id,
        body_hash=_body_hash(incoming),
        address_index=blind_index("address", incoming.ip),
        agent_index=blind_index("agent", incoming.user_agent),
        form_seconds=incoming.form_seconds,
        origin=post_checks.origin(body),
    )


def _body_hash(incoming: Incoming) -> bytes:
    found = blind_index("body", incoming.raw.decode("utf-8", "replace") or "-")
    assert found is not None
    return found


def _problem(body: Body, finding: Finding) -> FieldProblem:
    return FieldProblem(_pointer(body, finding), finding.code, "")


def _pointer(body: Body, finding: Finding) -> str:
    return "/call/duration_seconds" if finding.field == "call" else body.pointer(finding.field)
