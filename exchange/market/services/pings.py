"""Verbs of ping and post: a lead is offered without its person, and sold for a bid it got.

A ping is answered from what contracts ask; it moves no money and promises each bid for a minute.
The post brings the person, is taken in like any single lead, and is bought in one transaction. A
lead that nobody buys for its bid is not kept: it stays its seller's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, insert, select

from exchange.catalog import queries as catalog
from exchange.core import clock
from exchange.core.actors import Actor
from exchange.core.db import Attempt, TakenBack, db, get, lock
from exchange.core.errors import Conflict, FieldProblem, Gone, Invalid, NotFound
from exchange.core.ids import uuid7
from exchange.core.states import transition
from exchange.identity.services import require_approved
from exchange.leads import queries as inventory
from exchange.leads.post_models import PostOutcome, SourceTerms
from exchange.leads.services import pinged, posts
from exchange.leads.services.pinged import PingRead, Promise
from exchange.market.ping_models import Ping, PingAnswer, PingStatus
from exchange.market.services import bidding, gates
from exchange.market.services.bidding import Bid

OPEN_FOR: Final = timedelta(seconds=60)
KEPT: Final = timedelta(days=30)
DELETED_AT_ONCE: Final = 10_000
ANY: Final = "any"  # in place of a bid: the best one that can be paid
LAPSED: Final = "bid_lapsed"
# By itself: a session would have more work with each than all the rest of the answer is.
INSERT: Final = insert(Ping.__table__)  # type: ignore[arg-type]  # mapped classes have a Table
CHECK_FIRST: Final = "check_first"


@dataclass(frozen=True, slots=True)
class Answered:
    """What was said to a ping."""

    ping: Ping  # as it was written; the session does not know it
    bids: tuple[Bid, ...] = ()
    errors: tuple[FieldProblem, ...] = ()  # with codes; the door says the sentences
    ignored: tuple[str, ...] = ()
    is_test: bool = False


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of the lead of a ping, and for which bid it was bought."""

    answer: posts.Answer
    bid: Bid | None = None


def ask(*, terms_id: UUID, sent: Mapping[str, Any], is_test: bool = False) -> Answered:
    """Answer a ping: the bids of contracts that its lead fits, the highest first.

    A test is checked like any other, asks nobody and is answered with one bid at the seller's own
    price. Raises Conflict `source_stopped`, Forbidden, and Invalid for a body that cannot be read.
    """
    terms = get(SourceTerms, terms_id)
    definition = catalog.get_rules(inventory.vertical_of(terms.vertical_id))
    read = pinged.read_ping(terms, definition, sent)
    posts.require_running(terms)
    if is_test or read.is_test:
        return _tried(terms, read)
    require_approved(terms.organization_id)
    answer, reason, bids = _answer(terms, read)
    ping = _ping(terms, read, answer=answer, reason=reason, bids=bids)
    db.session.execute(INSERT, ping)
    return Answered(Ping(**ping), bids, read.errors, read.ignored)


def post(*, ping_id: UUID, bid: str, incoming: posts.Incoming, actor: Actor) -> Posted:
    """Take in the lead of a ping and sell it for the bid, or keep nothing of it.

    `bid` is the id of one, or "any". A lead that must be checked first is kept in its lot, as of
    every single lead, and no bid buys it. Whatever becomes of the lead, the ping is used up then.

    Raises NotFound for another seller's ping, Conflict `ping_used`, Gone `ping_expired`, Invalid
    for an unknown bid or another lead than the pinged one, and what `posts.post_lead` raises.
    """
    wanted = _wanted(_own(get(Ping, ping_id), actor), bid)
    # The first of all locks, as of every purchase: whoever holds a turn may wait for our listing.
    gates.take_turns(bidding.buyers_of(wanted))
    ping = _take(ping_id)
    incoming = dataclasses.replace(incoming, promise=_promise(ping))
    posted = _sell(ping, wanted, incoming=incoming, actor=actor)
    ping.post_id = posted.answer.post.id
    ping.reason = posted.answer.post.reason
    status = PingStatus.LAPSED if posted.bid is None else PingStatus.ACCEPTED
    transition(ping, status, actor=actor, reason=ping.reason)
    return posted


def forget_old() -> int:
    """Delete pings whose time is over, so many at a time; how many they were.

    What became of a posted lead stands in its post and its order.
    """
    ended = clock.now() - KEPT
    old = select(Ping.id).where(Ping.created_at < ended).order_by(Ping.id).limit(DELETED_AT_ONCE)
    gone = db.session.scalars(delete(Ping).where(Ping.id.in_(old)).returning(Ping.id))
    return len(gone.all())


def bids_of(ping: Ping) -> tuple[Bid, ...]:
    """What was bid, the highest first."""
    return tuple(map(Bid.from_json, ping.bids))


def _answer(terms: SourceTerms, read: PingRead) -> tuple[PingAnswer, str, tuple[Bid, ...]]:
    if read.errors:
        return PingAnswer.REJECTED, read.errors[0].code, ()
    standing = pinged.standing(terms, read)
    if standing.reason == pinged.DUPLICATE:
        return PingAnswer.DUPLICATE, standing.reason, ()
    if standing.reason:
        return PingAnswer.REJECTED, standing.reason, ()
    bids = bidding.bids_for(terms, read.row, kept_from=standing.kept_from)
    if bids:
        return PingAnswer.MATCHED, "", bids
    # Who is kept off the purchases of all who bid looks like who is kept off sale.
    if standing.kept_from and bidding.bids_for(terms, read.row):
        return PingAnswer.REJECTED, pinged.NOT_SELLABLE, ()
    return PingAnswer.NO_MATCH, bidding.why_none(terms, read.row), ()


def _tried(terms: SourceTerms, read: PingRead) -> Answered:
    answer = PingAnswer.REJECTED if read.errors else PingAnswer.MATCHED
    reason = read.errors[0].code if read.errors else ""
    bids = () if read.errors else (bidding.example(terms),)
    ping = _ping(terms, read, answer=answer, reason=reason, bids=bids)
    return Answered(Ping(**ping), bids, read.errors, read.ignored, is_test=True)


def _ping(
    terms: SourceTerms, read: PingRead, *, answer: PingAnswer, reason: str, bids: Sequence[Bid]
) -> dict[str, Any]:  # Any: by the name of a column
    promise = read.promise
    return {
        "id": uuid7(),
        "organization_id": terms.organization_id,
        "terms_id": terms.id,
        "answer": answer,
        "reason": reason,
        "attributes": dict(promise.attributes),
        "requested_at": promise.requested_at,
        "phone_index": promise.phone,
        "email_index": promise.email,
        "bids": [bid.to_json() for bid in bids],
        "expires_at": clock.now() + OPEN_FOR,
    }


def _promise(ping: Ping) -> Promise:
    return Promise(ping.attributes, ping.requested_at, ping.phone_index, ping.email_index)


def _own(ping: Ping, actor: Actor) -> Ping:
    if ping.organization_id != actor.organization_id:
        raise NotFound
    return ping


def _take(ping_id: UUID) -> Ping:
    """The ping, locked, while its bids stand: of many posts one goes on."""
    ping = lock(Ping, ping_id)
    if ping.status is not PingStatus.OFFERED:
        raise Conflict("This ping was used already.", code="ping_used")
    if ping.expires_at <= clock.after_lock():
        raise Gone("The bids of this ping have expired. Ping again.", code="ping_expired")
    return ping


def _wanted(ping: Ping, bid: str) -> tuple[Bid, ...]:
    bids = bids_of(ping)
    if not bids:
        raise Conflict("Nobody bid for this ping.", code="ping_used")
    chosen = bids if bid == ANY else tuple(one for one in bids if one.id == bid)
    if not chosen:
        text = 'Name a bid of the ping, or "any".'
        raise Invalid(errors=(FieldProblem("/bid_id", "bid_unknown", text),))
    return chosen


def _sell(ping: Ping, wanted: Sequence[Bid], *, incoming: posts.Incoming, actor: Actor) -> Posted:
    with Attempt():
        answer = posts.post_lead(terms_id=ping.terms_id, incoming=incoming, actor=actor)
        if answer.post.outcome is PostOutcome.QUEUED_FOR_CHECK:
            answer.post.reason = answer.post.reason or CHECK_FIRST
        if answer.post.outcome is not PostOutcome.ACCEPTED or answer.post.is_test:
            return Posted(answer)
        lead_id = answer.post.lead_id
        assert lead_id is not None
        for bid in wanted:
            if bidding.buy(bid, lead_id=lead_id, actor=actor):
                return Posted(answer, bid)
        raise TakenBack
    refused = posts.note_refusal(terms_id=ping.terms_id, incoming=incoming, reason=LAPSED)
    return Posted(posts.Answer(refused, get(SourceTerms, ping.terms_id)))
