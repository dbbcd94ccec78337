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
from exchange.admin.queries.hearings import agreement, bad_reasons, return_reasons
from exchange.admin.queries.money import (
    ACCOUNTS_MAX,
    AccountLine,
    TrialBalance,
    accounts,
    get_entry,
    trial,
)
from exchange.admin.queries.quality import Narrowed, compared, control, ranked
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
    "Narrowed",
    "ReturnRate",
    "Terms",
    "TrialBalance",
    "Waiting",
    "accounts",
    "agreement",
    "all_returns",
    "bad_reasons",
    "batches",
    "compared",
    "control",
    "first_steps",
    "get_entry",
    "names",
    "organizations",
    "people",
    "prices",
    "ranked",
    "return_rates",
    "return_reasons",
    "staff_of_money",
    "terms_of",
    "trial",
    "waiting",
]
