"""The documentation of the API, rendered from the OpenAPI document that the program serves."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Final

from flask import Response, current_app
from flask_babel import gettext as _

from exchange.core.web import render
from exchange.identity.access import public
from exchange.leads.findings import FILE_SENTENCES, ROW_SENTENCES
from exchange.reports import reference
from exchange.reports.problems import CHECKS, GENERAL, MONEY, TRADE
from exchange.reports.reference import Door, Operation
from exchange.reports.views.blueprint import blueprint

ARGUMENT: Final = re.compile(r"<(?:\w+:)?(\w+)>")


@blueprint.get("/docs")
@public
def docs() -> Response:
    document = current_app.extensions["openapi"].to_dict()
    found = sorted(reference.operations(document, _doors()), key=_by_tag)
    return render(
        "reports/docs/index.html",
        groups=[(tag, list(some)) for tag, some in groupby(found, key=lambda o: o.tag)],
        purposes={tag["name"]: tag.get("description", "") for tag in document.get("tags", [])},
        version=document["info"]["version"],
    )


@blueprint.get("/docs/errors")
@public
def errors() -> Response:
    groups = [
        ("general", _("Any call"), GENERAL),
        ("money", _("Money"), MONEY),
        ("trade", _("Trade and returns"), TRADE),
        ("checks", _("Uploads and checks"), CHECKS),
    ]
    # The sentences name what was found by %(name)s; here there is nothing to fill in.
    files = {code: _plain(text) for code, text in FILE_SENTENCES.items() if code not in GENERAL}
    return render("reports/docs/errors.html", groups=groups, files=files, rows=ROW_SENTENCES)


def _plain(sentence: str) -> str:
    return re.sub(r"%\((\w+)\)s", r"{\1}", sentence)


def _by_tag(operation: Operation) -> tuple[str, str, str]:
    return operation.tag, operation.path, operation.method


def _doors() -> dict[tuple[str, str], Door]:
    """Who may enter each call, by method and path as the document writes them."""
    doors = {}
    for rule in current_app.url_map.iter_rules():
        view = current_app.view_functions[rule.endpoint]
        permission = getattr(view, "permission", None)
        door = Door(permission and permission.value, getattr(view, "is_idempotent", False))
        for method in rule.methods or ():
            doors[method, ARGUMENT.sub(r"{\1}", rule.rule)] = door
    return doors
