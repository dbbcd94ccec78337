"""The policies that are compared: ours, and three that check a fixed number of leads.

Each is a `SamplingPlan` of the product, so that the same verbs decide all of them.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exchange.config import ROOT
from exchange.verification.plans import HOUSE_RISKS, SamplingPlan, plan_for, single_plan

AQL: Final = "2.5"
LEVEL: Final = "II"
# ISO 2859-1, level II, normal, AQL 2.5 for the sizes that are simulated: n and Ac.
PRINTED: Final = {100: (20, 1), 1_000: (80, 5), 10_000: (200, 10)}
SHARED: Final = Path(os.environ.get("EXCHANGE_SHARED", ROOT.parent / "shared"))
TABLES: Final = SHARED / "data" / "iso2859"


@dataclass(frozen=True, slots=True)
class Policy:
    """A way to check lots: the plan that it has for a lot of a size."""

    name: str
    plan: Callable[[int], SamplingPlan]


def policies() -> list[Policy]:
    """Ours first."""
    return [OURS, Policy("fixed 10 %", _fixed_share), ISO, Policy("best single", _best_single)]


def _fixed_share(size: int) -> SamplingPlan:
    """A tenth of the lot; at 1,000 leads 8 bad ones are accepted, at others the same share."""
    return _single("fixed 10 %", drawn=size // 10, accept=round(size / 10 * 0.08), size=size)


def _best_single(size: int) -> SamplingPlan:
    return single_plan(size, risks=HOUSE_RISKS)


def _iso(size: int) -> SamplingPlan:
    drawn, accept = iso_table(TABLES, size) or PRINTED[size]
    return _single("ISO 2859-1 II", drawn=drawn, accept=accept, size=size)


def iso_table(folder: Path, size: int) -> tuple[int, int] | None:
    """n and Ac of level II, normal, AQL 2.5 by the tables; None where they are not at hand.

    The sample size is that of the row where the arrow ends; a lot is never larger than its sample.
    """
    if not folder.is_dir():
        return None
    letter = next(
        row[LEVEL]
        for row in _rows(folder / "code_letters.csv")
        if int(row["lot_min"]) <= size <= int(row["lot_max"] or size)
    )
    plan = next(
        row
        for row in _rows(folder / "single_normal.csv")
        if (row["aql_percent"], row["code_letter"]) == (AQL, letter)
    )
    return min(int(plan["n"]), size), int(plan["ac"])


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _single(name: str, *, drawn: int, accept: int, size: int) -> SamplingPlan:
    return SamplingPlan(
        name=name,
        looks=(drawn,),
        accept=(accept,),
        reject=(accept + 1,),
        risks=HOUSE_RISKS,
        population=size,
    )


OURS: Final = Policy("LX-15 in waves", lambda size: plan_for(size, "standard"))
ISO: Final = Policy("ISO 2859-1 II 2.5", _iso)
