"""Where the leads of the demo come from: cards of sources, and one that sends single leads."""

from __future__ import annotations

from typing import Any, Final

from exchange.catalog import queries as catalog
from exchange.catalog.policies import QualityClass
from exchange.cli.story_people import LOGINS, actor_of
from exchange.core.actors import Actor
from exchange.core.money import Money
from exchange.leads.models import LeadKind
from exchange.leads.services import capture, posting, sources
from exchange.leads.source_cards import Collector, SourceChannel

VERTICAL: Final = "home_improvement_us"
FORM_SOURCE: Final = "Callback form"
WORDING: Final = (
    "I agree that Northern Lights Media may pass my request to a company that offers what I ask"
    " for, and that it may call me at the number I gave. I can withdraw this at any time."
)
CARDS: Final[dict[str, list[dict[str, Any]]]] = {  # Any: a card, as a door loads it
    LOGINS["seller"]: [
        {
            "name": "Search ads",
            "channel": SourceChannel.SEARCH_ADS,
            "landing_url": "https://roofs.demo.example/quote",
            "ad_text": "A new roof this year? Compare three local offers.",
            "collected_by": Collector.OWN,
            "consent_text": WORDING,
        },
        {
            "name": "Partner site",
            "channel": SourceChannel.PARTNER,
            "landing_url": "https://windows.demo.example/compare",
            "ad_text": "Windows that keep the heat in: ask for a price.",
            "collected_by": Collector.PARTNER,
            "consent_text": WORDING,
        },
    ],
    "volga@demo.example": [
        {
            "name": "Контекстная реклама",
            "channel": SourceChannel.SEARCH_ADS,
            "landing_url": "https://kasko.demo.example/raschet",
            "ad_text": "Рассчитайте КАСКО за две минуты.",
            "collected_by": Collector.OWN,
            "consent_text": "Согласен на обработку моих данных и на звонок страховой компании.",
        },
    ],
}


def tell_sources() -> None:
    """Write the cards, and open a hosted form on terms of its own."""
    for email, cards in CARDS.items():
        for card in cards:
            _write(card, actor=actor_of(email))
    _open_form(actor_of(LOGINS["seller"]))


def _write(card: dict[str, Any], *, actor: Actor) -> None:  # Any: as above
    assert actor.organization_id is not None
    source = sources.ensure_source(
        organization_id=actor.organization_id, name=card["name"], actor=actor
    )
    sources.edit_source(source_id=source.id, card=card, actor=actor)


def _open_form(actor: Actor) -> None:
    assert actor.organization_id is not None
    vertical = catalog.get_vertical(VERTICAL)
    typical = catalog.get_definition(vertical).terms.typical_prices[QualityClass.STANDARD]
    terms = posting.set_terms(
        organization_id=actor.organization_id,
        source_name=FORM_SOURCE,
        vertical_code=VERTICAL,
        wish=posting.Wish(
            quality_class=QualityClass.STANDARD,
            kind=LeadKind.EXCLUSIVE,
            price=Money(typical, vertical.currency),
            sales_max=1,
            declared_unsold=True,
            consent_text=WORDING,
        ),
        actor=actor,
    )
    posting.share_spec(terms_id=terms.id, actor=actor)
    capture.open_form(
        terms_id=terms.id,
        title="Ask three roofers for a price",
        language="en",
        is_callback=False,
        consent_text=WORDING,
        origins=["https://roofs.demo.example"],
        actor=actor,
    )
