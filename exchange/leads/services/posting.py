"""Verbs of posting: the standing terms of a source, its posting tokens, its shared spec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from exchange.catalog import queries as catalog
from exchange.catalog.definition import VerticalDefinition
from exchange.catalog.policies import QualityClass, promises_as_much
from exchange.core import clock, events
from exchange.core.actors import Actor
from exchange.core.db import get, lock, save
from exchange.core.errors import FieldProblem, Invalid, NotFound
from exchange.core.money import Money
from exchange.core.passwords import new_token, token_hash
from exchange.leads import post_queries
from exchange.leads.models import LeadKind, Source
from exchange.leads.post_models import CALL_SECONDS_MIN, PostingToken, SourceTerms
from exchange.leads.post_presets import presets
from exchange.leads.services.imports import SALES_MAX
from exchange.leads.services.sources import ensure_source

TOKEN_PREFIX = "pst_"  # noqa: S105  # how a posting token begins, so that it is found when it leaks
HINT_CHARACTERS = 10
CONSENT_CHARACTERS_MIN = 20  # as the schemas of verticals ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a seller says of single leads of a source."""

    quality_class: QualityClass
    kind: LeadKind
    price: Money
    sales_max: int
    declared_unsold: bool
    channel: str = ""
    consent_text: str = ""
    consent_url: str = ""
    is_check_agreed: bool = False
    call_seconds_min: int = CALL_SECONDS_MIN
    is_test: bool = False


def set_terms(
    *,
    organization_id: UUID,
    source_name: str,
    vertical_code: str,
    wish: Wish,
    contract_id: UUID | None = None,
    actor: Actor,
) -> SourceTerms:
    """Say on what terms single leads of a source are sold; an open lot keeps the ones it began on.

    With `contract_id` they are targeted: for that contract alone. Whether the source may join it
    is for the market to say. Raises Invalid for unfit terms, Conflict for a source that does not
    run.
    """
    vertical = catalog.get_vertical(vertical_code)
    _require_fit(catalog.get_definition(vertical), wish, is_targeted=contract_id is not None)
    source = ensure_source(organization_id=organization_id, name=source_name)
    terms = post_queries.find_terms(
        source_id=source.id, vertical_id=vertical.id, contract_id=contract_id
    )
    if terms is None:
        terms = save(_new_terms(source, vertical.id, wish, contract_id=contract_id))
    else:
        terms = lock(SourceTerms, terms.id)
        if not promises_as_much(terms.quality_class, wish.quality_class):
            terms.trusted_since = None  # a class that promises more is earned anew
        for name, value in _columns(wish).items():
            setattr(terms, name, value)
    events.record(
        "source_terms.set",
        subject=terms,
        actor=actor,
        price=wish.price.amount,
        quality_class=str(wish.quality_class),
        sales_max=wish.sales_max,
    )
    return terms


def close_terms(*, terms_id: UUID, reason: str, actor: Actor) -> None:
    """Let nothing be posted on these terms while there is a reason; none opens them again."""
    terms = lock(SourceTerms, terms_id)
    if terms.closed_reason != reason:
        terms.closed_reason = reason
        step = "source_terms.closed" if reason else "source_terms.opened"
        events.record(step, subject=terms, actor=actor, reason=reason)


def make_token(
    *, terms_id: UUID, name: str, settings: Mapping[str, str], actor: Actor
) -> tuple[PostingToken, str]:
    """A new posting token, shown this once. Of secrets of the other side only a hash is kept."""
    terms, token = _own(terms_id, actor), new_token(TOKEN_PREFIX)
    made = save(
        PostingToken(
            organization_id=terms.organization_id,
            terms_id=terms.id,
            name=name.strip(),
            token_hash=token_hash(token),
            hint=token[:HINT_CHARACTERS],
            settings=_settings(settings),
        )
    )
    events.record("posting_token.made", subject=made, actor=actor)
    return made, token


def revoke_token(*, token_id: UUID, actor: Actor) -> None:
    """End a posting token at once; doing it twice is fine. Raises NotFound."""
    token = lock(PostingToken, token_id)
    if token.organization_id != actor.organization_id:
        raise NotFound
    token.revoked_at = token.revoked_at or clock.now()
    events.record("posting_token.revoked", subject=token, actor=actor)


def share_spec(*, terms_id: UUID, actor: Actor) -> str:
    """A new public address of the posting spec; the former one leads nowhere from now on."""
    terms = lock(SourceTerms, _own(terms_id, actor).id)
    terms.spec_token = new_token()
    events.record("source_terms.shared", subject=terms, actor=actor)
    return terms.spec_token


def unshare_spec(*, terms_id: UUID, actor: Actor) -> None:
    """Close the public address of the posting spec."""
    terms = lock(SourceTerms, _own(terms_id, actor).id)
    terms.spec_token = None
    events.record("source_terms.unshared", subject=terms, actor=actor)


def setting_fits(settings: Mapping[str, str], name: str, said: object) -> bool:
    """Whether the other side proves what the seller told us of it; yes where nothing was told."""
    kept = settings.get(name)
    return not kept or kept == _hashed(str(said))


def _own(terms_id: UUID, actor: Actor) -> SourceTerms:
    terms = get(SourceTerms, terms_id)
    if terms.organization_id != actor.organization_id:
        raise NotFound
    return terms


def _settings(said: Mapping[str, str]) -> dict[str, str]:
    known = {one.name: one for preset in presets().values() for one in preset.settings}
    return {
        name: _hashed(text) if known[name].secret else text.strip()
        for name, text in said.items()
        if name in known and text.strip()
    }


def _hashed(text: str) -> str:
    return token_hash(text.strip()).hex()


def _new_terms(
    source: Source, vertical_id: UUID, wish: Wish, *, contract_id: UUID | None
) -> SourceTerms:
    last = post_queries.last_accepted_lot(source_id=source.id, vertical_id=vertical_id)
    is_good = last is not None and promises_as_much(last.quality_class, wish.quality_class)
    return SourceTerms(
        organization_id=source.organization_id,
        source_id=source.id,
        vertical_id=vertical_id,
        contract_id=contract_id,
        trusted_since=clock.now() if is_good else None,
        **_columns(wish),
    )


def _columns(wish: Wish) -> dict[str, object]:
    return {
        "quality_class": wish.quality_class,
        "kind": wish.kind,
        "price": wish.price,
        "sales_max": wish.sales_max,
        "declared_unsold_at": clock.now(),
        "channel": wish.channel,
        "consent_text": wish.consent_text.strip(),
        "consent_url": wish.consent_url.strip(),
        "is_check_agreed": wish.is_check_agreed,
        "call_seconds_min": wish.call_seconds_min,
        "is_test": wish.is_test,
    }


def _require_fit(definition: VerticalDefinition, wish: Wish, *, is_targeted: bool) -> None:
    """Every mistake at once. Raises Invalid."""
    found = [
        FieldProblem(*problem)
        for problem, is_wrong in _mistakes(definition, wish, is_targeted=is_targeted)
        if is_wrong
    ]
    if found:
        raise Invalid(errors=tuple(found))


def _mistakes(
    definition: VerticalDefinition, wish: Wish, *, is_targeted: bool
) -> list[tuple[tuple[str, str, str], bool]]:
    price, most = wish.price, SALES_MAX if wish.kind is LeadKind.SHARED else 1
    channel = definition.fields.by_name.get("channel")
    channels = channel.choice_by_value if channel else {}
    unsold = "Declare that the leads are not sold and not being sold elsewhere."
    return [
        (("/declared_unsold", "required", unsold), not wish.declared_unsold),
        (
            ("/price", "currency", f"Prices here are in {definition.currency}."),
            price.currency != definition.currency,
        ),
        (("/price", "price_range", "The price must be above nil."), price.amount <= 0),
        (
            ("/sales_max", "value_not_allowed", f"These leads can be sold at most {most} times."),
            not 1 <= wish.sales_max <= most,
        ),
        (
            ("/kind", "value_not_allowed", "Targeted leads are posted for a contract."),
            (wish.kind is LeadKind.TARGETED) is not is_targeted,
        ),
        (
            ("/quality_class", "value_not_allowed", "This vertical does not sell this class."),
            wish.quality_class not in definition.quality_classes,
        ),
        (
            ("/channel", "value_not_allowed", "Choose one of the channels of the vertical."),
            bool(wish.channel) and wish.channel not in channels,
        ),
        (
            ("/consent_text", "too_short", "The wording is what the person reads, in full."),
            bool(wish.consent_text) and len(wish.consent_text.strip()) < CONSENT_CHARACTERS_MIN,
        ),
    ]
