"""The API of lists and withdrawals: people come in and nobody ever comes out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from exchange.core.db import parse_id
from exchange.core.forms import list_of
from exchange.core.pagination import Page
from exchange.identity.access import actor, organization, requires
from exchange.identity.permissions import OrganizationKind, Permission
from exchange.leads import people
from exchange.leads.api.blueprint import blueprint
from exchange.leads.people_schemas import (
    ListOut,
    ListQuery,
    NewList,
    PersonForm,
    RemovalForm,
    RevocationOut,
)
from exchange.leads.rights import PersonList, Revocation, RevocationVia
from exchange.leads.services import person_lists, revocations

Json = dict[str, Any]  # Any: what the schemas read


@blueprint.route("/suppression", methods=["POST"])
@requires(Permission.SUPPRESSION_WRITE)
@blueprint.arguments(NewList)
@blueprint.response(201, ListOut)
def add(form: Json) -> PersonList:
    """Add a list of phones and e-mails, a person to a line, kept as keyed hashes.

    `purpose` is `suppressed` for people who must not be contacted, or `known` for a buyer's own
    customers, who are not bought a second time.
    """
    text, region = "\n".join(form.pop("people")), _region(form)
    return person_lists.add_list(
        organization_id=_owner(), text=text, region=region, actor=actor(), **form
    )


@blueprint.route("/suppression", methods=["GET"])
@requires(Permission.SUPPRESSION_WRITE)
@blueprint.arguments(ListQuery, location="query")
@blueprint.response(200, list_of(ListOut))
def index(asked: Json) -> Page[PersonList]:
    """List your lists, newest first; who stands in them is not told."""
    return people.lists(viewer=_owner(), **asked)


@blueprint.route("/suppression/<list_id>", methods=["DELETE"])
@requires(Permission.SUPPRESSION_LIFT)
@blueprint.response(204)
def remove(list_id: str) -> None:
    """Destroy the entries of a list; leads that left sale by it stay off sale."""
    number = parse_id(list_id, PersonList)
    person_lists.remove_list(list_id=number, organization_id=_owner(), actor=actor())


@blueprint.route("/suppression/removals", methods=["POST"])
@requires(Permission.SUPPRESSION_LIFT)
@blueprint.arguments(RemovalForm)
@blueprint.response(204)
def remove_person(form: Json) -> None:
    """Take one person from all of your lists of this purpose."""
    region = _region(form)
    person_lists.remove_person(organization_id=_owner(), region=region, actor=actor(), **form)


@blueprint.route("/revocations", methods=["POST"])
@requires(Permission.SUPPRESSION_WRITE)
@blueprint.arguments(PersonForm)
@blueprint.response(201, RevocationOut)
def revoke(form: Json) -> Revocation:
    """Pass on that somebody withdrew consent: nobody here sells or delivers them from now on.

    The answer is a receipt, the same whether the person is known or not.
    """
    return revocations.revoke(
        person=form["person"],
        region=_region(form),
        via=RevocationVia.API,
        organization_id=organization().id,
        actor=actor(),
    )


def _region(form: Json) -> str:
    region: str = form.pop("country") or organization().country
    return region


def _owner() -> UUID | None:
    """Whose lists these are: the operator keeps those of the exchange."""
    ours = organization()
    return None if ours.kind is OrganizationKind.OPERATOR else ours.id
