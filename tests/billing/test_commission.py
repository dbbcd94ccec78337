from __future__ import annotations

from datetime import timedelta

import pytest

from exchange.billing import queries
from exchange.billing.queries.records import COMMISSION_BPS
from exchange.billing.services import commission
from exchange.core import clock
from exchange.core.errors import Invalid
from tests.cast import Cast


def test_without_a_rate_the_house_rate_holds(cast: Cast) -> None:
    assert queries.commission_bps("mortgage_es", clock.now()) == COMMISSION_BPS


def test_a_rate_holds_from_its_moment_and_for_its_scope(cast: Cast) -> None:
    now, actor = clock.now(), cast.admin.actor
    commission.set_rate(scope="mortgage_es", bps=1_200, actor=actor)
    later = now + timedelta(days=7)
    commission.set_rate(scope="mortgage_es", bps=900, actor=actor, effective_from=later)
    assert queries.commission_bps("mortgage_es", now) == 1_200
    assert queries.commission_bps("mortgage_es", later) == 900
    assert queries.commission_bps("car_insurance_ru", later) == COMMISSION_BPS


@pytest.mark.parametrize("bps", [-1, 10_001])
def test_a_rate_is_a_share(cast: Cast, bps: int) -> None:
    with pytest.raises(Invalid):
        commission.set_rate(scope="mortgage_es", bps=bps, actor=cast.admin.actor)


def test_no_rate_is_set_for_the_past(cast: Cast) -> None:
    past = clock.now() - timedelta(seconds=1)
    with pytest.raises(Invalid):
        commission.set_rate(
            scope="mortgage_es", bps=900, actor=cast.admin.actor, effective_from=past
        )
