"""What a source shows to strangers: the posting spec with its test, and the hosted form."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from exchange.core import clock
from exchange.core.actors import SYSTEM
from exchange.core.db import db, get
from exchange.core.errors import Invalid
from exchange.core.limits import limiter
from exchange.core.states import transition
from exchange.leads import capture_words, post_queries
from exchange.leads.findings import ROW_SENTENCES
from exchange.leads.models import Consent, ConsentText, Lead, SourceStatus
from exchange.leads.post_models import CaptureForm, Post, PostOutcome
from exchange.leads.services import capture, posting
from exchange.leads.stamps import read_stamp
from tests.factories.leads import make_person
from tests.factories.posts import ATTRIBUTES, make_body, make_terms, post

WORDING = "I agree that Northern Leads passes my request on to companies that call me."
SITE = "https://quotes.example"


@pytest.fixture
def terms(cast):
    return make_terms(cast.seller, channel="own_site")


@pytest.fixture
def form(cast, terms) -> CaptureForm:
    return open_form(cast, terms)


def open_form(cast, terms, **more) -> CaptureForm:
    said = {"title": "A new roof", "language": "en", "is_callback": False, "consent_text": WORDING,
            "origins": [SITE], **more}  # fmt: skip
    made = capture.open_form(terms_id=terms.id, actor=cast.seller.actor, **said)
    db.session.commit()
    return made


def text_of(answer: TestResponse, status: int = 200) -> str:
    body = unescape(answer.get_data(as_text=True))
    assert answer.status_code == status, body[:2_000]
    return body


def filled(client: FlaskClient, form: CaptureForm, **more: str | None) -> dict[str, str]:
    """The form as a person fills it in, with what the page hides in it."""
    page = text_of(client.get(f"/f/{form.token}?lang=en"))
    stamp = re.search(r'name="form_stamp" value="([^"]+)"', page)
    given = {**make_person(), **ATTRIBUTES, "is_homeowner": "yes", "form_stamp": stamp[1],
             "lang": "en", "agreed": "1", "check_agreed": "1", "website": "", **more}  # fmt: skip
    return {name: text for name, text in given.items() if text is not None}


def send(client: FlaskClient, form: CaptureForm, given: Mapping[str, str]) -> TestResponse:
    return client.post(f"/f/{form.token}", data=given)


def last() -> Post:
    found = db.session.scalars(select(Post).order_by(Post.id.desc()).limit(1)).first()
    assert found is not None
    return found


class TestHostedForm:
    @pytest.mark.parametrize(
        ("said", "kept"),
        [
            ("https://Quotes.example", "https://quotes.example"),
            (
                "https://\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444/form",
                "https://xn--e1afmkfd.xn--p1ai",
            ),
            ("http://localhost:8080", "http://localhost:8080"),
        ],
    )
    def test_a_site_is_named_as_a_header_names_it(self, client, cast, terms, said, kept):
        form = open_form(cast, terms, origins=[said])
        assert form.origins == [kept]
        policy = client.get(f"/f/{form.token}?embed=1").headers["Content-Security-Policy"]
        assert policy.endswith(f"frame-ancestors {kept}")

    @pytest.mark.parametrize(
        "said",
        ["https://a.example\\x", "https://a\x0bb", "https://a\u00a0b", "https://a`b", "https://*",
         "https://[::1]", "https://a.example:99999", "https://", "https://me@a.example",
         "https://a..b"],
    )  # fmt: skip
    def test_nothing_else_stands_in_the_policy(self, cast, terms, said):
        with pytest.raises(Invalid):
            open_form(cast, terms, origins=[said])

    def test_a_form_is_no_place_for_files(self, client, form):
        given = {**filled(client, form), "name": "x" * 100_000}
        assert send(client, form, given).status_code == 413
        assert last_count() == 0

    def test_a_lead_is_kept_with_the_wording_that_was_shown(self, client, form):
        answer = send(client, form, filled(client, form))
        assert answer.status_code == 303
        assert text_of(client.get(answer.location)).count("Thank you")
        post = last()
        assert (post.outcome, post.via) == (PostOutcome.QUEUED_FOR_CHECK, "form")
        consent = db.session.get(Consent, post.lead_id)
        shown = f"{WORDING} {capture_words.WORDS['en']['check']}"
        assert get(ConsentText, consent.text_id).text == shown
        assert consent.purposes == ["quality_check"]
        assert consent.page_url == f"http://localhost/f/{form.token}"
        assert get(Lead, post.lead_id).in_frame

    def test_a_new_wording_binds_who_is_shown_it(self, client, cast, form):
        before = filled(client, form, check_agreed=None)
        newer = f"{WORDING} They may also write."
        capture.reword(form_id=form.id, consent_text=newer, actor=cast.seller.actor)
        db.session.commit()
        after = filled(client, form, check_agreed=None)
        wordings = []
        for given in (before, after):
            send(client, form, given)
            wordings.append(get(ConsentText, db.session.get(Consent, last().lead_id).text_id).text)
        assert wordings == [WORDING, newer]

    def test_how_long_it_took_is_measured_by_us(self, client, form):
        given = filled(client, form, form_seconds="99999")
        clock.advance(timedelta(seconds=42))
        db.session.commit()
        send(client, form, given)
        assert 42 <= last().form_seconds < 60

    def test_the_form_sent_twice_is_one_lead(self, client, form):
        given = filled(client, form)
        assert [send(client, form, given).status_code for _ in range(2)] == [303, 303]
        assert db.session.scalar(select(func.count()).select_from(Post)) == 1

    @pytest.mark.parametrize("language", list(capture_words.LANGUAGES))
    def test_mistakes_are_said_at_their_field_in_the_visitors_language(
        self, client, form, language
    ):
        given = filled(
            client, form, phone="12345", email="no-at-sign.example", agreed="1", lang=language
        )
        page = text_of(send(client, form, given), 422)
        words = capture_words.PROBLEMS[language]
        assert f'<html lang="{language}">' in page
        assert page.count(words["phone"]) == 2
        assert words["email"] in page
        assert 'value="12345"' in page
        assert last_count() == 0

    def test_without_consent_nothing_is_taken(self, client, form):
        page = text_of(send(client, form, filled(client, form, agreed=None)), 422)
        assert capture_words.PROBLEMS["en"]["consent"] in page
        assert last_count() == 0

    def test_who_does_not_agree_to_our_call_is_kept_and_not_offered(self, client, form):
        send(client, form, filled(client, form, check_agreed=None))
        assert last().reason == "check_not_agreed"

    def test_a_program_is_thanked_and_not_believed(self, client, form):
        answer = send(client, form, filled(client, form, website="https://spam.example"))
        assert answer.status_code == 303
        assert (last().outcome, last().reason) == (PostOutcome.REJECTED, "not_by_a_person")
        assert db.session.scalar(select(func.count()).select_from(Lead)) == 0

    @pytest.mark.parametrize("forge", [lambda s: "", lambda s: "x.1.y.z", lambda s: s[:-1] + "g"])
    def test_a_forged_stamp_shows_the_form_anew(self, client, form, forge):
        given = filled(client, form)
        given["form_stamp"] = forge(given["form_stamp"])
        page = text_of(send(client, form, given), 422)
        assert capture_words.PROBLEMS["en"]["expired"] in page
        assert f'value="{given["phone"]}"' in page

    def test_a_form_that_was_open_for_days_is_shown_anew(self, client, form):
        given = filled(client, form)
        clock.advance(timedelta(hours=25))
        db.session.commit()
        page = text_of(send(client, form, given), 422)
        stamp = re.search(r'name="form_stamp" value="([^"]+)"', page)
        assert send(client, form, {**given, "form_stamp": stamp[1]}).status_code == 303

    def test_a_stamp_holds_for_its_own_form(self, client, cast, terms, form):
        other = open_form(cast, terms)
        stamp = filled(client, form)["form_stamp"]
        assert read_stamp(stamp, form_id=other.id, now=clock.now()) is None

    def test_where_the_visitor_came_from_is_kept_without_what_names_people(self, client, form):
        page = text_of(
            client.get(
                f"/f/{form.token}?utm_source=fb&utm_term=a@b.example",
                headers={"Referer": "https://quotes.example/roof?email=x@y.example"},
            )
        )
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
        given = filled(client, form, **{k: v for k, v in hidden.items() if k != "form_stamp"})
        send(client, form, given)
        assert last().origin == {"utm_source": "fb", "landing_url": "https://quotes.example/roof"}

    def test_no_contact_is_in_an_address(self, client, form):
        given = filled(client, form)
        target = urlsplit(send(client, form, given).location)
        assert parse_qs(target.query).keys() <= {"lang", "embed"}
        assert 'method="post"' in text_of(client.get(f"/f/{form.token}"))

    def test_a_known_person_is_thanked_like_anybody(self, client, form):
        given = filled(client, form)
        send(client, form, given)
        again = {**given, "form_stamp": filled(client, form)["form_stamp"]}
        assert send(client, form, again).status_code == 303
        assert last().outcome is PostOutcome.DUPLICATE

    def test_a_call_back_form_asks_for_the_phone_and_what_is_required(self, client, cast, terms):
        form = open_form(cast, terms, is_callback=True)
        names = {spec.name for spec in capture.fields_shown(form)}
        assert names == {"name", "phone", *ATTRIBUTES}
        page = text_of(client.get(f"/f/{form.token}?lang=es"))
        assert capture_words.WORDS["es"]["call_me"] in page
        assert send(client, form, filled(client, form, email=None)).status_code == 303

    def test_it_works_without_a_script_and_is_framed_by_named_sites_alone(self, client, form):
        plain = client.get(f"/f/{form.token}")
        framed = client.get(f"/f/{form.token}?embed=1")
        assert "<script" not in text_of(framed)
        assert "frame-ancestors 'none'" in plain.headers["Content-Security-Policy"]
        assert f"frame-ancestors {SITE}" in framed.headers["Content-Security-Policy"]
        assert "script-src" not in framed.headers["Content-Security-Policy"]

    @pytest.mark.parametrize(
        ("asked", "language"),
        [("ru", "ru"), ("ms-MY, en;q=0.5", "ms"), ("fr", "es"), (None, "es")],
    )
    def test_the_browser_chooses_the_language_and_else_the_source(
        self, client, cast, terms, asked, language
    ):
        form = open_form(cast, terms, language="es")
        headers = {"Accept-Language": asked} if asked else {}
        page = text_of(client.get(f"/f/{form.token}", headers=headers))
        assert capture_words.WORDS[language]["send"] in page

    def test_a_closed_form_is_gone(self, client, cast, form):
        capture.close_form(form_id=form.id, actor=cast.seller.actor)
        db.session.commit()
        assert client.get(f"/f/{form.token}").status_code == 404
        assert client.post(f"/f/{form.token}", data={}).status_code == 404

    def test_a_form_of_a_stopped_source_says_that_it_is_closed(self, client, terms, form):
        given = filled(client, form)
        transition(post_queries.source_of(terms), SourceStatus.STOPPED, actor=SYSTEM)
        db.session.commit()
        for answer in (
            client.get(f"/f/{form.token}?lang=ms"),
            send(client, form, given | {"lang": "ms"}),
        ):
            assert capture_words.WORDS["ms"]["closed"] in text_of(answer, 409)
        assert last_count() == 0

    def test_nobody_sends_it_without_end(self, client, form, monkeypatch):
        given = filled(client, form)
        monkeypatch.setattr(limiter, "enabled", True)
        limiter.reset()
        statuses = [send(client, form, given).status_code for _ in range(11)]
        limiter.reset()
        assert statuses == [303] * 10 + [429]

    @pytest.mark.parametrize(
        "site",
        ["quotes.example", "javascript:alert(1)", "https://a.example; script-src *", "https://*"],
    )
    def test_only_a_site_may_frame_it(self, cast, terms, site):
        with pytest.raises(Invalid):
            open_form(cast, terms, origins=[site])


def last_count() -> int:
    return db.session.scalar(select(func.count()).select_from(Post)) or 0


def test_the_words_of_forms_are_complete_in_every_language():
    for table in (capture_words.WORDS, capture_words.PROBLEMS):
        keys = {language: set(words) for language, words in table.items()}
        assert set(keys) == set(capture_words.LANGUAGES)
        assert len({frozenset(found) for found in keys.values()}) == 1
        assert all(all(words.values()) for words in table.values())
    known = {*ROW_SENTENCES, "form_expired"}
    assert set(capture_words.GROUPS) <= known
    assert set(capture_words.GROUPS.values()) <= set(capture_words.PROBLEMS["en"])


class TestSpec:
    def test_a_stranger_learns_of_nobody(self, client, cast, terms):
        person = make_person()
        post(cast.seller, terms, make_body(person))
        token = posting.share_spec(terms_id=terms.id, actor=cast.seller.actor)
        db.session.commit()
        body = json.dumps(make_body(person))
        page = text_of(client.post(f"/posting/{token}", data={"body": body}))
        assert '"status": "queued_for_check"' in page
        assert (last().since, last().is_test) == (None, True)

    @pytest.fixture
    def address(self, cast, terms) -> str:
        token = posting.share_spec(terms_id=terms.id, actor=cast.seller.actor)
        db.session.commit()
        return f"/posting/{token}"

    def test_it_is_made_from_the_schema(self, client, address):
        page = text_of(client.get(address))
        for word in ("/contact/phone", "/attributes/project", "roofing", "external_id", "curl",
                     "call_too_short", "fake_pattern", "/api/v1/leads/in/", "google", "SHA-256"):  # fmt: skip
            assert word in page

    def test_its_example_passes_and_keeps_nothing(self, client, address):
        page = text_of(client.get(address))
        body = re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.DOTALL)[1]
        answer = text_of(client.post(address, data={"body": body}))
        found = json.loads(re.search(r"<code>(\{.*?\})</code>", answer, re.DOTALL)[1])
        assert (found["status"], found["errors"], found["test"]) == ("queued_for_check", [], True)
        assert db.session.scalar(select(func.count()).select_from(Lead)) == 0
        assert last().via == "spec"

    def test_its_form_example_passes_too(self, client, cast, terms, address):
        page = text_of(client.get(address))
        flat = re.search(r"curl -X POST '([^']+)' -d '([^'{]+)'", page)[2]
        _, token = posting.make_token(
            terms_id=terms.id, name="x", settings={}, actor=cast.seller.actor
        )
        db.session.commit()
        answer = client.post(
            f"/api/v1/leads/in/{token}",
            data=flat,
            content_type="application/x-www-form-urlencoded",
        )
        assert (answer.json["status"], answer.json["test"]) == ("queued_for_check", True)

    def test_mistakes_of_a_test_are_shown(self, client, address):
        assert "short_code" in text_of(
            client.post(address, data={"body": '{"contact": {"phone": "12345", "name": "Ann"}}'})
        )
        assert "malformed" in text_of(client.post(address, data={"body": "no json"}))

    def test_a_closed_or_renewed_link_leads_nowhere(self, client, cast, terms, address):
        posting.share_spec(terms_id=terms.id, actor=cast.seller.actor)
        db.session.commit()
        assert client.get(address).status_code == 404
        newest = f"/posting/{post_queries.get_source_terms(terms.id, viewer=cast.seller.organization.id).spec_token}"
        posting.unshare_spec(terms_id=terms.id, actor=cast.seller.actor)
        db.session.commit()
        assert client.get(newest).status_code == 404

    def test_it_names_no_token_and_not_the_seller(self, client, cast, terms, address):
        posting.make_token(
            terms_id=terms.id, name="secret name", settings={}, actor=cast.seller.actor
        )
        page = text_of(client.get(address))
        assert "pst_" not in page
        assert "secret name" not in page
        assert cast.seller.organization.name not in page
