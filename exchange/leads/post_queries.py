"""Questions about leads that come one by one: terms, doors, posts and lots that grow."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, delete, func, select

from exchange.catalog.models import Vertical
from exchange.core.db import db, get
from exchange.core.errors import NotFound
from exchange.core.events import Event
from exchange.core.ids import decode
from exchange.core.invariants import invariant
from exchange.core.pagination import Page, paginate
from exchange.core.passwords import token_hash
from exchange.leads.models import (
    UNDER_WAY,
    Batch,
    BatchStatus,
    ConsentText,
    Fingerprint,
    Lead,
    ProblemRow,
    Source,
)
from exchange.leads.people import any_of
from exchange.leads.post_models import CaptureForm, Post, PostingToken, SourceTerms

DECIDED: Final = (BatchStatus.ACCEPTED, BatchStatus.REJECTED, BatchStatus.UNDECIDED)
# Asked for every ping and post, so it is put together once.
NAMED: Final = (
    select(SourceTerms, Source, Vertical)
    .join(Source, Source.id == SourceTerms.source_id)
    .join(Vertical, Vertical.id == SourceTerms.vertical_id)
    .where(
        Source.organization_id == bindparam("viewer"),
        (Source.name == bindparam("name")) | (Source.id == bindparam("source_id")),
        Vertical.code == bindparam("vertical"),
        SourceTerms.contract_id.is_not_distinct_from(bindparam("contract_id")),
    )
    .order_by((Source.name == bindparam("name")).desc())
    .limit(1)
)


def get_source_terms(terms_id: UUID, *, viewer: UUID) -> SourceTerms:
    """A seller's own standing terms. Raises NotFound."""
    terms = get(SourceTerms, terms_id)
    if terms.organization_id != viewer:
        raise NotFound
    return terms


def all_terms(*, viewer: UUID) -> Sequence[SourceTerms]:
    """A seller's standing terms, the newest first."""
    statement = select(SourceTerms).where(SourceTerms.organization_id == viewer)
    return db.session.scalars(statement.order_by(SourceTerms.id.desc())).all()


def find_terms(
    *, source_id: UUID, vertical_id: UUID, contract_id: UUID | None = None
) -> SourceTerms | None:
    """The standing terms of a source in a vertical, where its seller has set them.

    With a contract, those of the leads that are for it alone.
    """
    return db.session.scalar(
        select(SourceTerms).where(
            SourceTerms.source_id == source_id,
            SourceTerms.vertical_id == vertical_id,
            SourceTerms.contract_id.is_not_distinct_from(contract_id),
        )
    )


def all_terms_of_source(*, source_id: UUID, vertical_id: UUID) -> Sequence[SourceTerms]:
    """Every standing terms of a source in a vertical: those for everybody, and each contract's."""
    statement = select(SourceTerms).where(
        SourceTerms.source_id == source_id, SourceTerms.vertical_id == vertical_id
    )
    return db.session.scalars(statement.order_by(SourceTerms.id)).all()


def terms_of_contract(contract_id: UUID, *, source_id: UUID | None = None) -> Sequence[SourceTerms]:
    """On what terms leads are posted for a contract, one for each source that joined."""
    statement = select(SourceTerms).where(SourceTerms.contract_id == contract_id)
    if source_id is not None:
        statement = statement.where(SourceTerms.source_id == source_id)
    return db.session.scalars(statement.order_by(SourceTerms.id)).all()


def find_source(name: str, *, viewer: UUID) -> Source | None:
    """A seller's source by name or public id, where there is one."""
    is_named = Source.name == name
    found = select(Source).where(
        Source.organization_id == viewer, is_named | (Source.id == decode(Source.PREFIX, name))
    )
    return db.session.scalar(found.order_by(is_named.desc()).limit(1))


@dataclass(frozen=True, slots=True)
class Named:
    """The terms that a body names, with the rows that are asked for as long as it is worked on."""

    terms: SourceTerms
    source: Source
    vertical: Vertical


def find_named(
    *, source: str, vertical: str, contract_id: UUID | None, viewer: UUID
) -> Named | None:
    """The standing terms of a seller's source, by name or public id, in the vertical of a code.

    Those for everybody, or those for one contract.
    """
    asked = {
        "viewer": viewer,
        "name": source,
        "source_id": decode(Source.PREFIX, source),
        "vertical": vertical,
        "contract_id": contract_id,
    }
    row = db.session.execute(NAMED, asked).first()
    return None if row is None else Named(*row)


def source_of(terms: SourceTerms) -> Source:
    """The source that the terms are about."""
    return get(Source, terms.source_id)


def find_terms_of_spec(token: str) -> SourceTerms | None:
    """The terms whose posting spec is shared under this address."""
    return db.session.scalar(select(SourceTerms).where(SourceTerms.spec_token == token))


def find_token(token: str) -> PostingToken | None:
    """The posting token, unless it was revoked."""
    return db.session.scalar(
        select(PostingToken).where(
            PostingToken.token_hash == token_hash(token), PostingToken.revoked_at.is_(None)
        )
    )


def tokens(terms_id: UUID) -> Sequence[PostingToken]:
    """The posting tokens that work."""
    mine = (PostingToken.terms_id == terms_id, PostingToken.revoked_at.is_(None))
    return db.session.scalars(select(PostingToken).where(*mine).order_by(PostingToken.id)).all()


def count_tests(terms_id: UUID, *, since: datetime) -> int:
    """How many tests were posted on these terms since then."""
    tests = (Post.terms_id == terms_id, Post.is_test, Post.created_at >= since)
    return db.session.scalar(select(func.count()).select_from(Post).where(*tests)) or 0


def find_form(token: str) -> CaptureForm | None:
    """The hosted form at this address, unless it was closed."""
    return db.session.scalar(
        select(CaptureForm).where(CaptureForm.token == token, CaptureForm.revoked_at.is_(None))
    )


def forms(terms_id: UUID) -> Sequence[CaptureForm]:
    """The hosted forms that are open."""
    mine = (CaptureForm.terms_id == terms_id, CaptureForm.revoked_at.is_(None))
    return db.session.scalars(select(CaptureForm).where(*mine).order_by(CaptureForm.id)).all()


def wording_of(form: CaptureForm) -> str:
    """What people who see the form now agree to."""
    return get(ConsentText, form.consent_text_id).text


def find_post(source_id: UUID, external_id: str) -> Post | None:
    """The post that brought this name of the seller's before; tests are not remembered."""
    return db.session.scalar(
        select(Post).where(
            Post.source_id == source_id, Post.external_id == external_id, Post.is_test.is_(False)
        )
    )


def posts(terms_id: UUID, *, cursor: str | None = None, limit: int = 25) -> Page[Post]:
    """The last posts on these terms, newest first."""
    mine = select(Post).where(Post.terms_id == terms_id)
    return paginate(mine, Post, cursor=cursor, limit=limit)


def post_counts(terms_id: UUID) -> dict[str, int]:
    """How many posts ended how; tests are not counted."""
    rows = db.session.execute(
        select(Post.outcome, func.count())
        .where(Post.terms_id == terms_id, Post.is_test.is_(False))
        .group_by(Post.outcome)
    )
    return {str(row[0]): row[1] for row in rows}


def known_since(
    vertical_id: UUID, hashes: Collection[bytes], *, now: datetime
) -> tuple[datetime, UUID, UUID | None] | None:
    """Since when somebody is in the vertical, through which lead, and whose; None for new people.

    Whose it is decides what follows and is never said.
    """
    row = db.session.execute(
        select(Fingerprint.since, Fingerprint.lead_id, Lead.organization_id)
        .outerjoin(Lead, Lead.id == Fingerprint.lead_id)
        .where(
            Fingerprint.vertical_id == vertical_id,
            Fingerprint.hash.in_(any_of(hashes)),
            Fingerprint.until >= now,
        )
        .order_by(Fingerprint.since)
        .limit(1)
    ).first()
    return None if row is None else (row[0], row[1], row[2])


def take_back_problem(batch_id: UUID, *, row: int) -> datetime | None:
    """Remove the row of a lot that became no lead; since when its person was known.

    A lot that grows counts its leads; what else was posted is told by the posts.
    """
    return db.session.scalar(
        delete(ProblemRow)
        .where(ProblemRow.batch_id == batch_id, ProblemRow.row_number == row)
        .returning(ProblemRow.since)
    )


def find_open_lot(terms: SourceTerms) -> UUID | None:
    """The lot of a source that takes leads now."""
    return db.session.scalar(
        select(Batch.id).where(
            Batch.source_id == terms.source_id,
            Batch.vertical_id == terms.vertical_id,
            Batch.contract_id.is_not_distinct_from(terms.contract_id),
            Batch.status == BatchStatus.OPEN,
        )
    )


def lots_to_seal(now: datetime, *, limit: int) -> Sequence[UUID]:
    """Lots whose time is over."""
    due = (Batch.status == BatchStatus.OPEN, Batch.seals_at <= now)
    return db.session.scalars(
        select(Batch.id).where(*due).order_by(Batch.seals_at).limit(limit)
    ).all()


def rolling_lots_under_way(*, source_id: UUID, vertical_id: UUID | None = None) -> Sequence[Batch]:
    """Lots of a source that came one by one and are not decided."""
    statement = select(Batch).where(
        Batch.source_id == source_id, Batch.opened_at.is_not(None), Batch.status.in_(UNDER_WAY)
    )
    if vertical_id is not None:
        statement = statement.where(Batch.vertical_id == vertical_id)
    return db.session.scalars(statement.order_by(Batch.id)).all()


def last_accepted_lot(*, source_id: UUID, vertical_id: UUID) -> Batch | None:
    """The source's last decided lot, where people of it were called and it was found good.

    A lot that could not be judged, or promises nothing, says nothing of its source.
    """
    last = db.session.scalar(
        select(Batch)
        .where(
            Batch.source_id == source_id,
            Batch.vertical_id == vertical_id,
            Batch.status.in_(DECIDED),
            Batch.decided_at.is_not(None),
        )
        .order_by(Batch.decided_at.desc())
        .limit(1)
    )
    if last is None or last.status is not BatchStatus.ACCEPTED:
        return None
    accepted = db.session.scalar(
        select(Event)
        .where(
            Event.subject_kind == Batch.KIND,
            Event.subject_id == last.id,
            Event.type == "batch.accepted",
        )
        .order_by(Event.occurred_at.desc())
        .limit(1)
    )
    is_earned = accepted is not None and tells_of_quality(last, before=accepted.facts["before"])
    return last if is_earned else None


def tells_of_quality(batch: Batch, *, before: str) -> bool:
    """Whether an acceptance was earned by calls: not by waiver, not after an undecided check."""
    return before != BatchStatus.UNDECIDED and str(batch.quality_class) != "unverified"


@invariant("leads.rolling_lots")
def rolling_lots_with_wrong_shape() -> list[str]:
    """A lot that grows has no file, refuses no rows and knows when it seals."""
    wrong = db.session.scalars(
        select(Batch.id).where(
            Batch.opened_at.is_not(None),
            (Batch.import_id.is_not(None))
            | (Batch.seals_at.is_(None))
            | (Batch.rows_done != Batch.valid + Batch.in_review),
        )
    )
    unopened = db.session.scalars(
        select(Batch.id).where(Batch.status == BatchStatus.OPEN, Batch.opened_at.is_(None))
    )
    return [f"rolling batch {batch_id} is no lot that grew" for batch_id in (*wrong, *unopened)]


@invariant("leads.posts")
def posts_at_odds_with_their_leads() -> list[str]:
    """A post that was kept has a lead of its own source, and no other has one."""
    kept = Post.outcome.in_(("accepted", "queued_for_check")) & Post.is_test.is_(False)
    wrong = db.session.scalars(
        select(Post.id)
        .outerjoin(Lead, Lead.id == Post.lead_id)
        .where(
            (kept & Lead.id.is_(None))
            | (~kept & Post.lead_id.is_not(None))
            | (Lead.source_id != Post.source_id)
        )
    )
    return [f"post {post_id} does not fit its lead" for post_id in wrong]
