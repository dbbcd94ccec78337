"""Questions about contracts and what they ask. A buyer sees the own ones, staff all."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from exchange.core.db import db, get
from exchange.core.errors import NotFound
from exchange.leads.queries import fields_of
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
