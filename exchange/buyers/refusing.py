"""What a contract asked for and did not get, in words for its buyer, with the way out of it.

Sentences are for the catalogs, as in `diagnosing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from exchange.market.allocation import Refusal
from exchange.market.queries import Diagnosis

N_ = str  # marks a sentence for the catalogs

REFUSALS: Final[Mapping[Refusal, str]] = {
    Refusal.OUTBID: N_("another contract pays more"),
    Refusal.PRICE: N_("it asks more than you pay"),
    Refusal.PER_ACTION: N_("its seller is paid for leads and not for actions"),
    Refusal.NOT_ACTIVE: N_("the contract was off"),
    Refusal.NOT_STARTED: N_("the contract had not started"),
    Refusal.ENDED: N_("the contract was over"),
    Refusal.SCHEDULE: N_("the schedule was closed"),
    Refusal.CHANGED: N_("the contract had just been changed"),
    Refusal.TRIAL: N_("the trial had its leads"),
    Refusal.CAP: N_("a cap was reached"),
    Refusal.FUNDS: N_("the wallet did not cover a lead"),
    Refusal.OWN_LEADS: N_("these are your own leads"),
    Refusal.RELATED: N_("somebody of yours belongs or belonged to the seller"),
    Refusal.BUYER_NOT_APPROVED: N_("your organization may not trade"),
    Refusal.BUYER_NOT_WANTED: N_("the seller sells to other buyers"),
    Refusal.SOURCE_NOT_APPROVED: N_("the source waits for your word"),
    Refusal.SOURCE_REFUSED: N_("you refused the source"),
    Refusal.DUPLICATE: N_("you had the person already"),
    Refusal.SUPPRESSED: N_("the person is on a list"),
    Refusal.NOT_NAMED: N_("the consent names other buyers"),
}
# What the buyer can do about it, by the names of `diagnosing.Check.fix`.
MENDED: Final[Mapping[Refusal, str]] = {
    Refusal.OUTBID: "price", Refusal.PRICE: "price", Refusal.NOT_STARTED: "edit",
    Refusal.ENDED: "edit", Refusal.SCHEDULE: "edit", Refusal.CAP: "edit", Refusal.FUNDS: "wallet",
    Refusal.BUYER_NOT_APPROVED: "account", Refusal.SOURCE_NOT_APPROVED: "sources",
    Refusal.SOURCE_REFUSED: "sources",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """One reason as the buyer reads it."""

    reason: Refusal
    text: str
    leads: int
    first: date  # UTC days
    last: date
    fix: str  # as of a check; empty: nothing of the buyer's would mend it


def refused(found: Diagnosis) -> list[RefusedLine]:
    """The reasons of the last seven days, the commonest first.

    Under attributes one that fewer than five leads share is missing: it would say that somebody
    fits, to whoever pays too little to buy anything.
    """
    return [
        RefusedLine(
            reason=one.reason,
            text=REFUSALS[one.reason],
            leads=one.leads,
            first=one.first,
            last=one.last,
            fix=MENDED.get(one.reason, ""),
        )
        for one in found.refusals
        if found.tells_refused(one.leads)
    ]
