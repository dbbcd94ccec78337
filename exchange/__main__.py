"""The `exchange` program."""

from __future__ import annotations

from exchange.cli import exchange


def main() -> None:
    """Run the command that the arguments name and exit with its code."""
    exchange(prog_name="exchange")


if __name__ == "__main__":
    main()
