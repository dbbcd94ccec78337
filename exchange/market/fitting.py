"""Whether a lead is what a contract asks for: the plain predicate and its reasons. Pure.

An index of contracts and the same question in SQL answer as this does. What depends on the moment
(schedule, caps, funds) or on who the person is, is asked in the transaction that buys.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from exchange.catalog.criteria import Attributes, matches
from exchange.catalog.policies import QualityClass
from exchange.leads.models import LeadKind
from exchange.market.contract_terms import Terms


class Misfit(StrEnum):
    """Why a lead is not what a contract asks for, in the order in which it is asked."""

    KIND = "kind"
    REGION = "region"
    POSTAL_CODE = "postal_code"
    QUALITY_CLASS = "quality_class"
    AGE = "age"
    BAD_UPPER = "bad_upper"
    UNCHECKED = "unchecked"
    SELLER = "seller"
    SOURCE = "source"
    CRITERIA = "criteria"
    PRICE = "price"  # the contract pays less than is asked


@dataclass(frozen=True, slots=True)
class LeadFacts:
    """What is known of a lead on sale, or of a ping, when contracts are asked about it."""

    attributes: Attributes
    kind: LeadKind
    region: str
    postal_code: str  # without an add-on, as contracts list them
    quality_class: QualityClass  # sold as
    requested_at: datetime
    bad_upper: float  # of its listing; 1: unknown
    is_checked: bool
    seller: str  # public ids
    source: str
    price_min: int  # minor units: the price of its listing, the least that is accepted


def fits(terms: Terms, facts: LeadFacts, *, price: int, now: datetime) -> bool:
    """Whether the lead is what the contract asks for, at `price` in minor units."""
    return next(misfits(terms, facts, price=price, now=now), None) is None


def kinds_met(terms: Terms) -> tuple[LeadKind, ...]:
    """The kinds that are not refused: what was captured for the contract it asked for itself."""
    return (*terms.kinds, LeadKind.TARGETED)


def misfits(terms: Terms, facts: LeadFacts, *, price: int, now: datetime) -> Iterator[Misfit]:
    """Every reason why it is not, in the order of Misfit; none: it fits.

    The terms are resolved: a radius is among the postal codes, spans of days are dates.
    """
    checks = {
        # What was captured for a contract meets no other, and is of the kind that it takes.
        Misfit.KIND: facts.kind in kinds_met(terms),
        Misfit.REGION: not terms.regions or facts.region in terms.regions,
        Misfit.POSTAL_CODE: not terms.postal_codes or facts.postal_code in terms.postal_codes,
        Misfit.QUALITY_CLASS: not terms.quality_classes
        or facts.quality_class in terms.quality_classes,
        Misfit.AGE: terms.age_hours_max is None
        or now - facts.requested_at <= timedelta(hours=terms.age_hours_max),
        Misfit.BAD_UPPER: terms.bad_upper_max_bps is None
        or facts.bad_upper * 10_000 <= terms.bad_upper_max_bps,
        Misfit.UNCHECKED: facts.is_checked or not terms.checked_only,
        Misfit.SELLER: facts.seller not in terms.sellers_never
        and (not terms.sellers_only or facts.seller in terms.sellers_only),
        Misfit.SOURCE: facts.source not in terms.sources_never,
        Misfit.CRITERIA: matches(terms.criteria, facts.attributes),
        Misfit.PRICE: price >= facts.price_min,
    }
    return (reason for reason, holds in checks.items() if not holds)
