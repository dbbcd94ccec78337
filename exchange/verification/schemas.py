"""What comes in and goes out at the verifiers' doors and at the record of a draw."""

from __future__ import annotations

from typing import Final

from flask_babel import lazy_gettext as _
from marshmallow import Schema, fields, validate

from exchange.catalog.scripts import Outcome, Right
from exchange.core.forms import IdField
from exchange.verification.models import OutcomeClass, VerificationTask
from exchange.verification.policy import NOTE_LENGTH_MAX
from exchange.verification.words import SKIPS

REASON_LENGTH_MAX: Final = 500

_note = validate.Length(max=NOTE_LENGTH_MAX)
_reason = validate.Length(min=1, max=REASON_LENGTH_MAX, error=_("Say why."))


class LeaseForm(Schema):
    lease_number = fields.Integer(required=True)


class SkipForm(LeaseForm):
    reason = fields.String(required=True, validate=validate.OneOf(SKIPS))


class SnoozeForm(Schema):
    minutes = fields.Integer(
        required=True,
        validate=validate.Range(min=5, max=24 * 60),
        error_messages={"required": _("Choose how much later.")},
    )


class HandOverForm(Schema):
    colleague = fields.String(required=True, error_messages={"required": _("Choose a colleague.")})


class CallForm(LeaseForm):
    """The verifier's page; corrections come as `fix-<field>`, times by the person's own clock."""

    outcome = fields.Enum(
        Outcome, by_value=True, required=True, error_messages={"required": _("Choose a result.")}
    )
    note = fields.String(load_default="", validate=_note)
    callback_at = fields.NaiveDateTime(
        load_default=None, format="iso", error_messages={"invalid": _("Choose a day and a time.")}
    )
    called_before = fields.String(load_default="")
    horizon = fields.String(load_default="")
    right = fields.String(load_default="")
    sure = fields.Boolean(load_default=False)


class DraftForm(LeaseForm):
    """The same page while it is being filled in: whatever is there so far, as it was typed."""

    outcome = fields.String(load_default="", validate=validate.Length(max=40))
    note = fields.String(load_default="", validate=_note)
    callback_at = fields.String(load_default="", validate=validate.Length(max=40))
    called_before = fields.String(load_default="", validate=validate.Length(max=40))
    horizon = fields.String(load_default="", validate=validate.Length(max=40))
    right = fields.String(load_default="", validate=validate.Length(max=40))


class PracticeForm(Schema):
    outcome = fields.Enum(
        Outcome, by_value=True, required=True, error_messages={"required": _("Choose a result.")}
    )


class AppealForm(Schema):
    text = fields.String(required=True, validate=_note)


class PauseForm(Schema):
    reason = fields.String(required=True, validate=_reason)


class DecideForm(PauseForm):
    decision = fields.String(required=True, validate=validate.OneOf(("upheld", "refused")))


class CaseForm(Schema):
    """How a test identity answers; the rest of the form are the fields of the vertical."""

    outcome = fields.Enum(
        Outcome, by_value=True, required=True, error_messages={"required": _("Choose an answer.")}
    )


class ConfirmForm(Schema):
    lead = fields.String(required=True)


class VerdictIn(Schema):
    lease_number = fields.Integer(
        required=True, metadata={"description": "of the task as it was given to you"}
    )
    outcome = fields.Enum(Outcome, by_value=True, required=True)
    note = fields.String(load_default="", validate=_note)
    corrections = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        load_default=dict,
        metadata={"description": "field: how it really is"},
    )
    answers = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        load_default=dict,
        metadata={
            "description": "what the script asks (called_before, horizon), and `right` where the "
            f"person claims one ({', '.join(Right)})"
        },
    )
    callback_at = fields.AwareDateTime(load_default=None)


class ReleaseIn(Schema):
    lease_number = fields.Integer(required=True)
    reason = fields.String(
        load_default="",
        validate=validate.OneOf(("", *SKIPS)),
        metadata={"description": "with one, others get the call first for ten minutes"},
    )


class TaskOut(Schema):
    """A call to make. The contact is given while the call is yours; each time it is recorded."""

    id = fields.String(attribute="task.public_id")
    object = fields.Constant("verification_task")
    created_at = fields.DateTime(attribute="task.created_at")
    status = fields.String(attribute="task.status.value")
    lease_number = fields.Integer(attribute="task.lease_number")
    lease_until = fields.DateTime(attribute="task.lease_until")
    vertical = fields.String(attribute="vertical.code")
    language = fields.String(attribute="task.language")
    time_zone = fields.String(attribute="task.time_zone")
    attempt = fields.Integer()
    attempts_max = fields.Integer()
    contact = fields.Dict(keys=fields.String(), values=fields.String())
    claimed = fields.Dict(
        attribute="lead.attributes", metadata={"description": "what the lead says, by field"}
    )
    said = fields.String(allow_none=True, metadata={"description": "sandbox: what the person says"})


class VerdictOut(Schema):
    id = fields.String(attribute="public_id")
    object = fields.Constant("verdict")
    created_at = fields.DateTime()
    task = IdField(VerificationTask, attribute="task_id")
    code = fields.String()
    outcome = fields.Enum(
        OutcomeClass,
        by_value=True,
        allow_none=True,
        metadata={"description": "what it counts for; null: another call follows"},
    )


class ReleaseOut(Schema):
    id = fields.String(attribute="public_id")
    object = fields.Constant("verification_task")
    status = fields.String(attribute="status.value")


class DrawOut(Schema):
    """What is fixed of a draw; once its lot is decided, the whole record.

    Hashes and secrets are hexadecimal. `drawn` lists the positions of the draw: the place of the
    leaf among all leaves, from 0, and the outcome that was counted. A lot of several sources has
    the hash of their map, and in `sources` whom each was judged by and how it ended.
    """

    object = fields.String()
    format = fields.Integer()
    batch = fields.String()
    quality_class = fields.String()
    population = fields.Integer(allow_none=True)
    root = fields.String(allow_none=True)
    source_map = fields.String(allow_none=True)
    plan = fields.Dict(allow_none=True)
    reach_norm = fields.Dict(
        allow_none=True,
        metadata={
            "description": "what share of people is usually reached, frozen at the draw: so many "
            "reached of so many people in so many lots of the vertical; lots 0: its start value"
        },
    )
    commitment = fields.String(allow_none=True)
    committed_at = fields.String(allow_none=True)
    assigned_at = fields.String(allow_none=True)
    rooted_at = fields.String(allow_none=True)
    nonce_until = fields.String(allow_none=True)
    nonce = fields.String(allow_none=True)
    nonce_by = fields.String(allow_none=True)
    beacon = fields.String()
    secret = fields.String(allow_none=True)
    seed = fields.String(allow_none=True)
    drawn_at = fields.String(allow_none=True)
    drawn = fields.List(fields.Dict())
    decision = fields.Dict()
    quality = fields.Dict(allow_none=True)
    sources = fields.List(fields.Dict())
    progress = fields.Dict(allow_none=True)


class LeafProofOut(Schema):
    """That one lead stood in a sealed lot: its leaf, the leaf's place, and the path to the root.

    Hash upward: the path holds the neighbor at each level, on the left where the bit of the place
    is set; where the last node of a level has no neighbor it moves up as it is.
    """

    object = fields.Constant("leaf_proof")
    batch = fields.String()
    index = fields.Integer()
    count = fields.Integer()
    root = fields.String()
    leaf = fields.String()
    path = fields.List(fields.String())
