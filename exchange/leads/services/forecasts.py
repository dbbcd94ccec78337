"""What a file would become: a dry run over its rows that makes no lead.

On the page a slice answers in a second and says that it is one; the check of the whole file and
the command line look at all rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from exchange.catalog.fields import CHOICES
from exchange.core.db import get
from exchange.identity.models import Organization
from exchange.leads import crew, people, queries
from exchange.leads.cells import Finding
from exchange.leads.checking import Outcome
from exchange.leads.draft_models import RowEnd
from exchange.leads.examining import Examined, Examiner
from exchange.leads.mapping import ColumnMapping
from exchange.leads.mending import DROPPED, word_key
from exchange.leads.models import Import
from exchange.leads.reading import Row
from exchange.leads.services import files, recipes, resubmission
from exchange.leads.services.mending import WORDS_SHOWN, is_word, lock_words

SLICE_ROWS = 1_000
_HASH_BYTES: Final = 7  # of a person seen in this file: enough for a dry run, a third of the memory


Rules = Iterable[tuple[str, str]]  # field and code


class End(NamedTuple):
    """A row with the state in which it would end, and why."""

    row: Examined
    state: RowEnd
    findings: Sequence[Finding]


class Ends:
    """Where examined rows would end, one part of the file after the other.

    Who may not trade yet is not told whom the exchange knows: a draft asks for a million people
    and leaves no trace.
    """

    def __init__(self, draft: Import) -> None:
        self._vertical_id, self._seller_id = draft.vertical_id, draft.organization_id
        self._asks = get(Organization, draft.organization_id).is_approved
        self._seen: set[int] = set()

    def of(self, rows: Sequence[Examined]) -> Iterator[End]:
        """The ends of the next rows, in their order."""
        identities = {value for row in rows for value in row.people}
        hashes = {value for row in rows for value in row.hashes}
        banned, known = set[bytes](), dict[bytes, queries.Known]()
        if self._asks:
            banned = people.suppressed_hashes(identities, seller_id=self._seller_id)
            known = queries.known_people(self._vertical_id, hashes)
        earlier = resubmission.earlier_leads(
            known.values(), seller_id=self._seller_id, is_locked=False
        )
        for row in rows:
            short = {int.from_bytes(value[:_HASH_BYTES]) for value in row.hashes}
            if row.outcome is Outcome.INVALID:
                yield End(row, RowEnd.INVALID, row.findings)
            elif not banned.isdisjoint(row.people):
                yield End(row, RowEnd.SUPPRESSED, (Finding("", "suppressed"),))
            elif not self._seen.isdisjoint(short):
                yield End(row, RowEnd.DUPLICATE, (Finding("", "duplicate_in_file"),))
            elif holders := [known[value] for value in row.hashes if value in known]:
                self._seen.update(short)
                yield _end_of_known(row, resubmission.recognise(holders, earlier))
            else:
                self._seen.update(short)
                yield End(row, RowEnd(str(row.outcome)), row.findings)


def _end_of_known(row: Examined, earlier: resubmission.Earlier | None) -> End:
    """A repeat; or somebody of the seller's own lot that came to nothing."""
    if earlier is None:
        return End(row, RowEnd.DUPLICATE, (Finding("", "duplicate_in_window"),))
    if earlier.failed_at:
        return End(row, RowEnd.INVALID, (Finding("", resubmission.FAILED_BEFORE),))
    if earlier.checked_at:
        return End(row, RowEnd(str(row.outcome)), row.findings)
    return End(row, RowEnd.IN_REVIEW, (Finding("", resubmission.RESUBMITTED),))


class Tally:
    """Counts of ends: by state, by code, by rule with an example, and the words not known."""

    def __init__(self, draft: Import) -> None:
        fields = queries.fields_of(draft.schema_id)
        mapping = ColumnMapping.from_settings(draft.mapping)
        self._width = len(mapping.columns)
        self._choices = {
            name: index
            for name, index in mapping.index_by_field.items()
            if fields.by_name[name].type in CHOICES
        }
        self.states: Counter[RowEnd] = Counter()
        self._codes: Counter[str] = Counter()
        self._rules: dict[tuple[str, str, RowEnd], list[int]] = {}
        self._words: dict[str, Counter[str]] = {name: Counter() for name in self._choices}
        self._dropped = 0

    def add(self, end: End) -> None:
        """Count a row."""
        self.states[end.state] += 1
        if not end.findings and not end.row.notes:
            return
        self._codes.update({*(finding.code for finding in end.findings), *end.row.notes})
        for name, code in dict.fromkeys(end.findings):
            if code == DROPPED:
                self._dropped += 1
                continue
            rule = self._rules.setdefault((name, code, end.state), [0, end.row.number])
            rule[0] += 1
            if code == "value_not_allowed" and name in self._choices:
                self._note_word(name, end.row.mended)

    def _note_word(self, name: str, cells: Sequence[str]) -> None:
        column, known = self._choices[name], self._words[name]
        word = word_key(cells[column]) if column < len(cells) else ""
        if word in known or (len(known) < WORDS_SHOWN and is_word(word)):
            known[word] += 1

    def summary(self, *, whole: bool) -> dict[str, Any]:  # Any: JSON
        """The counts: every row ends in exactly one of the five states."""
        counts = {state.value: self.states[state] for state in _STATES}
        return {
            "rows": self.states.total(),
            "whole": whole,
            **counts,
            "dropped": self._dropped,
            "codes": dict(self._codes),
        }

    def details(self, draft: Import) -> dict[str, Any]:  # Any: JSON
        """Rules with their rows and an example, commonest first; unknown words, locked."""
        words = {name: known.most_common() for name, known in self._words.items() if known}
        rules = sorted(self._rules.items(), key=lambda item: (-item[1][0], item[0]))
        return {
            "rules": [
                {"field": name, "code": code, "state": state, "rows": rows, "example": first}
                for (name, code, state), (rows, first) in rules
            ],
            "words": lock_words(draft, words) if words else "",
        }


_STATES = (RowEnd.VALID, RowEnd.IN_REVIEW, RowEnd.INVALID, RowEnd.DUPLICATE, RowEnd.SUPPRESSED)


class DryRun:
    """The checks of a mapped file as it is mended now, part by part in the file's order.

    A look at the first rows needs only what was mended `until` one of them.
    """

    def __init__(self, draft: Import, *, until: int | None = None) -> None:
        self.tally = Tally(draft)
        self.recipe = recipes.for_draft(draft, until=until)
        self._ends = Ends(draft)

    def take(self, rows: Sequence[Examined]) -> list[End]:
        """Where the next rows would end; they are counted."""
        ends = list(self._ends.of(rows))
        for end in ends:
            self.tally.add(end)
        return ends


def forecast(draft: Import, *, rows_max: int | None = SLICE_ROWS) -> dict[str, Any]:  # Any: JSON
    """Counts by end state and by code for the first `rows_max` rows, or for all of them.

    Duplicates are those that are known now; somebody else may upload them in the meantime.
    """
    if rows_max is not None:
        look = _look_at_first(draft, rows_max)
        return look.tally.summary(whole=look.whole)
    run = DryRun(draft)
    with files.blocks(draft) as blocks:
        for part in crew.work_through(Examiner, run.recipe, blocks=blocks):
            run.take(part)
    return run.tally.summary(whole=True)


def first_look(draft: Import) -> dict[str, Any]:  # Any: JSON
    """The forecast of the first rows with its rules, and about how many rows the file has."""
    look = _look_at_first(draft, SLICE_ROWS)
    found = look.tally.summary(whole=look.whole)
    about = found["rows"] if look.whole else round(found["rows"] / look.share)
    return {**found, **look.tally.details(draft), "rows_about": about}


class _Look(NamedTuple):
    """What the first rows are, whether these are all, and about which share of the file's bytes."""

    tally: Tally
    whole: bool
    share: float


def _look_at_first(draft: Import, rows_max: int) -> _Look:
    with files.reading(draft) as found:
        part = list(islice(found, rows_max))
        whole = next(found, None) is None
    run = DryRun(draft, until=part[-1].number if part else 0)
    run.take(Examiner(run.recipe).work(part))
    return _Look(run.tally, whole, min(_size(part) / max(draft.file_size, 1), 1.0))


def _size(rows: Iterable[Row]) -> int:
    return sum(len(cell.encode("utf-8", "replace")) + 1 for row in rows for cell in row.cells) or 1


def moved(
    found: Mapping[str, Any], before: tuple[RowEnd, Rules], after: tuple[RowEnd, Rules], *, row: int
) -> dict[str, Any]:  # Any: JSON
    """The forecast after one row of the file was mended by hand."""
    rules = {(r["field"], r["code"], r["state"]): dict(r) for r in found["rules"]}
    counts = Counter({state.value: found[state.value] for state in _STATES})
    for sign, (state, findings) in ((-1, before), (1, after)):
        counts[state.value] += sign
        for name, code in findings:
            rule = rules.setdefault(
                (name, code, state.value),
                {"field": name, "code": code, "state": state.value, "rows": 0, "example": row},
            )
            rule["rows"] += sign
            if sign < 0 and rule["example"] == row:
                rule["example"] = None
    left = sorted(
        (rule for rule in rules.values() if rule["rows"] > 0), key=lambda rule: -rule["rows"]
    )
    mended = found.get("mended", 0) + 1
    return {**found, **counts, "rules": left, "mended": mended}
