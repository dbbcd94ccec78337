"""The bench's rules as a pandera schema over a pandas frame of strings."""

import json
import sys
import time
from pathlib import Path

import pandas as pd
import pandera.pandas as pa
from phones import is_phone


def main(file: str, rules_file: str) -> None:
    """Validate the whole frame lazily; rows with any failure are refused."""
    rules = json.loads(Path(rules_file).read_text())
    schema = _schema(rules)
    began = time.perf_counter()
    frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    frame["requested_at"] = pd.to_datetime(
        frame["requested_at"], errors="coerce", utc=True, format="ISO8601"
    )
    refused: set[int] = set()
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        refused = set(errors.failure_cases["index"].dropna())
    seconds = time.perf_counter() - began
    print(json.dumps({"accepted": len(frame) - len(refused), "seconds": seconds}))


def _schema(rules: dict) -> pa.DataFrameSchema:
    words = {name: pa.Column(str, pa.Check.isin(rules["words"][name])) for name in rules["words"]}
    text = {
        name: pa.Column(str, pa.Check.str_matches(pattern))
        for name, pattern in rules["patterns"].items()
    }
    text["phone"] = pa.Column(str, pa.Check(lambda cells: cells.map(is_phone)))
    oldest, latest = (pd.Timestamp(rules[name]) for name in ("oldest", "latest"))
    moment = pa.Column("datetime64[ns, UTC]", pa.Check.in_range(oldest, latest), coerce=True)
    return pa.DataFrameSchema({**words, **text, "requested_at": moment})


if __name__ == "__main__":
    main(*sys.argv[1:])
