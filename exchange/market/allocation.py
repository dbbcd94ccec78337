"""Who gets which lead: the public rule over contracts and leads as they stand. Pure.

The freshest lead comes first, as for every buyer (`matching`); of the contracts it fits the one
that pays most, then the one that came first (decision 25). A lead is sold into its free slots, to
different buyers, and no person twice to one buyer. Caps and wallets are hard: a contract that
could not pay, or is full, is passed over for this lead and no other reason is looked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol
from uuid import UUID

from exchange.market.action_pool import Backing

RankKey = tuple[bool, int, datetime, UUID]
Pair = tuple[UUID, UUID]  # a lead and a buyer


class Refusal(StrEnum):
    """Why a contract did not get a lead that it asks for."""

    OUTBID = "outbid"
    PRICE = "price"  # pays less than is asked
    PER_ACTION = "per_action"  # pays for actions, and the leads are sold at a price of their own
    NOT_ACTIVE = "not_active"
    NOT_STARTED = "not_started"
    ENDED = "ended"
    SCHEDULE = "schedule"
    CHANGED = "changed"  # what it asks now is something else
    TRIAL = "trial"
    CAP = "cap"
    FUNDS = "funds"
    OWN_LEADS = "own_leads"
    RELATED = "related"  # its buyer and the seller have or had a member in common
    BUYER_NOT_APPROVED = "buyer_not_approved"
    BUYER_NOT_WANTED = "buyer_not_wanted"  # by the seller's lists
    SOURCE_NOT_APPROVED = "source_not_approved"
    SOURCE_REFUSED = "source_refused"
    DUPLICATE = "duplicate"  # the buyer has the lead, or had the person lately
    SUPPRESSED = "suppressed"  # the buyer knows the person, or nobody may sell them
    NOT_NAMED = "not_named"  # the consent names other buyers


# What is over by itself, or by the buyer's money: the contract meets the leads again then.
PASSING: Final = frozenset({Refusal.SCHEDULE, Refusal.CAP, Refusal.FUNDS, Refusal.NOT_STARTED})


@dataclass(slots=True)
class Taker:
    """A contract as it stands in a round; what is left of its limits goes down as it takes."""

    id: UUID
    buyer_id: UUID
    version: int  # of its terms
    price: int  # minor units, at this moment
    ranked_at: datetime
    refusal: Refusal | None = None  # of every lead of the round
    leads_left: int | None = None  # by its caps; None: no end
    amount_left: int | None = None  # minor units
    trial_left: int | None = None
    is_locked: bool = False  # else it may not win, only look as if it would
    backing: Backing | None = None  # under CPA: what stands behind its open leads

    @property
    def cost(self) -> int:
        """What one more lead takes out of the wallet: its price, or what the pool must grow."""
        return self.price if self.backing is None else self.backing.missing()

    @property
    def rank(self) -> RankKey:
        """Its place among all: who pays for each lead goes before who pays for actions."""
        return (self.backing is not None, -self.price, self.ranked_at, self.id)

    def limit(self) -> Refusal | None:
        """Which limit of its own keeps it from one more lead."""
        if self.refusal is not None:
            return self.refusal
        if self.trial_left is not None and self.trial_left < 1:
            return Refusal.TRIAL
        is_full = self.leads_left is not None and self.leads_left < 1
        is_spent = self.amount_left is not None and self.amount_left < self.price
        return Refusal.CAP if is_full or is_spent else None

    def take(self) -> None:
        """One more lead is its own."""
        self.leads_left = None if self.leads_left is None else self.leads_left - 1
        self.trial_left = None if self.trial_left is None else self.trial_left - 1
        if self.backing is not None:
            self.backing.take()
        elif self.amount_left is not None:
            self.amount_left -= self.price


class Contracts(Protocol):
    """Contracts in the order of the ranking, counted without looking at each."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[UUID]: ...

    def __getitem__(self, part: slice, /) -> Sequence[UUID]: ...


@dataclass(frozen=True, slots=True)
class Offered:
    """A lead of the round with the contracts that it fits, by rank."""

    id: UUID
    requested_at: datetime
    free: int  # slots
    person: frozenset[bytes]  # keyed hashes by which equal people meet
    contracts: Contracts
    too_cheap: Contracts = ()  # would fit, and pay too little
    is_locked: bool = False  # else nobody may win it yet


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one lead: who takes it, and why the others do not.

    Down to who took the last slot each contract was looked at; the rest of them is outbid.
    """

    takers: tuple[UUID, ...]
    refused: Sequence[tuple[UUID, Refusal]]
    contracts: Contracts  # all that fit and pay enough
    too_cheap: Contracts = ()

    @property
    def fitting(self) -> int:
        """How many contracts ask for the lead."""
        return len(self.contracts) + len(self.too_cheap)

    @property
    def outbid(self) -> int:
        """How many rank behind who took the last slot."""
        return len(self.contracts) - self._looked_at

    def first_outbid(self, most: int) -> Sequence[UUID]:
        """Of these the first."""
        return self.contracts[self._looked_at : self._looked_at + most]

    @property
    def _looked_at(self) -> int:
        return len(self.takers) + len(self.refused)


@dataclass(slots=True)
class Round:
    """What is known while leads are given away; `allocate` changes nothing of it."""

    takers: dict[UUID, Taker] = field(default_factory=dict)
    wallets: dict[UUID, int] = field(default_factory=dict)  # by buyer, minor units to spend
    barred: dict[Pair, Refusal] = field(default_factory=dict)


@dataclass(slots=True)
class Allocation:
    """Who would have each lead by what is known."""

    outcomes: dict[UUID, Outcome] = field(default_factory=dict)
    # Of these the outcome may not be carried out: what it needs is not locked.
    waiting: set[UUID] = field(default_factory=set)
    # By lead, the place of a contract of which nothing is known; such a lead has no outcome.
    unknown: dict[UUID, int] = field(default_factory=dict)

    def won(self) -> dict[UUID, list[UUID]]:
        """By contract, the leads it would take, in the order in which they were given away."""
        found: defaultdict[UUID, list[UUID]] = defaultdict(list)
        for lead_id, outcome in self.outcomes.items():
            for contract_id in outcome.takers:
                found[contract_id].append(lead_id)
        return dict(found)

    def without_waiting(self) -> Allocation:
        """What may be carried out."""
        kept = {key: one for key, one in self.outcomes.items() if key not in self.waiting}
        return Allocation(kept)


def allocate(leads: Iterable[Offered], known: Round) -> Allocation:
    """Give the leads away, the freshest first."""
    work = _Work(known)
    for lead in sorted(leads, key=lambda lead: (lead.requested_at, lead.id), reverse=True):
        work.give(lead)
    return work.done


class _Work:
    """One run: copies of what goes down while leads are given away."""

    def __init__(self, known: Round) -> None:
        self.known, self.done = known, Allocation()
        self.takers: dict[UUID, Taker] = {}
        self.wallets = dict(known.wallets)
        self.people: defaultdict[UUID, set[bytes]] = defaultdict(set)

    def give(self, lead: Offered) -> None:
        """Sell one lead into its free slots."""
        won: list[Taker] = []
        refused: list[tuple[UUID, Refusal]] = []
        for place, contract_id in enumerate(lead.contracts):
            if len(won) == lead.free:
                break
            taker = self._taker(contract_id)
            if taker is None:
                self.done.unknown[lead.id] = place
                return
            reason = self._reason(lead, taker, won)
            if reason is None:
                won.append(taker)
            else:
                refused.append((contract_id, reason))
        ids = tuple(one.id for one in won)
        self.done.outcomes[lead.id] = Outcome(ids, refused, lead.contracts, lead.too_cheap)
        self._book(lead, won)

    def _taker(self, contract_id: UUID) -> Taker | None:
        """A copy of the contract that this run may use up."""
        found = self.takers.get(contract_id)
        if found is None and contract_id in self.known.takers:
            known = self.known.takers[contract_id]
            backing = known.backing and replace(known.backing)
            found = self.takers[contract_id] = replace(known, backing=backing)
        return found

    def _reason(self, lead: Offered, taker: Taker, won: Sequence[Taker]) -> Refusal | None:
        limit = taker.limit()
        if limit is not None:
            return limit
        # Who could not pay does not learn by a list of one number whether its person is on sale.
        if self.wallets.get(taker.buyer_id, 0) < taker.cost:
            return Refusal.FUNDS
        barred = self.known.barred.get((lead.id, taker.buyer_id))
        if barred is not None:
            return barred
        has_it = any(other.buyer_id == taker.buyer_id for other in won)
        met_before = not self.people[taker.buyer_id].isdisjoint(lead.person)
        return Refusal.DUPLICATE if has_it or met_before else None

    def _book(self, lead: Offered, won: Sequence[Taker]) -> None:
        if won and not (lead.is_locked and all(taker.is_locked for taker in won)):
            self.done.waiting.add(lead.id)
        for taker in won:
            self.wallets[taker.buyer_id] -= taker.cost
            taker.take()
            self.people[taker.buyer_id] |= lead.person
