"""The people and companies of the demo. All of them are invented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import save
from exchange.identity import queries, services
from exchange.identity.models import Organization, OrganizationStatus
from exchange.identity.permissions import OrganizationKind, Role, permissions_of

PASSWORD: Final = "demo-demo-demo"  # noqa: S105  # printed at every start of the demo
LOGINS: Final = {
    "seller": "seller@demo.example",
    "buyer": "buyer@demo.example",
    "verifier": "verifier@demo.example",
    "verifier 2": "verifier2@demo.example",
    "verifier 3": "verifier3@demo.example",
    "admin": "admin@demo.example",
    "finance": "finance@demo.example",
}
# Three: two may disagree.
VERIFIERS: Final = (LOGINS["verifier"], LOGINS["verifier 2"], LOGINS["verifier 3"])


@dataclass(frozen=True, slots=True)
class Company:
    """A company of the demo with the person who owns it."""

    email: str
    person: str
    kind: OrganizationKind
    name: str
    trade_name: str
    country: str
    approved: bool = True


COMPANIES: Final = (
    Company(
        "seller@demo.example",
        "Nora Lind",
        OrganizationKind.SELLER,
        "Northern Lights Media Inc",
        "Northern Lights",
        "US",
    ),
    Company(
        "volga@demo.example",
        "Пётр Волков",
        OrganizationKind.SELLER,
        "ООО Волжские заявки",
        "Волжские заявки",
        "RU",
    ),
    Company(
        "buyer@demo.example",
        "Ben Harper",
        OrganizationKind.BUYER,
        "Evergreen Renovation LLC",
        "Home improvement, Ohio",
        "US",
    ),
    Company(
        "casa@demo.example",
        "Lucía Prieto",
        OrganizationKind.BUYER,
        "Casa Clara Hipotecas SL",
        "Hipotecas, Madrid",
        "ES",
    ),
    Company(
        "gutters@demo.example",
        "Grace Miller",
        OrganizationKind.BUYER,
        "Great Lakes Gutters Inc",
        "Gutters, Michigan",
        "US",
    ),
    Company(
        "windows@demo.example",
        "Walt Jensen",
        OrganizationKind.BUYER,
        "Keystone Windows LLC",
        "Windows, Pennsylvania",
        "US",
    ),
    Company(
        "newcomer@demo.example",
        "Farid Rahman",
        OrganizationKind.BUYER,
        "Mudah Kredit Sdn Bhd",
        "Pinjaman, Kuala Lumpur",
        "MY",
        approved=False,
    ),
)


def people() -> None:
    """Found the house, invite the callers, admit the companies; one waits for approval."""
    house = services.found_house(
        email=LOGINS["admin"],
        name="Ada Moreau",
        password=PASSWORD,
        organization_name="The Exchange",
        country="US",
    )
    for email, name in ((LOGINS["finance"], "Finn Adler"), ("finance2@demo.example", "Fay Olsen")):
        _member(email, name, organization=house, role=Role.FINANCE)
    callers = save(
        Organization(
            kind=OrganizationKind.VERIFICATION,
            status=OrganizationStatus.APPROVED,
            name="Careful Callers Ltd",
            trade_name="Careful Callers",
            country="US",
            is_demo=True,
        )
    )
    names = ("Vera Kim", "Viktor Roth", "Vida Okafor")
    for email, name in zip(VERIFIERS, names, strict=True):
        _member(email, name, organization=callers, role=Role.VERIFIER)
    for number, company in enumerate(COMPANIES, start=1):
        _admit(company, number)


def actor_of(email: str) -> Actor:
    """The person as verbs know them."""
    user = queries.find_user(email)
    assert user is not None
    membership = queries.memberships_of(user.id)[0]
    organization = membership.organization
    held = permissions_of(organization.kind, membership.role)
    return Actor("user", user.id, organization.id, frozenset(held))


def _member(email: str, name: str, *, organization: Organization, role: Role) -> None:
    services.add_member(
        email=email, name=name, password=PASSWORD, organization_id=organization.id, role=role
    )


def _admit(company: Company, number: int) -> None:
    organization = services.sign_up(
        email=company.email,
        name=company.person,
        password=PASSWORD,
        kind=company.kind,
        organization_name=company.name,
        trade_name=company.trade_name,
        country=company.country,
        register_number=f"DEMO-{number:04}",
    )
    organization.is_demo = True
    if company.approved:
        services.approve_organization(organization_id=organization.id, actor=SYSTEM)
