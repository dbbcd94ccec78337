"""Roles and permissions: the whole policy on one screen.

A permission says what somebody may do at all; whether a row is theirs is answered by fetching it
for them. API keys hold a subset of their maker's permissions and never those of PAGES_ONLY.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class OrganizationKind(StrEnum):
    SELLER = "seller"
    BUYER = "buyer"
    VERIFICATION = "verification"
    OPERATOR = "operator"


class Role(StrEnum):
    OWNER = "owner"
    MEMBER = "member"
    FINANCE = "finance"
    VERIFIER = "verifier"
    SHIFT_LEAD = "shift_lead"
    SUPPORT = "support"
    ADMIN = "admin"


class Permission(StrEnum):
    SELF_MANAGE = "self:manage"  # own password, own sign-ins, language
    TEAM_READ = "team:read"
    TEAM_MANAGE = "team:manage"
    KEY_MANAGE = "key:manage"
    EVENT_READ = "event:read"

    SUPPRESSION_WRITE = "suppression:write"  # list people, pass a withdrawal on
    SUPPRESSION_LIFT = "suppression:lift"
    PERSON_ERASE = "person:erase"

    BATCH_READ = "batch:read"
    BATCH_UPLOAD = "batch:upload"
    LEAD_POST = "lead:post"  # one by one; a posting key holds nothing else
    LISTING_PUBLISH = "listing:publish"
    RETURN_ANSWER = "return:answer"
    PAYOUT_REQUEST = "payout:request"

    MARKET_READ = "market:read"
    ORDER_PLACE = "order:place"
    ORDER_READ = "order:read"
    CONTRACT_READ = "contract:read"
    CONTRACT_WRITE = "contract:write"  # standing orders: what they ask, pay and may spend
    BID_PLACE = "bid:place"
    CONVERSION_REPORT = "conversion:report"  # what came of a lead, under CPA
    CONTACT_OPEN = "contact:open"
    CONTACT_EXPORT = "contact:export"
    RETURN_REQUEST = "return:request"
    TOP_UP = "wallet:top_up"
    MONEY_READ = "money:read"

    TASK_WORK = "task:work"
    VERIFIER_MANAGE = "verifier:manage"  # those of the own organization: figures, pause, training
    GOLD_MANAGE = "gold:manage"  # known answers and appeals; everybody's verifiers

    ORGANIZATION_REVIEW = "organization:review"
    VERTICAL_PUBLISH = "vertical:publish"
    BATCH_REVIEW = "batch:review"
    RETURN_ARBITRATE = "return:arbitrate"
    LEDGER_READ = "ledger:read"
    CREDIT_GRANT = "credit:grant"  # to buyers; two people for each limit
    AUDIT_READ = "audit:read"
    CLOCK_MOVE = "clock:move"  # sandbox and demo only


P = Permission
PAGES_ONLY: Final = frozenset({
    P.SELF_MANAGE, P.TEAM_MANAGE, P.KEY_MANAGE, P.ORGANIZATION_REVIEW, P.VERTICAL_PUBLISH,
    P.BATCH_REVIEW, P.RETURN_ARBITRATE, P.LEDGER_READ, P.AUDIT_READ, P.PERSON_ERASE,
    P.CREDIT_GRANT, P.VERIFIER_MANAGE, P.GOLD_MANAGE,
})  # fmt: skip

_ANYBODY = frozenset({P.SELF_MANAGE, P.TEAM_READ})
_OWNER = frozenset({P.TEAM_MANAGE, P.KEY_MANAGE, P.EVENT_READ, P.MONEY_READ})
_LISTS = frozenset({P.SUPPRESSION_WRITE, P.SUPPRESSION_LIFT})
_SELLER = _ANYBODY | _LISTS | {
    P.BATCH_READ, P.BATCH_UPLOAD, P.LEAD_POST, P.LISTING_PUBLISH, P.RETURN_ANSWER,
}  # fmt: skip
_BUYER = _ANYBODY | _LISTS | {
    P.MARKET_READ, P.ORDER_PLACE, P.ORDER_READ, P.CONTACT_OPEN, P.RETURN_REQUEST,
    P.CONTRACT_READ, P.CONTRACT_WRITE, P.BID_PLACE, P.CONVERSION_REPORT,
}  # fmt: skip
_STAFF = _ANYBODY | {P.BATCH_REVIEW, P.RETURN_ARBITRATE, P.AUDIT_READ, P.SUPPRESSION_WRITE}

K, R = OrganizationKind, Role
ROLE_PERMISSIONS: Final[dict[tuple[OrganizationKind, Role], frozenset[Permission]]] = {
    (K.SELLER, R.OWNER): _SELLER | _OWNER | {P.PAYOUT_REQUEST, P.TOP_UP},
    (K.SELLER, R.MEMBER): _SELLER,
    (K.SELLER, R.FINANCE): _ANYBODY | {
        P.BATCH_READ, P.MONEY_READ, P.PAYOUT_REQUEST, P.TOP_UP,
    },
    (K.BUYER, R.OWNER): _BUYER | _OWNER | {P.TOP_UP, P.CONTACT_EXPORT},
    (K.BUYER, R.MEMBER): _BUYER,
    (K.BUYER, R.FINANCE): _ANYBODY | {
        P.ORDER_READ, P.MONEY_READ, P.TOP_UP, P.CONTRACT_READ,
    },
    (K.VERIFICATION, R.OWNER): _ANYBODY | _OWNER | {P.TASK_WORK, P.VERIFIER_MANAGE},
    (K.VERIFICATION, R.SHIFT_LEAD): _ANYBODY | {P.TASK_WORK, P.VERIFIER_MANAGE},
    (K.VERIFICATION, R.VERIFIER): _ANYBODY | {P.TASK_WORK},
    (K.OPERATOR, R.SUPPORT): _STAFF | {P.PERSON_ERASE, P.VERIFIER_MANAGE, P.GOLD_MANAGE},
    (K.OPERATOR, R.FINANCE): _STAFF | {P.LEDGER_READ, P.CREDIT_GRANT},
    (K.OPERATOR, R.VERIFIER): _ANYBODY | {P.TASK_WORK},
    (K.OPERATOR, R.ADMIN): _STAFF | {
        P.TEAM_MANAGE, P.ORGANIZATION_REVIEW, P.VERTICAL_PUBLISH, P.LEDGER_READ, P.CREDIT_GRANT,
        P.CLOCK_MOVE, P.SUPPRESSION_LIFT, P.PERSON_ERASE, P.VERIFIER_MANAGE, P.GOLD_MANAGE,
    },
}  # fmt: skip


def permissions_of(kind: OrganizationKind, role: Role) -> frozenset[Permission]:
    """What a role may do in an organization of this kind; nothing where the pair is not listed."""
    return ROLE_PERMISSIONS.get((kind, role), frozenset())


def roles_of(kind: OrganizationKind) -> tuple[Role, ...]:
    """The roles that an organization of this kind knows, most powerful first."""
    return tuple(role for other, role in ROLE_PERMISSIONS if other is kind)
