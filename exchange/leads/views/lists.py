"""Pages of lists: whom an organization, or the exchange, does not want sold."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from exchange.catalog import queries as catalog
from exchange.core import clock
from exchange.core.db import parse_id
from exchange.core.web import again_with_errors, load_form, load_query, render, see_other
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import OrganizationKind, Permission
from exchange.leads import people
from exchange.leads.models import ContactChannel
from exchange.leads.people_schemas import ListForm, ListQuery, RemovalForm
from exchange.leads.person_lines import BYTES_MAX, LINES_MAX
from exchange.leads.rights import ListPurpose, PersonList
from exchange.leads.services import person_lists
from exchange.leads.views.blueprint import blueprint

OLD = timedelta(days=31)  # older registers say too little of today (telemarketing rules)


@blueprint.get("/suppression")
@requires(Permission.SUPPRESSION_WRITE)
def lists() -> Response:
    asked = load_query(ListQuery())
    purpose = asked["purpose"] or ListPurpose.SUPPRESSED
    page = people.lists(viewer=_owner(), purpose=purpose, cursor=asked["cursor"])
    return render(
        "leads/lists/index.html",
        block="results",
        page=page,
        hashes=people.count_entries([found.id for found in page.items]),
        purpose=purpose.value,
        people_count=people.count_people(owner_id=_owner()),
        channels=[channel.value for channel in ContactChannel],
        countries=countries(organization().country),
        country=organization().country,
        lines_max=LINES_MAX,
        old_before=clock.now().date() - OLD,
    )


@blueprint.post("/suppression")
@requires(Permission.SUPPRESSION_WRITE)
@again_with_errors(lists)
def add_list() -> ResponseReturnValue:
    """Take a pasted or uploaded list. No idempotency: a kept request would be a kept list."""
    form = load_form(ListForm())
    text = "\n".join(filter(None, (_uploaded(), form.pop("people"))))
    region = form.pop("country") or organization().country
    made = person_lists.add_list(
        organization_id=_owner(), text=text, region=region, actor=actor(), **form
    )
    return see_other(
        "leads.lists",
        purpose=made.purpose.value,
        toast=_(
            "%(taken)s lines are taken, %(repeated)s stood there twice, %(bad)s could not be read.",
            taken=made.lines_taken,
            repeated=made.lines_repeated,
            bad=made.lines_bad,
        ),
    )


@blueprint.post("/suppression/<list_id>/remove")
@requires(Permission.SUPPRESSION_LIFT)
def remove_list(list_id: str) -> ResponseReturnValue:
    number = parse_id(list_id, PersonList)
    gone = person_lists.remove_list(list_id=number, organization_id=_owner(), actor=actor())
    return see_other(
        "leads.lists", purpose=gone.purpose.value, toast=_("The list holds no longer.")
    )


@blueprint.post("/suppression/remove")
@requires(Permission.SUPPRESSION_LIFT)
@again_with_errors(lists)
def remove_person() -> ResponseReturnValue:
    form = load_form(RemovalForm())
    region = form.pop("country") or organization().country
    person_lists.remove_person(organization_id=_owner(), region=region, actor=actor(), **form)
    toast = _("Whoever this is stands in none of these lists now.")
    return see_other("leads.lists", purpose=form["purpose"].value, toast=toast)


def countries(own: str) -> list[tuple[str, str]]:
    """Countries whose numbers can be written without a country code: code and name."""
    codes = {own, *(vertical.country for vertical in catalog.verticals(with_paused=True))}
    names = get_locale().territories
    return sorted(((code, names.get(code, code)) for code in codes if code), key=lambda c: c[1])


def _owner() -> UUID | None:
    """Whose lists these are: the operator keeps those of the exchange."""
    ours = organization()
    return None if ours.kind is OrganizationKind.OPERATOR else ours.id


def _uploaded() -> str:
    file = request.files.get("file")
    return file.stream.read(BYTES_MAX + 1).decode("utf-8-sig", "replace") if file else ""
