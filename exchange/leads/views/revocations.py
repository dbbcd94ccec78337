"""The public page on which somebody withdraws consent: type, confirm, receipt.

The answer is the same whether the person is known or not. What was typed is never in an address.
"""

from __future__ import annotations

from flask import Response
from flask.typing import ResponseReturnValue

from exchange.core.limits import limiter
from exchange.core.web import again_with_errors, load_form, render, see_other
from exchange.identity.access import actor, public
from exchange.leads.people_schemas import PersonForm
from exchange.leads.rights import RevocationVia
from exchange.leads.services import revocations
from exchange.leads.views.blueprint import blueprint
from exchange.leads.views.lists import countries


@blueprint.get("/revoke")
@public
def revocation() -> Response:
    return render("leads/revocation/new.html", countries=countries(""))


@blueprint.post("/revoke")
@public
@limiter.limit("10 per minute; 60 per hour")
@again_with_errors(revocation)
def confirm_revocation() -> ResponseReturnValue:
    """Show once more what was typed and say what will happen."""
    form = load_form(PersonForm())
    revocations.require_hashes(form["person"], region=form["country"])
    return render("leads/revocation/confirm.html", typed=form)


@blueprint.get("/revoke/confirm")
@public
def begin_again() -> Response:
    """Whoever comes back to the address of the receipt begins anew."""
    return see_other("leads.revocation")


@blueprint.post("/revoke/confirm")
@public
@limiter.limit("10 per minute; 60 per hour")
@again_with_errors(revocation)
def revoke() -> ResponseReturnValue:
    form = load_form(PersonForm())
    receipt = revocations.revoke(
        person=form["person"], region=form["country"], via=RevocationVia.PAGE, actor=actor()
    )
    return render("leads/revocation/receipt.html", receipt=receipt)
