"""What the operator looks at: what waits, who is who, where the money is."""

from exchange.admin.queries.cases import ReturnRate, all_returns, prices, return_rates
from exchange.admin.queries.directory import (
    Terms,
    batches,
    names,
    organizations,
    people,
    terms_of,
)
from exchange.admin.queries.money import (
    ACCOUNTS_MAX,
    AccountLine,
    TrialBalance,
    accounts,
    get_entry,
    trial,
)
from exchange.admin.queries.room import (
    FirstSteps,
    Waiting,
    first_steps,
    staff_of_money,
    waiting,
)

__all__ = [
    "ACCOUNTS_MAX",
    "AccountLine",
    "FirstSteps",
    "ReturnRate",
    "Terms",
    "TrialBalance",
    "Waiting",
    "accounts",
    "all_returns",
    "batches",
    "first_steps",
    "get_entry",
    "names",
    "organizations",
    "people",
    "prices",
    "return_rates",
    "staff_of_money",
    "terms_of",
    "trial",
    "waiting",
]
