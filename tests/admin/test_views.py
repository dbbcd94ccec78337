"""The operator's doors: each works, is closed to strangers, and refuses bad input."""

from __future__ import annotations

import json
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from exchange.admin import queries
from exchange.catalog import queries as catalog
from exchange.catalog.models import VerticalStatus
from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db, get
from exchange.core.events import Event
from exchange.fulfillment import queries as fulfillment
from exchange.fulfillment.models import LeadReturn, ReturnOutcome, ReturnStatus
from exchange.fulfillment.services import deliveries, returns
from exchange.identity.models import Organization, OrganizationStatus
from exchange.identity.permissions import OrganizationKind
from exchange.leads.models import BatchStatus
from exchange.market import queries as market
from tests.cast import Cast
from tests.factories.billing import fund_wallet
from tests.factories.catalog import VERTICAL, make_vertical
from tests.factories.leads import make_batch
from tests.factories.market import make_listing, place

PAGES = [
    "/admin",
    "/admin/organizations",
    "/admin/verifiers/new",
    "/admin/returns",
    "/admin/returns?view=all",
    "/admin/quality",
    "/admin/quality/charts",
    "/admin/verticals",
    "/admin/ledger",
    "/admin/ledger/accounts",
    "/admin/ledger/postings",
    "/admin/events",
    "/admin/clock",
]


def body(response) -> str:
    return re.sub(r"\s+", " ", response.get_data(as_text=True))


@pytest.fixture
def admin(client: FlaskClient, cast: Cast) -> FlaskClient:
    return cast.admin.sign_in(client)


@pytest.fixture
def asked(cast: Cast) -> LeadReturn:
    """A return that waits for a person."""
    fund_wallet(cast.buyer)
    order = place(cast.buyer, make_listing(cast.seller, leads=6), 5)
    delivery = fulfillment.find_delivery(order.id)
    assert delivery is not None
    deliveries.deliver(delivery_id=delivery.id, actor=SYSTEM)
    line = market.lines_of(order.id)[0]
    found = returns.request_return(
        line_id=line.id, reason="never_requested", note="She says no.", actor=cast.buyer.actor
    )
    db.session.commit()
    return found


class TestEveryPage:
    @pytest.mark.parametrize("path", PAGES)
    def test_it_opens_while_the_house_is_empty(self, admin: FlaskClient, path: str) -> None:
        response = admin.get(path)
        assert response.status_code == 200
        assert "<h1" in response.get_data(as_text=True)

    @pytest.mark.parametrize("path", PAGES)
    @pytest.mark.parametrize("who", ["seller", "buyer", "verifier", "newcomer"])
    def test_it_is_not_there_for_anybody_else(
        self, client: FlaskClient, cast: Cast, path: str, who: str
    ) -> None:
        getattr(cast, who).sign_in(client)
        assert client.get(path).status_code == 404

    def test_a_fragment_is_the_same_list(self, admin: FlaskClient) -> None:
        block = admin.get("/admin/events", headers={"HX-Request": "true"}).get_data(as_text=True)
        assert "<html" not in block
        assert "sign_in.started" in block


class TestControlRoom:
    def test_it_leads_through_the_first_steps(self, admin: FlaskClient, cast: Cast) -> None:
        page = body(admin.get("/admin"))
        assert "Publish the first vertical" in page
        admin.post(f"/admin/verticals/presets/{VERTICAL}")
        assert "First steps" not in body(admin.get("/admin"))

    def test_it_counts_what_waits_and_since_when(self, cast: Cast, asked: LeadReturn) -> None:
        make_batch(cast.other_seller, status=BatchStatus.UNDECIDED)
        found = {item.name: item for item in queries.waiting()}
        assert found["organizations"].count == 1
        assert found["organizations"].oldest == cast.newcomer.organization.created_at
        assert found["returns"].count == 1
        assert found["batches"].count == 1
        assert not any(item.count for item in found.values() if item.is_fault)

    def test_a_posting_that_nobody_seals_is_a_fault(self, admin: FlaskClient, cast: Cast) -> None:
        fund_wallet(cast.buyer)
        db.session.commit()
        clock.advance(queries.room.UNSEALED * 2)
        db.session.commit()
        assert "Postings not sealed within a minute" in body(admin.get("/admin"))
        assert {w.name: w.count for w in queries.waiting()}["unsealed"] == 1

    def test_it_says_that_four_eyes_need_two(self, admin: FlaskClient, cast: Cast) -> None:
        assert "four-eyes limit is 0" not in body(admin.get("/admin"))
        assert queries.staff_of_money() == 2
        db.session.execute(text("DELETE FROM sign_in WHERE true"))
        db.session.execute(text("DELETE FROM membership WHERE role = 'finance'"))
        assert queries.staff_of_money() == 1


class TestOrganizations:
    def test_the_list_filters_by_status_kind_and_name(self, admin: FlaskClient) -> None:
        page = body(admin.get("/admin/organizations?status=pending"))
        assert "Newcomer" in page
        assert "Northern Leads" not in page
        page = body(admin.get("/admin/organizations?kind=seller&q=north"))
        assert "Northern Leads" in page
        assert "Eastern Leads" not in page
        assert "No organization matches" in body(admin.get("/admin/organizations?q=nobody"))
        assert admin.get("/admin/organizations?status=nonsense").status_code == 422

    def test_one_page_shows_who_accepted_what_and_admits(
        self, admin: FlaskClient, cast: Cast
    ) -> None:
        path = f"/admin/organizations/{cast.newcomer.organization.public_id}"
        page = body(admin.get(path))
        assert "Newcomer Ltd" in page
        assert "nia@new.example" in page
        assert admin.post(f"{path}/approve").status_code == 303
        assert get(Organization, cast.newcomer.organization.id).is_approved
        assert admin.post(f"{path}/approve").status_code == 409

    def test_a_suspension_needs_a_reason(self, admin: FlaskClient, cast: Cast) -> None:
        path = f"/admin/organizations/{cast.seller.organization.public_id}"
        assert admin.post(f"{path}/suspend", data={"reason": ""}).status_code == 422
        response = admin.post(f"{path}/suspend", data={"reason": "Bought leads elsewhere"})
        assert response.status_code == 303
        seller = get(Organization, cast.seller.organization.id)
        assert seller.status is OrganizationStatus.SUSPENDED
        assert "Bought leads elsewhere" in body(admin.get(path))
        assert admin.post(f"{path}/approve").status_code == 303
        assert get(Organization, seller.id).is_approved

    def test_only_the_administrator_admits(self, client: FlaskClient, cast: Cast) -> None:
        cast.finance.sign_in(client)
        path = f"/admin/organizations/{cast.newcomer.organization.public_id}"
        assert client.get(path).status_code == 200
        assert client.post(f"{path}/approve").status_code == 404

    def test_verifiers_come_by_one_form_and_a_link(
        self, app: Flask, admin: FlaskClient, cast: Cast
    ) -> None:
        assert admin.post("/admin/verifiers", data={"name": "", "country": "x"}).status_code == 422
        page = body(admin.post("/admin/verifiers", data={"name": "More Calls", "country": "ES"}))
        link = re.search(r'data-copy="http://localhost(/invitations/[^"]+)"', page)
        assert link is not None
        made = db.session.scalar(select(Organization).filter_by(trade_name="More Calls"))
        assert made is not None
        assert made.kind is OrganizationKind.VERIFICATION
        guest = app.test_client()
        form = {"name": "Vi", "email": "vi@more.example", "password": "correct horse battery"}
        assert guest.post(link[1], data=form).status_code == 303
        assert guest.get("/").location.startswith("/verification")
        again = f"/admin/organizations/{made.public_id}/invite"
        assert "/invitations/" in body(admin.post(again))

    def test_nobody_makes_a_link_into_a_traders_team(self, admin: FlaskClient, cast: Cast) -> None:
        path = f"/admin/organizations/{cast.seller.organization.public_id}/invite"
        assert admin.post(path).status_code == 404

    @pytest.mark.parametrize("id_", ["org_nonsense", "usr_00000000000000000000000001"])
    def test_an_unknown_id_is_404(self, admin: FlaskClient, id_: str) -> None:
        assert admin.get(f"/admin/organizations/{id_}").status_code == 404


class TestVerticals:
    def test_a_preset_is_published_with_one_button(self, admin: FlaskClient) -> None:
        assert "Ready to publish" in body(admin.get("/admin/verticals"))
        assert admin.post(f"/admin/verticals/presets/{VERTICAL}").status_code == 303
        page = body(admin.get(f"/admin/verticals/{VERTICAL}"))
        assert "Script in EN" in page
        assert "Return window" in page
        assert admin.post("/admin/verticals/presets/nonsense").status_code == 404

    def test_both_languages_of_the_script_are_shown(self, admin: FlaskClient) -> None:
        make_vertical("mortgage_es")
        db.session.commit()
        page = body(admin.get("/admin/verticals/mortgage_es"))
        assert "Script in ES" in page
        assert "Script in EN" in page

    def test_an_edited_definition_becomes_a_new_version(self, admin: FlaskClient) -> None:
        vertical = make_vertical()
        db.session.commit()
        path = f"/admin/verticals/{VERTICAL}/edit"
        assert admin.get(path).status_code == 200
        data = catalog.get_definition(vertical).to_json()
        data["terms"]["return_window_hours"] = 99
        response = admin.post(path, data={"definition": json.dumps(data)})
        assert response.status_code == 303
        assert catalog.get_terms(catalog.get_vertical(VERTICAL)).return_window_hours == 99
        assert catalog.get_vertical(VERTICAL).terms_version == 2

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"terms": {}}, "/terms/"),
            ({"time_zone": "Moon/Crater"}, "/time_zone"),
            ({"code": "another"}, "/code"),
        ],
    )
    def test_what_is_wrong_is_shown_with_its_pointer(
        self, admin: FlaskClient, change: dict[str, object], pointer: str
    ) -> None:
        data = catalog.get_definition(make_vertical()).to_json() | change
        db.session.commit()
        path = f"/admin/verticals/{VERTICAL}/edit"
        response = admin.post(path, data={"definition": json.dumps(data)})
        assert response.status_code == 422
        assert f"<code>{pointer}" in body(response)
        assert catalog.get_vertical(VERTICAL).terms_version == 1

    def test_text_that_is_no_json_is_422(self, admin: FlaskClient) -> None:
        make_vertical()
        db.session.commit()
        path = f"/admin/verticals/{VERTICAL}/edit"
        response = admin.post(path, data={"definition": "{not json"})
        assert response.status_code == 422
        assert "Line 1, column 2" in body(response)
        assert "{not json" in body(response)

    def test_it_is_paused_with_a_reason_and_resumed(self, admin: FlaskClient) -> None:
        make_vertical()
        db.session.commit()
        path = f"/admin/verticals/{VERTICAL}"
        assert admin.post(f"{path}/pause").status_code == 422
        assert admin.post(f"{path}/pause", data={"reason": "Law changed"}).status_code == 303
        assert catalog.get_vertical(VERTICAL).status is VerticalStatus.PAUSED
        assert admin.post(f"{path}/resume").status_code == 303
        assert catalog.get_vertical(VERTICAL).status is VerticalStatus.ACTIVE

    def test_finance_looks_and_publishes_nothing(self, client: FlaskClient, cast: Cast) -> None:
        cast.finance.sign_in(client)
        assert client.get("/admin/verticals").status_code == 200
        assert client.post(f"/admin/verticals/presets/{VERTICAL}").status_code == 404


class TestReturns:
    def decide(self, admin: FlaskClient, asked: LeadReturn, **form: str):
        form.setdefault("explanation", "We called her: she never asked.")
        path = f"/admin/returns/{asked.public_id}/decide"
        return admin.post(path, data={"idempotency_key": form["explanation"], **form})

    def test_the_queue_shows_what_waits(self, admin: FlaskClient, asked: LeadReturn) -> None:
        page = body(admin.get("/admin/returns"))
        assert "Never asked" in page
        assert "She says no." in page

    def test_the_case_shows_both_sides(self, admin: FlaskClient, asked: LeadReturn) -> None:
        page = body(admin.get(f"/admin/returns/{asked.public_id}"))
        assert "Buyer of the South" in page
        assert "Northern Leads" in page
        assert "this person was never called by us" in page

    def test_an_approval_refunds_and_a_repeat_changes_nothing(
        self, admin: FlaskClient, asked: LeadReturn
    ) -> None:
        for _ in range(2):
            assert self.decide(admin, asked, outcome="approved").status_code == 303
        assert asked.outcome is ReturnOutcome.APPROVED
        page = body(admin.get(f"/admin/returns/{asked.public_id}"))
        assert "We called her" in page
        assert "Decide and tell both sides" not in page

    def test_a_contested_one_gets_the_last_word(
        self, admin: FlaskClient, cast: Cast, asked: LeadReturn
    ) -> None:
        self.decide(admin, asked, outcome="approved")
        returns.contest_return(
            return_id=asked.id, explanation="We have her consent.", actor=cast.seller.actor
        )
        db.session.commit()
        assert "We have her consent." in body(admin.get(f"/admin/returns/{asked.public_id}"))
        response = self.decide(admin, asked, outcome="denied", explanation="The proof is good.")
        assert response.status_code == 303
        assert (asked.status, asked.outcome) == (ReturnStatus.ARBITRATED, ReturnOutcome.DENIED)

    @pytest.mark.parametrize(
        "form", [{}, {"outcome": "maybe"}, {"outcome": "denied", "explanation": " "}]
    )
    def test_a_decision_without_words_is_422(
        self, admin: FlaskClient, asked: LeadReturn, form: dict[str, str]
    ) -> None:
        assert self.decide(admin, asked, **form).status_code == 422
        assert asked.outcome is None

    def test_a_second_decision_is_refused(self, admin: FlaskClient, asked: LeadReturn) -> None:
        self.decide(admin, asked, outcome="denied")
        response = self.decide(admin, asked, outcome="approved", explanation="On second thought.")
        assert response.status_code == 409

    def test_neither_side_decides(self, client: FlaskClient, cast: Cast, asked: LeadReturn) -> None:
        for player in (cast.seller, cast.buyer):
            player.sign_in(client)
            assert self.decide(client, asked, outcome="approved").status_code == 404


class TestLedger:
    def test_the_books_add_up_and_every_posting_can_be_opened(
        self, admin: FlaskClient, cast: Cast, asked: LeadReturn
    ) -> None:
        assert "sum of all accounts = $0.00" in body(admin.get("/admin/ledger"))
        page = body(admin.get("/admin/ledger/postings"))
        posting = re.search(r"/admin/ledger/postings/(pst_\w+)", page)
        assert posting is not None
        assert "Lead delivered" in page
        detail = body(admin.get(f"/admin/ledger/postings/{posting[1]}"))
        assert "Northern Leads" in detail
        assert "$45.00" in detail

    def test_postings_are_found_by_what_they_are_about(
        self, admin: FlaskClient, asked: LeadReturn
    ) -> None:
        line = market.get_line(asked.line_id, viewer=None)
        found = body(admin.get(f"/admin/ledger/postings?subject={line.public_id}"))
        assert found.count("/admin/ledger/postings/pst_") == 1
        nothing = body(admin.get("/admin/ledger/postings?subject=nonsense"))
        assert "No postings about it" in nothing

    def test_accounts_are_listed_by_kind(self, admin: FlaskClient, asked: LeadReturn) -> None:
        page = body(admin.get("/admin/ledger/accounts?kind=wallet&currency=USD"))
        assert "Buyer of the South" in page
        assert "Northern Leads" not in page
        assert admin.get("/admin/ledger/accounts?kind=purse").status_code == 422

    def test_support_may_not_read_the_books(self, client: FlaskClient, cast: Cast) -> None:
        db.session.execute(text("UPDATE membership SET role = 'support' WHERE role = 'finance'"))
        db.session.commit()
        cast.finance.sign_in(client)
        assert client.get("/admin").status_code == 200
        assert client.get("/admin/ledger").status_code == 404

    @pytest.mark.parametrize("id_", ["pst_nonsense", "pst_00000000000000000000000001"])
    def test_an_unknown_posting_is_404(self, admin: FlaskClient, id_: str) -> None:
        assert admin.get(f"/admin/ledger/postings/{id_}").status_code == 404


class TestEvents:
    def test_the_log_filters_by_type_subject_and_actor(
        self, admin: FlaskClient, cast: Cast
    ) -> None:
        page = body(admin.get("/admin/events?type=organization."))
        assert "organization.founded" in page
        assert "sign_in.started" not in page
        newcomer = cast.newcomer.organization.public_id
        page = body(admin.get(f"/admin/events?subject={newcomer}"))
        assert "organization.signed_up" in page
        assert "organization.founded" not in page
        page = body(admin.get(f"/admin/events?actor={cast.admin.user.public_id}"))
        assert "Ada Admin" in page
        assert "No events match" in body(admin.get("/admin/events?subject=nonsense"))
        assert admin.get("/admin/events?type=DROP").status_code == 422

    def test_it_turns_pages_by_cursor(self, admin: FlaskClient, cast: Cast) -> None:
        seen: list[str] = []
        path = "/admin/events"
        while path:
            page = admin.get(path, headers={"HX-Request": "true"}).get_data(as_text=True)
            seen += re.findall(r'datetime="([^"]+)"', page)
            more = re.search(r'href="(/admin/events\?cursor=evt_\w+)"[^>]*>Next', page)
            path = more[1] if more else ""
        assert len(seen) == db.session.query(Event).count()
        assert seen == sorted(seen, reverse=True)


class TestClock:
    def test_it_moves_a_sandbox(self, admin: FlaskClient) -> None:
        before = clock.after_lock()
        assert admin.post("/admin/clock", data={"seconds": "86400"}).status_code == 303
        assert (clock.after_lock() - before).total_seconds() > 86_000

    @pytest.mark.parametrize("seconds", ["", "-5", "0", "soon", "99999999999"])
    def test_it_never_goes_back(self, admin: FlaskClient, seconds: str) -> None:
        assert admin.post("/admin/clock", data={"seconds": seconds}).status_code == 422

    def test_a_program_moves_it_too(self, client: FlaskClient, cast: Cast) -> None:
        key = cast.admin.key("clock:move")
        before = clock.after_lock()
        response = client.post("/api/v1/test/clock/advance", json={"seconds": 3600}, headers=key)
        assert response.status_code == 200
        assert response.json["object"] == "clock"
        assert (clock.after_lock() - before).total_seconds() > 3_500
        bad = client.post("/api/v1/test/clock/advance", json={"seconds": "x"}, headers=key)
        assert bad.status_code == 422
        stranger = cast.seller.key("batch:read")
        refused = client.post("/api/v1/test/clock/advance", json={"seconds": 60}, headers=stranger)
        assert refused.status_code == 404


def test_a_live_instance_has_no_clock_to_move(client: FlaskClient, cast: Cast) -> None:
    key = cast.admin.key("clock:move")
    # Only the owner of the tables may change the kind of an instance.
    db.session.execute(text("SET LOCAL ROLE NONE"))
    db.session.execute(text("UPDATE instance SET kind = 'live'"))
    db.session.commit()
    response = client.post("/api/v1/test/clock/advance", json={"seconds": 60}, headers=key)
    assert response.status_code == 403
    cast.admin.sign_in(client)
    assert client.get("/admin/clock").status_code == 404
