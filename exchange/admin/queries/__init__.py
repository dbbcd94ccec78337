"""What the operator looks at: what waits, who is who, where the money is."""

from exchange.admin.queries.directory import (
    Terms,
    batches,
    names,
    organizations,
    people,
    terms_of,
)
from exchange.admin.queries.money import ACCOUNTS_MAX, AccountLine, TrialBalance, accounts, trial
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
    "Terms",
    "TrialBalance",
    "Waiting",
    "accounts",
    "batches",
    "first_steps",
    "names",
    "organizations",
    "people",
    "staff_of_money",
    "terms_of",
    "trial",
    "waiting",
]
