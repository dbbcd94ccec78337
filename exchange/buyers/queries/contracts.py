"""A buyer's contracts with what is shown of them: what limits them, and what came by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from exchange.buyers.diagnosing import Said, reason
from exchange.catalog.models import Vertical
from exchange.core import clock, ids
from exchange.core.db import db
from exchange.core.money import Money
from exchange.core.pagination import Page
from exchange.identity.models import Organization
from exchange.leads.models import Source
from exchange.market import queries as market
from exchange.market.contract_models import Contract, ContractSource, ContractStatus, ContractTerms
from exchange.market.contract_terms import Terms
from exchange.market.queries import Bought, ContractStanding


@dataclass(frozen=True, slots=True)
class ContractRow:
    """A contract in a list."""

    contract: Contract
    vertical: Vertical
    standing: ContractStanding
    bought: Bought

    @property
    def terms(self) -> Terms:
        """What it asks now."""
        return self.standing.facts.terms

    @property
    def reason(self) -> Said | None:
        """Why it does not buy now, in words."""
        return reason(self.standing)

    def money(self, amount: int) -> Money:
        """Minor units, as caps and what is used of them count, in the contract's currency."""
        return Money(amount, self.contract.price.currency)


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source that asked to deliver, as the buyer knows it: its seller goes by the trade name."""

    asked: ContractSource
    seller: str
    source: str  # where it gets its leads

    @property
    def public_id(self) -> str:
        """The id of the source, by which a contract can shut it out."""
        return ids.encode(Source.PREFIX, self.asked.source_id)


@dataclass(frozen=True, slots=True)
class Version:
    """A version of what a contract asks, with the names of what it changed."""

    terms: ContractTerms
    changed: tuple[str, ...]


def contracts(
    *,
    viewer: UUID,
    status: ContractStatus | None = None,
    cursor: str | None = None,
    limit: int = 25,
) -> Page[ContractRow]:
    """A buyer's contracts, newest first."""
    page = market.contracts(viewer=viewer, status=status, cursor=cursor, limit=limit)
    return Page(contract_rows(page.items), page.next_cursor)


def get_contract_row(contract_id: UUID, *, viewer: UUID) -> ContractRow:
    """A buyer's own contract. Raises NotFound."""
    return contract_rows([market.get_contract(contract_id, viewer=viewer)])[0]


def contract_rows(found: Sequence[Contract]) -> list[ContractRow]:
    """These contracts of one buyer with what is shown of them."""
    wanted = {contract.vertical_id for contract in found}
    verticals = {
        vertical.id: vertical
        for vertical in db.session.scalars(select(Vertical).where(Vertical.id.in_(wanted)))
    }
    bought = market.bought_by_contracts(found, now=clock.now())
    return [
        ContractRow(
            standing.contract,
            verticals[standing.contract.vertical_id],
            standing,
            bought[standing.contract.id],
        )
        for standing in market.contract_standings(found)
    ]


def source_rows(contract: Contract) -> list[SourceRow]:
    """The sources that asked to deliver to a contract, oldest first."""
    asked = market.sources_of_contract(contract.id)
    rows = db.session.execute(
        select(Source.id, Source.channel, Organization.trade_name)
        .join(Organization, Organization.id == Source.organization_id)
        .where(Source.id.in_([one.source_id for one in asked]))
    )
    found = {row.id: row for row in rows}
    return [
        SourceRow(one, found[one.source_id].trade_name, str(found[one.source_id].channel or ""))
        for one in asked
    ]


def versions(contract: Contract) -> list[Version]:
    """What a contract asked, newest first, each version with what it changed."""
    found = market.contract_versions(contract.id)
    formers: list[ContractTerms | None] = [*found[1:], None]
    return [
        Version(terms, _changed(terms, former))
        for terms, former in zip(found, formers, strict=True)
    ]


def _changed(terms: ContractTerms, former: ContractTerms | None) -> tuple[str, ...]:
    if former is None:
        return ()
    names = sorted(terms.content.keys() | former.content.keys())
    changed = [name for name in names if terms.content.get(name) != former.content.get(name)]
    return ("price", *changed) if terms.price != former.price else tuple(changed)
