"""The `exchange` program: one line per command, each in a module that is imported when it is used.

A module of this package offers click commands or groups named like the command, with `_` for `-`
and a `_` behind a word of Python. Data goes to stdout, talk to stderr; for the codes at the end see
`exits.py`.
"""

from __future__ import annotations

import importlib
import keyword
from typing import Final

import click

# name: (module of this package, what it is for). Help is printed without importing any of them.
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "up": ("up", "Run everything on this machine."),
    "web": ("processes", "Serve pages and API."),
    "worker": ("processes", "Run jobs."),
    "scheduler": ("processes", "Run what is due by the clock."),
    "migrate": ("processes", "Bring the database to the newest migration."),
    "doctor": ("doctor", "Check configuration, database, Redis, Stripe and clock."),
    "reset": ("up", "Destroy an instance that `up` made."),
    "import": ("imports", "Upload a file of leads."),
    "places": ("places", "Read where postal codes are."),
    "batch": ("batch", "Show a batch, or verify its draw."),
    "auction": ("auction", "Verify an auction."),
    "ledger": ("ledger", "Check, verify and export the books."),
    "sample": ("sample", "Plan and evaluate acceptance samples."),
    "erase": ("erase", "Erase a person everywhere and print the certificate."),
    "founding": ("founding", "Say how the first administrator opens an empty house."),
    "user": ("users", "Create people."),
    "key": ("users", "Create API keys."),
    "docs": ("docs", "Write the generated pages of docs/."),
    "demo": ("demo", "Tell the demo story."),
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports one only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the list."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command behind a name, None for an unknown one."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"{__name__}.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, attribute(cmd_name))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list without importing anything."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, purpose) for name, (_, purpose) in COMMANDS.items()])


def attribute(name: str) -> str:
    """The name under which a module offers the command."""
    word = name.replace("-", "_")
    return f"{word}_" if keyword.iskeyword(word) else word


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def exchange() -> None:
    """A lead exchange where quality is measured and every cent adds up."""
