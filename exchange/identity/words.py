"""What kinds, roles and scopes are called, in the reader's language when they are shown."""

from __future__ import annotations

from typing import Final

from flask_babel import lazy_gettext as _

from exchange.identity.permissions import OrganizationKind, Permission, Role

KINDS: Final[dict[OrganizationKind, str]] = {
    OrganizationKind.SELLER: _("Seller"),
    OrganizationKind.BUYER: _("Buyer"),
    OrganizationKind.VERIFICATION: _("Verification"),
    OrganizationKind.OPERATOR: _("Operator"),
}
ROLES: Final[dict[Role, str]] = {
    Role.OWNER: _("Owner"),
    Role.MEMBER: _("Member"),
    Role.FINANCE: _("Finance"),
    Role.VERIFIER: _("Verifier"),
    Role.SHIFT_LEAD: _("Shift lead"),
    Role.SUPPORT: _("Support"),
    Role.ADMIN: _("Administrator"),
}
# Only what a key can hold; the rest is done on pages.
SCOPES: Final[dict[Permission, str]] = {
    Permission.TEAM_READ: _("See the team"),
    Permission.EVENT_READ: _("Read our events"),
    Permission.SUPPRESSION_WRITE: _("List people who must not be contacted"),
    Permission.SUPPRESSION_LIFT: _("Take people off our lists"),
    Permission.BATCH_READ: _("See batches and their checks"),
    Permission.BATCH_UPLOAD: _("Upload leads"),
    Permission.LEAD_POST: _("Post leads one by one"),
    Permission.LISTING_PUBLISH: _("Put on sale and set prices"),
    Permission.RETURN_ANSWER: _("Answer returns"),
    Permission.PAYOUT_REQUEST: _("Request payouts"),
    Permission.MARKET_READ: _("Search the market"),
    Permission.ORDER_PLACE: _("Buy leads"),
    Permission.ORDER_READ: _("See orders"),
    Permission.CONTRACT_READ: _("See standing contracts"),
    Permission.CONTRACT_WRITE: _("Make and change standing contracts"),
    Permission.BID_PLACE: _("Bid in auctions"),
    Permission.CONVERSION_REPORT: _("Report actions and decide about them"),
    Permission.CONTACT_OPEN: _("Open the contacts we bought"),
    Permission.CONTACT_EXPORT: _("Export the contacts we bought"),
    Permission.RETURN_REQUEST: _("Return leads"),
    Permission.TOP_UP: _("Top up the wallet"),
    Permission.MONEY_READ: _("See balances and statements"),
    Permission.TASK_WORK: _("Check leads"),
    Permission.CLOCK_MOVE: _("Move the clock of a sandbox"),
}
