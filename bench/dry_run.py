"""The dry run beside three libraries that validate tables, by equal rules on the same file.

Each accepts the same rows, or the figure is refused. Ours does more on the way (numbering plans,
disposable addresses, people known already), which only makes it slower. The figure is our rows a
second over theirs.
"""

from __future__ import annotations

import json
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bench import made
from bench.harness import Bench, median, stopwatch
from bench.intake import draft_of, house
from exchange.config import ROOT
from exchange.core import clock
from exchange.core.db import db, get
from exchange.leads.models import Import
from exchange.leads.services import forecasts
from exchange.leads.times import SKEW

ROWS = 100_000
PAIRS = 3
PYTHON = ROOT / "bench" / ".venv" / "bin" / "python"
PEERS = {"pandera": 2.0, "frictionless": 5.0, "import_export": 7.0}  # how many times as fast


def run(bench: Bench) -> None:
    """Measure us and each peer in turn, three times."""
    if not PYTHON.exists():
        print("# skipped: the peers are not installed (make bench-peers)")
        return
    with house() as ours:
        now = clock.now()
        file, rules = ours.folder / "normal.csv", ours.folder / "rules.json"
        made.write(file, rows=ROWS, now=now)
        rules.write_text(json.dumps(_rules(now)))
        draft_id = draft_of(ours.seller_id, file)
        db.session.rollback()
        rounds = [_round(get(Import, draft_id), file, rules) for _ in range(PAIRS)]
    for name, goal in PEERS.items():
        ratio = median([times[name] / times["ours"] for times in rounds])
        bench.figure(f"dry_run_to_{name}", ratio, "times", goal=(">=", goal))
    for name in ("ours", *PEERS):
        print(f"# {name}: {ROWS / median([times[name] for times in rounds]):,.0f} rows/s")


def _round(draft: Import, file: Path, rules: Path) -> dict[str, float]:
    with stopwatch() as taken:
        counts = forecasts.forecast(draft, rows_max=None)
    db.session.rollback()  # what follows takes longer than a transaction may idle
    times = {"ours": taken[0]}
    accepted = counts["rows"] - counts["invalid"]
    for name in PEERS:
        found = _peer(name, file, rules)
        assert found["accepted"] == accepted, f"{name} accepts {found['accepted']}, we {accepted}"
        times[name] = found["seconds"]
    return times


def _peer(name: str, file: Path, rules: Path) -> dict[str, Any]:  # Any: JSON
    script = ROOT / "bench" / "peers" / f"with_{name}.py"
    done = subprocess.run([PYTHON, script, file, rules], check=True, capture_output=True, text=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _rules(now: datetime) -> dict[str, Any]:  # Any: JSON
    definition = made.definition()
    terms = definition.terms
    choices = ("project", "timeframe", "channel")
    return {
        "columns": made.COLUMNS,
        "words": {n: list(definition.fields.by_name[n].choice_by_value) for n in choices},
        "patterns": {
            "name": r"^\s*\S.{0,199}$",
            "phone": r"^\+[0-9]{8,15}$",
            "email": r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$",
            "postal_code": r"^[A-Z0-9][A-Z0-9 -]{1,8}[A-Z0-9]$",
            "budget": r"^[0-9]{1,7}$",
            "consent_text": r"^.{20,4000}$",
        },
        "oldest": (now - timedelta(days=terms.max_age_days)).isoformat(),
        "latest": (now + SKEW).isoformat(),
    }
