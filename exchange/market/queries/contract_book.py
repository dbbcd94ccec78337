"""The contracts of a vertical as an index in this process, which follows every change of them.

Each use asks with one cheap query what has changed. Not the time of a change says what is new, for
a transaction may commit after one that began later, but its number: `Contract.changed_in` is the
transaction that wrote, and a snapshot knows the lowest number that was still running. Whatever
carries that number or a higher one is read again the next time, so nothing is passed over. What
this unit of work wrote itself may still be rolled back, and is read again as well.

The index is a way to find candidates. Whoever buys reads the contracts again behind their locks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from threading import Lock
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Row,
    Select,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    cast,
    false,
    func,
    or_,
    select,
)

from exchange.catalog.fields import LeadFields
from exchange.core import clock
from exchange.core.db import db
from exchange.leads.queries import fields_of, vertical_of
from exchange.market import kept
from exchange.market.contract_index import ContractIndex, Entry
from exchange.market.contract_models import Contract, ContractStatus, ContractTerms
from exchange.market.contract_terms import Terms
from exchange.market.queries.contracts import resolve
from exchange.market.queries.stock import in_list

AnyRow = Row[Any]  # Any: rows of many shapes
PRICE: Final = Contract.__table__.c.price_amount

_books_lock = Lock()


def contract_index(vertical_id: UUID) -> ContractIndex:
    """Every active contract of the vertical that matching buys for, as of now."""
    with _books_lock:
        book: Book = kept.contract_books().setdefault(vertical_id, Book(vertical_id))
    return book.follow()


def entry_of(contract: AnyRow, content: Any, *, now: datetime) -> Entry:  # Any: JSON of Terms
    """A contract as the index knows it, on the day that it is by its own clock."""
    terms = Terms.from_json(content, _fields(contract.schema_id))
    return Entry(
        id=contract.id,
        buyer_id=contract.organization_id,
        version=contract.terms_version,
        price=contract.price_amount,
        ranked_at=contract.ranked_at,
        terms=resolve(terms, country=_country(contract.vertical_id), day=_day(terms, now)),
    )


def contents(versions: Mapping[UUID, int]) -> dict[UUID, Any]:  # Any: JSON of Terms
    """The terms of these contracts, each in one version."""
    rows = db.session.execute(
        select(ContractTerms.contract_id, ContractTerms.version, ContractTerms.content).where(
            in_list(ContractTerms.contract_id, versions)
        )
    )
    return {
        row.contract_id: row.content for row in rows if versions[row.contract_id] == row.version
    }


@dataclass(slots=True)
class Book:
    """The index of one vertical, and from where on it reads."""

    vertical_id: UUID
    index: ContractIndex = field(default_factory=ContractIndex)
    seen: int = 0  # every change by a transaction below this number is known
    again: frozenset[UUID] = frozenset()  # whose change may be rolled back yet
    taken: dict[UUID, int] = field(default_factory=dict)  # changes that are read again, by number
    days: dict[UUID, datetime] = field(default_factory=dict)  # until when spans of days hold
    lock: Lock = field(default_factory=Lock)

    def follow(self) -> ContractIndex:
        """The index with everything that was committed until now."""
        with self.lock:
            now = clock.now()
            over = {key for key, until in self.days.items() if until <= now}
            asked = self.again | over
            rows = _read(self.vertical_id, since=self.seen, also=asked)
            found = [row for row in rows if row.id is not None]
            # A transaction that runs for long has everything since read again: it is known already.
            fresh = [row for row in found if row.id in asked or self._is_fresh(row)]
            if fresh or asked:
                self._take(fresh, now=now, asked=asked)
            self.seen = rows[0].lowest
            self.taken = {row.id: row.changed_in for row in found if row.changed_in >= self.seen}
            return self.index

    def _is_fresh(self, row: AnyRow) -> bool:
        return bool(self.taken.get(row.id) != row.changed_in)

    def _take(
        self, rows: list[AnyRow], *, now: datetime, asked: frozenset[UUID] | set[UUID]
    ) -> None:
        matched = [row for row in rows if row.is_matched]
        content = contents({row.id: row.terms_version for row in matched})
        fresh = [entry_of(row, content[row.id], now=now) for row in matched]
        gone = asked | {row.id for row in rows}
        self.index.update(fresh, removed=gone - {entry.id for entry in fresh})
        self.again = frozenset(row.id for row in rows if row.changed_in == row.own)
        self.days = {key: until for key, until in self.days.items() if key not in gone}
        self.days |= dict(_dated(content, now=now))


def _read(vertical_id: UUID, *, since: int, also: frozenset[UUID] | set[UUID]) -> list[AnyRow]:
    """What changed, beside the number from which on to read the next time; never empty."""
    statement = _changes(is_first=not since, is_also=bool(also))
    asked = {"vertical_id": vertical_id, "since": since, "also": list(also)}
    return list(db.session.execute(statement, asked))


@cache
def _changes(*, is_first: bool, is_also: bool) -> Select[*tuple[Any, ...]]:  # Any: see AnyRow
    """The statement behind `_read`: asked for every lead, so it is put together once."""
    lowest = _number(func.pg_snapshot_xmin(func.pg_current_snapshot()))
    own = _number(func.pg_current_xact_id_if_assigned())
    matched = and_(
        Contract.status == ContractStatus.ACTIVE,
        Contract.ranked_at.is_not(None),
    )
    # Nothing is known at first: who is not matched then need not be read.
    changed = matched if is_first else Contract.changed_in >= bindparam("since")
    also = Contract.id == any_(bindparam("also", type_=ARRAY(Uuid)))
    wanted = or_(changed, also if is_also else false())
    one = select(lowest.label("lowest"), own.label("own")).subquery("one")
    return (
        select(one.c.lowest, one.c.own, *_columns(), matched.label("is_matched"))
        .select_from(one)
        .outerjoin(Contract, and_(Contract.vertical_id == bindparam("vertical_id"), wanted))
    )


def _columns() -> Iterator[Any]:  # Any: columns of many types
    yield from (Contract.id, Contract.organization_id, Contract.vertical_id, Contract.schema_id)
    yield from (Contract.terms_version, PRICE, Contract.ranked_at, Contract.changed_in)


def _number(transaction: Any) -> Any:  # Any: xid8 has no type of its own
    return cast(cast(transaction, Text), BigInteger)


def _fields(schema_id: UUID) -> LeadFields:
    """The fields of a schema version, which is never edited."""
    if schema_id not in _known_fields:
        _known_fields[schema_id] = fields_of(schema_id)
    return _known_fields[schema_id]


def _country(vertical_id: UUID) -> str:
    """Where a vertical trades, which never changes."""
    if vertical_id not in _known_countries:
        _known_countries[vertical_id] = vertical_of(vertical_id).country
    return _known_countries[vertical_id]


_known_fields: dict[UUID, LeadFields] = {}
_known_countries: dict[UUID, str] = {}


def _day(terms: Terms, now: datetime) -> date:
    return now.astimezone(ZoneInfo(terms.time_zone)).date()


def _dated(
    contents: Mapping[UUID, Any], *, now: datetime
) -> Iterator[tuple[UUID, datetime]]:  # Any: see `contents`
    """Contracts that ask for days counted from today, each with its next midnight."""
    for key, content in contents.items():
        if "within_days" in str(content.get("criteria", "")):
            zone = ZoneInfo(content["time_zone"])
            tomorrow = now.astimezone(zone).date() + timedelta(days=1)
            yield key, datetime.combine(tomorrow, time(), zone)
