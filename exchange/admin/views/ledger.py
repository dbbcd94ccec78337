"""Pages of the books: the trial balance, the accounts behind it, each posting and its transfers."""

from __future__ import annotations

from flask import Response

from exchange.admin import queries
from exchange.admin.schemas import AccountQuery, JournalQuery
from exchange.admin.views.blueprint import blueprint
from exchange.billing import queries as billing
from exchange.billing import words
from exchange.billing.models import AccountKind
from exchange.core import ids
from exchange.core.web import load_query, render
from exchange.identity.access import requires
from exchange.identity.models import Organization
from exchange.identity.permissions import Permission
from exchange.reports.queries import find_ref


@blueprint.get("/ledger")
@requires(Permission.LEDGER_READ)
def ledger() -> Response:
    return render(
        "admin/ledger/index.html",
        balances=queries.trial(),
        head=billing.head(),
        account_words=words.ACCOUNTS,
    )


@blueprint.get("/ledger/accounts")
@requires(Permission.LEDGER_READ)
def accounts() -> Response:
    asked = load_query(AccountQuery())
    return render(
        "admin/ledger/accounts.html",
        block="results",
        lines=queries.accounts(**asked),
        most=queries.ACCOUNTS_MAX,
        asked={name: str(value) for name, value in asked.items() if value},
        kinds=list(AccountKind),
        account_words=words.ACCOUNTS,
        org_id=lambda owner: ids.encode(Organization.PREFIX, owner),
    )


@blueprint.get("/ledger/postings")
@requires(Permission.LEDGER_READ)
def postings() -> Response:
    asked = load_query(JournalQuery())
    subject = find_ref(asked["subject"]) if asked["subject"] else None
    journal = billing.journal(cursor=asked["cursor"], subject=subject)
    return render(
        "admin/ledger/postings.html",
        block="results",
        page=journal,
        asked={"subject": asked["subject"]} if asked["subject"] else {},
        unknown=bool(asked["subject"]) and subject is None,
        names=queries.names({party for entry in journal.items for party in entry.organizations}),
        account_words=words.ACCOUNTS,
        reason_words=words.REASONS,
        id_of=billing.posting_public_id,
        subject_of=billing.public_id_of,
    )


@blueprint.get("/ledger/postings/<posting_id>")
@requires(Permission.LEDGER_READ)
def posting(posting_id: str) -> Response:
    entry = queries.get_entry(posting_id)
    return render(
        "admin/ledger/posting.html",
        entry=entry,
        posting_id=posting_id,
        names=queries.names(entry.organizations),
        account_words=words.ACCOUNTS,
        reason_words=words.REASONS,
        subject_of=billing.public_id_of,
    )
