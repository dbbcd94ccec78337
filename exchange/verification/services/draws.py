"""Verbs of the draw: commit to a secret, take in the upload, publish the root, reveal the seed.

The order of these steps is what makes the draw fair (decision 50): each is a verb of its own with
an event, and none can be taken before the one it follows.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from exchange.catalog.policies import QualityClass
from exchange.core import clock, events
from exchange.core.actors import Actor
from exchange.core.crypto import WrappedKey, new_key
from exchange.core.db import db, get, lock, save
from exchange.core.errors import Conflict, FieldProblem, Forbidden, Invalid, NotFound
from exchange.core.ids import uuid7
from exchange.core.jobs import enqueue
from exchange.core.keys import keyring
from exchange.core.states import transition
from exchange.leads import queries as leads
from exchange.leads.models import Batch, BatchStatus
from exchange.leads.services import batches
from exchange.verification import queries
from exchange.verification.draw import FirstDrawn, commitment, first, first_of_each
from exchange.verification.draw import seed as make_seed
from exchange.verification.models import Draw, DrawStatus, Sample
from exchange.verification.plans import plan_for
from exchange.verification.services import lot_sources, samples
from exchange.verification.sources import checks_of

NONCE_TIME: Final = timedelta(minutes=10)
NONCE_LENGTH_MAX: Final = 200  # characters
NONCE_GIVERS: Final = frozenset({"seller", "witness"})
DRAWN_AT_ONCE: Final = 50_000  # leads; a larger lot is drawn by a job, no request takes so long
TRIES: Final = 3


def commit_next(*, organization_id: UUID, actor: Actor) -> Draw:
    """Publish the hash of a new secret for the seller's next upload; the open one if there is."""
    found = queries.open_commitment(organization_id)
    if found is not None:
        return found
    draw_id, secret = uuid7(), new_key()
    wrapped = keyring().wrap(secret, bound_to=draw_id.bytes)
    draw = Draw(
        id=draw_id,
        created_at=clock.now(),
        organization_id=organization_id,
        commitment=commitment(secret),
        secret_key_version=wrapped.version,
        secret_wrapped=wrapped.wrapped,
    )
    try:
        with db.session.begin_nested():
            save(draw)
    except IntegrityError:  # another upload of the same seller committed first
        return _published(organization_id)
    events.record("draw.committed", subject=draw, actor=actor, commitment=draw.commitment.hex())
    return draw


def assign(
    *,
    import_id: UUID | None,
    organization_id: UUID,
    batch_id: UUID | None = None,
    actor: Actor,
) -> Draw:
    """Take the seller's open commitment for an upload, and publish the one after it.

    Called before the file is read, or before the first lead of a lot that came one by one, so that
    the secret cannot depend on what is in it.
    """
    draw = _take_open(organization_id, actor=actor)
    draw.import_id, draw.batch_id = import_id, batch_id
    draw.assigned_at = clock.now()
    transition(draw, DrawStatus.ASSIGNED, actor=actor, commitment=draw.commitment.hex())
    commit_next(organization_id=organization_id, actor=actor)
    return draw


def root(*, batch_id: UUID, actor: Actor) -> Draw:
    """Publish the root of a sealed batch and which lead is of which source, as a hash.

    From now on the nonce may be given, and neither can be changed after it.

    Leads that came without a file were never assigned a draw: their batch takes the commitment
    that stood open when it was sealed.
    """
    batch = get(Batch, batch_id)
    assigned = queries.get_draw_of(batch)
    if assigned is None:
        assigned = assign(import_id=None, organization_id=batch.organization_id, actor=actor)
    draw = lock(Draw, assigned.id)
    assert batch.merkle_root is not None
    draw.batch_id = batch.id
    draw.rooted_at = clock.now()
    draw.nonce_until = draw.rooted_at + NONCE_TIME
    is_checked = batch.quality_class is not QualityClass.UNVERIFIED
    transition(
        draw,
        DrawStatus.ROOTED,
        actor=actor,
        root=batch.merkle_root.hex(),
        source_map=lot_sources.fix(batch) if is_checked else None,
    )
    return draw


def give_nonce(*, batch_id: UUID, nonce: str, by: str, actor: Actor) -> Draw:
    """Add the text that nobody could foresee, and draw at once.

    `by` is the seller, who may also leave it empty, or a witness, who is anybody else. Raises
    NotFound where nothing awaits a nonce, Conflict when it came late or second, Invalid.
    """
    batch, draw = get(Batch, batch_id), _rooted(batch_id)
    _require_giver(batch, by=by, actor=actor)
    if len(nonce) > NONCE_LENGTH_MAX or not nonce.isprintable():
        text = f"A nonce is one line of at most {NONCE_LENGTH_MAX} characters."
        raise Invalid(errors=(FieldProblem("/nonce", "value_not_allowed", text),))
    if draw.nonce is not None or not _is_awaited(draw, batch):
        raise Conflict("This batch awaits no nonce any more.", code="nonce_given")
    assert draw.nonce_until is not None
    if clock.after_lock() >= draw.nonce_until:
        raise Conflict("The ten minutes for a nonce are over.", code="nonce_late")
    draw.nonce, draw.nonce_by = nonce, by
    events.record("draw.nonce_given", subject=draw, actor=actor, by=by, nonce=nonce)
    if (batch.population or 0) <= DRAWN_AT_ONCE:
        make_draw(batch_id=batch.id, actor=actor)
    else:
        enqueue("verification.draw", batch.id)
    return draw


def make_draw(*, batch_id: UUID, actor: Actor) -> Sample | None:
    """Reveal the secret, make the seed and open the sample; a second time changes nothing.

    Without a nonce it waits for the end of the ten minutes: raises Conflict `nonce_awaited`. A lot
    below its plan's last look gets the exact single plan of its class, so none is too small.
    """
    draw, batch = _rooted(batch_id), get(Batch, batch_id)
    if not _is_awaited(draw, batch):
        return queries.find_sample(batch_id)
    if draw.nonce is None:
        _close_nonce(draw)
    assert batch.population is not None
    plan = plan_for(batch.population, batch.quality_class.value)
    drawn = _first_drawn(batch, seed=_reveal(draw, batch, actor=actor), n=plan.looks[-1])
    batches.start_sampling(batch_id=batch.id, actor=actor)
    return samples.open_sample(
        batch_id=batch.id, draw_id=draw.id, plan=plan, drawn=drawn, actor=actor
    )


def waive(*, batch_id: UUID, actor: Actor) -> None:
    """Let a lot of the class Unverified go on sale without a sample.

    Decision 5 promises nothing about it, so there is nothing to call people for: it is accepted as
    what it is, under its own label. Its root is published like any other.
    """
    batch = get(Batch, batch_id)
    assert batch.quality_class is QualityClass.UNVERIFIED
    batches.start_sampling(batch_id=batch.id, actor=actor)
    batches.decide_batch(batch_id=batch.id, decision=BatchStatus.ACCEPTED, actor=actor)


def _first_drawn(batch: Batch, *, seed: bytes, n: int) -> FirstDrawn:
    """Whom the plan and the sources can need, in one pass over the leaves that keeps no other."""
    leaves, numbers = leads.leaves(batch.id), queries.source_map(batch.id)
    if numbers is None:
        return FirstDrawn(first(seed, leaves, n=n), {})
    sources = queries.lot_sources(batch.id)
    wanted = {source.number: checks_of(source.population) for source in sources}
    return first_of_each(seed, leaves, sources=numbers, n=n, wanted=wanted)


def _take_open(organization_id: UUID, *, actor: Actor) -> Draw:
    for _ in range(TRIES):
        draw = lock(Draw, commit_next(organization_id=organization_id, actor=actor).id)
        if draw.status is DrawStatus.COMMITTED:
            return draw
    raise Conflict("Several of your uploads began at once. Please try again.", retry_after=1)


def _published(organization_id: UUID) -> Draw:
    found = queries.open_commitment(organization_id)
    if found is None:
        raise Conflict("Several of your uploads began at once. Please try again.", retry_after=1)
    return found


def _rooted(batch_id: UUID) -> Draw:
    found = queries.get_draw(batch_id)
    if found is None:
        raise NotFound("This batch awaits no nonce.")
    return lock(Draw, found.id)


def _is_awaited(draw: Draw, batch: Batch) -> bool:
    """Whether the lot is to be drawn: not yet, and not waived."""
    return draw.status is DrawStatus.ROOTED and batch.status is BatchStatus.SEALED


def _require_giver(batch: Batch, *, by: str, actor: Actor) -> None:
    if by not in NONCE_GIVERS:
        text = "A nonce is given by the seller or by a witness."
        raise Invalid(errors=(FieldProblem("/by", "value_not_allowed", text),))
    is_own = batch.organization_id == actor.organization_id
    if by == "seller" and not is_own:
        raise NotFound("This batch awaits no nonce.")
    if by == "witness" and is_own:
        raise Forbidden("A witness is not the seller.", code="witness_is_seller")


def _close_nonce(draw: Draw) -> None:
    assert draw.nonce_until is not None
    if clock.after_lock() < draw.nonce_until:
        raise Conflict("The seller may still give a nonce.", code="nonce_awaited")
    # The empty text, and a record that says so: then the commitment alone is to be trusted.
    draw.nonce, draw.nonce_by = "", "nobody"


def _reveal(draw: Draw, batch: Batch, *, actor: Actor) -> bytes:
    assert batch.merkle_root is not None
    assert draw.nonce is not None
    wrapped = WrappedKey(draw.secret_key_version, draw.secret_wrapped)
    secret = keyring().unwrap(wrapped, bound_to=draw.id.bytes)
    draw.secret = secret
    draw.seed = make_seed(secret, root=batch.merkle_root, nonce=draw.nonce, beacon=draw.beacon)
    draw.drawn_at = clock.now()
    transition(draw, DrawStatus.DRAWN, actor=actor, nonce_by=draw.nonce_by)
    return draw.seed
