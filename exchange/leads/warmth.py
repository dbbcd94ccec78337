"""How warm leads are, as conditions on Lead: the answers of `temperature` in SQL."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, case, func, or_

from exchange.leads.models import Lead
from exchange.leads.temperature import AGAIN, FRESH, HOT, REACHED, Temperature


def warmth_in_sql(now: datetime) -> ColumnElement[str]:
    """The temperature of each lead at this moment, as a word."""
    asked_at = func.greatest(Lead.requested_at, Lead.last_asked_at)  # passes NULL over
    again = Lead.asks > 1
    hot = or_(Lead.checked_at > now - HOT, again & (asked_at > now - HOT))
    warm = or_(
        again & (asked_at > now - AGAIN),
        asked_at > now - FRESH,
        Lead.checked_at > now - REACHED,
    )
    return case((hot, Temperature.HOT), (warm, Temperature.WARM), else_=Temperature.COLD)
