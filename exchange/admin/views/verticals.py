"""Pages of the catalog: publish a preset or an edited definition, look at it, pause it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from exchange.admin.schemas import DefinitionForm, ReasonForm
from exchange.admin.views.blueprint import blueprint
from exchange.catalog import queries, services
from exchange.catalog.definition import VerticalDefinition
from exchange.catalog.schemas import load_definition, load_preset, preset_codes
from exchange.core.db import roll_back_request
from exchange.core.errors import DomainError, FieldProblem, Invalid, NotFound
from exchange.core.money import Money
from exchange.core.web import again_with_errors, load_form, render, see_other
from exchange.identity.access import actor, requires
from exchange.identity.permissions import Permission


@blueprint.get("/verticals")
@requires(Permission.AUDIT_READ)
def verticals() -> Response:
    published = queries.verticals(with_paused=True)
    known = {vertical.code for vertical in published}
    return render(
        "admin/verticals/index.html",
        published=[(vertical, queries.get_definition(vertical)) for vertical in published],
        presets=[load_preset(code) for code in preset_codes() if code not in known],
        language=_language(),
    )


@blueprint.post("/verticals/presets/<code>")
@requires(Permission.VERTICAL_PUBLISH)
def publish_preset(code: str) -> ResponseReturnValue:
    if code not in preset_codes():
        raise NotFound
    made = services.publish_vertical(definition=load_preset(code), actor=actor())
    return see_other("admin.vertical", code=made.code, toast=_("The vertical is open for trade."))


@blueprint.get("/verticals/<code>")
@requires(Permission.AUDIT_READ)
def vertical(code: str) -> Response:
    found = queries.get_vertical(code)
    return render(
        "admin/verticals/detail.html",
        vertical=found,
        definition=queries.get_definition(found),
        scripts=queries.scripts(found),
        money_of=lambda minor: Money(minor, found.currency),
        language=_language(),
    )


@blueprint.post("/verticals/<code>/pause")
@requires(Permission.VERTICAL_PUBLISH)
@again_with_errors(vertical)
def pause_vertical(code: str) -> ResponseReturnValue:
    services.pause_vertical(code=code, reason=load_form(ReasonForm())["reason"], actor=actor())
    return see_other("admin.vertical", code=code, toast=_("Nothing new is taken in or listed."))


@blueprint.post("/verticals/<code>/resume")
@requires(Permission.VERTICAL_PUBLISH)
@again_with_errors(vertical)
def resume_vertical(code: str) -> ResponseReturnValue:
    services.resume_vertical(code=code, actor=actor())
    return see_other("admin.vertical", code=code, toast=_("The vertical trades again."))


@blueprint.get("/verticals/<code>/edit")
@requires(Permission.VERTICAL_PUBLISH)
def edit_vertical(code: str) -> Response:
    return _editor(code, text=_as_text(queries.get_definition(queries.get_vertical(code))))


@blueprint.post("/verticals/<code>/edit")
@requires(Permission.VERTICAL_PUBLISH)
def publish_definition(code: str) -> ResponseReturnValue:
    """Publish what differs as new versions; what is wrong is shown with its JSON pointer."""
    text = request.form.get("definition", "")
    try:
        definition = load_definition(_parsed(load_form(DefinitionForm())["definition"]))
        _require_code(definition, code)
        services.publish_vertical(definition=definition, actor=actor())
    except DomainError as error:
        if error.status in {401, 403, 404}:
            raise
        roll_back_request()
        problems = error.errors or (FieldProblem("", error.code, error.detail),)
        return _editor(code, text=text, problems=problems, status=error.status)
    return see_other("admin.vertical", code=code, toast=_("Published as new versions."))


def _editor(
    code: str, *, text: str, problems: Sequence[FieldProblem] = (), status: int = 200
) -> Response:
    vertical = queries.get_vertical(code)
    return render(
        "admin/verticals/edit.html", vertical=vertical, text=text, problems=problems, status=status
    )


def _require_code(definition: VerticalDefinition, code: str) -> None:
    if definition.code != code:
        detail = f"This page publishes {code}; another code is another vertical."
        raise Invalid(errors=(FieldProblem("/code", "code_differs", detail),))


def _parsed(text: str) -> object:
    try:
        found: object = json.loads(text)
    except json.JSONDecodeError as error:
        detail = f"Line {error.lineno}, column {error.colno}: {error.msg}."
        raise Invalid(errors=(FieldProblem("/", "json_invalid", detail),)) from error
    return found


def _as_text(definition: VerticalDefinition) -> str:
    return json.dumps(definition.to_json(), ensure_ascii=False, indent=2)


def _language() -> str:
    return str(get_locale())
