"""The words of a vertical's terms: quality classes, reasons for returns, consent.

What a reason means is said before purchase; whether it holds is decided in fulfillment.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class QualityClass(StrEnum):
    STANDARD = "standard"
    SELECT = "select"
    PRIME = "prime"
    UNVERIFIED = "unverified"  # no promise; full return rights


# The most bad leads that a class promises, in basis points (decision 5).
BAD_LIMIT_BPS: Final[dict[QualityClass, int]] = {
    QualityClass.STANDARD: 1_500,
    QualityClass.SELECT: 1_000,
    QualityClass.PRIME: 800,
}


def promises_as_much(proven: QualityClass, wanted: QualityClass) -> bool:
    """Whether a lot that was accepted in one class says anything for a lot of the other."""
    everything = 10_000
    return BAD_LIMIT_BPS.get(proven, everything) <= BAD_LIMIT_BPS.get(wanted, everything)


class ReturnReason(StrEnum):
    """What a return is granted for; a vertical covers some of them."""

    NUMBER_WRONG = "number_wrong"  # disconnected, or somebody else's
    EMAIL_INVALID = "email_invalid"
    FICTITIOUS = "fictitious"
    DUPLICATE = "duplicate"  # the buyer had bought this person inside the window
    NEVER_REQUESTED = "never_requested"
    OUTSIDE_CRITERIA = "outside_criteria"
    WRONG_VERTICAL = "wrong_vertical"
    UNDER_AGE = "under_age"
    TEST_OR_COMPETITOR = "test_or_competitor"
    CONSENT_MISSING = "consent_missing"  # or revoked
    DO_NOT_CALL = "do_not_call"
    SOLD_ELSEWHERE = "sold_elsewhere"
    LANGUAGE_BARRIER = "language_barrier"  # where the contract names a language
    OTHER = "other"  # with text


class UncoveredReason(StrEnum):
    """What is said before purchase to be nobody's fault."""

    NO_ANSWER = "no_answer"
    NOT_INTERESTED = "not_interested"
    BOUGHT_ELSEWHERE = "bought_elsewhere"
    PRICE_TOO_HIGH = "price_too_high"
    OWN_FILTER = "own_filter"  # the buyer's own wrong criteria


class Audience(StrEnum):
    PEOPLE = "people"
    COMPANIES = "companies"  # a person in a company: the contact person is required


@dataclass(frozen=True, slots=True)
class ConsentPolicy:
    """What a row must prove; a row without `quality_check` is outside the sampling frame."""

    quality_check_required: bool
    text_required: bool
    time_required: bool
    url_required: bool
