"""Verbs of sources: where a seller's leads come from, what their card says, who may use them.

An edit of a card is an event and changes no lead that was taken in before it: a file keeps what
the card stood for when it was uploaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import IO, Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from exchange.catalog.definition import VerticalDefinition
from exchange.core import clock, events, storage
from exchange.core.actors import SYSTEM, Actor
from exchange.core.crypto import new_key
from exchange.core.db import db, lock, save
from exchange.core.errors import Conflict, FieldProblem, Invalid, NotFound, UnsupportedFile
from exchange.core.ids import uuid7
from exchange.core.keys import keyring
from exchange.core.states import transition
from exchange.leads import cards, queries
from exchange.leads.models import ConsentText, Source, SourceStatus
from exchange.leads.services.batches import quarantine_source, restore_source
from exchange.leads.source_cards import (
    DEFAULT_FIELDS,
    HEAD_BYTES,
    PICTURE_BYTES_MAX,
    picture_type,
    supplied,
)
from exchange.leads.source_models import SourceConsent, SourcePicture

# What an edit may change in place; the consent text has versions, the defaults are merged.
PLAIN: Final = (
    "name", "channel", "landing_url", "ad_text", "collected_by", "starts_on", "ends_on",
)  # fmt: skip
NAME_CHARACTERS_MAX: Final = 200
Card = Mapping[str, Any]  # Any: loaded by the schema of the door, by the names above


@dataclass(frozen=True, slots=True)
class Given:
    """What a source stands for at one moment: values of empty cells, and of which wording."""

    values: dict[str, str]
    consent_version: int | None


def ensure_source(*, organization_id: UUID, name: str, actor: Actor = SYSTEM) -> Source:
    """The seller's source of this name, made when it is new.

    Raises Invalid for a name that is none, and Conflict for a source that is paused by its seller
    or stopped by the exchange.
    """
    _require_name(name, field="/source")
    row = {"id": uuid7(), "organization_id": organization_id, "name": name.strip()}
    row |= {"landing_url": "", "status": SourceStatus.ACTIVE, "created_at": clock.now()}
    made = db.session.scalar(
        insert(Source).on_conflict_do_nothing().values(row).returning(Source.id)
    )
    source = queries.get_source_by_name(name.strip(), viewer=organization_id)
    if made is not None:
        events.record("source.created", subject=source, actor=actor, name=source.name)
    require_open(source)
    return source


def require_open(source: Source) -> None:
    """Raise Conflict where a source takes no leads: paused by its seller or stopped by us."""
    if source.status is SourceStatus.PAUSED:
        raise Conflict("This source is paused. Resume it first.", code="source_paused")
    if source.status is SourceStatus.STOPPED:
        text = "The exchange has stopped this source. It takes no more leads."
        raise Conflict(text, code="source_stopped")


def hold_open(source_id: UUID) -> None:
    """Keep the source from being stopped until this unit of work ends. Raises Conflict.

    Whoever stops it waits for this lead and takes it off sale, or has stopped it and is seen here.
    Leads of one source do not wait for each other.
    """
    held = select(Source).where(Source.id == source_id).with_for_update(read=True, key_share=True)
    require_open(db.session.scalars(held.execution_options(populate_existing=True)).one())


def given_by(source: Source, definition: VerticalDefinition) -> Given:
    """What the source supplies to a file of this vertical that is uploaded now."""
    wording = cards.current_wording(source.id)
    values = supplied(
        channel=source.channel,
        landing_url=source.landing_url,
        consent_text=wording.text if wording else "",
        defaults=source.defaults,
        fields=definition.fields,
        context=definition.context(),
    )
    used = wording is not None and "consent_text" in values
    return Given(values, wording.version if wording and used else None)


def create_source(*, organization_id: UUID, card: Card, actor: Actor) -> Source:
    """Write the card of a new source. Raises Invalid, and Conflict for a name that is taken."""
    name = str(card.get("name", "")).strip()
    row = {"id": uuid7(), "organization_id": organization_id, "name": name, "landing_url": ""}
    row |= {"status": SourceStatus.ACTIVE, "created_at": clock.now()}
    _check(card)
    made = db.session.scalar(
        insert(Source).on_conflict_do_nothing().values(row).returning(Source.id)
    )
    if made is None:
        raise _taken()
    source = lock(Source, made)
    _write(source, card)
    events.record("source.created", subject=source, actor=actor, name=source.name)
    return source


def edit_source(*, source_id: UUID, card: Card, actor: Actor) -> Source:
    """Change what the card says from now on; what is not named stays. Raises as `create_source`."""
    source = _own(source_id, actor)
    wanted = {**{name: getattr(source, name) for name in PLAIN}, **card}
    _check(wanted)
    if wanted["name"].strip() != source.name and _is_taken(source, wanted["name"].strip()):
        raise _taken()
    before = {name: getattr(source, name) for name in (*PLAIN, "defaults")}
    version = _write(source, card)
    was = {name: _plain(old) for name, old in before.items() if old != getattr(source, name)}
    if was or version:
        events.record(
            "source.changed", subject=source, actor=actor, was=was, consent_version=version
        )
    return source


def set_picture(*, source_id: UUID, stream: IO[bytes], actor: Actor) -> SourcePicture:
    """Keep a picture of what people saw, encrypted; earlier ones stay as evidence.

    Raises UnsupportedFile for what is no PNG, JPEG or WebP by its first bytes, and TooLarge.
    """
    source = _own(source_id, actor)
    kind = picture_type(stream.read(HEAD_BYTES))
    if kind is None:
        raise UnsupportedFile("The picture must be a PNG, JPEG or WebP file.")
    stream.seek(0)
    secret, picture_id = new_key(), uuid7()
    wrapped = keyring().wrap(secret, bound_to=picture_id.bytes)
    picture = SourcePicture(
        id=picture_id,
        source_id=source.id,
        content_type=kind,
        key_version=wrapped.version,
        wrapped_key=wrapped.wrapped,
    )
    kept = storage.put(picture.public_id, stream, secret=secret, bytes_max=PICTURE_BYTES_MAX)
    picture.size, picture.sha256 = kept.size, kept.sha256
    save(picture)
    events.record("source.changed", subject=source, actor=actor, picture=picture.public_id)
    return picture


def pause_source(*, source_id: UUID, actor: Actor) -> Source:
    """Take no new leads of the source; what is on sale stays on sale."""
    source = _own(source_id, actor)
    transition(source, SourceStatus.PAUSED, actor=actor)
    return source


def resume_source(*, source_id: UUID, actor: Actor) -> Source:
    """Take leads of a paused source again. One that the exchange stopped is not the seller's."""
    source = _own(source_id, actor)
    if source.status is SourceStatus.STOPPED:
        require_open(source)
    transition(source, SourceStatus.ACTIVE, actor=actor)
    return source


def stop_source(
    *, source_id: UUID, reason: str, keep_on_sale: bool = False, actor: Actor
) -> Source:
    """The exchange takes no more leads of a source, and none of it is sold any more.

    With `keep_on_sale` what is on sale stays there: the fault lies in leads still to come. Lots
    that are decided while the source is stopped never go on sale.
    """
    source = lock(Source, source_id)
    source.status_reason = _reason(reason)
    transition(
        source,
        SourceStatus.STOPPED,
        actor=actor,
        reason=source.status_reason,
        keep_on_sale=keep_on_sale,
    )
    if not keep_on_sale:
        quarantine_source(source, actor=actor)
    return source


def reopen_source(*, source_id: UUID, reason: str, actor: Actor) -> Source:
    """The exchange takes leads of a stopped source again; what was stopped with it is sold again.

    Leads that were found bad or returned meanwhile stay off sale.
    """
    source = lock(Source, source_id)
    source.status_reason = _reason(reason)
    if source.status is not SourceStatus.STOPPED:
        raise Conflict("Only a stopped source can be reopened.")
    restore_source(source, actor=actor)  # first: whoever hears of the source looks at its leads
    transition(source, SourceStatus.ACTIVE, actor=actor, reason=source.status_reason)
    return source


def _own(source_id: UUID, actor: Actor) -> Source:
    source = lock(Source, source_id)
    if source.organization_id != actor.organization_id:
        raise NotFound
    return source


def _reason(reason: str) -> str:
    if not reason.strip():
        text = "Say why: the seller reads it."
        raise Invalid(errors=(FieldProblem("/reason", "required", text),))
    return reason.strip()


def _require_name(name: str, *, field: str = "/name") -> None:
    if not 1 <= len(name.strip()) <= NAME_CHARACTERS_MAX:
        text = f"Give the source a name of at most {NAME_CHARACTERS_MAX} characters."
        raise Invalid(errors=(FieldProblem(field, "required", text),))


def _check(card: Card) -> None:
    _require_name(str(card.get("name", "")))
    problems = []
    for field, url in (
        ("landing_url", card.get("landing_url")),
        ("default_consent_url", card.get("defaults", {}).get("consent_url")),
    ):
        if url and not _is_page(url):
            text = "Type the whole address of a page, such as https://example.com/form."
            problems.append(FieldProblem(f"/{field}", "url_invalid", text))
    starts_on, ends_on = card.get("starts_on"), card.get("ends_on")
    if starts_on and ends_on and ends_on < starts_on:
        text = "The last day lies before the first one."
        problems.append(FieldProblem("/ends_on", "too_small", text))
    if problems:
        raise Invalid(errors=tuple(problems))


def _is_page(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
        )
    except ValueError:
        return False


def _write(source: Source, card: Card) -> int | None:
    """Write what the card names; returns the number of a new wording."""
    for name in PLAIN:
        if name in card:
            setattr(source, name, card[name])
    source.name = source.name.strip()
    merged = {**(source.defaults or {}), **card.get("defaults", {})}
    source.defaults = {k: v for k, v in merged.items() if v and k in DEFAULT_FIELDS}
    db.session.flush()
    text = str(card.get("consent_text") or "").strip()
    return _reword(source, text) if text else None


def _reword(source: Source, text: str) -> int | None:
    """A new version where the wording differs from the one in force."""
    current = cards.current_wording(source.id)
    if current is not None and current.text == text:
        return None
    version = current.version + 1 if current else 1
    text_id = _text_id(source.organization_id, text)
    now = clock.after_lock()
    row = SourceConsent(source_id=source.id, version=version, text_id=text_id, since=now)
    db.session.add(row)
    db.session.flush()
    return version


def _text_id(organization_id: UUID, text: str) -> UUID:
    """The wording as it is kept, once per seller."""
    digest = sha256(text.encode()).digest()
    row = {"id": uuid7(), "organization_id": organization_id, "sha256": digest, "text": text}
    db.session.execute(insert(ConsentText).on_conflict_do_nothing().values(row))
    held = select(ConsentText.id).where(
        ConsentText.organization_id == organization_id, ConsentText.sha256 == digest
    )
    return db.session.scalars(held).one()


def _is_taken(source: Source, name: str) -> bool:
    same = select(Source.id).where(
        Source.organization_id == source.organization_id, Source.name == name
    )
    return db.session.scalar(same) not in {None, source.id}


def _taken() -> Conflict:
    problem = FieldProblem("/name", "source_exists", "You have a source of this name already.")
    return Conflict(problem.detail, code="source_exists", errors=(problem,))


def _plain(value: Any) -> Any:  # Any: a column of the card as JSON
    return value.isoformat() if isinstance(value, date) else value
