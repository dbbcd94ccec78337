"""One file through pure intake, as the tables of bad input need it: no database, a fixed time."""

import io
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache

from exchange.catalog.fields import FieldSpec, FieldType, LeadFields
from exchange.catalog.policies import ConsentPolicy
from exchange.catalog.schemas import load_preset
from exchange.leads.checking import CheckedRow, Checker, Rules
from exchange.leads.findings import FileReject
from exchange.leads.formats import settle_formats
from exchange.leads.mapping import ColumnMapping, guess_mapping, require_complete
from exchange.leads.patterns import SequentialRuns
from exchange.leads.reading import LIMITS, Recognition, Row, Tally, examine, rows

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
T = FieldType

FIELDS = LeadFields(
    (
        FieldSpec("name", T.NAME, {"en": "Name", "ru": "Имя"}, required=True, contact=True,
                  synonyms=("full name",)),
        FieldSpec("phone", T.PHONE, {"en": "Phone", "ru": "Телефон", "es": "Teléfono"},
                  required=True, contact=True, synonyms=("mobile", "phone number")),
        FieldSpec("email", T.EMAIL, {"en": "E-mail"}, contact=True, synonyms=("email",)),
        FieldSpec("budget", T.MONEY, {"en": "Budget"}, min=1),
        FieldSpec("age", T.INTEGER, {"en": "Age"}, min=14, max=110),
        FieldSpec("birth_date", T.DATE, {"en": "Birth date"}),
        FieldSpec("requested_at", T.DATETIME, {"en": "Requested at"}, synonyms=("date",)),
        FieldSpec("consent_text", T.TEXT, {"en": "Consent text"}, max=4000),
        FieldSpec("consent_at", T.DATETIME, {"en": "Consent given at"}),
        FieldSpec("consent_url", T.URL, {"en": "Page of the consent"}),
        FieldSpec("comment", T.TEXT, {"en": "Comment"}, contact=True),
    )
)  # fmt: skip

GOOD = {"name": "Ivan Petrov", "phone": "+14155552671"}


@cache
def definition(country="us"):
    """A small vertical: a name and a phone are enough, nothing must be proven."""
    preset = load_preset({"us": "home_improvement_us", "ru": "car_insurance_ru"}[country])
    nothing = ConsentPolicy(
        quality_check_required=False, text_required=False, time_required=False, url_required=False
    )
    return replace(preset, fields=FIELDS, terms=replace(preset.terms, consent=nothing))


@dataclass
class Taken:
    """What became of a file."""

    reject: FileReject | None = None
    recognition: Recognition | None = None
    mapping: ColumnMapping | None = None
    tally: Tally = field(default_factory=Tally)
    read: list[Row] = field(default_factory=list)
    checked: list[CheckedRow] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    runs: SequentialRuns = field(default_factory=SequentialRuns)

    @property
    def codes(self):
        """Codes of the file if it was refused, else of its rows."""
        if self.reject:
            return {self.reject.code}
        return {code for row in self.checked for code in row.codes}

    @property
    def notes(self):
        found = {note.code for note in self.recognition.notes} if self.recognition else set()
        return found | {finding.code for row in self.checked for finding in row.notes}

    @property
    def outcomes(self):
        return Counter(str(row.outcome) for row in self.checked)


def take(content, *, country="us", answers=None, demo=False, rules=None, limits=LIMITS):
    """Recognise, map, read and check; a refusal ends it, as it does in the product."""
    taken = Taken()
    vertical = definition(country)
    rules = rules or Rules.of(vertical, now=NOW, demo=demo)
    file = io.BytesIO(content)
    try:
        taken.recognition = examine(file, answers=answers, limits=limits)
        taken.asked |= {question.code for question in taken.recognition.questions}
        _map(taken, rules, answers or {})
        checker = Checker(rules, columns=taken.mapping.index_by_field)
        for row in rows(file, taken.recognition, tally=taken.tally, limits=limits):
            taken.read.append(row)
            taken.checked.append(checker.check(row))
            _watch(taken)
    except FileReject as reject:
        taken.reject = reject
    assert not file.closed
    return taken


def _map(taken, rules, answers):
    header, sample = taken.recognition.header, taken.recognition.sample
    taken.mapping = guess_mapping(header, sample, fields=rules.fields)
    taken.asked |= {question.code for question in taken.mapping.questions}
    _, questions = settle_formats(
        taken.mapping.index_by_field,
        sample,
        fields=rules.fields,
        context=rules.context,
        answers=answers,
    )
    taken.asked |= {question.code for question in questions}
    require_complete(taken.mapping)


def _watch(taken):
    phone = taken.checked[-1].contact.get("phone")
    if phone:
        taken.runs.see(phone)


def csv_of(*records, delimiter=","):
    """Rows of plain cells as a file; nothing is quoted."""
    return "".join(delimiter.join(record) + "\n" for record in records).encode()


def one(**cells):
    """A file with one row: a good lead with these cells."""
    row = {**GOOD, **cells}
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in row.values()]
    return (",".join(row) + "\n" + ",".join(quoted) + "\n").encode()
