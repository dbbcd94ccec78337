"""The people of every test: names that are easy to remember, passwords that are easy to type."""

from __future__ import annotations

from dataclasses import dataclass

from flask.testing import FlaskClient
from sqlalchemy import select

from exchange.catalog.queries import verticals
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import db, save
from exchange.identity import queries, services
from exchange.identity.models import Membership, Organization, OrganizationStatus, User
from exchange.identity.permissions import OrganizationKind, Permission, Role, permissions_of
from exchange.verification.services import qualifications

CALLERS = OrganizationKind.VERIFICATION
PASSWORD = "correct horse battery"


@dataclass(frozen=True, slots=True)
class Player:
    """One person acting for one organization."""

    user: User
    organization: Organization
    role: Role

    @property
    def actor(self) -> Actor:
        """The player as verbs know them."""
        held = permissions_of(self.organization.kind, self.role)
        return Actor("user", self.user.id, self.organization.id, frozenset(held))

    def sign_in(self, client: FlaskClient) -> FlaskClient:
        """The same browser, signed in through the door."""
        form = {"email": self.user.email, "password": PASSWORD}
        response = client.post("/sign-in", data=form)
        assert response.status_code == 303, response.get_data(as_text=True)
        return client

    def key(self, *scopes: str) -> dict[str, str]:
        """Headers of a program that holds a new key with these scopes."""
        _, token = services.create_key(
            organization_id=self.organization.id,
            name="tests",
            scopes=list(scopes),
            prefix="lx_test_",
            days=365,
            actor=self.actor,
        )
        db.session.commit()
        return {"Authorization": f"Bearer {token}"}


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody that the stories need."""

    admin: Player  # of the operator
    finance: Player  # of the operator
    verifier: Player
    second_verifier: Player
    third_verifier: Player
    seller: Player
    buyer: Player
    other_seller: Player
    other_buyer: Player
    newcomer: Player  # a buyer that nobody has approved yet


def make_cast() -> Cast:
    """Make them all through the verbs and commit."""
    operator = services.found_house(
        email="admin@house.example",
        name="Ada Admin",
        password=PASSWORD,
        organization_name="The House",
        country="US",
    )
    admin = _player(operator, "admin@house.example", Role.ADMIN)
    checkers = save(
        Organization(
            kind=OrganizationKind.VERIFICATION,
            status=OrganizationStatus.APPROVED,
            name="Careful Callers",
            trade_name="Careful Callers",
            country="US",
        )
    )
    cast = Cast(
        admin=admin,
        finance=_member(operator, "finance@house.example", Role.FINANCE),
        verifier=_member(checkers, "vera@callers.example", Role.VERIFIER),
        second_verifier=_member(checkers, "viktor@callers.example", Role.VERIFIER),
        third_verifier=_member(checkers, "vida@callers.example", Role.VERIFIER),
        seller=make_company("sam@seller.example", OrganizationKind.SELLER, "Northern Leads"),
        buyer=make_company("bea@buyer.example", OrganizationKind.BUYER, "Buyer of the South"),
        other_seller=make_company("sid@other.example", OrganizationKind.SELLER, "Eastern Leads"),
        other_buyer=make_company("bob@other.example", OrganizationKind.BUYER, "Buyer of the West"),
        newcomer=make_company(
            "nia@new.example", OrganizationKind.BUYER, "Newcomer", approved=False
        ),
    )
    qualify_verifiers()
    db.session.commit()
    return cast


def qualify_verifiers() -> None:
    """Whoever calls in tests may call for every vertical that there is by now."""
    roles = {role for role in Role if Permission.TASK_WORK in permissions_of(CALLERS, role)}
    calling = select(Membership.user_id).where(Membership.role.in_(roles)).distinct()
    for verifier_id in db.session.scalars(calling).all():
        for vertical in verticals():
            qualifications.grant(
                verifier_id=verifier_id,
                vertical_id=vertical.id,
                language=vertical.language,
                actor=SYSTEM,
            )


def make_company(
    email: str, kind: OrganizationKind, trade_name: str, *, approved: bool = True
) -> Player:
    """A company with its owner, as they sign up; approved unless said otherwise."""
    organization = services.sign_up(
        email=email,
        name=email.split("@", maxsplit=1)[0].title(),
        password=PASSWORD,
        kind=kind,
        organization_name=f"{trade_name} Ltd",
        trade_name=trade_name,
        country="US",
    )
    if approved:
        services.approve_organization(organization_id=organization.id, actor=SYSTEM)
    return _player(organization, email, Role.OWNER)


def _member(organization: Organization, email: str, role: Role) -> Player:
    services.add_member(
        email=email,
        name=email.split("@", maxsplit=1)[0].title(),
        password=PASSWORD,
        organization_id=organization.id,
        role=role,
    )
    return _player(organization, email, role)


def _player(organization: Organization, email: str, role: Role) -> Player:
    user = queries.find_user(email)
    assert user is not None
    assert db.session.query(Membership).filter_by(user_id=user.id, role=role).count() == 1
    return Player(user, organization, role)
