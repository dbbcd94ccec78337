"""Doors of admission: each works, refuses the stranger with 404 and bad input with 422."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

from exchange.cli.founding import founding
from exchange.core.db import db
from exchange.core.limits import limiter
from exchange.identity import queries, services
from exchange.identity.models import ApiKey, Invitation
from exchange.identity.permissions import Permission, Role
from tests.cast import PASSWORD, Cast

SIGN_UP = {
    "kind": "seller",
    "organization_name": "Fresh Leads Ltd",
    "trade_name": "Fresh Leads",
    "country": "ES",
    "name": "Fay Fresh",
    "email": "fay@fresh.example",
    "password": PASSWORD,
    "terms": "1",
}

FOUNDING = {
    "organization_name": "The House",
    "country": "US",
    "name": "Ada",
    "email": "ada@house.example",
    "password": PASSWORD,
}
PREFERENCES = {"locale": "ru", "timezone": "Europe/Moscow", "single_keys": "1"}


def body(response) -> str:
    return re.sub(r"\s+", " ", response.get_data(as_text=True))


@pytest.fixture
def seller(client: FlaskClient, cast: Cast) -> FlaskClient:
    return cast.seller.sign_in(client)


@pytest.fixture
def colleague(cast: Cast):
    user = services.add_member(
        email="mia@seller.example",
        name="Mia",
        password=PASSWORD,
        organization_id=cast.seller.organization.id,
        role=Role.MEMBER,
    )
    db.session.commit()
    return queries.memberships_of(user.id)[0]


class TestEmptyHouse:
    def code(self, app: Flask) -> str:
        return services.founding_code(app.config["SECRET_KEY"])

    def test_the_first_visitor_is_led_to_the_founding(self, client: FlaskClient) -> None:
        assert client.get("/").location == "/found"
        assert client.get("/found").status_code == 200

    def test_the_code_opens_the_house(self, app: Flask, client: FlaskClient) -> None:
        response = client.post("/found", data={**FOUNDING, "code": self.code(app).lower()})
        assert response.status_code == 303
        assert queries.operator() is not None
        assert client.get("/").location == "/admin"

    def test_another_code_does_not(self, client: FlaskClient) -> None:
        response = client.post("/found", data={**FOUNDING, "code": "AAAA-BBBB-CCCC-DDDD"})
        assert response.status_code == 422
        assert "This is not the code of this house." in body(response)
        assert queries.operator() is None

    def test_the_page_is_gone_once_somebody_lives_here(
        self, app: Flask, client: FlaskClient, cast: Cast
    ) -> None:
        assert client.get("/found").status_code == 404
        form = {**FOUNDING, "code": self.code(app)}
        assert client.post("/found", data=form).status_code == 404
        assert client.get("/").location == "/sign-in"


class TestSignUp:
    def test_it_signs_in_and_says_what_comes_next(self, client: FlaskClient, cast: Cast) -> None:
        assert client.get("/sign-up").status_code == 200
        assert client.post("/sign-up", data=SIGN_UP).status_code == 303
        page = body(client.get("/team"))
        assert "Your organization waits for approval." in page
        assert "You may already upload a file" in page

    @pytest.mark.parametrize(
        "wrong",
        [{"email": "no e-mail"}, {"password": "short"}, {"country": "Spain"}, {"terms": ""}],
    )
    def test_bad_input_is_shown_again(
        self, client: FlaskClient, cast: Cast, wrong: dict[str, str]
    ) -> None:
        response = client.post("/sign-up", data={**SIGN_UP, **wrong})
        assert response.status_code == 422
        assert "Fresh Leads" in body(response)
        assert PASSWORD not in body(response)

    def test_the_banner_goes_with_the_approval(self, client: FlaskClient, cast: Cast) -> None:
        browser = cast.newcomer.sign_in(client)
        assert "waits for approval" in body(browser.get("/team"))
        organization_id = cast.newcomer.organization.id
        services.approve_organization(organization_id=organization_id, actor=cast.admin.actor)
        db.session.commit()
        assert "waits for approval" not in body(browser.get("/team"))
        services.suspend_organization(
            organization_id=organization_id, reason="Two lots were bought", actor=cast.admin.actor
        )
        db.session.commit()
        assert "Two lots were bought" in body(browser.get("/team"))


class TestSignIn:
    def test_it_leads_back_to_the_page_that_was_asked_for(
        self, client: FlaskClient, cast: Cast
    ) -> None:
        asked = client.get("/team")
        assert asked.status_code == 303
        assert asked.location == "/sign-in?next=/team"
        form = {"email": cast.seller.user.email, "password": PASSWORD}
        assert client.post(asked.location, data=form).location == "/team"

    @pytest.mark.parametrize(
        "target",
        ["https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil", "javascript:1"],
    )
    def test_but_never_to_another_host(self, client: FlaskClient, cast: Cast, target: str) -> None:
        form = {"email": cast.seller.user.email, "password": PASSWORD}
        response = client.post("/sign-in", query_string={"next": target}, data=form)
        assert response.location == "/"
        response = client.post("/language", data={"language": "ru", "next": target})
        assert response.location == "/"

    def test_a_wrong_password_is_401_and_shows_no_password(
        self, client: FlaskClient, cast: Cast
    ) -> None:
        form = {"email": cast.seller.user.email, "password": "guess guess guess"}
        response = client.post("/sign-in", data=form)
        assert response.status_code == 401
        assert "guess guess" not in body(response)

    def test_signing_out_ends_the_cookie_for_everybody_who_copied_it(
        self, app: Flask, client: FlaskClient, cast: Cast
    ) -> None:
        cast.seller.sign_in(client)
        cookie = client.get_cookie("session")
        assert cookie is not None
        thief = app.test_client()
        thief.set_cookie("session", cookie.value)
        assert thief.get("/team").status_code == 200
        assert client.post("/sign-out").status_code == 303
        assert thief.get("/team").status_code == 303

    def test_many_attempts_are_limited(
        self, client: FlaskClient, cast: Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limiter, "enabled", True)
        limiter.reset()
        form = {"email": cast.seller.user.email, "password": "wrong wrong"}
        answers = [client.post("/sign-in", data=form).status_code for _ in range(11)]
        assert answers == [401] * 10 + [429]
        assert client.get("/sign-in").status_code == 200
        limiter.reset()

    def test_each_role_has_its_home(self, app: Flask, cast: Cast) -> None:
        homes = {
            "admin": "/admin",
            "finance": "/admin",
            "seller": "/sellers",
            "buyer": "/buyers",
            "verifier": "/verification",
        }
        for name, home in homes.items():
            browser = getattr(cast, name).sign_in(app.test_client())
            assert browser.get("/").location.rstrip("/") == home


class TestTeam:
    def test_the_owner_sees_members_invitations_and_keys(self, seller: FlaskClient) -> None:
        page = body(seller.get("/team"))
        assert "sam@seller.example" in page
        assert "Invite somebody" in page
        assert "Make a key" in page

    def test_a_member_sees_the_members_only(
        self, client: FlaskClient, cast: Cast, colleague
    ) -> None:
        client.post("/sign-in", data={"email": "mia@seller.example", "password": PASSWORD})
        page = body(client.get("/team"))
        assert "sam@seller.example" in page
        assert "Invite somebody" not in page
        assert "Make a key" not in page
        assert client.post("/team/invitations", data={"role": "owner"}).status_code == 404

    def test_an_invitation_link_is_shown_once_and_lets_one_in(
        self, app: Flask, seller: FlaskClient
    ) -> None:
        page = body(seller.post("/team/invitations", data={"role": "member", "note": "Max"}))
        link = re.search(r'data-copy="http://localhost(/invitations/[^"]+)"', page)
        assert link is not None
        assert link[1] not in body(seller.get("/team"))

        guest = app.test_client()
        assert "Join Northern Leads" in body(guest.get(link[1]))
        bad = guest.post(link[1], data={"name": "Max", "email": "max", "password": PASSWORD})
        assert bad.status_code == 422
        good = {"name": "Max", "email": "max@seller.example", "password": PASSWORD}
        assert guest.post(link[1], data=good).status_code == 303
        assert "max@seller.example" in body(guest.get("/team"))
        assert app.test_client().get(link[1]).status_code == 404

    def test_an_unlisted_role_is_422(self, seller: FlaskClient) -> None:
        assert seller.post("/team/invitations", data={"role": "admin"}).status_code == 422
        assert seller.post("/team/invitations", data={"role": "queen"}).status_code == 422

    def test_a_stranger_takes_no_invitation_back(
        self, app: Flask, seller: FlaskClient, cast: Cast
    ) -> None:
        seller.post("/team/invitations", data={"role": "member"})
        made = db.session.query(Invitation).one()
        path = f"/team/invitations/{made.public_id}/revoke"
        assert cast.buyer.sign_in(app.test_client()).post(path).status_code == 404
        assert seller.post(path).status_code == 303
        assert "No open invitations" in body(seller.get("/team"))

    def test_a_role_holds_from_the_next_request_on(
        self, app: Flask, seller: FlaskClient, colleague
    ) -> None:
        mia = app.test_client()
        mia.post("/sign-in", data={"email": "mia@seller.example", "password": PASSWORD})
        assert mia.post("/team/invitations", data={"role": "member"}).status_code == 404
        path = f"/team/members/{colleague.public_id}/role"
        assert seller.post(path, data={"role": "queen"}).status_code == 422
        assert seller.post(path, data={"role": "owner"}).status_code == 303
        assert mia.post("/team/invitations", data={"role": "member"}).status_code == 200

    def test_a_removed_member_is_out_at_once(
        self, app: Flask, seller: FlaskClient, colleague
    ) -> None:
        mia = app.test_client()
        mia.post("/sign-in", data={"email": "mia@seller.example", "password": PASSWORD})
        assert mia.get("/team").status_code == 200
        assert seller.post(f"/team/members/{colleague.public_id}/remove").status_code == 303
        assert mia.get("/team").status_code == 303

    def test_a_stranger_finds_no_member(self, client: FlaskClient, cast: Cast, colleague) -> None:
        cast.other_seller.sign_in(client)
        for deed in ("role", "remove"):
            path = f"/team/members/{colleague.public_id}/{deed}"
            assert client.post(path, data={"role": "owner"}).status_code == 404


class TestKeys:
    def make(self, browser: FlaskClient, *scopes: str):
        return browser.post("/team/keys", data={"name": "CRM", "scopes": list(scopes), "days": 30})

    def test_the_secret_is_shown_once_and_opens_the_api(
        self, client: FlaskClient, seller: FlaskClient
    ) -> None:
        response = self.make(seller, "batch:read", "event:read")
        token = re.search(r"lx_test_[\w-]{43}", body(response))
        assert token is not None
        assert response.headers["Cache-Control"] == "private, no-store"
        assert token[0] not in body(seller.get("/team"))
        headers = {"Authorization": f"Bearer {token[0]}"}
        assert client.get("/api/v1/events", headers=headers).status_code == 200

    def test_it_may_what_it_was_given_and_no_more(self, client: FlaskClient, cast: Cast) -> None:
        narrow = cast.seller.key(Permission.BATCH_READ)
        assert client.get("/api/v1/events", headers=narrow).status_code == 404

    def test_it_shrinks_with_its_maker(self, client: FlaskClient, cast: Cast) -> None:
        key = cast.seller.key(Permission.EVENT_READ)
        assert client.get("/api/v1/events", headers=key).status_code == 200
        queries.memberships_of(cast.seller.user.id)[0].role = Role.MEMBER
        db.session.commit()
        assert client.get("/api/v1/events", headers=key).status_code == 404

    def test_an_unknown_or_revoked_key_is_401(
        self, client: FlaskClient, seller: FlaskClient, cast: Cast
    ) -> None:
        key = cast.seller.key(Permission.EVENT_READ)
        made = db.session.query(ApiKey).one()
        assert seller.post(f"/team/keys/{made.public_id}/revoke").status_code == 303
        for headers in (key, {"Authorization": "Bearer lx_test_nonsense"}):
            answer = client.get("/api/v1/events", headers=headers)
            assert (answer.status_code, answer.json["code"]) == (401, "key_unknown")

    def test_without_a_scope_it_is_422(self, seller: FlaskClient) -> None:
        assert self.make(seller).status_code == 422
        assert self.make(seller, "ledger:read").status_code == 422
        assert self.make(seller, "nonsense").status_code == 422

    def test_a_stranger_revokes_nothing(self, client: FlaskClient, cast: Cast) -> None:
        cast.seller.key(Permission.BATCH_READ)
        made = db.session.query(ApiKey).one()
        cast.other_seller.sign_in(client)
        assert client.post(f"/team/keys/{made.public_id}/revoke").status_code == 404
        assert client.post("/team/keys/key_nonsense/revoke").status_code == 404


class TestSettings:
    def test_language_zone_and_keys_are_kept(self, seller: FlaskClient) -> None:
        assert seller.get("/settings").status_code == 200
        assert seller.post("/settings", data=PREFERENCES).status_code == 303
        page = body(seller.get("/settings"))
        assert 'lang="ru"' in page
        assert "Europe/Moscow" in page
        assert "data-single-keys" not in page

    def test_single_keys_can_be_switched_off(self, seller: FlaskClient) -> None:
        seller.post("/settings", data={"locale": "en", "timezone": "UTC"})
        assert 'data-single-keys="off"' in body(seller.get("/settings"))

    @pytest.mark.parametrize("wrong", [{"locale": "xx"}, {"timezone": "Moon/Crater"}])
    def test_an_unknown_choice_is_422(self, seller: FlaskClient, wrong: dict[str, str]) -> None:
        assert seller.post("/settings", data={**PREFERENCES, **wrong}).status_code == 422

    def test_a_new_password_signs_out_the_other_browser(
        self, app: Flask, seller: FlaskClient, cast: Cast
    ) -> None:
        other = cast.seller.sign_in(app.test_client())
        form = {"current": PASSWORD, "password": "another password"}
        assert seller.post("/settings/password", data=form).status_code == 303
        assert seller.get("/settings").status_code == 200
        assert other.get("/settings").status_code == 303

    @pytest.mark.parametrize(
        "form", [{"current": "wrong", "password": "another password"}, {"current": PASSWORD}]
    )
    def test_a_bad_change_is_422(self, seller: FlaskClient, form: dict[str, str]) -> None:
        assert seller.post("/settings/password", data=form).status_code == 422


def test_a_person_of_two_organizations_switches(
    app: Flask, client: FlaskClient, cast: Cast
) -> None:
    services.add_member(
        email=cast.buyer.user.email,
        name="B",
        password=PASSWORD,
        organization_id=cast.seller.organization.id,
        role=Role.MEMBER,
    )
    db.session.commit()
    cast.buyer.sign_in(client)
    assert "Act for Northern Leads" in body(client.get("/organizations"))
    mine = queries.memberships_of(cast.buyer.user.id)
    assert client.post("/organizations", data={"membership": mine[1].public_id}).status_code == 303
    assert client.get("/").location.rstrip("/") == "/sellers"
    theirs = queries.memberships_of(cast.other_buyer.user.id)[0]
    form = {"membership": theirs.public_id}
    assert client.post("/organizations", data=form).status_code == 404


def test_a_cross_site_form_is_refused(app: Flask, client: FlaskClient, cast: Cast) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        form = {"email": cast.seller.user.email, "password": PASSWORD}
        assert client.post("/sign-in", data=form).status_code == 400
    finally:
        app.config["WTF_CSRF_ENABLED"] = False


def test_the_terminal_says_how_an_empty_house_is_opened(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = app.config["SETTINGS"]
    monkeypatch.setattr("exchange.cli.application.settings", lambda: settings)
    runner = CliRunner()
    told = runner.invoke(founding).stdout
    assert services.founding_code(settings.secret_key) in told
    assert f"{settings.base_url}/found" in told
