"""The doors of people's rights: what they do, whom they refuse, and what they never tell."""

from __future__ import annotations

import io
import re

import pytest
from sqlalchemy import func, select

from exchange.core import events
from exchange.core.actors import SYSTEM
from exchange.core.db import db
from exchange.core.events import Ref
from exchange.core.limits import limiter
from exchange.fulfillment.models import ErasureNotice
from exchange.leads import people
from exchange.leads.models import ContactChannel, Lead, LeadStatus
from exchange.leads.rights import Erasure, ListPurpose, PersonList, Revocation, RevocationVia
from exchange.leads.services import erasures
from tests.factories.fulfillment import buy, fresh
from tests.factories.leads import leads_of, make_batch, make_person
from tests.factories.market import make_listing

LIST = {"name": "Register", "people": "+1 614 234 5678\nann@example.com\nnobody"}


def made() -> PersonList:
    return db.session.scalars(select(PersonList)).one()


class TestListPage:
    @pytest.mark.parametrize("who", ["seller", "buyer", "admin"])
    def test_a_pasted_list_is_counted_and_shown(self, cast, client, who):
        player = getattr(cast, who)
        player.sign_in(client)
        answer = client.post("/suppression", data=LIST, follow_redirects=True)
        assert answer.status_code == 200
        page = answer.get_data(as_text=True)
        assert "Register" in page
        assert "ann@example.com" not in page
        assert (made().lines_taken, made().lines_bad) == (2, 1)
        owner = None if who == "admin" else player.organization.id
        assert made().organization_id == owner

    def test_a_file_is_taken(self, cast, client):
        cast.seller.sign_in(client)
        file = (io.BytesIO("phone\n+1 614 234 5678\n".encode("utf-8-sig")), "list.csv")
        form = {"name": "File", "channel": "call", "listed_on": "2026-01-31", "file": file}
        answer = client.post("/suppression", data=form)
        assert answer.status_code == 303, answer.get_data(as_text=True)
        assert (made().lines_taken, made().channel) == (1, ContactChannel.CALL)
        assert str(made().listed_on) == "2026-01-31"

    def test_a_buyers_known_people_have_a_page_of_their_own(self, cast, client):
        cast.buyer.sign_in(client)
        client.post("/suppression", data={**LIST, "purpose": "known"})
        assert made().purpose is ListPurpose.KNOWN
        assert "Register" in client.get("/suppression?purpose=known").get_data(as_text=True)
        assert "Register" not in client.get("/suppression").get_data(as_text=True)

    def test_a_mistake_among_known_people_stays_on_their_page(self, cast, client):
        cast.buyer.sign_in(client)
        page = client.get("/suppression?purpose=known").get_data(as_text=True)
        action = re.search(r'action="(/suppression\?[^"]*)"', page)
        assert action is not None
        answer = client.post(action[1], data={**LIST, "people": "", "purpose": "known"})
        assert answer.status_code == 422
        again = answer.get_data(as_text=True)
        assert "People we know</h1>" in again
        assert 'name="purpose" value="known"' in again

    def test_nothing_readable_is_a_422_that_keeps_the_form(self, cast, client):
        cast.seller.sign_in(client)
        answer = client.post("/suppression", data={"name": "Empty one", "people": "nobody"})
        assert answer.status_code == 422
        assert "Empty one" in answer.get_data(as_text=True)

    def test_a_list_is_removed(self, cast, client):
        cast.seller.sign_in(client)
        client.post("/suppression", data=LIST)
        answer = client.post(f"/suppression/{made().public_id}/remove")
        assert answer.status_code == 303
        assert people.count_people(owner_id=cast.seller.organization.id) == 0

    def test_a_strangers_list_is_not_there(self, cast, client):
        cast.seller.sign_in(client)
        client.post("/suppression", data=LIST)
        cast.other_seller.sign_in(client)
        assert client.post(f"/suppression/{made().public_id}/remove").status_code == 404
        assert "Register" not in client.get("/suppression").get_data(as_text=True)

    def test_one_person_is_taken_off_whether_they_stood_there_or_not(self, cast, client):
        cast.seller.sign_in(client)
        client.post("/suppression", data=LIST)
        pages = [
            client.post("/suppression/remove", data={"person": one}, follow_redirects=True)
            for one in ("ann@example.com", "other@example.com")
        ]
        assert people.count_people(owner_id=cast.seller.organization.id) == 1
        toasts = [re.findall(r"stands in none", page.get_data(as_text=True)) for page in pages]
        assert toasts[0] == toasts[1] != []

    def test_support_lists_and_only_an_administrator_lifts(self, cast, client):
        cast.finance.sign_in(client)
        assert client.post("/suppression", data=LIST).status_code == 303
        assert client.post(f"/suppression/{made().public_id}/remove").status_code == 404
        cast.admin.sign_in(client)
        assert client.post(f"/suppression/{made().public_id}/remove").status_code == 303

    def test_verifiers_have_no_lists(self, cast, client):
        cast.verifier.sign_in(client)
        assert client.get("/suppression").status_code == 404


class TestListApi:
    def test_add_show_and_remove(self, cast, client):
        key = cast.buyer.key("suppression:write", "suppression:lift")
        body = {"name": "CRM", "purpose": "known", "people": ["+16142345678", "nobody"]}
        answer = client.post("/api/v1/suppression", json=body, headers=key)
        assert answer.status_code == 201
        found = answer.get_json()
        assert (found["object"], found["lines_taken"], found["lines_bad"]) == ("person_list", 1, 1)
        listed = client.get("/api/v1/suppression?purpose=known", headers=key).get_json()["data"]
        assert [one["id"] for one in listed] == [found["id"]]
        assert "6142345678" not in str(listed)
        path = f"/api/v1/suppression/{found['id']}"
        other = cast.other_buyer.key("suppression:lift")
        assert client.delete(path, headers=other).status_code == 404
        assert client.delete(path, headers=key).status_code == 204
        assert client.delete(path, headers=key).status_code == 404

    def test_one_person_goes(self, cast, client):
        key = cast.seller.key("suppression:write", "suppression:lift")
        body = {"name": "One", "people": ["ann@example.com"]}
        client.post("/api/v1/suppression", json=body, headers=key)
        body = {"person": "Ann@example.com"}
        answer = client.post("/api/v1/suppression/removals", json=body, headers=key)
        assert answer.status_code == 204
        assert people.count_people(owner_id=cast.seller.organization.id) == 0

    def test_without_the_scope_there_is_no_door(self, cast, client):
        body = {"name": "One", "people": ["ann@example.com"]}
        key = cast.seller.key("batch:read")
        assert client.post("/api/v1/suppression", json=body, headers=key).status_code == 404

    def test_nothing_readable_is_a_problem(self, cast, client):
        body = {"name": "One", "people": ["nobody"]}
        key = cast.seller.key("suppression:write")
        answer = client.post("/api/v1/suppression", json=body, headers=key)
        assert answer.status_code == 422
        assert answer.get_json()["errors"][0]["pointer"] == "/people"


class TestRevokePage:
    def walk(self, client, person):
        """Type, confirm, receipt; the last page."""
        form = {"person": person, "country": "US"}
        asked = client.post("/revoke", data=form)
        assert asked.status_code == 200
        assert db.session.scalar(select(func.count()).select_from(Revocation)) in {0, 1}
        return client.post("/revoke/confirm", data=form)

    def test_the_answer_is_the_same_for_everybody(self, cast, client, run_jobs):
        person = make_person()
        (lead,) = leads_of(make_batch(cast.seller, people=[person]))
        db.session.commit()
        pages = [self.walk(client, one) for one in (person["phone"], "nobody@example.com")]
        texts = [
            re.sub(r"rvc_\w+|csrf.token[^>]*|\d\d:\d\d:\d\d[.\d]*", "", page.get_data(as_text=True))
            for page in pages
        ]
        assert [page.status_code for page in pages] == [200, 200]
        assert texts[0] == texts[1]
        run_jobs()
        assert fresh(lead).status is LeadStatus.SUPPRESSED

    def test_typing_alone_withdraws_nothing(self, cast, client):
        client.post("/revoke", data={"person": "ann@example.com"})
        assert db.session.scalar(select(func.count()).select_from(Revocation)) == 0

    def test_what_cannot_be_read_is_asked_again(self, cast, client):
        answer = client.post("/revoke", data={"person": "nobody"})
        assert answer.status_code == 422

    def test_the_person_is_never_in_an_address(self, cast, client):
        page = client.get("/revoke").get_data(as_text=True)
        assert 'method="post"' in page
        answer = self.walk(client, "ann@example.com")
        assert "location" not in answer.headers

    def test_knocking_is_limited(self, app, cast, client):
        limiter.enabled = True
        try:
            statuses = [
                client.post("/revoke", data={"person": "ann@example.com"}).status_code
                for _ in range(12)
            ]
        finally:
            limiter.enabled = False
        assert statuses[0] == 200
        assert statuses[-1] == 429


class TestRevokeApi:
    @pytest.mark.parametrize("who", ["seller", "buyer"])
    def test_a_withdrawal_is_passed_on_with_a_receipt(self, cast, client, who):
        player = getattr(cast, who)
        key = player.key("suppression:write")
        body = {"person": "ann@example.com"}
        answer = client.post("/api/v1/revocations", json=body, headers=key)
        assert answer.status_code == 201
        receipt = answer.get_json()
        assert set(receipt) == {"id", "object", "created_at", "via", "metadata"}
        found = db.session.scalars(select(Revocation)).one()
        assert (found.via, found.organization_id) == (RevocationVia.API, player.organization.id)

    def test_whom_nobody_knows_yet_withdraws_nobody(self, cast, client):
        key = cast.newcomer.key("suppression:write")
        answer = client.post("/api/v1/revocations", json={"person": "ann@example.com"}, headers=key)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "not_approved")
        assert db.session.scalar(select(func.count()).select_from(Revocation)) == 0

    def test_no_key_no_door(self, cast, client):
        body = {"person": "ann@example.com"}
        assert client.post("/api/v1/revocations", json=body).status_code == 401


class TestErasureDoors:
    @pytest.fixture
    def notice(self, cast):
        person = make_person()
        buy(cast.buyer, make_listing(cast.seller, people=[person]))
        erasures.erase(person=person["phone"], region="US", actor=SYSTEM)
        db.session.commit()
        return db.session.scalars(select(ErasureNotice)).one()

    def test_a_buyer_reads_and_confirms(self, cast, client, notice):
        cast.buyer.sign_in(client)
        page = client.get("/erasure-notices").get_data(as_text=True)
        assert notice.line_ids[0] in page
        path = f"/erasure-notices/{notice.public_id}/acknowledge"
        assert client.post(path).status_code == 303
        assert fresh(notice).acknowledged_at is not None
        assert client.get(f"/buyers/leads/{notice.line_ids[0]}").status_code == 200

    def test_another_buyer_does_not(self, cast, client, notice):
        cast.other_buyer.sign_in(client)
        assert notice.line_ids[0] not in client.get("/erasure-notices").get_data(as_text=True)
        path = f"/erasure-notices/{notice.public_id}/acknowledge"
        assert client.post(path).status_code == 404

    def test_by_the_api(self, cast, client, notice):
        key = cast.buyer.key("contact:open")
        listed = client.get("/api/v1/erasure_notices?only_open=true", headers=key).get_json()
        assert [one["id"] for one in listed["data"]] == [notice.public_id]
        path = f"/api/v1/erasure_notices/{notice.public_id}/acknowledge"
        assert client.post(path, headers=key).get_json()["acknowledged_at"]
        other = cast.other_buyer.key("contact:open")
        assert client.post(path, headers=other).status_code == 404

    def test_the_operator_erases_by_a_lead_and_reads_the_certificate(self, cast, client):
        (lead,) = leads_of(make_batch(cast.seller, leads=1))
        db.session.commit()
        cast.admin.sign_in(client)
        answer = client.post("/erasures", data={"lead_id": lead.public_id})
        assert answer.status_code == 303
        assert "Certificate" in client.get(answer.location).get_data(as_text=True)
        assert db.session.get(Lead, lead.id, populate_existing=True).status is LeadStatus.PURGED
        assert "era_" in client.get("/erasures").get_data(as_text=True)

    def test_what_people_asked_for_on_the_phone_waits_there(self, cast, client):
        (lead,) = leads_of(make_batch(cast.seller, leads=1))
        events.record("erasure.requested", subject=Ref.to(lead), actor=SYSTEM, by="phone")
        db.session.commit()
        cast.admin.sign_in(client)
        assert lead.public_id in client.get("/erasures").get_data(as_text=True)
        client.post("/erasures", data={"lead_id": lead.public_id})
        page = client.get("/erasures").get_data(as_text=True)
        assert "Asked for on the phone" not in page

    def test_the_operators_mistake_is_shown(self, cast, client):
        cast.admin.sign_in(client)
        assert client.post("/erasures", data={}).status_code == 422
        assert db.session.scalar(select(func.count()).select_from(Erasure)) == 0

    @pytest.mark.parametrize("who", ["seller", "buyer", "verifier", "finance"])
    def test_nobody_else_erases(self, cast, client, who):
        getattr(cast, who).sign_in(client)
        assert client.post("/erasures", data={"person": "a@example.com"}).status_code == 404
        assert client.get("/erasures").status_code == 404
