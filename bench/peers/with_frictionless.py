"""The bench's rules as a frictionless table schema."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from frictionless import Check, Checklist, Error, Resource, Row, Schema, errors, system
from phones import is_phone


class Phones(Check):
    """Refuses rows whose phone is no number."""

    Errors = (errors.RowConstraintError,)

    def validate_row(self, row: Row) -> Iterator[Error]:
        if not is_phone(row["phone"] or ""):
            yield errors.RowConstraintError.from_row(row, note="phone")


def main(file: str, rules_file: str) -> None:
    """Validate the table; rows with any error are refused."""
    rules = json.loads(Path(rules_file).read_text())
    path = Path(file)
    began = time.perf_counter()
    with system.use_context(trusted=True):
        resource = Resource(path=str(path), schema=_schema(rules))
        report = resource.validate(Checklist(checks=[Phones()]), limit_errors=10_000_000)
    refused = {row for (row,) in report.flatten(["rowNumber"]) if row}
    seconds = time.perf_counter() - began
    rows = report.tasks[0].stats["rows"]
    print(json.dumps({"accepted": rows - len(refused), "seconds": seconds}))


def _schema(rules: dict) -> Schema:
    fields = {}
    for name, words in rules["words"].items():
        fields[name] = {"type": "string", "constraints": {"required": True, "enum": words}}
    for name, pattern in rules["patterns"].items():
        fields[name] = {"type": "string", "constraints": {"required": True, "pattern": pattern}}
    between = {"required": True, "minimum": rules["oldest"], "maximum": rules["latest"]}
    fields["requested_at"] = {"type": "datetime", "constraints": between}
    ordered = [{"name": name, **fields[name]} for name in rules["columns"]]
    return Schema.from_descriptor({"fields": ordered})


if __name__ == "__main__":
    main(*sys.argv[1:])
