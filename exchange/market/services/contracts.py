"""Verbs of contracts: drafted, changed, switched on and off by their buyer, paused by themselves.

What a contract asks is never edited: a change is a new version of its terms, and orders name the
version they were bought on. Each verb locks the contract first and records what it did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from exchange.catalog import places
from exchange.catalog import queries as catalog
from exchange.catalog.criteria import EVERYTHING, Criteria, from_json
from exchange.catalog.models import LeadSchema, Vertical, VerticalStatus
from exchange.core import clock, events
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import get, lock, save
from exchange.core.errors import Conflict, FieldProblem, Forbidden, Invalid, NotFound
from exchange.core.money import Money
from exchange.core.states import transition
from exchange.identity.models import Organization, OrganizationStatus
from exchange.identity.permissions import OrganizationKind
from exchange.identity.services import require_approved
from exchange.leads import queries as inventory
from exchange.leads.models import LeadKind
from exchange.market import queries
from exchange.market.contract_checks import Market, Offer, problems
from exchange.market.contract_models import (
    Contract,
    ContractSource,
    ContractSourceStatus,
    ContractStatus,
    ContractTerms,
)
from exchange.market.contract_terms import Terms
from exchange.market.models import PricingModel

Content = Mapping[str, Any]  # Any: JSON of Terms, in the shape that the doors check
BY_BUYER, BY_TRIAL = "buyer", "trial"  # why a contract is paused
USUAL_KINDS: Final = [str(LeadKind.EXCLUSIVE), str(LeadKind.SHARED)]


def draft(
    *,
    vertical_code: str,
    name: str,
    price: Money,
    pricing_model: PricingModel = PricingModel.CPL,
    content: Content,
    actor: Actor,
) -> Contract:
    """Write down a contract that buys nothing yet; who waits for approval may draft, too.

    `content` is the JSON of Terms; without a time zone it is the vertical's. Raises Forbidden (not
    a buyer, or suspended), Invalid with every mistake at once.
    """
    buyer = _require_buyer(actor)
    vertical = get_vertical(vertical_code)
    offer = read_offer(
        vertical, name=name, price=price, pricing_model=pricing_model, content=content
    )
    contract = save(
        Contract(
            organization_id=buyer.id,
            vertical_id=vertical.id,
            schema_id=catalog.get_schema(vertical).id,
            name=offer.name.strip(),
            pricing_model=pricing_model,
            price=price,
            changed_at=clock.now(),
        )
    )
    _write_terms(contract, offer)
    events.record("contract.drafted", subject=contract, actor=actor, vertical=vertical.code)
    return contract


def read_offer(
    vertical: Vertical,
    *,
    name: str,
    price: Money,
    pricing_model: PricingModel,
    content: Content,
) -> Offer:
    """What would be drafted, for a forecast too. Raises Invalid with every mistake at once."""
    asked = {"time_zone": vertical.time_zone, "kinds": USUAL_KINDS, **_said(content)}
    schema = catalog.get_schema(vertical)
    return _offer(name, price, pricing_model, content=asked, schema=schema, vertical=vertical)


def change(
    *,
    contract_id: UUID,
    name: str | None = None,
    price: Money | None = None,
    content: Content | None = None,
    terms_version: int | None = None,
    actor: Actor,
) -> Contract:
    """Ask something else from now on: a new version of the terms; former orders keep theirs.

    `content` names what changes; what is None there is not asked any longer. A new price keeps the
    contract's place among equal prices. Criteria that are sent are read with the vertical's newest
    schema, which is the contract's from then on; without them the schema stays. Raises Invalid with
    every mistake, Conflict `contract_ended`, and `terms_changed` where `terms_version`, which the
    caller had read, is not the newest any more.
    """
    contract = _own(contract_id, actor)
    _require_not_ended(contract)
    _require_newest(contract, terms_version)
    former = queries.get_contract_terms(contract.id, version=contract.terms_version)
    asked = _said({**former.content, **(content or {})})
    vertical = inventory.vertical_of(contract.vertical_id)
    schema = catalog.get_schema(vertical) if content and "criteria" in content else None
    offer = _offer(
        contract.name if name is None else name,
        price or contract.price,
        contract.pricing_model,
        content={"time_zone": vertical.time_zone, "kinds": USUAL_KINDS, **asked},
        schema=schema or get(LeadSchema, contract.schema_id),
        vertical=vertical,
    )
    contract.name = offer.name.strip()
    if offer.terms.to_json() != former.content or offer.price != contract.price:
        contract.schema_id = schema.id if schema else contract.schema_id
        _write_version(contract, offer, former=former, actor=actor)
    return contract


def activate(*, contract_id: UUID, actor: Actor) -> Contract:
    """Begin to buy. No funds are needed for it: without them it says that it is limited.

    Raises Forbidden `not_approved`, Conflict where the vertical takes nothing new or the contract
    is over, IllegalTransition for one that is not a draft.
    """
    return _switch_on(_own(contract_id, actor), ContractStatus.DRAFT, actor)


def resume(*, contract_id: UUID, actor: Actor) -> Contract:
    """Go on buying. A contract that paused after its trial goes on without one.

    Raises as `activate` does.
    """
    contract = _own(contract_id, actor)
    if contract.status is ContractStatus.PAUSED and contract.pause_reason == BY_TRIAL:
        _leave_trial(contract, actor)
    return _switch_on(contract, ContractStatus.PAUSED, actor)


def pause(*, contract_id: UUID, reason: str = BY_BUYER, actor: Actor) -> Contract:
    """Buy nothing for a while; what is ordered already is delivered and paid."""
    contract = _own(contract_id, actor)
    contract.pause_reason = reason
    _touch(contract)
    transition(contract, ContractStatus.PAUSED, actor=actor, reason=reason)
    return contract


def end(*, contract_id: UUID, actor: Actor) -> Contract:
    """Buy nothing any more; what is ordered already is delivered, returned and paid as agreed."""
    contract = _own(contract_id, actor)
    _touch(contract)
    transition(contract, ContractStatus.ENDED, actor=actor)
    return contract


def approve_source(*, contract_source_id: UUID, actor: Actor) -> ContractSource:
    """Let a seller's source deliver to the contract. Raises NotFound, IllegalTransition."""
    return _decide_source(contract_source_id, ContractSourceStatus.APPROVED, actor)


def refuse_source(*, contract_source_id: UUID, actor: Actor) -> ContractSource:
    """Take nothing from a seller's source; what it delivered already stays."""
    return _decide_source(contract_source_id, ContractSourceStatus.REFUSED, actor)


def end_trial_if_done(*, contract_id: UUID) -> None:
    """Pause a contract whose trial has its leads; nothing to do for any other. Safe to repeat."""
    contract = lock(Contract, contract_id)
    if contract.status is not ContractStatus.ACTIVE:
        return
    left = queries.trial_left(contract)
    if left is not None and left <= 0:
        pause(contract_id=contract.id, reason=BY_TRIAL, actor=SYSTEM)


def note_limit(*, contract_id: UUID, limit: str) -> None:
    """Say once that something keeps the contract from buying; an empty text: nothing does now.

    The caller found out; who was told stays told until it can buy again.
    """
    contract = lock(Contract, contract_id)
    if contract.limited_by == limit:
        return
    contract.limited_by = limit
    if limit:
        events.record("contract.limited", subject=contract, actor=SYSTEM, by=limit)


def _require_buyer(actor: Actor) -> Organization:
    if actor.organization_id is None:
        raise Forbidden("Only an organization can do this.")
    found = get(Organization, actor.organization_id)
    if found.kind is not OrganizationKind.BUYER:
        raise Forbidden("Only a buyer can make a contract.", code="not_a_buyer")
    if found.status not in {OrganizationStatus.PENDING, OrganizationStatus.APPROVED}:
        raise Forbidden(f"Your organization is {found.status}.", code="not_approved")
    return found


def get_vertical(code: str) -> Vertical:
    """The vertical of a contract to be. Raises Invalid: it is a field of what was sent."""
    found = catalog.find_vertical(code)
    if found is None:
        problem = FieldProblem("/vertical", "unknown_vertical", "There is no such vertical.")
        raise Invalid(errors=(problem,))
    return found


def _offer(
    name: str,
    price: Money,
    pricing_model: PricingModel,
    *,
    content: Content,
    schema: LeadSchema,
    vertical: Vertical,
) -> Offer:
    """What is asked, as values. Raises Invalid with every mistake at once."""
    market = Market(vertical.currency, vertical.country, schema.fields)
    criteria, found = _read_criteria(content.get("criteria", {}), market)
    terms = Terms.from_json({**content, "criteria": {}}, market.fields)
    offer = Offer(name, pricing_model, price, replace(terms, criteria=criteria))
    found += problems(offer, market)
    if terms.radius is not None:
        center = places.problem_of_center(
            vertical.country, terms.radius.postal_code, pointer="/radius/postal_code"
        )
        found += [center] if center else []
    if found:
        raise Invalid(errors=tuple(found))
    return offer


def _said(content: Content) -> dict[str, Any]:
    return {name: value for name, value in content.items() if value is not None}


def _read_criteria(data: object, market: Market) -> tuple[Criteria, list[FieldProblem]]:
    try:
        return from_json(data, market.fields), []
    except Invalid as error:
        found = [replace(e, pointer=f"/criteria{e.pointer}".rstrip("/")) for e in error.errors]
        return EVERYTHING, found


def _write_terms(contract: Contract, offer: Offer) -> None:
    save(
        ContractTerms(
            contract_id=contract.id,
            version=contract.terms_version,
            price=offer.price,
            content=offer.terms.to_json(),
        )
    )


def _write_version(
    contract: Contract, offer: Offer, *, former: ContractTerms, actor: Actor
) -> None:
    contract.price = offer.price
    contract.terms_version += 1
    _touch(contract)
    _write_terms(contract, offer)
    events.record(
        "contract.changed",
        subject=contract,
        actor=actor,
        version=contract.terms_version,
        before=former.price.amount,
        price=offer.price.amount,
    )


def _leave_trial(contract: Contract, actor: Actor) -> None:
    change(contract_id=contract.id, content={"trial_leads": None}, actor=actor)


def _switch_on(contract: Contract, before: ContractStatus, actor: Actor) -> Contract:
    buyer = require_approved(contract.organization_id)
    if buyer.kind is not OrganizationKind.BUYER:
        raise Forbidden("Only a buyer can make a contract.", code="not_a_buyer")
    _require_not_ended(contract)
    if contract.status is not before:
        raise Conflict(
            f"This contract is {contract.status}.", code="illegal_transition",
            before=str(contract.status),
        )  # fmt: skip
    if get(Vertical, contract.vertical_id).status is not VerticalStatus.ACTIVE:
        raise Conflict("This vertical takes nothing new at the moment.", code="vertical_paused")
    now = clock.after_lock()
    ends_at = queries.terms_of(contract).ends_at
    if ends_at is not None and ends_at <= now:
        raise Conflict("The end of this contract has passed: change it first.", code="over")
    contract.ranked_at = contract.ranked_at or now
    contract.pause_reason = contract.limited_by = ""
    _touch(contract)
    transition(contract, ContractStatus.ACTIVE, actor=actor, price=contract.price.amount)
    return contract


def _decide_source(
    contract_source_id: UUID, to: ContractSourceStatus, actor: Actor
) -> ContractSource:
    found = get(ContractSource, contract_source_id)
    contract = _own(found.contract_id, actor)
    _require_not_ended(contract)
    found = lock(ContractSource, contract_source_id)
    transition(found, to, actor=actor, contract_id=str(contract.id), source_id=str(found.source_id))
    return found


def _own(contract_id: UUID, actor: Actor) -> Contract:
    contract = lock(Contract, contract_id)
    if actor.kind != SYSTEM.kind and contract.organization_id != actor.organization_id:
        raise NotFound
    return contract


def _require_not_ended(contract: Contract) -> None:
    if contract.status is ContractStatus.ENDED:
        raise Conflict("This contract has ended.", code="contract_ended")


def _require_newest(contract: Contract, read_version: int | None) -> None:
    if read_version not in {None, contract.terms_version}:
        raise Conflict(
            "The contract was changed meanwhile. Nothing of yours is saved.",
            code="terms_changed",
            terms_version=contract.terms_version,
            amount=contract.price.amount,
            currency=str(contract.price.currency),
        )


def _touch(contract: Contract) -> None:
    """Let an index of contracts see it: the moment is taken behind the lock."""
    contract.changed_at = clock.after_lock()
