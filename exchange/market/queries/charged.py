"""What a line costs its buyer, in SQL."""

from __future__ import annotations

from typing import Final

from sqlalchemy import case

from exchange.market.models import LineAction, OrderLine, PricingModel

# What was paid for a line once it is delivered: the SQL form of `OrderLine.charged`.
CHARGED: Final = case(
    (
        (OrderLine.pricing_model == PricingModel.CPA) & (OrderLine.action != LineAction.PAID),
        0,
    ),
    else_=OrderLine.__table__.c.price_amount,
)
