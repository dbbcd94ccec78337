"""The policy on one screen: every role is decided, and no key holds what only pages may do."""

from __future__ import annotations

import pytest

from exchange.identity import words
from exchange.identity.permissions import (
    PAGES_ONLY,
    ROLE_PERMISSIONS,
    OrganizationKind,
    Permission,
    Role,
    permissions_of,
    roles_of,
)

STAFF_ONLY = {
    Permission.ORGANIZATION_REVIEW,
    Permission.VERTICAL_PUBLISH,
    Permission.BATCH_REVIEW,
    Permission.RETURN_ARBITRATE,
    Permission.LEDGER_READ,
    Permission.AUDIT_READ,
    Permission.CLOCK_MOVE,
    Permission.PERSON_ERASE,
}


def test_every_role_belongs_somewhere() -> None:
    assert {role for _, role in ROLE_PERMISSIONS} == set(Role)


def test_every_kind_has_somebody_who_leads_it() -> None:
    for kind in OrganizationKind:
        leads = [r for r in roles_of(kind) if Permission.TEAM_MANAGE in permissions_of(kind, r)]
        assert leads, kind


def test_every_permission_is_held_by_somebody() -> None:
    held = frozenset[Permission]().union(*ROLE_PERMISSIONS.values())
    assert held == set(Permission)


@pytest.mark.parametrize(("kind", "role"), list(ROLE_PERMISSIONS))
def test_everybody_manages_themselves(kind: OrganizationKind, role: Role) -> None:
    assert Permission.SELF_MANAGE in permissions_of(kind, role)


@pytest.mark.parametrize(("kind", "role"), list(ROLE_PERMISSIONS))
def test_what_staff_may_do_stays_with_the_operator(kind: OrganizationKind, role: Role) -> None:
    staff = permissions_of(kind, role) & STAFF_ONLY
    assert not staff or kind is OrganizationKind.OPERATOR


def test_staff_never_buys_and_never_opens_a_contact() -> None:
    trade = {Permission.ORDER_PLACE, Permission.CONTACT_OPEN, Permission.CONTACT_EXPORT}
    for role in roles_of(OrganizationKind.OPERATOR):
        assert not permissions_of(OrganizationKind.OPERATOR, role) & trade


def test_no_seller_role_holds_what_buyers_do() -> None:
    for role in roles_of(OrganizationKind.SELLER):
        held = permissions_of(OrganizationKind.SELLER, role)
        assert not held & {Permission.ORDER_PLACE, Permission.RETURN_REQUEST}


def test_an_unknown_pair_may_do_nothing() -> None:
    assert permissions_of(OrganizationKind.BUYER, Role.ADMIN) == frozenset()


def test_every_kind_role_and_scope_has_a_word() -> None:
    assert set(words.KINDS) == set(OrganizationKind)
    assert set(words.ROLES) == set(Role)
    assert set(words.SCOPES) == set(Permission) - PAGES_ONLY
