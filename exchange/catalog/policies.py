"""The words of a vertical's terms: quality classes, reasons for returns, consent, duplicates.

What a reason means is said before purchase; whether it holds is decided in fulfillment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self


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

PRICE_MAX: Final = 10**9  # minor units of one lead; a slip of the finger, not a price


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
    named_buyer_required: bool = False  # sold only to buyers whom the consent names


class IdentityField(StrEnum):
    """By what two requests can be known to come from one person."""

    PHONE = "phone"
    EMAIL = "email"


class Match(StrEnum):
    ANY = "any"  # one of the fields is enough
    ALL = "all"  # all of them together


@dataclass(frozen=True, slots=True)
class DuplicatePolicy:
    """Who counts as known inside the duplicate window (decision 4)."""

    fields: tuple[IdentityField, ...] = tuple(IdentityField)
    match: Match = Match.ANY

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:  # Any: JSON of the checked shape
        """Read the policy."""
        return cls(tuple(map(IdentityField, data["fields"])), Match(data["match"]))

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The form that `from_json` reads."""
        return {"fields": list(map(str, self.fields)), "match": str(self.match)}


ANY_FIELD: Final = DuplicatePolicy()


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """How long uploaded files are kept; then their keys are destroyed."""

    file_days: int = 30  # since the upload of a file that became a lot
    draft_days: int = 14  # since anybody touched a draft


USUAL_RETENTION: Final = RetentionPolicy()


@dataclass(frozen=True, slots=True)
class CheckPolicy:
    """What a verifier earns, in minor units, and how many good answers are checked twice."""

    pay_per_attempt: int = 0  # a call that reached nobody who could talk
    pay_per_verdict: int = 0
    double_checks_bps: int = 1_000  # of what one verifier found good, chosen at random


USUAL_CHECKS: Final = CheckPolicy()
