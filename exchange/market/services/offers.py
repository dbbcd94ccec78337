"""Verbs of offers: a buyer shows a contract to sellers, a seller joins it with a source.

Joining asks for the buyer's word. Once it is given the source posts leads that are the buyer's
alone: captured for its offer, never listed, matched elsewhere or resold (decision 2).
"""

from __future__ import annotations

from uuid import UUID

from exchange.catalog.policies import QualityClass
from exchange.core import clock, events
from exchange.core.actors import SYSTEM, Actor
from exchange.core.db import get, lock, save
from exchange.core.errors import Conflict, Invalid, NotFound
from exchange.core.states import transition
from exchange.identity.services import require_approved
from exchange.leads import cards, post_queries
from exchange.leads.models import LeadKind, Source
from exchange.leads.post_models import SourceTerms
from exchange.leads.queries import vertical_of
from exchange.leads.services import posting
from exchange.market import offer_words, queries
from exchange.market.contract_models import (
    Contract,
    ContractSource,
    ContractSourceStatus,
    ContractStatus,
)
from exchange.market.offer_models import Offer, OfferStatus
from exchange.market.services.strangers import require_strangers


def publish(*, contract_id: UUID, headline: str, description: str, actor: Actor) -> Offer:
    """Show an active contract to sellers under these words; once more for other words.

    Raises NotFound, Conflict `contract_not_active`, and Invalid for words that name somebody.
    """
    contract = _own_contract(contract_id, actor)
    buyer = require_approved(contract.organization_id)
    if contract.status is not ContractStatus.ACTIVE:
        raise Conflict("Only an active contract can be published.", code="contract_not_active")
    names = (buyer.name, buyer.public_id)
    found = tuple(offer_words.problems(headline=headline, description=description, names=names))
    if found:
        raise Invalid(errors=found)
    offer = queries.find_offer(contract.id) or save(_draft(contract))
    offer.headline, offer.description = headline.strip(), description.strip()
    if offer.status is OfferStatus.PUBLISHED:
        events.record("offer.reworded", subject=offer, actor=actor)
    else:
        offer.published_at = clock.now()
        transition(offer, OfferStatus.PUBLISHED, actor=actor, contract_id=str(contract.id))
    return offer


def unpublish(*, contract_id: UUID, actor: Actor) -> Offer:
    """Take an offer out of sight: nobody new joins, who has joined goes on. Raises NotFound."""
    offer = queries.find_offer(_own_contract(contract_id, actor).id)
    if offer is None:
        raise NotFound
    if offer.status is OfferStatus.PUBLISHED:
        transition(offer, OfferStatus.UNPUBLISHED, actor=actor)
    return offer


def join(
    *,
    offer_id: UUID,
    source_id: UUID,
    quality_class: QualityClass = QualityClass.STANDARD,
    declared_unsold: bool,
    actor: Actor,
) -> ContractSource:
    """Ask to bring leads of a source for an offer, at the price it pays now.

    Until the buyer approves it nothing can be posted. Raises NotFound for what is not shown or
    not one's own, Forbidden `related`, Conflict `already_joined`, `source_refused` and
    `source_stopped`, and Invalid without the declaration that the leads are not sold elsewhere.
    """
    seller = require_approved(actor.organization_id)
    offer = queries.get_offer(offer_id)
    source = cards.get_source(source_id, viewer=seller.id)
    if not source.takes_leads:
        raise Conflict(f"This source is {source.status}.", code="source_stopped")
    contract = lock(Contract, offer.contract_id)
    require_strangers(buyer_id=contract.organization_id, seller_id=seller.id)
    joined = _joined(contract, source)
    terms = posting.set_terms(
        organization_id=seller.id,
        source_name=source.name,
        vertical_code=vertical_of(contract.vertical_id).code,
        wish=_wish(contract, source, quality_class=quality_class, declared=declared_unsold),
        contract_id=contract.id,
        actor=actor,
    )
    _reflect(terms)
    events.record(
        "contract_source.requested",
        subject=joined,
        actor=actor,
        organization_id=contract.organization_id,
        contract_id=str(contract.id),
        source_id=str(source.id),
    )
    return joined


def agree(*, joined_id: UUID, actor: Actor) -> SourceTerms:
    """Accept what the offer pays now for the leads that are posted from now on.

    A buyer that comes to pay less gets nothing more of a source until its seller says so.
    """
    joined = queries.get_joined(joined_id, viewer=actor.organization_id)
    contract = get(Contract, joined.contract_id)
    (found,) = post_queries.terms_of_contract(contract.id, source_id=joined.source_id)
    terms = lock(SourceTerms, found.id)
    terms.price = contract.price
    events.record("source_terms.set", subject=terms, actor=actor, price=contract.price.amount)
    return terms


def reflect(*, contract_id: UUID) -> None:
    """Open or close posting for a contract, as it and its sources are now. Safe to repeat.

    It never waits for the contract: whoever posts holds the terms and comes to the contract last.
    """
    for terms in post_queries.terms_of_contract(contract_id):
        _reflect(lock(SourceTerms, terms.id))


def _reflect(terms: SourceTerms) -> None:
    reason = queries.why_closed(terms.id)
    posting.close_terms(terms_id=terms.id, reason=reason, actor=SYSTEM)


def _own_contract(contract_id: UUID, actor: Actor) -> Contract:
    contract = lock(Contract, contract_id)
    if contract.organization_id != actor.organization_id:
        raise NotFound
    return contract


def _draft(contract: Contract) -> Offer:
    return Offer(
        organization_id=contract.organization_id,
        contract_id=contract.id,
        headline="",
        description="",
    )


def _joined(contract: Contract, source: Source) -> ContractSource:
    """The source as the contract knows it. A lead of it that fitted may have asked before."""
    known = queries.find_contract_source(contract.id, source_id=source.id)
    if known is None:
        return save(
            ContractSource(
                contract_id=contract.id,
                source_id=source.id,
                organization_id=source.organization_id,
            )
        )
    if post_queries.terms_of_contract(contract.id, source_id=source.id):
        raise Conflict("This source has joined the offer already.", code="already_joined")
    if known.status is ContractSourceStatus.REFUSED:
        raise Conflict("The buyer takes no leads of this source.", code="source_refused")
    return known


def _wish(
    contract: Contract, source: Source, *, quality_class: QualityClass, declared: bool
) -> posting.Wish:
    """The terms of the source's other single leads, else its card, say the rest."""
    same = {
        "quality_class": quality_class,
        "kind": LeadKind.TARGETED,
        "price": contract.price,
        "sales_max": 1,
        "declared_unsold": declared,
    }
    usual = post_queries.find_terms(source_id=source.id, vertical_id=contract.vertical_id)
    if usual is not None:
        kept = ("channel", "consent_text", "consent_url", "is_check_agreed", "call_seconds_min")
        return posting.Wish(**same, **{name: getattr(usual, name) for name in kept})  # type: ignore[arg-type]  # columns of the same names
    wording = cards.current_wording(source.id)
    return posting.Wish(
        **same,  # type: ignore[arg-type]  # as above
        consent_text=wording.text if wording else "",
        consent_url=source.defaults.get("consent_url", ""),
        is_check_agreed=source.defaults.get("consent_quality_check") == "yes",
    )
