"""Presets: how form builders and lead ads write a lead, as data, and our words for it.

A format is a file in `presets/posts`; nothing in the program knows the name of a builder.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from exchange.core.errors import NotFound

FOLDER: Final = Path(__file__).parent / "presets" / "posts"
GENERIC: Final = "generic"
PAIRS_MAX: Final = 200  # questions of one form

Json = Any  # Any: whatever was sent


@dataclass(frozen=True, slots=True)
class Setting:
    """What the seller tells us of the other side; of a secret only a hash is kept."""

    name: str
    label: str
    secret: bool


@dataclass(frozen=True, slots=True)
class Preset:
    """One format. Paths are names separated by points."""

    code: str
    label: str
    answer: str  # what the other side wants to hear; "json" for our own answer
    settings: tuple[Setting, ...] = ()
    pairs: Mapping[str, Json] | None = None  # where name and value stand side by side
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)
    take: Mapping[str, str] = dataclasses.field(default_factory=dict)
    times: Mapping[str, str] = dataclasses.field(default_factory=dict)
    drop: tuple[str, ...] = ()
    only: Mapping[str, str] = dataclasses.field(default_factory=dict)
    key: Mapping[str, str] | None = None
    handshake: Mapping[str, Json] | None = None
    challenge: Mapping[str, str] | None = None

    def translate(self, sent: Mapping[str, Json]) -> dict[str, Json]:
        """The same lead in our words, flat."""
        found = dict(self._taken(sent))
        for name, value in self._pairs(sent):
            if name not in self.drop:
                found.setdefault(self.names.get(name, name), value)
        return found

    def is_meant(self, sent: Mapping[str, Json]) -> bool:
        """Whether the message is about a lead at all."""
        return _fits(sent, self.only)

    def handshake_of(self, sent: Mapping[str, Json], settings: Mapping[str, str]) -> str | None:
        """What proves that the address is ours, when this is what was asked for."""
        if self.handshake is None or not _fits(sent, self.handshake["when"]):
            return None
        setting = self.handshake.get("setting")
        return settings.get(setting, "") if setting else str(self.handshake["answer"])

    def _pairs(self, sent: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
        if self.pairs is None:
            yield from ((str(name), value) for name, value in sent.items())
            return
        entries = at(sent, self.pairs["at"])
        for entry in entries[:PAIRS_MAX] if isinstance(entries, list) else ():
            if isinstance(entry, Mapping):
                name = next((str(entry[k]) for k in self.pairs["name"] if entry.get(k)), "")
                yield name, _single(entry.get(self.pairs["value"]))

    def _taken(self, sent: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
        for name, path in self.take.items():
            if (value := at(sent, path)) is not None:
                yield name, value
        for name, path in self.times.items():
            if (value := at(sent, path)) is not None:
                yield name, _moment(value)


def at(sent: Json, path: str) -> Json:
    """What stands at the end of a path; None where it leads nowhere."""
    for name in path.split("."):
        if not isinstance(sent, Mapping):
            return None
        sent = sent.get(name)
    return sent


def get_preset(code: str) -> Preset:
    """The preset of this code. Raises NotFound."""
    found = presets().get(code)
    if found is None:
        raise NotFound("There is no preset of this name.")
    return found


@cache
def presets() -> Mapping[str, Preset]:
    """All presets by code, the generic one first."""
    files = sorted(FOLDER.glob("*.json"), key=lambda path: (path.stem != GENERIC, path.stem))
    return {path.stem: _load(json.loads(path.read_text(encoding="utf-8"))) for path in files}


def _load(data: dict[str, Json]) -> Preset:
    data["settings"] = tuple(Setting(**setting) for setting in data.get("settings", ()))
    data["drop"] = tuple(data.get("drop", ()))
    return Preset(**data)


def _fits(sent: Mapping[str, Json], wanted: Mapping[str, str]) -> bool:
    return all(str(at(sent, path)) == value for path, value in wanted.items())


def _single(value: Json) -> Json:
    """Several answers to one question are one text."""
    if isinstance(value, list):
        return ", ".join(str(one) for one in value if isinstance(one, str | int | float))
    return value


def _moment(value: Json) -> Json:
    """Seconds since 1970 as a time that can be read; other writings as they are."""
    if isinstance(value, bool) or not str(value).isdecimal() or len(str(value)) > len("9999999999"):
        return value
    return datetime.fromtimestamp(int(value), UTC).isoformat()
