"""Verbs of hosted forms: a source's own lead form, shown by us and answered like a post.

What a person agrees to is the wording that this person was shown: the stamp of the form names it,
and it is stored with the lead to the letter.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from exchange.catalog import queries as catalog
from exchange.catalog.fields import FieldSpec, FieldType, LeadFields
from exchange.catalog.schemas import LANGUAGES
from exchange.core import clock, events
from exchange.core.actors import Actor
from exchange.core.db import db, get, lock, save
from exchange.core.errors import FieldProblem, Invalid, NotFound
from exchange.core.ids import uuid7
from exchange.core.money import Currency
from exchange.core.passwords import new_token
from exchange.identity.models import Organization
from exchange.leads import post_queries, queries
from exchange.leads.models import ConsentText
from exchange.leads.post_models import CaptureForm, PostOutcome, SourceTerms
from exchange.leads.services import posts
from exchange.leads.stamps import Stamp, make_stamp, read_stamp

VIA = "form"
WORDING_CHARACTERS = (20, 3_500)  # room for the sentence about our call
ORIGINS_MAX = 20
SITE = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[1-9]\d{0,4})?")
TOKEN_CHARACTERS = 22


@dataclass(frozen=True, slots=True)
class Sent:
    """What a visitor's browser sent."""

    values: Mapping[str, str] = field(repr=False)  # by field
    stamp: str
    agreed: bool
    check_agreed: bool
    check_wording: str  # the sentence beside the second box, as it was shown
    trap: str = ""  # a field that people do not see
    origin: Mapping[str, str] = field(default_factory=dict)
    page_url: str = ""
    ip: str = field(default="", repr=False)
    user_agent: str = field(default="", repr=False)


def open_form(
    *,
    terms_id: UUID,
    title: str,
    language: str,
    is_callback: bool,
    consent_text: str,
    origins: Sequence[str],
    actor: Actor,
) -> CaptureForm:
    """Host a form for a source. Raises NotFound and Invalid."""
    terms = get(SourceTerms, terms_id)
    if terms.organization_id != actor.organization_id:
        raise NotFound
    form = CaptureForm(
        organization_id=terms.organization_id,
        terms_id=terms.id,
        token=new_token()[:TOKEN_CHARACTERS],
        title=title.strip(),
        language=_language(language),
        is_callback=is_callback,
        consent_text_id=_wording(terms.organization_id, consent_text),
        origins=_origins(origins),
    )
    events.record("capture_form.opened", subject=save(form), actor=actor)
    return form


def reword(*, form_id: UUID, consent_text: str, actor: Actor) -> CaptureForm:
    """Show another wording from now on; whoever has the former one open agrees to that one."""
    form = _own(form_id, actor)
    form.consent_text_id = _wording(form.organization_id, consent_text)
    events.record("capture_form.reworded", subject=form, actor=actor)
    return form


def close_form(*, form_id: UUID, actor: Actor) -> None:
    """Take a form off the net; doing it twice is fine."""
    form = _own(form_id, actor)
    form.revoked_at = form.revoked_at or clock.now()
    events.record("capture_form.closed", subject=form, actor=actor)


def fields_shown(form: CaptureForm) -> list[FieldSpec]:
    """What the form asks for: all that describes the person and the wish, or the least of it."""
    terms = get(SourceTerms, form.terms_id)
    vertical = queries.vertical_of(terms.vertical_id)
    fields: LeadFields = catalog.get_definition(vertical).fields
    return [
        spec
        for spec in fields.specs
        if not spec.is_record_field
        and (not form.is_callback or spec.required or spec.type is FieldType.PHONE)
    ]


def currency_of(form: CaptureForm) -> Currency:
    """In what amounts are asked for."""
    return queries.vertical_of(get(SourceTerms, form.terms_id).vertical_id).currency


def takes_leads(form: CaptureForm) -> bool:
    """Whether what visitors send would be taken: the source runs and its seller may trade."""
    terms = get(SourceTerms, form.terms_id)
    is_open = post_queries.source_of(terms).takes_leads and not terms.closed_reason
    return is_open and get(Organization, form.organization_id).is_approved


def stamp_of(form: CaptureForm) -> str:
    """The stamp for a form that is shown now."""
    return make_stamp(form_id=form.id, text_id=form.consent_text_id, now=clock.now())


def submit(*, form_id: UUID, sent: Sent) -> posts.Answer | None:
    """Post what a visitor filled in; None where a program did.

    Raises Invalid with an error for each field that must be corrected, the consent among them,
    and Invalid `form_expired` where the form was open too long.
    """
    form = get(CaptureForm, form_id)
    stamp = read_stamp(sent.stamp, form_id=form.id, now=clock.now())
    if stamp is None:
        detail = "The form was open for too long. Please send it again."
        raise Invalid(detail, code="form_expired")
    if sent.trap:
        posts.note_refusal(
            terms_id=form.terms_id,
            incoming=_incoming(sent, {}, stamp=stamp),
            reason="not_by_a_person",
        )
        return None
    if not sent.agreed:
        problem = FieldProblem("/agreed", "consent_missing", "Please agree to be contacted.")
        raise Invalid(errors=(problem,))
    answer = _post(form, sent, stamp=stamp)
    if answer.post.outcome is PostOutcome.REJECTED:
        raise Invalid(errors=answer.errors)
    return answer


def _post(form: CaptureForm, sent: Sent, *, stamp: Stamp) -> posts.Answer:
    shown = {spec.name for spec in fields_shown(form)}
    wording = get(ConsentText, stamp.text_id).text  # signed by us: a wording of this form
    body = {
        **{name: text for name, text in sent.values.items() if name in shown},
        **sent.origin,
        "consent_text": f"{wording} {sent.check_wording}" if sent.check_agreed else wording,
        "consent_at": clock.now().isoformat(),
        "consent_url": sent.page_url,
        "consent_quality_check": "yes" if sent.check_agreed else "no",
    }
    return posts.post_lead(
        terms_id=form.terms_id,
        incoming=_incoming(sent, body, stamp=stamp),
        actor=Actor("visitor", form.id, form.organization_id),
    )


def _incoming(sent: Sent, body: Mapping[str, str], *, stamp: Stamp) -> posts.Incoming:
    return posts.Incoming(
        sent=body,
        via=VIA,
        raw=stamp.nonce.encode(),  # the same form sent twice is one post
        external_id=f"form-{stamp.nonce}",
        form_seconds=stamp.seconds_until(clock.now()),
        ip=sent.ip,
        user_agent=sent.user_agent,
    )


def _own(form_id: UUID, actor: Actor) -> CaptureForm:
    form = lock(CaptureForm, form_id)
    if form.organization_id != actor.organization_id:
        raise NotFound
    return form


def _language(language: str) -> str:
    if language not in LANGUAGES:
        text = f"The languages are {', '.join(LANGUAGES)}."
        raise Invalid(errors=(FieldProblem("/language", "value_not_allowed", text),))
    return language


def _wording(organization_id: UUID, text: str) -> UUID:
    """The wording, kept once, so that a lead names exactly what was shown. Raises Invalid."""
    text = unicodedata.normalize("NFC", " ".join(text.split()))
    low, high = WORDING_CHARACTERS
    if not low <= len(text) <= high:
        detail = f"A wording has {low} to {high} characters."
        raise Invalid(errors=(FieldProblem("/consent_text", "too_short", detail),))
    digest = sha256(text.encode()).digest()
    row = {"id": uuid7(), "organization_id": organization_id, "sha256": digest, "text": text}
    db.session.execute(insert(ConsentText).on_conflict_do_nothing().values(row))
    found = db.session.scalar(
        select(ConsentText.id).where(
            ConsentText.organization_id == organization_id, ConsentText.sha256 == digest
        )
    )
    assert found is not None
    return found


def _origins(said: Sequence[str]) -> list[str]:
    """Sites that may show the form in a frame, as a header names them. Raises Invalid."""
    found = {_origin(text.strip()) for text in said}
    if None in found:
        detail = "Name sites like https://www.example.com, one in each line."
        raise Invalid(errors=(FieldProblem("/origins", "url_invalid", detail),))
    return sorted(site for site in found if site)[:ORIGINS_MAX]


def _origin(text: str) -> str | None:
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except ValueError:
        return None
    site = host if port is None else f"{host}:{port}"
    # Only what is in our own alphabet may stand in a header beside other words of the policy.
    is_site = parts.scheme in {"http", "https"} and SITE.fullmatch(site) and "@" not in parts.netloc
    return f"{parts.scheme}://{site}" if is_site else None
