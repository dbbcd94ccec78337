"""JSON doors of the spot check: the record of a draw, and calls for verifiers' own programs."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from flask import Response, stream_with_context
from flask.typing import ResponseReturnValue

from exchange.core.db import get, parse_id
from exchange.core.doors import Blueprint
from exchange.core.errors import NotFound
from exchange.core.limits import limiter
from exchange.identity.access import NOBODY, actor, organization, public, requires
from exchange.identity.permissions import Permission
from exchange.leads import queries as leads
from exchange.leads.models import Batch, Lead
from exchange.verification import queries
from exchange.verification.models import Verdict, VerificationTask
from exchange.verification.schemas import (
    DrawOut,
    LeafProofOut,
    ReleaseIn,
    ReleaseOut,
    TaskOut,
    VerdictIn,
    VerdictOut,
)
from exchange.verification.services import calls, tasks, verdicts

PROOFS: Final = "60 per minute"  # each reads all leaves of its lot

blueprint = Blueprint("verification_api", __name__, description="The spot check")


@blueprint.route("/batches/<batch_id>/draw", methods=["GET"])
@public
@blueprint.response(200, DrawOut)
def draw(batch_id: str) -> dict[str, Any]:  # Any: JSON
    """Show the draw of a batch.

    Of a decided batch everybody gets the whole record, without a key: it is enough, together with
    the leaves, to recompute who was called and what was decided. Before that its seller sees what
    is fixed and how far the check is.
    """
    batch, is_own = _batch(batch_id)
    if is_own and not queries.is_public(batch):
        return queries.draw_so_far(batch)
    return queries.public_record(batch.id).header


@blueprint.route("/batches/<batch_id>/draw/leaves", methods=["GET"])
@public
@blueprint.response(
    200, {"type": "string", "format": "binary"}, content_type="application/octet-stream"
)
def leaves(batch_id: str) -> ResponseReturnValue:
    """Download the leaves of a batch, 32 bytes each, in the order of its rows."""
    batch = _sealed(batch_id)
    body = stream_with_context(leads.leaves(batch.id))
    name = f'attachment; filename="{batch.public_id}.leaves"'
    headers = {"Content-Disposition": name}
    return Response(body, mimetype="application/octet-stream", headers=headers)


@blueprint.route("/batches/<batch_id>/draw/sources", methods=["GET"])
@public
@blueprint.response(
    200, {"type": "string", "format": "binary"}, content_type="application/octet-stream"
)
def sources(batch_id: str) -> ResponseReturnValue:
    """Download the map of a batch's sources: the number of its source for each leaf, a byte each.

    Empty for a batch of one source, which has none.
    """
    batch = _sealed(batch_id)
    numbers = queries.source_map(batch.id) or b""
    headers = {"Content-Disposition": f'attachment; filename="{batch.public_id}.sources"'}
    return Response(numbers, mimetype="application/octet-stream", headers=headers)


@blueprint.route("/batches/<batch_id>/draw/leaves/<int:index>", methods=["GET"])
@public
@limiter.limit(PROOFS)
@blueprint.response(200, LeafProofOut)
def prove_leaf(batch_id: str, index: int) -> dict[str, Any]:  # Any: JSON
    """Prove that a leaf stands at this place, from 0, without the other leaves."""
    return queries.leaf_proof(_sealed(batch_id), index=index)


@blueprint.route("/leads/<lead_id>/proof", methods=["GET"])
@public
@limiter.limit(PROOFS)
@blueprint.response(200, LeafProofOut)
def prove_lead(lead_id: str) -> dict[str, Any]:  # Any: JSON
    """Prove that a lead, which you may have bought, stood in its batch when that was sealed."""
    lead = get(Lead, parse_id(lead_id, Lead))
    batch = _sealed(get(Batch, lead.batch_id).public_id)
    return queries.lead_proof(batch, lead_id=lead.id)


@blueprint.route("/verification/tasks/next", methods=["GET"])
@requires(Permission.TASK_WORK)
@blueprint.response(200, TaskOut)
@blueprint.alt_response(204, description="Nothing waits for you")
def claim_next() -> tuple[calls.Call, int, dict[str, str]] | Response:
    """Take the next call, or get the one that is yours again; 204 when nothing waits.

    The call is yours for fifteen minutes. Its contact is in the answer and is shown nowhere else.
    """
    task = tasks.claim_next(
        verifier_id=tasks.verifier_of(actor()),
        organization_id=organization().id,
        actor=actor(),
    )
    if task is None:
        return Response(status=204)
    call = calls.open_call(task_id=task.id, actor=actor())
    return call, 200, {"Cache-Control": "private, no-store"}


@blueprint.route("/verification/tasks/<task_id>/verdict", methods=["POST"])
@requires(Permission.TASK_WORK)
@blueprint.arguments(VerdictIn)
@blueprint.response(200, VerdictOut)
def submit(form: dict[str, Any], task_id: str) -> Verdict:  # Any: as loaded
    """Report a call. The lease number makes a repeat harmless: it gives the same verdict again."""
    return verdicts.submit(
        task_id=_task_id(task_id),
        code=form.pop("outcome"),
        sure=True,  # a program cannot be asked whether it is sure
        actor=actor(),
        **form,
    )


@blueprint.route("/verification/tasks/<task_id>/release", methods=["POST"])
@requires(Permission.TASK_WORK)
@blueprint.arguments(ReleaseIn)
@blueprint.response(200, ReleaseOut)
def release(form: dict[str, Any], task_id: str) -> VerificationTask:  # Any: as loaded
    """Give a call back; a reason skips it for ten minutes."""
    tasks.release(task_id=_task_id(task_id), actor=actor(), **form)
    return get(VerificationTask, _task_id(task_id))


def _sealed(batch_id: str) -> Batch:
    """A batch whose leaves the caller may see: its seller from the seal on, others once decided."""
    batch, is_own = _batch(batch_id)
    if batch.merkle_root is None or not (is_own or queries.is_public(batch)):
        raise NotFound("The leaves of a batch are public once it is decided.")
    return batch


def _batch(batch_id: str) -> tuple[Batch, bool]:
    """The batch, and whether the caller is its seller."""
    batch = get(Batch, parse_id(batch_id, Batch))
    return batch, actor() is not NOBODY and batch.organization_id == organization().id


def _task_id(text: str) -> UUID:
    return parse_id(text, VerificationTask)
