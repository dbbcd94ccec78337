"""`exchange user` and `exchange key`: people and API keys from a terminal."""

from __future__ import annotations

import secrets

import click
from sqlalchemy import or_, select

from exchange.cli.application import application
from exchange.cli.exits import ExitCode, Failed, say
from exchange.core import clock
from exchange.core.actors import Actor
from exchange.core.clock import InstanceKind
from exchange.core.db import db, unit_of_work
from exchange.identity import queries, services
from exchange.identity.models import Organization
from exchange.identity.permissions import PAGES_ONLY, OrganizationKind, Role, permissions_of

KEY_DAYS = 90


@click.group()
def user() -> None:
    """Create people."""


@user.command("create")
@click.option("--email", required=True)
@click.option("--org", required=True, help="Name of the organization.")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--name", default="", help="Default: the part of the e-mail before the @.")
@click.option("--country", default="US", show_default=True, help="Of a new operator.")
def create_user(*, email: str, org: str, role: str, name: str, country: str) -> None:
    """Create a user; the first admin of an empty house founds the operator named by --org."""
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
            services.add_member(
                email=email,
                name=name,
                password=password,
                organization_id=organization.id,
                role=Role(role),
            )
    say("The password is shown only now; change it after signing in.")
    click.echo(password)


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
