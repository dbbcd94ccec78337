"""One deed on several listings of a seller: tried and taken back for the page that asks, then done.

The verb of one listing says whether it can be, in both cases; what refuses one keeps no other
back. Listings are done one after the other in the order in which they are locked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from flask_babel import gettext

from exchange.core.actors import Actor
from exchange.core.db import Attempt, TakenBack
from exchange.core.errors import DomainError, IllegalTransition
from exchange.market.services import listings as verbs
from exchange.market.services.listing_terms import Changes

CHOSEN_MAX: Final = 100  # a page of listings


class Deed(StrEnum):
    """What can be done with several listings."""

    WITHDRAW = "withdraw"
    PAUSE = "pause"
    PRICE = "price"
    UNTIL = "until"  # another last day on sale


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of one of them, or why nothing does."""

    listing_id: UUID
    changes: Changes
    refusal: str = ""  # in words; empty: it can be, or is done


def rehearse(deed: Deed, changes: Mapping[UUID, Changes], *, actor: Actor) -> Sequence[Outcome]:
    """What the deed would do to each; nothing is changed, and no listing stays locked."""
    return _each(deed, changes, keeps=False, actor=actor)


def carry_out(deed: Deed, changes: Mapping[UUID, Changes], *, actor: Actor) -> Sequence[Outcome]:
    """Do it to each that lets it be done."""
    return _each(deed, changes, keeps=True, actor=actor)


def _each(
    deed: Deed, changes: Mapping[UUID, Changes], *, keeps: bool, actor: Actor
) -> Sequence[Outcome]:
    return [
        Outcome(one, changes[one], _tried(deed, one, changes[one], keeps=keeps, actor=actor))
        for one in sorted(changes)
    ]


def _tried(deed: Deed, listing_id: UUID, changes: Changes, *, keeps: bool, actor: Actor) -> str:
    """Why it was refused; empty where it was not."""
    refusal = ""
    with Attempt():
        try:
            _do(deed, listing_id, changes, actor=actor)
        except DomainError as error:
            refusal = _words(error)
        if refusal or not keeps:
            raise TakenBack
    return refusal


def _do(deed: Deed, listing_id: UUID, changes: Changes, *, actor: Actor) -> None:
    match deed:
        case Deed.WITHDRAW:
            verbs.withdraw(listing_id=listing_id, actor=actor)
        case Deed.PAUSE:
            verbs.pause(listing_id=listing_id, actor=actor)
        case Deed.PRICE | Deed.UNTIL:
            verbs.change(listing_id=listing_id, changes=changes, actor=actor)


def _words(error: DomainError) -> str:
    """The reason as a page says it; a state that forbids it is shown beside."""
    own = error.title if isinstance(error, IllegalTransition) else error.detail
    details = [problem.detail for problem in error.errors] or [own]
    return " ".join(map(gettext, details))
