"""Offers for tests, made through the verbs: a contract that is shown, a source that joined it."""

from __future__ import annotations

from typing import Any

from exchange.catalog.policies import QualityClass
from exchange.core.db import unit_of_work
from exchange.leads import post_queries
from exchange.leads.post_models import SourceTerms
from exchange.leads.services.sources import ensure_source
from exchange.market import queries
from exchange.market.contract_models import Contract, ContractSource
from exchange.market.offer_models import Offer
from exchange.market.services import contracts, offers
from tests.cast import Player
from tests.doorbell import run_jobs
from tests.factories.contracts import make_contract
from tests.factories.posts import CONSENT, SOURCE

HEADLINE = "Roof requests in Ohio"
DESCRIPTION = "We call within an hour.\nHomeowners only, please."


def make_offer(buyer: Player, contract: Contract | None = None, **asked: Any) -> Offer:
    """An offer that is shown, of a new active contract or of this one."""
    return offers.publish(
        contract_id=(contract or make_contract(buyer, **asked)).id,
        headline=HEADLINE,
        description=DESCRIPTION,
        actor=buyer.actor,
    )


def join(seller: Player, offer: Offer, *, source: str = SOURCE) -> ContractSource:
    """A source of the seller that has asked to join."""
    found = ensure_source(organization_id=seller.organization.id, name=source)
    return offers.join(
        offer_id=offer.id,
        source_id=found.id,
        quality_class=QualityClass.STANDARD,
        declared_unsold=True,
        actor=seller.actor,
    )


def approve(buyer: Player, joined: ContractSource) -> SourceTerms:
    """The terms on which the source may post, once its buyer said yes and the job has run."""
    with unit_of_work():
        contracts.approve_source(contract_source_id=joined.id, actor=buyer.actor)
    run_jobs()
    return terms_of(joined)


def terms_of(joined: ContractSource) -> SourceTerms:
    """The terms of posting of a source for an offer."""
    (terms,) = post_queries.terms_of_contract(joined.contract_id, source_id=joined.source_id)
    return terms


def targeted_terms(seller: Player, buyer: Player, *, trusted: bool = True) -> SourceTerms:
    """Terms of a source that was approved for a new offer of the buyer."""
    terms = approve(buyer, join(seller, make_offer(buyer)))
    terms.consent_text, terms.is_check_agreed = CONSENT, True
    if trusted:
        terms.trusted_since = terms.created_at
    return terms


def contract_of(terms: SourceTerms) -> Contract:
    """For which contract leads are posted on these terms."""
    assert terms.contract_id is not None
    return queries.get_contract(terms.contract_id, viewer=None)
