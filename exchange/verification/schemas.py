"""What comes in and goes out at the verifiers' doors and at the record of a draw."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from exchange.catalog.scripts import Outcome, Right
from exchange.verification.models import Verdict, VerificationTask
from exchange.verification.services.verdicts import NOTE_LENGTH_MAX

SKIP_REASONS = ("language", "line", "acquaintance", "other")

_words = fields.Dict(keys=fields.String(), values=fields.String(), load_default=dict)
_note = fields.String(load_default="", validate=validate.Length(max=NOTE_LENGTH_MAX))
_lease = fields.Integer(required=True, metadata={"description": "as the task was given"})


class LeaseForm(Schema):
    lease_number = fields.Integer(required=True)


class SkipForm(LeaseForm):
    reason = fields.String(required=True, validate=validate.OneOf(SKIP_REASONS))


class CallForm(LeaseForm):
    """The verifier's page; corrections come as `fix-<field>`, times in the person's own zone."""

    outcome = fields.Enum(Outcome, by_value=True, required=True)
    note = fields.String(load_default="", validate=validate.Length(max=NOTE_LENGTH_MAX))
    callback_at = fields.NaiveDateTime(load_default=None, format="iso")
    called_before = fields.String(load_default="")
    horizon = fields.String(load_default="")
    right = fields.String(load_default="")
    sure = fields.Boolean(load_default=False)


class DraftForm(CallForm):
    """The same while it is being typed: nothing is required but the lease."""

    outcome = fields.Enum(Outcome, by_value=True, load_default=None)
    callback_at = fields.String(load_default=None)  # type: ignore[assignment]  # half typed times are kept as they are


class VerdictIn(Schema):
    lease_number = _lease
    outcome = fields.Enum(Outcome, by_value=True, required=True)
    note = _note
    corrections = _words
    answers = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        load_default=dict,
        metadata={
            "description": f"what the script asks (called_before, horizon), and `right`: "
            f"{', '.join(Right)}"
        },
    )
    callback_at = fields.AwareDateTime(load_default=None)


class ReleaseIn(Schema):
    lease_number = _lease
    reason = fields.String(load_default="", validate=validate.OneOf(("", *SKIP_REASONS)))


class TaskOut(Schema):
    """A call to make. The contact is given here and nowhere else; each time it is recorded."""

    id = fields.Function(lambda seen: seen.task.public_id)
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
    claimed = fields.Dict(metadata={"description": "what the lead says, by field"})
    said = fields.String(
        allow_none=True, metadata={"description": "sandbox: what the person says"}
    )


class VerdictOut(Schema):
    id = fields.Function(lambda verdict: verdict.public_id)
    object = fields.Constant("verdict")
    created_at = fields.DateTime()
    task = fields.Method("task_of")
    code = fields.String()
    outcome = fields.Enum(
        Verdict.outcome.type.enum_class,  # type: ignore[attr-defined]  # the column's own enum
        by_value=True,
        allow_none=True,
        metadata={"description": "good, bad or open; null: another call follows"},
    )

    def task_of(self, verdict: Verdict) -> str:
        """The public id of the task."""
        from exchange.core.ids import encode  # noqa: PLC0415

        return encode(VerificationTask.PREFIX, verdict.task_id)


class SourceOut(Schema):
    mean = fields.Float()
    lower = fields.Float()
    upper = fields.Float()
    n_effective = fields.Integer()


class QualityOut(Schema):
    """What was measured (shares are between 0 and 1)."""

    n = fields.Integer()
    good = fields.Integer()
    bad = fields.Integer()
    open = fields.Integer()
    population = fields.Integer()
    bad_upper = fields.Float(allow_none=True)
    confidence = fields.Float()
    method = fields.String()
    checked_at = fields.DateTime()
    source = fields.Nested(SourceOut, allow_none=True)


# `class` is a word of Python.
QualityOut = QualityOut.from_dict({"class": fields.String()}, name="QualityOut")  # type: ignore[misc,assignment]


class DrawOut(Schema):
    """Before the decision, for the seller: what is fixed. After it, for everybody: the record."""

    class Meta:
        include: dict[str, fields.Field[Any]] = {}
