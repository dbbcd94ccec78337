"""What money does when an organization may trade again."""

from __future__ import annotations

from exchange.billing.services import payouts
from exchange.core.actors import SYSTEM
from exchange.core.events import Event, on


@on("organization.approved")
def send_held_payouts(event: Event) -> None:
    """Send what was held while the organization was suspended."""
    payouts.release_held(organization_id=event.subject.id, actor=SYSTEM)
