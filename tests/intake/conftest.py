"""One approved seller: the table has hundreds of cases, and none needs anybody else."""

import pytest

from exchange.identity.permissions import OrganizationKind
from tests.cast import make_company


@pytest.fixture
def seller(app):
    return make_company("sam@seller.example", OrganizationKind.SELLER, "Northern Leads")
