"""`exchange user` and `exchange key`: people and API keys from a terminal."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

import click
from sqlalchemy import or_, select

from exchange.catalog import queries as catalog
from exchange.catalog.models import Vertical
from exchange.cli.application import application
from exchange.cli.exits import ExitCode, Failed, say
from exchange.core import clock
from exchange.core.actors import SYSTEM, Actor
from exchange.core.clock import InstanceKind
from exchange.core.db import db, unit_of_work
from exchange.identity import queries, services
from exchange.identity.models import Organization, User
from exchange.identity.permissions import (
    PAGES_ONLY,
    OrganizationKind,
    Permission,
    Role,
    permissions_of,
)
from exchange.verification.services import qualifications

KEY_DAYS = 90


@click.group()
def user() -> None:
    """Create people, and say what verifiers may call for."""


@user.command("create")
@click.option("--email", required=True)
@click.option("--org", required=True, help="Name of the organization.")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--name", default="", help="Default: the part of the e-mail before the @.")
@click.option("--country", default="US", show_default=True, help="Of a new operator.")
def create_user(*, email: str, org: str, role: str, name: str, country: str) -> None:
    """Create a user; the first admin of an empty house founds the operator named by --org.

    A verifier may call for every vertical that there is by now; see `exchange user qualify`.
    """
    password = secrets.token_urlsafe(12)
    name = name or email.split("@", maxsplit=1)[0]
    with application(), unit_of_work():
        organization = find_organization(org)
        if organization is None and role == Role.ADMIN and queries.operator() is None:
            services.found_house(
                email=email,
                name=name,
                password=password,
                organization_name=org,
                country=country,
            )
        elif organization is None:
            raise Failed(f"There is no organization {org}.", ExitCode.USAGE)
        else:
            member = services.add_member(
                email=email,
                name=name,
                password=password,
                organization_id=organization.id,
                role=Role(role),
            )
            if Permission.TASK_WORK in permissions_of(organization.kind, Role(role)):
                _qualify(member, catalog.verticals())
    say("The password is shown only now; change it after signing in.")
    click.echo(password)


@user.command("qualify")
@click.option("--email", required=True)
@click.option("--vertical", "codes", multiple=True, help="Code of a vertical. Default: all.")
def qualify_user(*, email: str, codes: tuple[str, ...]) -> None:
    """Let a verifier call for verticals without the test: somebody vouches for them."""
    with application(), unit_of_work():
        member = queries.find_user(email)
        if member is None:
            raise Failed(f"There is no user {email}.", ExitCode.USAGE)
        found = [catalog.get_vertical(code) for code in codes] or catalog.verticals()
        _qualify(member, found)
        for vertical in found:
            click.echo(f"{vertical.code}  {vertical.language}")


def _qualify(member: User, verticals: Iterable[Vertical]) -> None:
    for vertical in verticals:
        qualifications.grant(
            verifier_id=member.id,
            vertical_id=vertical.id,
            language=vertical.language,
            actor=SYSTEM,
        )


@click.group()
def key() -> None:
    """Create API keys."""


@key.command("create")
@click.option("--org", required=True, help="Name of the organization.")
@click.option("--test", is_flag=True, help="Insist on a key of a sandbox or demo instance.")
def create_key(org: str, *, test: bool) -> None:
    """Create a key with every scope that its organization's owner may give."""
    with application(), unit_of_work():
        organization = find_organization(org)
        if organization is None:
            raise Failed(f"There is no organization {org}.", ExitCode.USAGE)
        live = clock.instance_kind() is InstanceKind.LIVE
        if test and live:
            raise Failed("A live instance gives no test keys.", ExitCode.NOT_ALLOWED)
        actor = _first_member(organization)
        _, token = services.create_key(
            organization_id=organization.id,
            name="command line",
            scopes=sorted(actor.permissions - PAGES_ONLY),
            prefix="lx_live_" if live else "lx_test_",
            days=KEY_DAYS,
            actor=actor,
        )
    say("The key is shown only now.")
    click.echo(token)


def find_organization(name: str) -> Organization | None:
    """The organization by its legal or trade name."""
    either = or_(Organization.trade_name == name, Organization.name == name)
    return db.session.scalar(select(Organization).where(either))


def _first_member(organization: Organization) -> Actor:
    members = queries.team(organization.id)
    if not members:
        raise Failed("The organization has no member who could hold a key.")
    first = members[0]
    held = permissions_of(OrganizationKind(organization.kind), first.role)
    return Actor("user", first.user_id, organization.id, frozenset(held))
