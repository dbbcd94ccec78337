"""`exchange import`: the seller's upload from a terminal, with the page's counts and codes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import click

from exchange.catalog.policies import QualityClass
from exchange.cli.application import application
from exchange.cli.exits import ExitCode, Failed, say
from exchange.cli.users import find_organization
from exchange.core.actors import SYSTEM
from exchange.core.db import get, unit_of_work
from exchange.core.money import Money
from exchange.identity.models import Organization
from exchange.leads import queries
from exchange.leads.models import Batch, Import, ImportStatus, LeadKind
from exchange.leads.services import forecasts, imports
from exchange.leads.services.intake import take_in
from exchange.leads.services.problem_files import problem_file

ANSWERS: Final = (
    "encoding", "delimiter", "header_row", "sheet", "hidden", "date_order", "decimal_separator",
)  # fmt: skip
STATES: Final = ("valid", "in_review", "invalid", "duplicate", "suppressed")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--org", required=True, help="The seller, by name or trade name.")
@click.option("--vertical", required=True, help="Code of the vertical.")
@click.option("--source", default="upload", show_default=True, help="Where these people asked.")
@click.option("--map", "maps", multiple=True, metavar="FIELD=COLUMN", help="Overrule a guess.")
@click.option("--encoding", help="Answer, when the file leaves it open.")
@click.option("--delimiter", help="Answer, when the file leaves it open.")
@click.option("--header-row", help="Answer: which row is the header, 0 for none.")
@click.option("--sheet", help="Answer: the sheet of a workbook.")
@click.option("--hidden", help="Answer: skip or read what is hidden in a workbook.")
@click.option("--date-order", help="Answer: dmy, mdy or ymd.")
@click.option("--decimal-separator", help="Answer: . or ,")
@click.option(
    "--class",
    "grade",
    type=click.Choice([grade.value for grade in QualityClass]),
    default="standard",
)
@click.option("--price", type=int, help="Per lead, in minor units.")
@click.option("--sales-max", type=click.IntRange(1, 10), default=1, show_default=True)
@click.option("--unsold", is_flag=True, help="Declare that the leads are not sold elsewhere.")
@click.option("--again", is_flag=True, help="Import a file that was imported before.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; keep nothing.")
@click.option("--on-error", type=click.Choice(["skip", "stop"]), default="skip")
@click.option("--errors", type=click.Path(path_type=Path), help="Write refused rows here.")
@click.option("--wait", is_flag=True, help="Do the work now instead of leaving it to a worker.")
@click.option("--json", "as_json", is_flag=True)
def import_(file: Path, **options: Any) -> None:  # Any: click's values, named above
    """Upload a file of leads."""
    with application():
        draft_id = _upload(file, options)
        counts = _forecast(draft_id)
        stop = options["on_error"] == "stop" and counts["valid"] < counts["rows"]
        if options["dry_run"] or stop:
            with unit_of_work():
                imports.abandon(import_id=draft_id, actor=SYSTEM)
            _print(counts, as_json=options["as_json"])
            raise SystemExit(ExitCode.ERROR if stop else ExitCode.OK)
        batch_id = _confirm(draft_id, options)
        say(f"Sent to checking as {get(Batch, batch_id).public_id}.")
        if options["wait"] or options["errors"]:
            _finish(batch_id, options)


def _upload(file: Path, options: Mapping[str, Any]) -> UUID:
    answers = {name: options[name] for name in ANSWERS if options[name]}
    with unit_of_work(), file.open("rb") as stream:
        draft = imports.start_import(
            organization_id=_seller(options["org"]).id,
            vertical_code=options["vertical"],
            source_name=options["source"],
            file_name=file.name,
            stream=stream,
            again=options["again"],
            actor=SYSTEM,
        )
        if answers:
            draft = imports.answer(import_id=draft.id, answers=answers, actor=SYSTEM)
        if draft.status is ImportStatus.UPLOADED:
            _ask(draft)
        draft = imports.map_columns(
            import_id=draft.id, chosen=_chosen(draft, options["maps"]), actor=SYSTEM
        )
        if draft.questions:
            _ask(draft)
        return draft.id


def _ask(draft: Import) -> None:
    """What only the seller can say ends the command and names the flag that says it."""
    lines = [
        f"--{q['field'].replace('_', '-')} {q['guess']}   (one of: {', '.join(q['options'])})"
        for q in draft.questions
    ]
    raise Failed("Please say, and call again:\n" + "\n".join(lines), ExitCode.USAGE)


def _chosen(draft: Import, maps: Sequence[str]) -> dict[int, str | None]:
    header: list[str] = draft.recognition["header"]
    chosen: dict[int, str | None] = {}
    for text in maps:
        field, mark, column = text.partition("=")
        if not mark or column not in header:
            raise Failed(f"--map {text}: the file has no such column.", ExitCode.USAGE)
        chosen[header.index(column)] = field
    return chosen


def _forecast(draft_id: UUID) -> dict[str, Any]:
    with unit_of_work():
        draft = get(Import, draft_id)
        return forecasts.forecast(draft, rows_max=None)


def _confirm(draft_id: UUID, options: Mapping[str, Any]) -> UUID:
    with unit_of_work():
        draft = get(Import, draft_id)
        if options["price"] is None:
            raise Failed("Say --price, per lead and in minor units.", ExitCode.USAGE)
        batch = imports.draft_batch(
            import_id=draft.id,
            name=draft.file_name,
            quality_class=QualityClass(options["grade"]),
            price=Money(options["price"], queries.vertical_of(draft.vertical_id).currency),
            kind=LeadKind.EXCLUSIVE if options["sales_max"] == 1 else LeadKind.SHARED,
            sales_max=options["sales_max"],
            actor=SYSTEM,
        )
        imports.confirm(batch_id=batch.id, declared_unsold=options["unsold"], actor=SYSTEM)
        return batch.id


def _finish(batch_id: UUID, options: Mapping[str, Any]) -> None:
    take_in(batch_id)
    with unit_of_work():
        batch = get(Batch, batch_id)
        counts = {name: getattr(batch, name) for name in STATES}
        if options["errors"]:
            options["errors"].write_bytes(b"".join(problem_file(batch_id)))
        _print(
            {"batch": batch.public_id, "rows": batch.rows_done, **counts},
            as_json=options["as_json"],
        )
        partly = counts["valid"] + counts["in_review"] < batch.rows_done
    raise SystemExit(ExitCode.PARTLY_IMPORTED if partly else ExitCode.OK)


def _seller(name: str) -> Organization:
    found = find_organization(name)
    if found is None:
        raise Failed(f"There is no organization {name}.", ExitCode.USAGE)
    return found


def _print(counts: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(counts))
        return
    for name, value in counts.items():
        if isinstance(value, dict):
            for code, count in value.items():
                click.echo(f"  {code:<24}{count:>10}")
        else:
            click.echo(f"{name:<26}{value:>10}")
