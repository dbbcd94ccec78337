"""Contracts and leads as a busy vertical would have them, the same for the same seed.

A contract states 5 to 15 conditions: a set of regions or a list of postal codes, kinds and classes,
ranges of numbers, sets of choices. Prices cluster at round numbers, so that ranking by time counts.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from exchange.catalog.criteria import All, AnyOf, Between, Criteria, In, Is
from exchange.catalog.policies import QualityClass
from exchange.leads.models import LeadKind
from exchange.market.contract_index import Entry
from exchange.market.contract_terms import Terms
from exchange.market.fitting import LeadFacts

REGIONS: Final = tuple(f"US-{chr(65 + n // 5)}{chr(65 + n % 5)}" for n in range(50))
CHOICES: Final = {
    "project": 12, "home": 5, "roof": 8, "credit": 5, "timeframe": 4, "heating": 6, "decision": 3,
}  # fmt: skip
NUMBERS: Final = {
    "budget": (1_000, 60_000, 500), "bill": (40, 900, 10), "area": (400, 6_000, 50),
    "built": (1900, 2024, 1), "rooms": (1, 9, 1),
}  # fmt: skip
FLAGS: Final = ("owner", "permit", "insured")
ROUGH: Final = 0.05  # contracts that say "or" somewhere
TICKS: Final = 100  # minor units between two prices


def entries(count: int, *, seed: int, now: datetime, buyers: int | None = None) -> list[Entry]:
    """So many contracts, of as many buyers as said, or of one in ten."""
    random = Random(seed)
    owners = [UUID(int=random.getrandbits(128)) for _ in range(buyers or max(1, count // 10))]
    return [
        Entry(
            id=UUID(int=random.getrandbits(128)),
            buyer_id=random.choice(owners),
            version=1,
            price=_price(random),
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
        postal_codes=tuple(_code(random) for _ in range(40)) if by_code else (),
        kinds=random.choice(((LeadKind.EXCLUSIVE,), (LeadKind.EXCLUSIVE, LeadKind.SHARED))),
        quality_classes=random.choice(((), (QualityClass.STANDARD, QualityClass.PRIME))),
        age_hours_max=random.choice((None, 2, 24, 72)),
        bad_upper_max_bps=random.choice((None, 1_500, 2_500)),
        criteria=_criteria(random),
    )


def lead_facts(random: Random, *, now: datetime) -> LeadFacts:
    """What is known of one lead."""
    return LeadFacts(
        attributes=attributes(random),
        kind=random.choice((LeadKind.EXCLUSIVE, LeadKind.SHARED)),
        region=random.choice(REGIONS),
        postal_code=_code(random),
        quality_class=QualityClass.STANDARD,
        requested_at=now - timedelta(minutes=random.randrange(5_000)),
        bad_upper=random.choice((0.08, 0.12, 0.2)),
        is_checked=random.random() < 0.2,
        seller="org_1",
        source="src_1",
        price_min=random.randrange(10, 40) * TICKS,
    )


def attributes(random: Random) -> dict[str, Any]:
    """What one person said, nearly all of what there is to say."""
    said: dict[str, Any] = {name: f"{name}_{random.randrange(n)}" for name, n in CHOICES.items()}
    said |= {name: random.randrange(*span) for name, span in NUMBERS.items()}
    said |= {name: random.random() < 0.7 for name in FLAGS}
    return {name: value for name, value in said.items() if random.random() < 0.97}


def _price(random: Random) -> int:
    return max(10, min(120, round(random.gauss(45, 18)))) * TICKS


def _code(random: Random) -> str:
    return f"{random.randrange(2_000):05}"


def _criteria(random: Random) -> Criteria:
    names = [*CHOICES, *NUMBERS, *FLAGS]
    asked = random.sample(names, random.randint(2, 9))
    parts: list[Criteria] = [_condition(random, name) for name in asked]
    if random.random() < ROUGH:
        parts.append(AnyOf((_condition(random, "budget"), _condition(random, "credit"))))
    return All(tuple(parts))


def _condition(random: Random, name: str) -> Criteria:
    if name in FLAGS:
        return Is(name, value=True)
    if name in CHOICES:
        n = CHOICES[name]
        wanted = random.sample(range(n), random.randint(max(1, n // 2), n - 1))
        return In(name, tuple(f"{name}_{number}" for number in wanted))
    low, high, step = NUMBERS[name]
    start = random.randrange(low, low + (high - low) // 3 + 1, step)
    end = random.randrange(high - (high - low) // 3, high + 1, step)
    return Between(name, start, random.choice((None, end)))
