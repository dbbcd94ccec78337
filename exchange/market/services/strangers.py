"""Nobody trades with himself, under whatever name: who shares a member with a seller is no buyer.

What is asked is how it stands when it is asked. A membership that is made while a purchase runs
does not stop it; whatever begins afterwards is refused.
"""

from __future__ import annotations

from uuid import UUID

from exchange.core.errors import Forbidden
from exchange.identity import queries as identity


def require_strangers(*, buyer_id: UUID, seller_id: UUID) -> None:
    """Raises Forbidden `own_leads`, and `related` where both have or had a member in common."""
    if seller_id == buyer_id:
        raise Forbidden("These are your own leads.", code="own_leads")
    if seller_id in identity.relatives(buyer_id):
        detail = "Your organization and the other side share a member, or did, or a register entry."
        raise Forbidden(detail, code="related")
