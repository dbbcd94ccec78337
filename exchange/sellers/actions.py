"""What a seller sees of leads that are paid by their action: every state, and nobody's name.

The buyer stays unnamed (decision 1), and the buyer's own ids and contracts are not shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from exchange.core.db import get
from exchange.core.events import Event, Ref
from exchange.core.pagination import Page
from exchange.fulfillment import queries as fulfillment
from exchange.fulfillment.conversion_models import Conversion, ConversionStatus
from exchange.leads.models import Batch, Lead
from exchange.market import queries as market
from exchange.market.contract_terms import ActionTerms
from exchange.market.models import Order, OrderLine
from exchange.reports import queries as reports


@dataclass(frozen=True, slots=True)
class ActionView:
    """A lead under CPA with what its seller reads about it."""

    line: OrderLine
    lead: Lead
    batch: Batch
    agreed: ActionTerms
    conversion: Conversion | None  # the newest report

    @property
    def waits_for_money(self) -> bool:
        """Whether it is approved and its buyer has to pay in a part of it first."""
        found = self.conversion
        is_approved = found is not None and found.status is ConversionStatus.APPROVED
        return is_approved and found is not None and bool(found.owed) and found.settled_at is None


def action_views(*, viewer: UUID, cursor: str | None = None) -> Page[ActionView]:
    """A seller's leads under CPA, newest first."""
    page = fulfillment.action_sales(seller_id=viewer, cursor=cursor)
    reported = fulfillment.conversions_of_lines([line.id for line in page.items])
    views = [_view(line, reported.get(line.id)) for line in page.items]
    return Page(views, page.next_cursor)


def action_view(conversion_id: UUID, *, viewer: UUID) -> ActionView:
    """One report of a lead of the seller's. Raises NotFound."""
    found = fulfillment.get_conversion(conversion_id, viewer=viewer)
    return _view(get(OrderLine, found.line_id), found)


def steps_of_action(conversion: Conversion) -> Sequence[Event]:
    """What happened to an action, newest first; the door has fetched it for its viewer."""
    return reports.events(viewer=None, subject=Ref.to(conversion)).items


def _view(line: OrderLine, conversion: Conversion | None) -> ActionView:
    lead = get(Lead, line.lead_id)
    agreed = market.action_terms(get(Order, line.order_id))
    assert agreed is not None, "a line under CPA was sold to a contract"
    return ActionView(line, lead, get(Batch, lead.batch_id), agreed, conversion)
