"""Taking leads for an order: all that were asked for, or none.

Never oversold: a slot is taken by a conditional UPDATE under the lead's row lock. Never undersold:
nobody is told "sold out" because of leads that somebody else has only laid a hand on. The quick
way passes over leads that are locked just now; where that leaves too few, the slow way waits for
them, and counts them as gone only when their sale is committed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from exchange.core.db import db
from exchange.core.errors import Gone
from exchange.leads.models import Lead
from exchange.leads.services.slots import claim_slots
from exchange.market.matching import Candidate
from exchange.market.queries.stock import (
    Wanted,
    after,
    candidates,
    count_shown,
    lowest_free,
    pick,
    read_candidates,
    slots_in_use,
)

Slots = dict[UUID, int]  # by lead, in the order in which the leads were picked
PAGE_MIN = 100  # leads looked at together where some of the first ones cannot be sold


class _Outrun(Exception):  # never leaves this module
    """Somebody else took one of the picked leads first."""


def take(wanted: Wanted, quantity: int) -> Slots:
    """A slot of each of `quantity` leads. Raises Gone `sold_out`, saying how many are shown."""
    return _take_free(wanted, quantity) or _take_waiting(wanted, quantity)


def take_most(wanted: Wanted, quantity: int) -> Slots:
    """A slot of each of as many leads as there are, at most `quantity`; waits as the slow way."""
    while picked := _pick(wanted, quantity, pass_over=False):
        try:
            with db.session.begin_nested():
                return _claim(picked, len(picked))
        except _Outrun:
            continue
    return {}


def _take_free(wanted: Wanted, quantity: int) -> Slots | None:
    """The quick way: whoever else is buying at this moment is passed over, not waited for."""
    try:
        # The savepoint gives the locks back where they are not enough: keeping them while waiting
        # for others could end in two orders that wait for each other.
        with db.session.begin_nested():
            return _claim(_pick(wanted, quantity, pass_over=True), quantity)
    except _Outrun:
        return None


def _take_waiting(wanted: Wanted, quantity: int) -> Slots:
    """The slow way: pick among all that is not sold for certain, wait, and pick again.

    Each further round means that somebody else's purchase was committed in between, so the
    rounds end at the latest with the stock.
    """
    while True:
        picked = _pick(wanted, quantity, pass_over=False)
        if len(picked) < quantity:
            raise _sold_out(wanted, quantity)
        try:
            with db.session.begin_nested():
                return _claim(picked, quantity)
        except _Outrun:
            continue


def _pick(wanted: Wanted, quantity: int, *, pass_over: bool) -> list[UUID]:
    """Leads in their order, page by page until there are enough or no more."""
    statement = candidates(wanted)
    if pass_over:
        statement = statement.with_for_update(of=Lead, skip_locked=True, key_share=True)
    found: list[Candidate] = []
    page, limit = statement, quantity
    while True:
        rows = db.session.execute(page.limit(limit)).all()
        found += read_candidates(wanted, rows)
        picked = pick(wanted, found, quantity)
        if len(picked) == quantity or len(rows) < limit:
            return picked
        page, limit = after(wanted, statement, rows[-1]), max(quantity, PAGE_MIN)


def _claim(picked: Sequence[UUID], quantity: int) -> Slots:
    if len(picked) < quantity:
        raise _Outrun
    claimed = claim_slots(picked)
    if len(claimed) < quantity:
        raise _Outrun
    return _slots(picked, claimed)


def _slots(picked: Sequence[UUID], sold_before: Mapping[UUID, int]) -> Slots:
    """The lowest free slot of each lead.

    The leads are locked, so nobody else can take one in between.
    """
    resold = [lead_id for lead_id in picked if sold_before[lead_id]]
    used = slots_in_use(resold) if resold else {}
    return {lead_id: lowest_free(used.get(lead_id, set()), 1)[0] for lead_id in picked}


def _sold_out(wanted: Wanted, quantity: int) -> Gone:
    """So many at most as the market shows this buyer: whom the buyer lists is not told by it."""
    if wanted.is_narrowed:
        # Asking for a thousand by narrow criteria must not count people (decision 26).
        return Gone("Not so many leads fit.", code="sold_out", left=None)
    left = min(count_shown(wanted), quantity - 1)
    detail = f"Only {left} leads are left for you."
    if wanted.lead_ids is not None:
        detail = f"Of the leads you chose at most {left} can still be bought."
    return Gone(detail, code="sold_out", left=left)
