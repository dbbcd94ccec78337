"""Steps of matching that note what became of it: for each lead, for each contract, for later.

A row for each lead and contract would be millions. A lead keeps the counts by reason and the first
contracts of each; a contract counts by day and reason. A contract that is only limited for a while
is due again when the limit is over.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Boolean, DateTime, Uuid, delete, func, literal, literal_column, select, true
from sqlalchemy.dialects.postgresql import insert

from exchange.core import clock, events, ids
from exchange.core.actors import SYSTEM
from exchange.core.db import db, save
from exchange.core.events import Ref, Said
from exchange.core.jobs import enqueue
from exchange.core.sets import insert_rows, rows_of
from exchange.market import queries
from exchange.market.allocation import PASSING, Outcome, Refusal
from exchange.market.cap_periods import NOTHING, Used, opens_at, over_at
from exchange.market.contract_index import tally
from exchange.market.contract_models import ContractSource, ContractSourceStatus
from exchange.market.contract_terms import Period
from exchange.market.filters import COUNT_MIN
from exchange.market.match_models import (
    ContractRefusal,
    ContractRound,
    LeadMatch,
    MatchRequest,
    RefusalTally,
)
from exchange.market.models import Listing
from exchange.market.queries.standings import Seller, Standing
from exchange.market.queries.stock import in_list
from exchange.market.services import contracts
from exchange.market.services.contract_orders import Win

FIRST: Final = 3  # contracts of a reason that a lead remembers by name
PATIENCE: Final = timedelta(minutes=10)  # for a wallet to be filled; a payment is heard of sooner


def note_leads(
    listing: Listing, outcomes: Mapping[UUID, Outcome], *, at: datetime
) -> Sequence[UUID]:
    """Write down that these leads met all contracts, and why the others got nothing.

    Returns those that had met none before.
    """
    if not outcomes:
        return ()
    rows = [
        {
            "lead_id": key,
            "fitting": one.fitting,
            "taken": len(one.takers),
            "refusals": _by_reason(one),
        }
        for key, one in sorted(outcomes.items(), key=lambda item: item[0].int)
    ]
    same = {"listing_id": listing.id, "terms_version": listing.terms_version, "matched_at": at}
    statement = insert_rows(LeadMatch, rows, **same)
    changed = {name: statement.excluded[name] for name in (*rows[0], *same)}
    statement = statement.on_conflict_do_update(index_elements=["lead_id"], set_=changed)
    is_new = literal_column("xmax = 0", Boolean)  # else another transaction had the row
    written = db.session.execute(statement.returning(LeadMatch.lead_id, is_new.label("is_new")))
    return [row.lead_id for row in written if row.is_new]


def note_refusals(
    outcomes: Collection[Outcome], *, at: datetime, counted: Collection[UUID] | None
) -> None:
    """Note for each contract how many of the leads it did not get, or only for those `counted`.

    `add_up_refusals` counts them later: rounds that did it themselves would wait for each other.
    """
    rows = []
    for reason, counts in _refusals(outcomes).items():
        some = counts if counted is None else {key: counts[key] for key in counted}
        found = [(contract_id, n) for contract_id, n in some.items() if n]
        if found:
            contract_ids, leads = map(list, zip(*found, strict=True))
            tally = {"contract_ids": contract_ids, "leads": leads}
            rows.append({"day": at.date(), "reason": reason, **tally})
    if rows:
        db.session.execute(insert(RefusalTally), rows)


def add_up_refusals(*, limit: int) -> None:
    """Add the oldest of what rounds noted to the days of contracts; one does so at a time."""
    oldest = select(RefusalTally.id).order_by(RefusalTally.id).limit(limit)
    noted = RefusalTally.__table__.c
    taken = (
        delete(RefusalTally)
        .where(RefusalTally.id.in_(oldest))
        .returning(noted.day, noted.reason, noted.contract_ids, noted.leads)
        .cte("taken")
    )
    each = func.unnest(taken.c.contract_ids, taken.c.leads)
    one = each.table_valued("contract_id", "leads").render_derived("one")
    key = (one.c.contract_id, taken.c.day, taken.c.reason)
    sums = select(*key, func.sum(one.c.leads)).join_from(taken, one, true())
    in_order = sums.group_by(*key).order_by(*key)  # of contracts, as whoever locks them
    names = ["contract_id", "day", "reason"]
    statement = insert(ContractRefusal).from_select([*names, "leads"], in_order).add_cte(taken)
    more = ContractRefusal.leads + statement.excluded.leads
    db.session.execute(statement.on_conflict_do_update(index_elements=names, set_={"leads": more}))


def request(listing_id: UUID) -> None:
    """Let what is new of a listing meet the contracts: noted with its cause, done by the job."""
    save(MatchRequest(listing_id=listing_id))
    enqueue("market.match", listing_id)


def answer(request_ids: Collection[UUID]) -> None:
    """Take away requests after a round that found nothing left."""
    db.session.execute(delete(MatchRequest).where(in_list(MatchRequest.id, request_ids)))


def meet_again(lead_ids: Collection[UUID]) -> None:
    """Let leads that came back on sale meet the contracts again."""
    db.session.execute(delete(LeadMatch).where(in_list(LeadMatch.lead_id, lead_ids)))
    for listing_id in queries.listings_selling(lead_ids):
        request(listing_id)


def request_sources(
    seller: Seller,
    outcomes: Collection[Outcome],
    *,
    new: Collection[Outcome],  # of these, the leads that had met no contract before
    standings: Mapping[UUID, Standing],
) -> None:
    """Ask buyers about a source that their contracts have not heard of.

    Where attributes or places are asked only from the fifth lead on, of this round or, of leads
    that are new, with those noted before: else the request would say that one person is on sale.
    """
    leads = _refused_for(outcomes, Refusal.SOURCE_NOT_APPROVED)
    few = {
        key for key, n in leads.items() if n < COUNT_MIN and standings[key].entry.terms.asks_people
    }
    if few:
        first = _refused_for(new, Refusal.SOURCE_NOT_APPROVED)
        noted = queries.refused_lately(few & first.keys(), Refusal.SOURCE_NOT_APPROVED)
        few -= {key for key, n in noted.items() if n + first[key] >= COUNT_MIN}
    asking = sorted(leads.keys() - few)
    if not asking:
        return
    rows = [
        {
            "contract_id": key,
            "source_id": seller.source_id,
            "organization_id": seller.listing.organization_id,
            "status": ContractSourceStatus.REQUESTED,
        }
        for key in asking
    ]
    statement = insert(ContractSource).values(rows).on_conflict_do_nothing()
    fresh = db.session.execute(statement.returning(ContractSource.id, ContractSource.contract_id))
    events.record_each(
        "contract_source.requested",
        [
            Said(
                Ref(ContractSource.KIND, row.id),
                standings[row.contract_id].entry.buyer_id,
                {"contract_id": str(row.contract_id), "source_id": str(seller.source_id)},
            )
            for row in fresh
        ],
        actor=SYSTEM,
    )


def end_trials(wins: Sequence[Win]) -> None:
    """Contracts whose trial may have its leads now pause themselves."""
    for win in wins:
        if win.entry.terms.trial_leads is not None:
            contracts.end_trial_if_done(contract_id=win.entry.id)


def plan_rounds(
    outcomes: Collection[Outcome], *, standings: Mapping[UUID, Standing], at: datetime
) -> None:
    """Let each contract that is limited for a while meet what is on sale when that is over."""
    limited: dict[UUID, Refusal] = {}
    for outcome in outcomes:
        for contract_id, reason in outcome.refused:
            if reason in PASSING:
                limited.setdefault(contract_id, reason)
    taken = Counter(key for outcome in outcomes for key in outcome.takers)
    due = {
        key: due_again(standings[key], reason, at=at, taken=taken[key])
        for key, reason in limited.items()
    }
    be_due({key: when for key, when in due.items() if when is not None}, at=at)


def due_again(
    standing: Standing, reason: Refusal | None, *, at: datetime, taken: int = 0
) -> datetime | None:
    """When what limits a contract is over; None: never, or nothing does.

    `taken`: leads that it took since it was read.
    """
    terms, price = standing.entry.terms, standing.taker.price
    match reason:
        case Refusal.CAP:
            over = over_at(terms, _with(standing.used, taken, price=price), at, price=price)
            return over if over > at else None
        case Refusal.SCHEDULE:
            return opens_at(terms, at)
        case Refusal.NOT_STARTED:
            return terms.starts_at
        case Refusal.FUNDS:
            return at + PATIENCE
    return None


def _with(used: Mapping[Period, Used], taken: int, *, price: int) -> dict[Period, Used]:
    """What was used, and so many leads more in every period."""
    nothing = dict.fromkeys(Period, NOTHING)
    return {
        period: (leads + taken, amount + taken * price)
        for period, (leads, amount) in (nothing | dict(used)).items()
    }


def be_due(moments: Mapping[UUID, datetime], *, at: datetime) -> None:
    """Let contracts meet what is on sale at these moments, unless they will by then anyway.

    What is due already does not count as that: its round may be over without having seen this.
    """
    if not moments:
        return
    keys = sorted(moments)
    rows = rows_of(
        {
            "id": (Uuid(), [ids.uuid7() for _ in keys]),
            "contract_id": (Uuid(), keys),
            "due_at": (DateTime(timezone=True), [moments[key] for key in keys]),
        }
    )
    planned = select(ContractRound.id).where(
        ContractRound.contract_id == rows.c.contract_id,
        ContractRound.due_at > at,
        ContractRound.due_at <= rows.c.due_at,
    )
    source = select(*rows.c, literal(at, DateTime(timezone=True))).where(~planned.exists())
    names = [*rows.c.keys(), "created_at"]
    db.session.execute(insert(ContractRound).from_select(names, source, include_defaults=False))


def call(contract_id: UUID) -> None:
    """Let a contract that is new or changed meet what is on sale now."""
    now = clock.now()
    be_due({contract_id: now}, at=now)
    enqueue("market.match_contract", contract_id)


def close_rounds(round_ids: Collection[UUID]) -> None:
    """Take away what was due when a round of its contract began."""
    db.session.execute(delete(ContractRound).where(in_list(ContractRound.id, round_ids)))


def _by_reason(outcome: Outcome) -> dict[str, Any]:  # Any: JSON
    found: defaultdict[Refusal, list[UUID]] = defaultdict(list)
    for contract_id, reason in outcome.refused:
        found[reason].append(contract_id)
    all_ = {
        Refusal.OUTBID: (outcome.outbid, outcome.first_outbid(FIRST)),
        Refusal.PRICE: (len(outcome.too_cheap), outcome.too_cheap[:FIRST]),
        **{reason: (len(some), some[:FIRST]) for reason, some in found.items()},
    }
    return {
        str(reason): {"contracts": n, "first": list(map(str, first))}
        for reason, (n, first) in all_.items()
        if n
    }


def _refusals(outcomes: Collection[Outcome]) -> Mapping[Refusal, Counter[UUID]]:
    """By reason and contract, how many of the leads it did not get; nil says nothing."""
    found: defaultdict[Refusal, Counter[UUID]] = defaultdict(Counter)
    outbid = found[Refusal.OUTBID] = tally(one.contracts for one in outcomes)
    found[Refusal.PRICE] = tally(one.too_cheap for one in outcomes)
    for outcome in outcomes:
        outbid.subtract(outcome.takers)
        for contract_id, reason in outcome.refused:
            outbid[contract_id] -= 1
            found[reason][contract_id] += 1
    return found


def _refused_for(outcomes: Collection[Outcome], reason: Refusal) -> Counter[UUID]:
    """By contract, how many of the leads it did not get for the reason."""
    return Counter(key for outcome in outcomes for key, why in outcome.refused if why is reason)
