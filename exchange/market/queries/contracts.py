"""Questions about contracts and what they ask. A buyer sees the own ones, staff all."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import UUID

from sqlalchemy import select

from exchange.catalog import places
from exchange.catalog.criteria import on_day
from exchange.core.db import db, get
from exchange.core.errors import NotFound
from exchange.leads.queries import fields_of, vertical_of
from exchange.market.contract_models import Contract, ContractTerms
from exchange.market.contract_terms import Terms


def get_contract(contract_id: UUID, *, viewer: UUID | None) -> Contract:
    """A buyer's own contract; staff look with viewer None. Raises NotFound."""
    contract = get(Contract, contract_id)
    if viewer is not None and contract.organization_id != viewer:
        raise NotFound
    return contract


def get_contract_terms(contract_id: UUID, *, version: int) -> ContractTerms:
    """One version of what a contract asks. Raises NotFound."""
    row = db.session.scalar(
        select(ContractTerms).where(
            ContractTerms.contract_id == contract_id, ContractTerms.version == version
        )
    )
    if row is None:
        raise NotFound
    return row


def terms_of(contract: Contract) -> Terms:
    """What a contract asks now."""
    row = get_contract_terms(contract.id, version=contract.terms_version)
    return Terms.from_json(row.content, fields_of(contract.schema_id))


def resolved_terms(contract: Contract, day: date) -> Terms:
    """What a contract asks now as it is meant on that day, ready to be asked of a lead.

    Spans of days are dates; the codes within the radius stand beside those listed by name, so a
    lead fits by either.
    """
    return resolve(terms_of(contract), country=vertical_of(contract.vertical_id).country, day=day)


def resolve(terms: Terms, *, country: str, day: date) -> Terms:
    """The same of terms that are no contract's yet."""
    resolved = replace(terms, criteria=on_day(terms.criteria, day))
    if terms.radius is None:
        return resolved
    around = places.codes_within(country, terms.radius.postal_code, km=terms.radius.km)
    codes = tuple(dict.fromkeys((*terms.postal_codes, *around)))
    return replace(resolved, postal_codes=codes, radius=None)
