"""The pages and the API of sources, the card that buyers see, and the operator's stop."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from exchange.core.db import db
from exchange.leads import cards
from exchange.leads.models import LeadStatus, Source, SourceStatus
from exchange.leads.services import sources
from exchange.leads.services.imports import start_import
from exchange.notifications.models import Notice
from tests.cast import Cast, Player
from tests.factories.catalog import make_vertical
from tests.factories.leads import leads_of, make_batch
from tests.factories.market import make_listing
from tests.leads.test_sources import CARD, OTHER_WORDS, PNG, WORDS, a_file, make

Enter = Callable[[Player], FlaskClient]
FORM = {
    "name": "Search ads",
    "channel": "search_ads",
    "landing_url": "https://roofs.example/quote?utm=1",
    "ad_text": "A new roof in a week",
    "collected_by": "partner",
    "starts_on": "2026-10-01",
    "consent_text": WORDS,
    "default_sub_id": "camp-1",
    "default_quality_check": "1",
}


@pytest.fixture
def enter(app: Flask) -> Enter:
    return lambda player: player.sign_in(app.test_client())


def the_source() -> Source:
    return db.session.scalars(select(Source)).one()


def picture(content: bytes = PNG) -> dict[str, Any]:
    return {"picture": (io.BytesIO(content), "<b>shot</b>.html")}


class TestPages:
    def test_a_card_is_written_read_and_edited(self, cast: Cast, enter: Enter) -> None:
        client = enter(cast.seller)
        assert client.post("/sellers/sources", data=FORM).status_code == 303
        made = the_source()
        assert made.defaults == {"sub_id": "camp-1", "consent_quality_check": "yes"}
        address = f"/sellers/sources/{made.public_id}"
        changed = {**FORM, "ad_text": "", "consent_text": OTHER_WORDS, "default_sub_id": ""}
        del changed["default_quality_check"]
        assert client.post(f"{address}/edit", data=changed).status_code == 303
        assert (the_source().ad_text, the_source().defaults) == ("", {})
        page = client.get(address).get_data(as_text=True)
        assert WORDS in page
        assert OTHER_WORDS in page
        assert "consent text, version 2" in page
        assert "Search ads" in client.get("/sellers/sources").get_data(as_text=True)
        assert "roofs.example" in client.get(f"{address}/edit").get_data(as_text=True)

    def test_a_refused_card_says_what_is_wrong_and_keeps_what_was_typed(
        self, cast: Cast, enter: Enter
    ) -> None:
        sent = {**FORM, "landing_url": "roofs", "ends_on": "2026-09-01"}
        answer = enter(cast.seller).post("/sellers/sources", data=sent)
        page = answer.get_data(as_text=True)
        assert answer.status_code == 422
        assert "whole address" in page
        assert "before the first one" in page
        assert "A new roof in a week" in page

    def test_a_picture_comes_back_as_a_picture_and_nothing_else(
        self, cast: Cast, enter: Enter
    ) -> None:
        client, made = enter(cast.seller), make(cast)
        db.session.commit()
        address = f"/sellers/sources/{made.public_id}/picture"
        assert client.get(address).status_code == 404
        assert client.post(address, data=picture()).status_code == 303
        found = client.get(address)
        assert (found.data, found.content_type) == (PNG, "image/png")
        assert found.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in found.headers["Content-Security-Policy"]

    @pytest.mark.parametrize("content", [b"<script>alert(1)</script>", b""])
    def test_what_is_no_picture_is_refused(self, cast: Cast, enter: Enter, content: bytes) -> None:
        client, made = enter(cast.seller), make(cast)
        db.session.commit()
        address = f"/sellers/sources/{made.public_id}/picture"
        assert client.post(address, data=picture(content)).status_code == 415

    def test_its_seller_pauses_and_resumes(self, cast: Cast, enter: Enter) -> None:
        client, made = enter(cast.seller), make(cast)
        db.session.commit()
        address = f"/sellers/sources/{made.public_id}"
        assert client.post(f"{address}/pause").status_code == 303
        assert the_source().status is SourceStatus.PAUSED
        assert client.post(f"{address}/pause").status_code == 409
        assert client.post(f"{address}/resume").status_code == 303
        assert client.post(f"{address}/stop").status_code == 404

    def test_an_upload_is_offered_open_sources_alone(self, cast: Cast, enter: Enter) -> None:
        make_vertical()
        sources.pause_source(source_id=make(cast).id, actor=cast.seller.actor)
        make(cast, name="Open one")
        db.session.commit()
        page = enter(cast.seller).get("/sellers/imports/new").get_data(as_text=True)
        assert "Open one" in page
        assert "Search ads" not in page.replace("Search ads, site A", "")

    def test_a_stranger_finds_nothing(self, cast: Cast, enter: Enter) -> None:
        made = make(cast)
        db.session.commit()
        client = enter(cast.other_seller)
        address = f"/sellers/sources/{made.public_id}"
        assert {client.get(address + end).status_code for end in ("", "/edit", "/picture")} == {404}
        deeds = ("/edit", "/picture", "/pause", "/resume")
        assert {client.post(address + end, data=FORM).status_code for end in deeds} == {404}

    def test_the_page_of_columns_says_what_the_source_fills_in(
        self, cast: Cast, enter: Enter
    ) -> None:
        make(cast)
        draft = start_import(
            organization_id=cast.seller.organization.id,
            vertical_code=make_vertical().code,
            source_name="Search ads",
            file_name="october.csv",
            stream=io.BytesIO(a_file(without=("consent_text", "channel"))),
            actor=cast.seller.actor,
        )
        db.session.commit()
        page = enter(cast.seller).get(f"/sellers/imports/{draft.public_id}/map")
        text = page.get_data(as_text=True)
        assert "the source fills in" in text
        assert "Required and not yet mapped" not in text


class TestApi:
    def test_a_program_does_what_the_pages_do(self, cast: Cast, client: FlaskClient) -> None:
        head = cast.seller.key("batch:read", "batch:upload")
        sent = {**FORM, "default_quality_check": True}
        made = client.post("/api/v1/sources", json=sent, headers={**head, "Idempotency-Key": "one"})
        assert made.status_code == 201
        card = made.get_json()
        assert card["channel"] == "search_ads"
        assert card["consent"]["version"] == 1
        address = f"/api/v1/sources/{card['id']}"
        change = {"ad_text": "Roofs", "status": "paused"}
        changed = client.patch(address, json=change, headers=head).get_json()
        assert (changed["ad_text"], changed["status"]) == ("Roofs", "paused")
        assert changed["landing_url"] == FORM["landing_url"]
        assert changed["defaults"] == card["defaults"]
        resumed = client.patch(address, json={"status": "active"}, headers=head).get_json()
        assert resumed["status"] == "active"
        assert [
            one["id"] for one in client.get("/api/v1/sources", headers=head).get_json()["data"]
        ] == [card["id"]]
        shot = {"file": (io.BytesIO(PNG), "shot.png")}
        assert client.post(f"{address}/picture", data=shot, headers=head).status_code == 200

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ({"status": "stopped"}, 422),
            ({"channel": "pigeons"}, 422),
            ({"landing_url": "ftp://roofs.example"}, 422),
            ({"name": ""}, 422),
        ],
    )
    def test_it_refuses_what_the_pages_refuse(
        self, cast: Cast, client: FlaskClient, change: dict[str, str], status: int
    ) -> None:
        made = make(cast)
        head = cast.seller.key("batch:upload")
        address = f"/api/v1/sources/{made.public_id}"
        assert client.patch(address, json=change, headers=head).status_code == status

    def test_a_stopped_source_is_not_the_sellers_to_resume(
        self, cast: Cast, client: FlaskClient
    ) -> None:
        made = make(cast)
        sources.stop_source(source_id=made.id, reason="Nobody asked", actor=cast.admin.actor)
        head = cast.seller.key("batch:upload")
        answer = client.patch(
            f"/api/v1/sources/{made.public_id}", json={"status": "active"}, headers=head
        )
        assert (answer.status_code, answer.get_json()["code"]) == (409, "source_stopped")

    def test_a_stranger_finds_nothing(self, cast: Cast, client: FlaskClient) -> None:
        made = make(cast)
        head = cast.other_seller.key("batch:read", "batch:upload")
        address = f"/api/v1/sources/{made.public_id}"
        assert client.get(address, headers=head).status_code == 404
        assert client.patch(address, json={"ad_text": "x"}, headers=head).status_code == 404


class TestBuyers:
    def test_a_buyer_reads_the_card_without_the_name(self, cast: Cast, enter: Enter) -> None:
        made = make(cast, name="Secret partner site")
        sources.set_picture(source_id=made.id, stream=io.BytesIO(PNG), actor=cast.seller.actor)
        listing = make_listing(cast.seller, source="Secret partner site", leads=6)
        db.session.commit()
        client = enter(cast.buyer)
        page = client.get(f"/buyers/listings/{listing.public_id}").get_data(as_text=True)
        assert "roofs.example" in page
        assert "/quote" not in page
        assert {CARD["ad_text"], WORDS} <= {t for t in (CARD["ad_text"], WORDS) if str(t) in page}
        assert "version 1" in page
        assert "Secret partner site" not in page
        head = cast.buyer.key("market:read")
        shown = client.get(f"/api/v1/listings/{listing.public_id}", headers=head).get_json()
        assert shown["source"]["page_host"] == "roofs.example"
        assert shown["source"]["consent_version"] == 1
        assert "name" not in shown["source"]
        shot = client.get(f"/buyers/listings/{listing.public_id}/picture")
        assert (shot.status_code, shot.content_type) == (200, "image/png")


class TestOperator:
    def test_a_stop_takes_what_is_unsold_off_sale_and_tells_the_seller(
        self, cast: Cast, enter: Enter
    ) -> None:
        batch = make_batch(cast.seller, source="Search ads", leads=2)
        db.session.commit()
        client = enter(cast.admin)
        source = cards.get_source(batch.source_id, viewer=None)
        address = f"/admin/sources/{source.public_id}"
        assert client.post(f"{address}/stop", data={"reason": ""}).status_code == 422
        sent = {"reason": "People never asked"}
        assert client.post(f"{address}/stop", data=sent).status_code == 303
        assert {lead.status for lead in leads_of(batch)} == {LeadStatus.QUARANTINED}
        assert "People never asked" in client.get(address).get_data(as_text=True)
        assert "Search ads" in client.get("/admin/sources?status=stopped").get_data(as_text=True)
        assert client.post(f"{address}/reopen", data={"reason": "We were wrong"}).status_code == 303
        assert {lead.status for lead in leads_of(batch)} == {LeadStatus.VALID}
        told = db.session.scalars(select(Notice).where(Notice.subject_id == source.id)).all()
        assert {notice.kind for notice in told} == {"source.stopped", "source.active"}
        page = enter(cast.seller).get("/notices").get_data(as_text=True)
        assert "People never asked" in page
        assert "We were wrong" in page

    def test_a_resume_by_its_seller_is_no_news(self, cast: Cast) -> None:
        made = make(cast)
        sources.pause_source(source_id=made.id, actor=cast.seller.actor)
        sources.resume_source(source_id=made.id, actor=cast.seller.actor)
        assert db.session.scalars(select(Notice).where(Notice.subject_id == made.id)).all() == []

    def test_nobody_else_stops_a_source(self, cast: Cast, enter: Enter) -> None:
        made = make(cast)
        db.session.commit()
        for player in (cast.seller, cast.buyer, cast.verifier):
            sent = {"reason": "Because"}
            answer = enter(player).post(f"/admin/sources/{made.public_id}/stop", data=sent)
            assert answer.status_code in {403, 404}
