"""What looks odd about a row and about a file: free checks, explained, by which nothing is refused.

Pure. A row shows some marks by itself (`row_marks`); others show only beside the rows around it,
for which a `Watch` is fed with a few numbers of each row in the order of the file. The score says
where to look first; it never says that a lead is bad, and no lead is turned away by it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final, NamedTuple
from zlib import crc32
from zoneinfo import ZoneInfo

from exchange.catalog.definition import VerticalDefinition
from exchange.leads.checking import CheckedRow
from exchange.leads.heavy import HeavyHitters
from exchange.leads.patterns import SequentialRuns

# Marks a sentence for translation; the door that shows it translates and fills it in.
N_ = str

SCORE_MAX: Final = 100
FULL_SHARE: Final = 0.25  # of rows with a mark: more of them make a file no odder
FORM_SECONDS_MIN: Final = 5  # nobody types a name and a phone faster
CONSENT_AFTER: Final = timedelta(minutes=5)  # clocks of forms and servers differ by so much
CONSENT_BEFORE: Final = timedelta(days=30)
NIGHT_ENDS: Final = 5  # o'clock where the person is
ROWS_MIN: Final = 20  # below so many a share says nothing
SAME_IP: Final = 5  # rows: a household and a small office stay below
SAME_NAME: Final = 5
SAME_NAME_SHARE: Final = 0.02  # a common name may be frequent in a big file
SAME_MINUTE: Final = 10
SAME_MINUTE_TIMES: Final = 20  # the usual number of requests in a minute of this file
SAME_AGENT_SHARE: Final = 0.6
SAME_SECOND_SHARE: Final = 0.9
NIGHT_SHARE: Final = 0.4


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing that was noticed: what it weighs on a row, on a file, and what it means."""

    row: int  # 0: a file alone can carry it
    file: int  # where a quarter of the rows have it, or the file as a whole
    sentence: str


MARKS: Final[dict[str, Mark]] = {
    "email_random": Mark(15, 20, N_("The e-mail address looks like keys pressed at random.")),
    "email_not_name": Mark(5, 10, N_("The e-mail address spells another name than the row.")),
    "form_fast": Mark(25, 40, N_("The form was filled in faster than anybody types.")),
    "consent_after": Mark(10, 15, N_("Consent was given after the request was sent.")),
    "consent_long_before": Mark(10, 15, N_("Consent is more than 30 days older than the request.")),
    "night": Mark(5, 0, N_("The request came at night where the person lives.")),
    "same_minute": Mark(
        15, 25, N_("Many requests came in one minute, far more than is usual in this file.")
    ),
    "same_ip": Mark(20, 30, N_("Five or more requests came from one network address.")),
    "same_name": Mark(15, 25, N_("One name is repeated more often than names are.")),
    "sequential_phones": Mark(25, 50, N_("Phone numbers are counted up one by one.")),
    "same_agent": Mark(0, 15, N_("Most requests came from one and the same browser version.")),
    "same_second": Mark(0, 30, N_("Nearly all requests came at the same second of their minute.")),
    "mostly_night": Mark(0, 15, N_("An unusual part of the requests came at night.")),
    "source_history": Mark(0, 30, N_("Earlier lots of this source were rejected.")),
}

Zones = Mapping[str, tzinfo]  # by region; the empty one is the vertical's own
ANYWHERE: Final[Zones] = {"": UTC}
_TOKENS: Final = re.compile(r"[^\W\d_]+")
_OTHERS: Final = re.compile(r"[^a-z]+")
_NO_VOWELS: Final = dict.fromkeys(map(ord, "aeiouy"))
_FIRST_LAST: Final = re.compile(r"[a-z]{3,}[._-][a-z]{3,}")
_BETWEEN: Final = re.compile(r"[._-]")
_CONSONANTS: Final = re.compile(r"[bcdfghjklmnpqrstvwxz]{7,}")
_SWITCHES: Final = re.compile(r"(?<=[a-z])\d|(?<=\d)[a-z]")


class Facts(NamedTuple):
    """A row as numbers to compare: short hashes and times, nothing that is kept or can be read.

    0 stands for what the row does not say.
    """

    minute: int  # since 1970
    second: int  # of the minute, from 1 to 60
    ip: int
    agent: int
    name: int
    phone: int


def zones_of(definition: VerticalDefinition) -> Zones:
    """The clock of each region of a vertical."""
    region = definition.fields.by_name.get("region")
    named = {c.value: c.time_zone for c in (region.choices if region else ()) if c.time_zone}
    return {key: ZoneInfo(zone) for key, zone in {**named, "": definition.time_zone}.items()}


def row_marks(row: CheckedRow, *, zones: Zones = ANYWHERE) -> tuple[str, ...]:
    """What a row shows by itself, by code."""
    found = []
    if row.sent and (seconds := row.sent.get("form_seconds")):
        found += ["form_fast"] if float(seconds) < FORM_SECONDS_MIN else []
    if email := row.contact.get("email"):
        found += _email_marks(str(email), str(row.contact.get("name", "")))
    if row.requested_at is not None:
        found += _time_marks(row, row.requested_at, zones)
    return tuple(found)


def row_facts(row: CheckedRow) -> Facts:
    """What a `Watch` needs of a row."""
    seconds = int(row.requested_at.timestamp()) if row.requested_at else 0
    keys = row.identities
    phone = keys[0].value if keys and keys[0].kind == "phone" else ""
    return Facts(
        minute=seconds // 60,
        second=seconds % 60 + 1 if seconds else 0,
        ip=_short(_network(str(row.sent.get("ip", "")))) if row.sent else 0,
        agent=_short(str(row.sent.get("user_agent", ""))) if row.sent else 0,
        name=_short(str(row.contact.get("name", "")).casefold()),
        phone=int(phone.removeprefix("+") or 0),
    )


def score(marks: Iterable[str]) -> int:
    """0 to 100: the weights of a row's marks together."""
    return min(SCORE_MAX, sum(MARKS[code].row for code in marks))


def explained(summary: Mapping[str, Any]) -> dict[str, Any]:  # Any: JSON
    """A file's summary with the sentence of each mark; empty for one that was not watched."""
    marks = [{**one, "sentence": MARKS[one["code"]].sentence} for one in summary.get("marks", ())]
    return {**summary, "marks": marks} if summary else {}


class Watch:
    """Looks at the rows of one file in their order; its memory does not grow with them."""

    def __init__(self) -> None:
        self.runs = SequentialRuns()
        self._rows = 0
        self._timed = 0
        self._marked: Counter[str] = Counter()
        self._first = self._last = 0  # minutes
        self._seconds: Counter[int] = Counter()
        self._minutes = HeavyHitters(512)
        self._ips = HeavyHitters(512)
        self._names = HeavyHitters(512)
        self._agents = HeavyHitters(64)

    def see(self, facts: Facts, marks: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Take the next row with its own marks; returns all of its marks.

        A row is marked by what came before it, so the first of many equal ones are not.
        """
        self._rows += 1
        if facts.agent:
            self._agents.add(facts.agent)
        found = (*marks, *self._beside(facts))
        self._marked.update(found)
        return found

    def summary(self, *, rejected: int = 0, decided: int = 0) -> dict[str, Any]:  # Any: JSON
        """Score and marks of the file; the newest lots of its source were decided so."""
        found = {code: n for code, n in self._marked.items() if MARKS[code].file}
        weight = sum(
            MARKS[code].file * min(1.0, n / self._rows / FULL_SHARE) for code, n in found.items()
        )
        for code, rows in self._whole().items():
            found[code] = rows
            weight += MARKS[code].file
        if rejected:
            found["source_history"] = rejected
            weight += MARKS["source_history"].file * rejected / decided
        marks = [{"code": code, "count": n} for code, n in sorted(found.items())]
        return {"score": min(SCORE_MAX, round(weight)), "rows": self._rows, "marks": marks}

    def _beside(self, facts: Facts) -> list[str]:
        found = []
        if facts.minute and self._is_burst(facts):
            found.append("same_minute")
        if facts.ip and self._ips.add(facts.ip) >= SAME_IP:
            found.append("same_ip")
        if facts.name:
            same = self._names.add(facts.name)
            if same >= SAME_NAME and same >= self._rows * SAME_NAME_SHARE:
                found.append("same_name")
        if facts.phone:
            before = self.runs.rows
            self.runs.see(str(facts.phone))
            if self.runs.rows > before:
                found.append("sequential_phones")
        return found

    def _is_burst(self, facts: Facts) -> bool:
        self._timed += 1
        self._seconds[facts.second] += 1
        self._first = min(self._first or facts.minute, facts.minute)
        self._last = max(self._last, facts.minute)
        same = self._minutes.add(facts.minute)
        usual = self._timed / (self._last - self._first + 1)
        return same >= SAME_MINUTE and same >= usual * SAME_MINUTE_TIMES

    def _whole(self) -> dict[str, int]:
        """Marks that only the file can carry, each with its rows."""
        found = {}
        agent, second = self._agents.most, max(self._seconds.values(), default=0)
        if self._agents.seen >= ROWS_MIN and agent >= self._agents.seen * SAME_AGENT_SHARE:
            found["same_agent"] = agent
        # Full minutes and dates without a time are how a file writes, not when people asked.
        precise = self._timed >= ROWS_MIN and self._seconds[1] < self._timed * SAME_SECOND_SHARE
        if precise and second >= self._timed * SAME_SECOND_SHARE:
            found["same_second"] = second
        night = self._marked["night"]
        if self._timed >= ROWS_MIN and night >= self._timed * NIGHT_SHARE:
            found["mostly_night"] = night
        return found


def _time_marks(row: CheckedRow, asked_at: datetime, zones: Zones) -> list[str]:
    found = []
    if given := row.consent.get("given_at"):
        given_at = datetime.fromisoformat(str(given))
        if given_at > asked_at + CONSENT_AFTER:
            found.append("consent_after")
        elif given_at < asked_at - CONSENT_BEFORE:
            found.append("consent_long_before")
    local = asked_at.astimezone(zones.get(row.region) or zones[""])
    # A date without a time is read as midnight; that says nothing of when the person asked.
    dated = 0 in {asked_at.hour + asked_at.minute + asked_at.second, local.hour + local.minute}
    if local.hour < NIGHT_ENDS and not dated:
        found.append("night")
    return found


def _email_marks(email: str, name: str) -> list[str]:
    local = email.rpartition("@")[0].partition("+")[0].casefold()
    if _is_random(local):
        return ["email_random"]
    return ["email_not_name"] if _is_another_name(local, name) else []


def _is_random(local: str) -> bool:
    letters = _OTHERS.sub("", local)
    if len(letters) < 8:
        return len(local) > 5 and len(_SWITCHES.findall(local)) >= 5
    vowels = len(letters) - len(letters.translate(_NO_VOWELS))
    return vowels < len(letters) * 0.1 or bool(_CONSONANTS.search(local))


def _is_another_name(local: str, name: str) -> bool:
    """Whether an address like first.last shares no word with the name; in Latin letters only."""
    if not _FIRST_LAST.fullmatch(local):
        return False
    parts = _BETWEEN.split(local)
    words = [word for word in _TOKENS.findall(name.casefold()) if len(word) > 2]
    if not words or not all(word.isascii() for word in words):
        return False
    return not any(word[:3] in part or part[:3] in word for word in words for part in parts)


def _network(ip: str) -> str:
    """The part of an address that a household shares: all of IPv4, half of IPv6."""
    return ":".join(ip.split(":")[:4]) if ":" in ip else ip


def _short(text: str) -> int:
    return crc32(text.encode("utf-8", "surrogatepass")) if text else 0
