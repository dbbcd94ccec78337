"""Verbs of admission: what they promise, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db, get
from exchange.core.errors import (
    Conflict,
    Forbidden,
    IllegalTransition,
    Invalid,
    NotFound,
    Unauthenticated,
)
from exchange.core.events import Event
from exchange.core.passwords import token_hash
from exchange.identity import queries, services
from exchange.identity.models import ApiKey, InvitationStatus, Organization, OrganizationStatus
from exchange.identity.permissions import OrganizationKind, Permission, Role
from tests.cast import PASSWORD, Cast, Player


def membership_of(player: Player):
    return queries.memberships_of(player.user.id)[0]


def invite(player: Player, role: Role = Role.MEMBER) -> str:
    organization_id = player.organization.id
    _, token = services.invite(
        organization_id=organization_id, role=role, note="", actor=player.actor
    )
    return token


def accept(token: str, email: str = "new@person.example") -> str:
    return services.accept_invitation(token=token, email=email, name="New", password=PASSWORD)


def event_types(subject_id) -> list[str]:
    statement = select(Event.type).where(Event.subject_id == subject_id).order_by(Event.id)
    return list(db.session.scalars(statement))


class TestAdmission:
    def test_a_new_organization_waits_then_trades_then_stops(self, cast: Cast) -> None:
        organization = get(Organization, cast.newcomer.organization.id)
        assert organization.status is OrganizationStatus.PENDING
        with pytest.raises(Forbidden) as refused:
            services.require_approved(organization.id)
        assert refused.value.code == "not_approved"

        services.approve_organization(organization_id=organization.id, actor=cast.admin.actor)
        assert services.require_approved(organization.id) is organization

        services.suspend_organization(
            organization_id=organization.id, reason="No licence", actor=cast.admin.actor
        )
        assert organization.status_reason == "No licence"
        with pytest.raises(Forbidden):
            services.require_approved(organization.id)

        services.approve_organization(organization_id=organization.id, actor=cast.admin.actor)
        assert organization.status_reason == ""
        assert event_types(organization.id) == [
            "organization.signed_up",
            "organization.approved",
            "organization.suspended",
            "organization.approved",
        ]

    def test_the_terms_are_accepted_by_the_one_who_signs_up(self, cast: Cast) -> None:
        organization = cast.newcomer.organization
        assert organization.terms_version == services.TERMS_VERSION
        assert organization.terms_accepted_by_id == cast.newcomer.user.id
        assert organization.terms_accepted_at is not None

    def test_approving_twice_is_refused(self, cast: Cast) -> None:
        with pytest.raises(IllegalTransition):
            services.approve_organization(
                organization_id=cast.buyer.organization.id, actor=cast.admin.actor
            )

    @pytest.mark.parametrize(
        ("taken", "pointer"),
        [
            (("SAM@seller.example", "Another"), "/email"),
            (("x@y.example", "Northern Leads"), "/trade_name"),
        ],
    )
    def test_a_taken_name_or_e_mail_is_refused(
        self, cast: Cast, taken: tuple[str, str], pointer: str
    ) -> None:
        email, trade_name = taken
        with pytest.raises(Invalid) as refused:
            services.sign_up(
                email=email,
                name="X",
                password=PASSWORD,
                kind=OrganizationKind.SELLER,
                organization_name="X Ltd",
                trade_name=trade_name,
                country="US",
            )
        assert [problem.pointer for problem in refused.value.errors] == [pointer]

    @pytest.mark.parametrize("kind", [OrganizationKind.OPERATOR, OrganizationKind.VERIFICATION])
    def test_nobody_signs_up_as_staff(self, app: Flask, kind: OrganizationKind) -> None:
        with pytest.raises(Forbidden):
            services.sign_up(
                email="x@y.example",
                name="X",
                password=PASSWORD,
                kind=kind,
                organization_name="X",
                trade_name="X",
                country="US",
            )

    def test_a_house_is_founded_once(self, cast: Cast) -> None:
        with pytest.raises(Conflict):
            services.found_house(
                email="x@y.example",
                name="X",
                password=PASSWORD,
                organization_name="Other House",
                country="US",
            )

    def test_the_code_of_a_house_follows_from_its_secret(self) -> None:
        code = services.founding_code("a secret")
        assert code == services.founding_code("a secret")
        assert code != services.founding_code("another secret")
        assert [len(part) for part in code.split("-")] == [4, 4, 4, 4]

    def test_a_verification_organization_is_approved_at_once(self, cast: Cast) -> None:
        added = services.add_verification_organization(
            name="More Callers", country="ES", actor=cast.admin.actor
        )
        assert (added.kind, added.is_approved) == (OrganizationKind.VERIFICATION, True)
        with pytest.raises(Invalid):
            services.add_verification_organization(
                name="More Callers", country="ES", actor=cast.admin.actor
            )


class TestInvitations:
    def test_an_invitation_is_used_once(self, cast: Cast) -> None:
        token = invite(cast.seller)
        found = queries.get_open_invitation(token, at=clock.now())
        accept(token)
        assert found.status is InvitationStatus.ACCEPTED
        with pytest.raises(NotFound):
            accept(token, "second@person.example")

    def test_it_gives_the_role_it_names(self, cast: Cast) -> None:
        accept(invite(cast.seller, Role.FINANCE))
        user = queries.find_user("new@person.example")
        assert user is not None
        member = queries.memberships_of(user.id)[0]
        assert (member.organization_id, member.role) == (
            cast.seller.organization.id,
            Role.FINANCE,
        )

    def test_an_expired_one_is_refused(self, cast: Cast) -> None:
        token = invite(cast.seller)
        clock.advance(timedelta(days=services.INVITATION_DAYS, seconds=1))
        with pytest.raises(NotFound):
            accept(token)

    def test_a_revoked_one_is_refused(self, cast: Cast) -> None:
        token = invite(cast.seller)
        found = queries.get_open_invitation(token, at=clock.now())
        with pytest.raises(NotFound):
            services.revoke_invitation(invitation_id=found.id, actor=cast.buyer.actor)
        services.revoke_invitation(invitation_id=found.id, actor=cast.seller.actor)
        with pytest.raises(NotFound):
            accept(token)

    def test_the_token_is_kept_as_a_hash(self, cast: Cast) -> None:
        token = invite(cast.seller)
        found = queries.get_open_invitation(token, at=clock.now())
        assert found.token_hash == token_hash(token)
        assert token.encode() not in found.token_hash

    def test_a_known_person_proves_the_password(self, cast: Cast) -> None:
        token = invite(cast.seller)
        with pytest.raises(Unauthenticated):
            services.accept_invitation(
                token=token, email=cast.buyer.user.email, name="B", password="not the password"
            )
        accept(token, cast.buyer.user.email)
        assert len(queries.memberships_of(cast.buyer.user.id)) == 2

    def test_a_role_of_another_kind_of_organization_is_refused(self, cast: Cast) -> None:
        with pytest.raises(Invalid):
            invite(cast.seller, Role.ADMIN)


class TestSignIn:
    def test_the_row_is_the_session(self, cast: Cast) -> None:
        token = services.sign_in(email=cast.seller.user.email, password=PASSWORD)
        found = queries.find_sign_in(token)
        assert found is not None
        services.sign_out(sign_in_id=found[0].id, actor=cast.seller.actor)
        assert queries.find_sign_in(token) is None

    @pytest.mark.parametrize(
        ("email", "password"),
        [("sam@seller.example", "wrong"), ("nobody@nowhere.example", PASSWORD), ("", "")],
    )
    def test_whatever_is_wrong_the_answer_is_the_same(
        self, cast: Cast, email: str, password: str
    ) -> None:
        with pytest.raises(Unauthenticated) as refused:
            services.sign_in(email=email, password=password)
        assert refused.value.code == "wrong_password"
        assert refused.value.detail == "The e-mail or the password is not right."

    def test_a_new_password_ends_every_other_sign_in(self, cast: Cast) -> None:
        mine, other = (
            services.sign_in(email=cast.seller.user.email, password=PASSWORD) for _ in range(2)
        )
        found = queries.find_sign_in(mine)
        assert found is not None
        services.change_password(
            user_id=cast.seller.user.id,
            current=PASSWORD,
            password="a new password",
            sign_in_id=found[0].id,
            actor=cast.seller.actor,
        )
        assert queries.find_sign_in(mine) is not None
        assert queries.find_sign_in(other) is None
        services.sign_in(email=cast.seller.user.email, password="a new password")
        with pytest.raises(Unauthenticated):
            services.sign_in(email=cast.seller.user.email, password=PASSWORD)

    def test_the_present_password_is_asked_for(self, cast: Cast) -> None:
        token = services.sign_in(email=cast.seller.user.email, password=PASSWORD)
        found = queries.find_sign_in(token)
        assert found is not None
        with pytest.raises(Invalid):
            services.change_password(
                user_id=cast.seller.user.id,
                current="something else",
                password="a new password",
                sign_in_id=found[0].id,
                actor=cast.seller.actor,
            )

    def test_nobody_switches_to_a_membership_of_somebody_else(self, cast: Cast) -> None:
        token = services.sign_in(email=cast.seller.user.email, password=PASSWORD)
        found = queries.find_sign_in(token)
        assert found is not None
        with pytest.raises(NotFound):
            services.switch_membership(
                sign_in_id=found[0].id,
                membership_id=membership_of(cast.buyer).id,
                actor=cast.seller.actor,
            )


class TestMembers:
    @pytest.fixture
    def member(self, cast: Cast):
        user = services.add_member(
            email="mia@seller.example",
            name="Mia",
            password=PASSWORD,
            organization_id=cast.seller.organization.id,
            role=Role.MEMBER,
        )
        return queries.memberships_of(user.id)[0]

    def test_a_leader_changes_the_role_of_another(self, cast: Cast, member) -> None:
        services.change_role(membership_id=member.id, role=Role.FINANCE, actor=cast.seller.actor)
        assert member.role is Role.FINANCE
        assert event_types(member.id) == ["membership.changed"]

    def test_nobody_changes_their_own(self, cast: Cast) -> None:
        mine = membership_of(cast.seller)
        with pytest.raises(Conflict):
            services.change_role(membership_id=mine.id, role=Role.MEMBER, actor=cast.seller.actor)
        with pytest.raises(Conflict):
            services.remove_member(membership_id=mine.id, actor=cast.seller.actor)

    def test_a_stranger_finds_no_member(self, cast: Cast, member) -> None:
        with pytest.raises(NotFound):
            services.change_role(
                membership_id=member.id, role=Role.OWNER, actor=cast.other_seller.actor
            )

    def test_a_role_of_another_kind_is_refused(self, cast: Cast, member) -> None:
        with pytest.raises(Invalid):
            services.change_role(membership_id=member.id, role=Role.ADMIN, actor=cast.seller.actor)

    def test_who_was_demoted_a_moment_ago_changes_nobody(self, cast: Cast, member) -> None:
        stale = cast.seller.actor
        membership_of(cast.seller).role = Role.MEMBER
        db.session.flush()
        with pytest.raises(Conflict):
            services.remove_member(membership_id=member.id, actor=stale)

    def test_a_removed_member_is_signed_out(self, cast: Cast, member) -> None:
        token = services.sign_in(email="mia@seller.example", password=PASSWORD)
        services.remove_member(membership_id=member.id, actor=cast.seller.actor)
        assert queries.find_sign_in(token) is None
        with pytest.raises(Unauthenticated):
            services.sign_in(email="mia@seller.example", password=PASSWORD)


class TestKeys:
    @pytest.fixture
    def make(self, cast: Cast) -> Callable[..., tuple[ApiKey, str]]:
        def make(*scopes: str, days: int = 30) -> tuple[ApiKey, str]:
            return services.create_key(
                organization_id=cast.seller.organization.id,
                name="program",
                scopes=list(scopes) or [Permission.BATCH_READ],
                prefix="lx_test_",
                days=days,
                actor=cast.seller.actor,
            )

        return make

    def test_only_the_hash_is_kept(self, make) -> None:
        key, token = make()
        assert token.startswith("lx_test_")
        assert key.token_hash == token_hash(token)
        kept = db.session.execute(select(ApiKey.__table__).where(ApiKey.id == key.id)).one()
        assert not any(token in str(value) for value in kept)

    def test_a_key_opens_nothing_once_it_is_revoked(self, cast: Cast, make) -> None:
        key, token = make()
        assert queries.find_key(token) is not None
        with pytest.raises(NotFound):
            services.revoke_key(key_id=key.id, actor=cast.buyer.actor)
        services.revoke_key(key_id=key.id, actor=cast.seller.actor)
        assert queries.find_key(token) is None

    def test_or_has_expired(self, make) -> None:
        _, token = make(days=1)
        clock.advance(timedelta(days=1, seconds=1))
        assert queries.find_key(token) is None

    def test_it_holds_a_year_at_most(self, make) -> None:
        key, _ = make(days=10_000)
        assert key.expires_at <= clock.now() + timedelta(days=services.KEY_DAYS_MAX)

    @pytest.mark.parametrize(
        "scope", [Permission.TEAM_MANAGE, Permission.ORDER_PLACE, Permission.LEDGER_READ]
    )
    def test_a_scope_that_its_maker_lacks_or_pages_keep_is_refused(self, make, scope: str) -> None:
        with pytest.raises(Invalid):
            make(Permission.BATCH_READ, scope)


def test_an_unfit_role_is_refused_to_a_command(cast: Cast) -> None:
    with pytest.raises(Invalid):
        services.add_member(
            email="x@y.example",
            name="X",
            password=PASSWORD,
            organization_id=cast.buyer.organization.id,
            role=Role.SUPPORT,
        )


def test_preferences_are_kept(cast: Cast) -> None:
    services.set_preferences(
        user_id=cast.buyer.user.id,
        locale="ru",
        timezone="Europe/Moscow",
        single_keys=False,
        actor=SYSTEM,
    )
    user = cast.buyer.user
    assert (user.locale, user.timezone, user.single_keys) == ("ru", "Europe/Moscow", False)
