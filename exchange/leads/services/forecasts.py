"""What a file would become: a dry run over its rows that stores no row.

On the page a slice answers in a second and says that it is one; the command line asks for all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import Any

from exchange.catalog import queries as catalog
from exchange.leads import queries
from exchange.leads.checking import CheckedRow, Outcome
from exchange.leads.models import Import
from exchange.leads.services import files, screening

SLICE_ROWS = 1_000


def forecast(draft: Import, *, rows_max: int | None = SLICE_ROWS) -> dict[str, Any]:  # Any: JSON
    """Counts by end state and by code for the first `rows_max` rows, or for all of them.

    Duplicates are those that are known now; somebody else may upload them in the meantime.
    """
    checker = files.checker(draft)
    with files.reading(draft) as found:
        slice_ = found if rows_max is None else islice(found, rows_max + 1)
        checked = [checker.check(row) for row in slice_]
    whole = rows_max is None or len(checked) <= rows_max
    return _summary(draft, checked if whole else checked[:-1], whole=whole)


def _summary(draft: Import, checked: Iterable[CheckedRow], *, whole: bool) -> dict[str, Any]:
    states: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    for row, state, found in _ends(draft, list(checked)):
        states[state] += 1
        codes.update(found)
        codes.update(finding.code for finding in row.notes)
    counts = {name: states[name] for name in _STATES}
    return {"rows": sum(states.values()), "whole": whole, **counts, "codes": dict(codes)}


_STATES = ("valid", "in_review", "invalid", "duplicate", "suppressed")


def _ends(
    draft: Import, checked: list[CheckedRow]
) -> Iterable[tuple[CheckedRow, str, tuple[str, ...]]]:
    """Each row with the state in which it would end and why."""
    policy = catalog.get_terms(queries.vertical_of(draft.vertical_id)).duplicates
    hashes = {row.number: set(screening.duplicate_hashes(row, policy)) for row in checked}
    all_hashes = {value for some in hashes.values() for value in some}
    banned = screening.suppressed_rows(checked, seller_id=draft.organization_id)
    known = queries.known_people(draft.vertical_id, all_hashes)
    seen: set[bytes] = set()
    for row in checked:
        mine = hashes[row.number]
        if row.outcome is Outcome.INVALID:
            yield row, "invalid", row.codes
        elif row.number in banned:
            yield row, "suppressed", ("suppressed",)
        elif not seen.isdisjoint(mine):
            yield row, "duplicate", ("duplicate_in_file",)
        elif not known.keys().isdisjoint(mine):
            yield row, "duplicate", ("duplicate_in_window",)
        else:
            seen.update(mine)
            yield row, str(row.outcome), row.codes
