"""Reveals: the one way in which a buyer gets to a contact. Paid for, permitted, on the record.

Each opening is written down in the transaction that reads it; a door sends its first byte only
after that transaction is committed, because no door here streams. A refunded lead stays closed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from exchange.core.actors import Actor
from exchange.core.errors import Conflict, Gone
from exchange.leads.models import Lead
from exchange.leads.people import ConsentSeen, consents_of
from exchange.leads.vault import Purpose, open_contacts
from exchange.market import queries as market
from exchange.market.models import LineStatus, Order, OrderLine
from exchange.market.queries import READABLE

__all__ = ["Opened", "Purpose", "export_order", "open_line", "open_order"]


@dataclass(frozen=True, slots=True)
class Opened:
    """A bought lead with its person. Its contact is for the buyer's eyes and for nothing else."""

    line: OrderLine
    lead: Lead
    contact: dict[str, str]
    consent: ConsentSeen | None

    def __repr__(self) -> str:
        """Without the person: a representation ends up in logs."""
        return f"<Opened {self.line.public_id}>"


def open_line(
    *, line_id: UUID, viewer: UUID, purpose: Purpose = Purpose.READ, actor: Actor
) -> Opened:
    """Open the contact of one line of the viewer's.

    Raises NotFound, Forbidden without the permission, Conflict `not_delivered`, Gone `refunded`
    or `contact_erased`.
    """
    line = market.get_line(line_id, viewer=viewer)
    if line.status is LineStatus.RETURNED:
        raise Gone("This lead was refunded, so it is closed.", code="refunded")
    if line.status not in READABLE:
        raise Conflict("This lead is not delivered.", code="not_delivered")
    return _open([line], purpose=purpose, actor=actor)[0]


def open_order(
    *, order_id: UUID, viewer: UUID, purpose: Purpose = Purpose.READ, actor: Actor
) -> Sequence[Opened]:
    """Open every contact of an order that is readable, in the order of its lines.

    What was refunded, let go of or erased is left out. Raises NotFound and Forbidden.
    """
    order = market.get_order(order_id, viewer=viewer)
    return _open(_readable(order), purpose=purpose, actor=actor)


def export_order(*, order_id: UUID, viewer: UUID, actor: Actor) -> list[dict[str, Any]]:
    """The rows of an export of an order: ids, times, contact and attributes, flat.

    The whole row set is read and recorded before anything is written out. Raises as `open_order`,
    and Forbidden without the permission to export.
    """
    opened = open_order(order_id=order_id, viewer=viewer, purpose=Purpose.EXPORT, actor=actor)
    return [_row(one) for one in opened]


def _readable(order: Order) -> Sequence[OrderLine]:
    lines = market.lines_of(order.id, status=READABLE)
    kept = market.leads_with_contact([line.lead_id for line in lines])
    return [line for line in lines if line.lead_id in kept]


def _open(lines: Sequence[OrderLine], *, purpose: Purpose, actor: Actor) -> list[Opened]:
    lead_ids = [line.lead_id for line in lines]
    people = open_contacts(lead_ids, purpose=purpose, actor=actor)
    leads, consents = market.leads_of_lines(lead_ids), consents_of(lead_ids)
    return [
        Opened(line, leads[line.lead_id], people[line.lead_id], consents.get(line.lead_id))
        for line in lines
    ]


def _row(one: Opened) -> dict[str, Any]:  # Any: JSON values
    line, lead = one.line, one.lead
    return {
        "line": line.public_id,
        "lead": lead.public_id,
        "requested_at": lead.requested_at,
        "delivered_at": line.delivered_at,
        "return_until": line.return_until,
        **one.contact,
        **{name: value for name, value in lead.attributes.items() if name not in one.contact},
    }
