"""`exchange docs`: the pages of docs/ that are made from the code, and whether they are fresh."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from exchange.app import create_app, import_models
from exchange.cli.exits import Failed, say
from exchange.config import ROOT, Settings
from exchange.core.db import Record

FOLDER: Final = ROOT / "docs"


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; end with 1 when a page is stale.")
def docs(*, check: bool) -> None:
    """Write docs/openapi.json and docs/states.md."""
    pages = {name: write() for name, write in PAGES.items()}
    stale = [name for name, text in pages.items() if _read(name) != text]
    if check and stale:
        raise Failed(f"Stale: {', '.join(f'docs/{name}' for name in stale)}. Run `make docs`.")
    for name in stale:
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / name).write_text(pages[name], encoding="utf-8")
        say(f"docs/{name} written")


def openapi() -> str:
    """The description of the API, as /api/v1/openapi.json serves it."""
    document = create_app(_settings()).extensions["openapi"].to_dict()
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def states() -> str:
    """Every record with a status, and which states may follow which."""
    import_models()
    parts = ["# States\n\nWritten by `make docs` from the models; do not edit.\n"]
    for model in sorted(_machines(), key=lambda model: model.KIND):
        rows = [_row(state, targets) for state, targets in _graph(model).items()]
        head = f"## {model.KIND}\n\n| state | may become |\n|---|---|\n"
        parts.append(head + "\n".join(rows) + "\n")
    return "\n".join(parts)


PAGES: Final[dict[str, Callable[[], str]]] = {"openapi.json": openapi, "states.md": states}


def _machines() -> list[type[Record]]:
    return [
        mapper.class_
        for mapper in Record.registry.mappers
        if issubclass(mapper.class_, Record) and hasattr(mapper.class_, "TRANSITIONS")
    ]


def _graph(model: type[Record]) -> dict[Any, set[Any]]:  # Any: each machine has an enum of its own
    graph: dict[Any, set[Any]] = vars(model)["TRANSITIONS"]
    return graph


def _row(state: object, targets: set[Any]) -> str:  # Any: as above
    names = ", ".join(f"`{name}`" for name in sorted(map(str, targets)))
    return f"| `{state}` | {names or 'nothing: the end'} |"


def _read(name: str) -> str:
    path = FOLDER / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _settings() -> Settings:
    """Settings that reach nothing: the pages come from the code alone."""
    return Settings(
        database_url="postgresql://nowhere/none",
        app_database_url="postgresql://nowhere/none",
        redis_url="redis://localhost:1/0",
        secret_key="documentation",  # noqa: S106  # opens nothing
        master_keys="1:" + "A" * 43 + "=",
        instance="sandbox",
        base_url="http://localhost:8000",
        data_folder=Path("/nonexistent"),
        stripe_secret_key="",
        stripe_webhook_secret="",
        stripe_api_url=None,
    )
