"""Whether these leads may be sold to these buyers, for many pairs at once.

The rules are those of `stock.read_candidates`, which asks them of one buyer: no lead twice to a
buyer, no person twice inside the vertical's duplicate window, nobody who is suppressed by the
exchange, the seller or the buyer (the people a buyer knows among them), nobody whose consent names
others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, CompoundSelect, Select, Text, Uuid, literal, or_, select, union_all
from sqlalchemy.orm import aliased

from exchange.core.db import db
from exchange.core.sets import rows_of
from exchange.leads.models import Contact, Lead, SuppressionEntry
from exchange.leads.rights import ConsentBuyer
from exchange.market.allocation import Pair, Refusal
from exchange.market.models import LineStatus, OrderLine
from exchange.market.queries.stock import in_list, names_of_buyer

Rows = Select[*tuple[Any, ...]]  # Any: rows of two ids


@dataclass(frozen=True, slots=True)
class PeopleRules:
    """What a vertical says of selling people."""

    vertical_id: UUID
    known_since: datetime  # people whom a buyer bought since then are not sold to them again
    named_only: bool  # only to buyers whom the consent names


def barred(pairs: Collection[Pair], rules: PeopleRules) -> dict[Pair, Refusal]:
    """Those of the pairs of a lead and a buyer that may not be, with the reason."""
    if not pairs:
        return {}
    lead_ids, buyer_ids = zip(*pairs, strict=True)
    rows = rows_of({"lead_id": (Uuid(), lead_ids), "buyer_id": (Uuid(), buyer_ids)})
    given = select(*rows.c)
    found = dict.fromkeys(_unnamed(pairs, rules), Refusal.NOT_NAMED)
    for lead_id, buyer_id, reason in db.session.execute(_asked(given.cte("pair"), rules)):
        # Of several reasons the buyer's own comes first, and a suppression last.
        if reason == Refusal.DUPLICATE or (lead_id, buyer_id) not in found:
            found[lead_id, buyer_id] = Refusal(reason)
    return found


def _asked(pair: CTE, rules: PeopleRules) -> CompoundSelect[*tuple[Any, ...]]:  # Any: see Rows
    """All in one statement, each pair with the reason; a pair may have several."""
    reasons = (
        (Refusal.SUPPRESSED, _suppressed(pair)),
        (Refusal.DUPLICATE, _had(pair)),
        *((Refusal.DUPLICATE, known) for known in _known(pair, rules)),
    )
    return union_all(*(rows.add_columns(literal(str(why), Text())) for why, rows in reasons))


def _had(pair: CTE) -> Rows:
    return select(pair.c.lead_id, pair.c.buyer_id).join(
        OrderLine, (OrderLine.lead_id == pair.c.lead_id) & _is_bought(pair)
    )


def _known(pair: CTE, rules: PeopleRules) -> Iterator[Rows]:
    """People are the same by phone or by e-mail, so it is asked by each."""
    for column in (Contact.phone_index, Contact.email_index):
        other = aliased(Contact)
        yield (
            select(pair.c.lead_id, pair.c.buyer_id)
            .join(Contact, Contact.lead_id == pair.c.lead_id)
            .join(other, getattr(other, column.key) == column)
            .join(OrderLine, (OrderLine.lead_id == other.lead_id) & _is_bought(pair))
            .join(Lead, Lead.id == other.lead_id)
            .where(Lead.vertical_id == rules.vertical_id, OrderLine.created_at > rules.known_since)
        )


def _is_bought(pair: CTE) -> Any:  # Any: a condition
    released = literal(LineStatus.RELEASED, OrderLine.status.type, literal_execute=True)
    return (OrderLine.buyer_id == pair.c.buyer_id) & (OrderLine.status != released)


def _suppressed(pair: CTE) -> Rows:
    holders = or_(
        SuppressionEntry.organization_id.is_(None),
        SuppressionEntry.organization_id == Lead.organization_id,
        SuppressionEntry.organization_id == pair.c.buyer_id,
    )
    same = SuppressionEntry.hash.in_([Contact.phone_index, Contact.email_index])
    return (
        select(pair.c.lead_id, pair.c.buyer_id)
        .join(Contact, Contact.lead_id == pair.c.lead_id)
        .join(Lead, Lead.id == pair.c.lead_id)
        .where(
            select(SuppressionEntry.id)
            .where(same, holders)
            .correlate_except(SuppressionEntry)
            .exists()
        )
    )


def _unnamed(pairs: Collection[Pair], rules: PeopleRules) -> Iterator[Pair]:
    """Pairs of a lead whose consent does not name the buyer, though it names some or must."""
    rows = db.session.execute(
        select(ConsentBuyer.lead_id, ConsentBuyer.name).where(
            in_list(ConsentBuyer.lead_id, {lead_id for lead_id, _ in pairs})
        )
    )
    named: dict[UUID, set[str]] = {}
    for row in rows:
        named.setdefault(row.lead_id, set()).add(row.name)
    for lead_id, buyer_id in pairs:
        names = named.get(lead_id)
        if names is None and not rules.named_only:
            continue
        if names is None or names.isdisjoint(names_of_buyer(buyer_id)):
            yield (lead_id, buyer_id)
