"""The documentation of the API, rendered from the OpenAPI document that the program serves."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Final

from flask import Response, current_app
from flask_babel import gettext as _
from markupsafe import Markup, escape

from exchange.core.web import render
from exchange.identity.access import public
from exchange.identity.permissions import Permission
from exchange.leads.findings import FILE_SENTENCES, ROW_SENTENCES
from exchange.reports import reference
from exchange.reports.problems import CHECKS, GENERAL, MONEY, TRADE
from exchange.reports.reference import Door, Operation
from exchange.reports.views.blueprint import blueprint

ORDER: Final = ("sellers_api", "market_api", "fulfillment_api", "billing_api", "verification_api")
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
        words=_words,
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


def _by_tag(operation: Operation) -> tuple[int, str, str]:
    """What most readers look for comes first; what is not in the list, behind it."""
    place = ORDER.index(operation.tag) if operation.tag in ORDER else len(ORDER)
    return place, operation.path, operation.method


def _words(text: str) -> Markup:
    """Text of docstrings as HTML: what stands between backticks is code."""
    parts = str(escape(text)).split("`")
    marked = (f"<code>{part}</code>" if odd % 2 else part for odd, part in enumerate(parts))
    return Markup("".join(marked))  # noqa: S704  # nosec B704  # escaped above


def _doors() -> dict[tuple[str, str], Door]:
    """Who may enter each call, by method and path as the document writes them."""
    doors = {}
    for rule in current_app.url_map.iter_rules():
        view = current_app.view_functions[rule.endpoint]
        declared = getattr(view, "permission", None) or ()
        permissions = (declared,) if isinstance(declared, Permission) else tuple(declared)
        door = Door(permissions, is_idempotent=getattr(view, "is_idempotent", False))
        for method in rule.methods or ():
            doors[method, ARGUMENT.sub(r"{\1}", rule.rule)] = door
    return doors
