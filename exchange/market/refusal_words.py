"""Why a contract did not get a lead that it asks for, in words that both sides may read."""

from __future__ import annotations

from typing import Final

from flask_babel import lazy_gettext as _

from exchange.market.allocation import Refusal
from exchange.market.queries import Met

REFUSALS: Final[dict[Refusal, str]] = {
    Refusal.OUTBID: _("Another contract ranks higher"),
    Refusal.PRICE: _("The contract pays less than is asked"),
    Refusal.PER_ACTION: _("The seller does not sell these leads for a share of actions"),
    Refusal.NOT_ACTIVE: _("The contract is not active"),
    Refusal.NOT_STARTED: _("The contract has not begun"),
    Refusal.ENDED: _("The contract has ended or stands still"),
    Refusal.SCHEDULE: _("Outside the hours of the contract"),
    Refusal.CHANGED: _("The contract asks something else now"),
    Refusal.TRIAL: _("The trial has its leads"),
    Refusal.CAP: _("A cap of the contract is reached"),
    Refusal.FUNDS: _("The buyer's wallet does not cover it"),
    Refusal.OWN_LEADS: _("The buyer would buy own leads"),
    Refusal.RELATED: _("Buyer and seller have or had a member in common"),
    Refusal.BUYER_NOT_APPROVED: _("The buyer may not trade at the moment"),
    Refusal.BUYER_NOT_WANTED: _("The seller does not sell to this buyer"),
    Refusal.SOURCE_NOT_APPROVED: _("The source waits for the buyer's approval"),
    Refusal.SOURCE_REFUSED: _("The buyer takes nothing from this source"),
    Refusal.DUPLICATE: _("The buyer has this person already"),
    Refusal.SUPPRESSED: _("The buyer does not want this person, or nobody may be sold them"),
    Refusal.NOT_NAMED: _("The person's consent names other buyers"),
}


def refusals_json(met: Met | None) -> dict[str, object]:
    """What the API says of leads that met contracts, or did not yet."""
    met = met or Met(0, 0, 0, {})
    return {
        "leads": met.leads,
        "asked_for": met.asked_for,
        "taken": met.taken,
        "reasons": [
            {"reason": reason, "detail": REFUSALS[reason], "times": times}
            for reason, times in met.reasons.items()
        ],
        "few": met.few,
    }
