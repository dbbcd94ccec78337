"""What a file would become: a dry run over its rows that makes no lead.

On the page a slice answers in a second and says that it is one; the check of the whole file and
the command line look at all rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from struct import Struct
from typing import Any, Final, NamedTuple

from exchange.catalog.fields import CHOICES
from exchange.core.crypto import INDEX_BYTES
from exchange.core.db import get
from exchange.identity.models import Organization
from exchange.leads import crew, people, queries
from exchange.leads.cells import Finding
from exchange.leads.draft_models import RowEnd
from exchange.leads.examining import Examined, Examiner, Hashes
from exchange.leads.mapping import ColumnMapping
from exchange.leads.mending import DROPPED, word_key
from exchange.leads.models import Import
from exchange.leads.reading import Row
from exchange.leads.services import files, recipes, resubmission
from exchange.leads.services.mending import WORDS_SHOWN, is_word, lock_words

SLICE_ROWS = 1_000
_PIECES: Final = Struct(f"{INDEX_BYTES}s")
_BEGINNINGS: Final = Struct(f">Q{INDEX_BYTES - 8}x")
_BITS_LEFT_OUT: Final = 4  # so that the rest fits into the smallest integers that are not tiny


Rules = Iterable[tuple[str, str]]  # field and code


class End(NamedTuple):
    """Where a row would end, and why."""

    place: int  # in its block
    number: int
    state: RowEnd
    findings: Sequence[Finding] = ()
    notes: Sequence[str] = ()


class Ends:
    """Where examined rows would end, one part of the file after the other.

    Who may not trade yet is not told whom the exchange knows: a draft asks for a million people
    and leaves no trace.
    """

    def __init__(self, draft: Import) -> None:
        self._vertical_id, self._seller_id = draft.vertical_id, draft.organization_id
        self._asks = get(Organization, draft.organization_id).is_approved
        self._seen: set[int] = set()

    def of(self, rows: Examined) -> dict[int, End]:
        """Which of the next rows do not simply end as valid, by place."""
        banned, known = set[bytes](), dict[bytes, queries.Known]()
        if self._asks:
            banned = people.suppressed_hashes(b"".join(rows.people), seller_id=self._seller_id)
            known = queries.known_people(self._vertical_id, b"".join(rows.hashes))
        ends = {
            place: _end(rows, place, RowEnd(str(odd.outcome)), *odd.findings)
            for place, odd in rows.odd.items()
        }
        refused = {place for place in rows.odd if rows.is_invalid(place)}
        for place in _holders(rows.people, banned).keys() - refused:
            ends[place] = _end(rows, place, RowEnd.SUPPRESSED, Finding("", "suppressed"))
            refused.add(place)
        ends.update(self._repeats(rows, known, refused))
        return ends

    def _repeats(
        self, rows: Examined, known: Mapping[bytes, queries.Known], refused: Container[int]
    ) -> Iterator[tuple[int, End]]:
        """How the rows end whose person stood above or is known, by place."""
        seen, held = self._seen, _holders(rows.hashes, known)
        earlier = resubmission.earlier_leads(
            known.values(), seller_id=self._seller_id, is_locked=False
        )
        for place, mine in enumerate(zip(*map(_shortened, rows.hashes), strict=True)):
            if place in refused:
                continue
            if not seen.isdisjoint(mine):
                yield place, _end(rows, place, RowEnd.DUPLICATE, Finding("", "duplicate_in_file"))
                continue
            seen.update(mine)
            seen.discard(0)
            holders = [known[value] for value in held.get(place, ())]
            if holders and (end := _end_of_known(resubmission.recognise(holders, earlier))):
                yield place, _end(rows, place, end[0], Finding("", end[1]))


def _end(rows: Examined, place: int, state: RowEnd, *findings: Finding) -> End:
    notes = rows.odd[place].notes if place in rows.odd else ()
    return End(place, rows.numbers[place], state, findings, notes)


def _holders(hashes: Sequence[Hashes], wanted: Container[bytes]) -> dict[int, list[bytes]]:
    """The rows with some of these hashes, by place, with those that they have."""
    found: dict[int, list[bytes]] = {}
    if not wanted:
        return found
    for column in hashes:
        for place, (value,) in enumerate(_PIECES.iter_unpack(column)):
            if value in wanted:
                found.setdefault(place, []).append(value)
    return found


def _shortened(hashes: Hashes) -> list[int]:
    """Of each hash as much as a dry run needs, 0 of nobody; a third of the memory."""
    return [value >> _BITS_LEFT_OUT for (value,) in _BEGINNINGS.iter_unpack(hashes)]


def _end_of_known(earlier: resubmission.Earlier | None) -> tuple[RowEnd, str] | None:
    """A repeat; or somebody of the seller's own lot that came to nothing, None if found good."""
    if earlier is None:
        return RowEnd.DUPLICATE, "duplicate_in_window"
    if earlier.failed_at:
        return RowEnd.INVALID, resubmission.FAILED_BEFORE
    if earlier.checked_at:
        return None
    return RowEnd.IN_REVIEW, resubmission.RESUBMITTED


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

    def add(self, rows: Examined, ends: Mapping[int, End]) -> None:
        """Count rows, of which these do not simply end as valid."""
        self.states[RowEnd.VALID] += rows.size - len(ends)
        for place, end in ends.items():
            self.states[end.state] += 1
            self._codes.update({*(finding.code for finding in end.findings), *end.notes})
            for name, code in dict.fromkeys(end.findings):
                self._add_rule(name, code, end)
                if code == "value_not_allowed" and name in self._choices:
                    self._note_word(name, rows.odd[place].mended)

    def _add_rule(self, name: str, code: str, end: End) -> None:
        if code == DROPPED:
            self._dropped += 1
            return
        rule = self._rules.setdefault((name, code, end.state), [0, end.number])
        rule[0] += 1
        rule[1] = min(rule[1], end.number)

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

    def take(self, rows: Examined) -> dict[int, End]:
        """Which of the next rows would not simply end as valid; all of them are counted."""
        ends = self._ends.of(rows)
        self.tally.add(rows, ends)
        return ends


def forecast(draft: Import, *, rows_max: int | None = SLICE_ROWS) -> dict[str, Any]:  # Any: JSON
    """Counts by end state and by code for the first `rows_max` rows, or for all of them.

    Duplicates are those that are known now; somebody else may upload them in the meantime.
    """
    if rows_max is not None:
        look = _look_at_first(draft, rows_max)
        return look.tally.summary(whole=look.whole)
    run = DryRun(draft)
    with files.blocks(draft) as blocks, crew.without_collector():
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
