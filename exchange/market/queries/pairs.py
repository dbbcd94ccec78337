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

from sqlalchemy import ARRAY, Select, Uuid, func, literal, or_, select
from sqlalchemy.orm import aliased

from exchange.core.db import db
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
    rows = _rows(pairs)
    found = dict.fromkeys(_asked(_suppressed(rows)), Refusal.SUPPRESSED)
    found |= dict.fromkeys(_unnamed(pairs, rules), Refusal.NOT_NAMED)
    for statement in (_had(rows), *_known(rows, rules)):
        found |= dict.fromkeys(_asked(statement), Refusal.DUPLICATE)
    return found


def _rows(pairs: Collection[Pair]) -> Any:  # Any: a table of two columns
    leads, buyers = zip(*pairs, strict=True)
    return (
        func.unnest(literal(list(leads), ARRAY(Uuid)), literal(list(buyers), ARRAY(Uuid)))
        .table_valued("lead_id", "buyer_id")
        .render_derived("pair")
    )


def _asked(statement: Rows) -> Iterator[Pair]:
    for row in db.session.execute(statement):
        yield (row[0], row[1])


def _had(pair: Any) -> Rows:  # Any: see _rows
    return select(pair.c.lead_id, pair.c.buyer_id).join(
        OrderLine, (OrderLine.lead_id == pair.c.lead_id) & _is_bought(pair)
    )


def _known(pair: Any, rules: PeopleRules) -> Iterator[Rows]:  # Any: see _rows
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


def _is_bought(pair: Any) -> Any:  # Any: see _rows; a condition
    released = literal(LineStatus.RELEASED, OrderLine.status.type, literal_execute=True)
    return (OrderLine.buyer_id == pair.c.buyer_id) & (OrderLine.status != released)


def _suppressed(pair: Any) -> Rows:  # Any: see _rows
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
