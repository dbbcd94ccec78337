"""Every state machine is complete: each state has an entry, each target exists, each is reached."""

from __future__ import annotations

from enum import StrEnum

import pytest

from exchange.app import import_models
from exchange.core.db import Record

import_models()
MACHINES = sorted(
    (kind for kind in Record.__subclasses__() if hasattr(kind, "TRANSITIONS")),
    key=lambda kind: kind.KIND,
)


def states_of(kind: type[Record]) -> type[StrEnum]:
    return type(next(iter(kind.TRANSITIONS)))


def first_of(kind: type[Record]) -> StrEnum:
    """Where a row begins: the column's default."""
    default = kind.__table__.c.status.default
    assert default is not None, f"{kind.__name__}.status has no default"
    return default.arg


@pytest.mark.parametrize("kind", MACHINES, ids=lambda kind: kind.KIND)
class TestMachine:
    def test_every_state_has_an_entry(self, kind: type[Record]) -> None:
        assert set(kind.TRANSITIONS) == set(states_of(kind))

    def test_every_target_is_a_state(self, kind: type[Record]) -> None:
        targets = {target for found in kind.TRANSITIONS.values() for target in found}
        assert targets <= set(states_of(kind))

    def test_every_state_is_reached_from_the_first(self, kind: type[Record]) -> None:
        reached, waiting = set(), [first_of(kind)]
        while waiting:
            state = waiting.pop()
            if state not in reached:
                reached.add(state)
                waiting += kind.TRANSITIONS[state]
        assert reached == set(states_of(kind))

    def test_the_table_knows_the_same_states(self, kind: type[Record]) -> None:
        column = kind.__table__.c.status
        assert set(column.type.enums) == {state.value for state in states_of(kind)}
        assert column.type.create_constraint


def test_every_status_column_belongs_to_a_machine() -> None:
    # A problem row has the state of its lead and never moves.
    without = {
        kind.__name__
        for kind in Record.__subclasses__()
        if "status" in kind.__table__.c and kind not in MACHINES
    }
    assert without <= {"IdempotencyKey"}
