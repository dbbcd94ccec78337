"""Contracts and leads as a busy vertical would have them, the same for the same seed.

A contract states 5 to 15 conditions: regions or postal codes, kinds and classes, ranges of numbers,
sets of choices. Prices cluster at round numbers, so that ranking by time counts. The vertical is
one of the presets that come with the program.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from exchange.catalog.criteria import All, AnyOf, Between, Criteria, In, Is
from exchange.catalog.policies import QualityClass
from exchange.catalog.schemas import load_preset
from exchange.leads.models import LeadKind
from exchange.market.contract_index import Entry
from exchange.market.contract_terms import Caps, Period, Terms
from exchange.market.fitting import LeadFacts

VERTICAL: Final = "home_improvement_us"
FIELDS: Final = load_preset(VERTICAL).fields.by_name
CHOICES: Final = {
    name: tuple(choice.value for choice in FIELDS[name].choices)
    for name in ("project", "scope", "property_type", "timeframe", "credit_rating")
}
REGIONS: Final = tuple(choice.value for choice in FIELDS["region"].choices)
NUMBERS: Final = {  # from, to, step
    "budget": (100_000, 6_000_000, 50_000),
    "year_built": (1900, 2024, 1),
    "living_area": (400, 6_000, 50),
}
FLAGS: Final = ("is_homeowner", "wants_financing")
ROUGH: Final = 0.05  # contracts that say "or" somewhere
TICKS: Final = 100  # minor units between two prices
CODES: Final = 2_000  # postal codes


def entries(count: int, *, seed: int, now: datetime) -> list[Entry]:
    """So many contracts, ten of each buyer."""
    random = Random(seed)
    owners = [UUID(int=random.getrandbits(128)) for _ in range(max(1, count // 10))]
    return [
        Entry(
            id=UUID(int=random.getrandbits(128)),
            buyer_id=random.choice(owners),
            version=1,
            price=max(10, min(120, round(random.gauss(45, 18)))) * TICKS,
            ranked_at=now - timedelta(seconds=random.randrange(10_000_000)),
            terms=terms(random),
        )
        for _ in range(count)
    ]


def terms(random: Random) -> Terms:
    """What one of them asks."""
    by_code = random.random() < 0.1
    return Terms(
        time_zone="America/New_York",
        regions=() if by_code else tuple(random.sample(REGIONS, random.randint(1, 12))),
        postal_codes=tuple({_code(random) for _ in range(40)}) if by_code else (),
        kinds=random.choice(((LeadKind.EXCLUSIVE,), (LeadKind.EXCLUSIVE, LeadKind.SHARED))),
        quality_classes=random.choice(((), (QualityClass.STANDARD, QualityClass.PRIME))),
        age_hours_max=random.choice((None, 24, 72, 240)),
        bad_upper_max_bps=random.choice((None, 1_500, 2_500)),
        criteria=_criteria(random),
        caps=random.choice(
            (Caps(), Caps({Period.DAY: random.randint(5, 200)}), Caps(amount={Period.DAY: 500_000}))
        ),
    )


def lead_facts(random: Random, *, now: datetime) -> LeadFacts:
    """What is known of one lead."""
    return LeadFacts(
        attributes=attributes(random),
        kind=LeadKind.EXCLUSIVE,
        region=random.choice(REGIONS),
        postal_code=_code(random),
        quality_class=QualityClass.STANDARD,
        requested_at=now - timedelta(minutes=random.randrange(5_000)),
        bad_upper=0.12,
        is_checked=False,
        seller="org_of_nobody",
        source="src_of_nobody",
        price_min=20 * TICKS,
    )


def attributes(random: Random) -> dict[str, Any]:  # Any: JSON
    """What one person said, nearly all of what there is to say."""
    said: dict[str, Any] = {name: random.choice(values) for name, values in CHOICES.items()}
    said |= {name: random.randrange(*span) for name, span in NUMBERS.items()}
    said |= {name: random.random() < 0.7 for name in FLAGS}
    return {name: value for name, value in said.items() if random.random() < 0.97}


def _code(random: Random) -> str:
    return f"{random.randrange(CODES):05}"


def _criteria(random: Random) -> Criteria:
    names = [*CHOICES, *NUMBERS, *FLAGS]
    asked = random.sample(names, random.randint(2, 9))
    parts = [_condition(random, name) for name in asked]
    if random.random() < ROUGH:
        parts.append(AnyOf((_condition(random, "budget"), _condition(random, "credit_rating"))))
    return All(tuple(parts))


def _condition(random: Random, name: str) -> Criteria:
    if name in FLAGS:
        return Is(name, value=True)
    if name in CHOICES:
        values = CHOICES[name]
        return In(
            name,
            tuple(random.sample(values, random.randint((len(values) + 1) // 2, len(values) - 1))),
        )
    low, high, step = NUMBERS[name]
    third = (high - low) // 3
    start = random.randrange(low, low + third + 1, step)
    end = random.randrange(high - third, high + 1, step)
    return Between(name, start, random.choice((None, end)))
