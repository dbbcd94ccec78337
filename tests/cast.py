"""The people of every test: names that are easy to remember, passwords that are easy to type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import select

from exchange.catalog.models import Vertical
from exchange.catalog.queries import verticals
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import db, save
from exchange.identity import queries, services
from exchange.identity.models import Membership, Organization, OrganizationStatus, User
from exchange.identity.permissions import OrganizationKind, Permission, Role, permissions_of
from exchange.verification.services import qualifications
from exchange.verification.worker_models import Qualification
from tests.recording import play

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
    """Everybody, as the verbs make them, committed."""
    play("cast", _make_everybody)
    qualify_verifiers()
    db.session.commit()
    users = {user.email: user for user in db.session.scalars(select(User))}
    found = select(Membership.user_id, Membership.role, Organization).join(
        Organization, Organization.id == Membership.organization_id
    )
    held = {row.user_id: (row.Organization, row.role) for row in db.session.execute(found)}
    return Cast(
        **{name: Player(users[email], *held[users[email].id]) for name, email in EMAILS.items()}
    )


EMAILS = {
    "admin": "admin@house.example",
    "finance": "finance@house.example",
    "verifier": "vera@callers.example",
    "second_verifier": "viktor@callers.example",
    "third_verifier": "vida@callers.example",
    "seller": "sam@seller.example",
    "buyer": "bea@buyer.example",
    "other_seller": "sid@other.example",
    "other_buyer": "bob@other.example",
    "newcomer": "nia@new.example",
}


def _make_everybody() -> None:
    operator = services.found_house(
        email=EMAILS["admin"],
        name="Ada Admin",
        password=PASSWORD,
        organization_name="The House",
        country="US",
    )
    checkers = save(
        Organization(
            kind=OrganizationKind.VERIFICATION,
            status=OrganizationStatus.APPROVED,
            name="Careful Callers",
            trade_name="Careful Callers",
            country="US",
        )
    )
    _member(operator, EMAILS["finance"], Role.FINANCE)
    for name in ("verifier", "second_verifier", "third_verifier"):
        _member(checkers, EMAILS[name], Role.VERIFIER)
    make_company(EMAILS["seller"], OrganizationKind.SELLER, "Northern Leads")
    make_company(EMAILS["buyer"], OrganizationKind.BUYER, "Buyer of the South")
    make_company(EMAILS["other_seller"], OrganizationKind.SELLER, "Eastern Leads")
    make_company(EMAILS["other_buyer"], OrganizationKind.BUYER, "Buyer of the West")
    make_company(EMAILS["newcomer"], OrganizationKind.BUYER, "Newcomer", approved=False)


def qualify_verifiers() -> None:
    """Whoever calls in tests may call for every vertical that there is by now."""
    roles = {role for role in Role if Permission.TASK_WORK in permissions_of(CALLERS, role)}
    calling = select(Membership.user_id).where(Membership.role.in_(roles)).distinct()
    callers = db.session.scalars(calling.order_by(Membership.user_id)).all()
    pairs = list(product(callers, verticals()))
    if not pairs or db.session.scalar(select(Qualification.id).limit(1)) is not None:
        _qualify(pairs)
    else:
        asked = " ".join(f"{verifier_id}:{vertical.id}" for verifier_id, vertical in pairs)
        play(f"skills {asked}", lambda: _qualify(pairs))


def _qualify(pairs: Sequence[tuple[UUID, Vertical]]) -> None:
    for verifier_id, vertical in pairs:
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
