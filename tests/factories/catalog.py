"""Verticals for tests: the presets that come with the program, published once."""

from __future__ import annotations

from dataclasses import replace

from exchange.catalog import queries, services
from exchange.catalog.definition import VerticalDefinition
from exchange.catalog.models import Vertical
from exchange.catalog.schemas import load_preset
from exchange.core.actors import SYSTEM
from tests.cast import qualify_verifiers
from tests.recording import play

VERTICAL = "home_improvement_us"  # in USD, hours of Columbus, Ohio


def make_vertical(code: str = VERTICAL) -> Vertical:
    """The preset of this code, published; the same one when it is asked for again.

    Nobody is checked twice at random, and two of five people may stay open: tests of anything else
    say so.
    """
    found = queries.find_vertical(code)
    if found is not None:
        return found
    beside = " ".join(str(vertical.id) for vertical in queries.verticals(with_paused=True))
    play(f"vertical {code} beside {beside}", lambda: _publish(code))
    qualify_verifiers()
    return queries.get_vertical(code)


def _publish(code: str) -> None:
    definition = with_usual_open_share(with_doubles(load_preset(code)))
    services.publish_vertical(definition=definition, actor=SYSTEM)


def definition_of(vertical: Vertical) -> VerticalDefinition:
    """Everything in force of a vertical."""
    return queries.get_definition(vertical)


def with_doubles(definition: VerticalDefinition, share_bps: int = 0) -> VerticalDefinition:
    """The same with another share of good answers that are checked twice."""
    checks = replace(definition.terms.checks, double_checks_bps=share_bps)
    return replace(definition, terms=replace(definition.terms, checks=checks))


def with_usual_open_share(definition: VerticalDefinition) -> VerticalDefinition:
    """The same with the share that may stay open where terms say nothing (decision 7)."""
    attempts = replace(definition.terms.attempts, open_share_max_bps=4_000)
    return replace(definition, terms=replace(definition.terms, attempts=attempts))
