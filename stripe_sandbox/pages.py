"""The hosted pages: where a payer pays and a payee is onboarded, in a browser, without scripts."""

from __future__ import annotations

from urllib.parse import parse_qs

from stripe_sandbox import html
from stripe_sandbox.call import Call, World
from stripe_sandbox.courier import Courier
from stripe_sandbox.errors import StripeError
from stripe_sandbox.messages import Json, Request, Response
from stripe_sandbox.resources import accounts, sessions
from stripe_sandbox.words import Words, words_for


class Pages:
    """Answers /pay/{session} and /connect/{link}."""

    def __init__(self, world: World, *, courier: Courier) -> None:
        self._world = world
        self._courier = courier

    def answer(self, request: Request) -> Response:
        kind, _, object_id = request.path.strip("/").partition("/")
        doors = {"pay": self._pay, "connect": self._connect}
        call = Call(self._world, ids=(object_id,))
        action = ""
        if request.method == "POST":
            action = parse_qs(request.form).get("action", [""])[0]
        try:
            return doors[kind](request, call, action=action)
        except (KeyError, StripeError):
            words = words_for(None, request.headers.get("accept-language", ""))
            return html.page(words, words["missing"], parts=[], status=404)

    # Paying

    def _pay(self, request: Request, call: Call, *, action: str) -> Response:
        with self._world.store.transaction():
            session = sessions.retrieve(call)
            if action == "pay":
                session = sessions.pay(call)
        if action == "cancel" and session["cancel_url"]:
            return html.redirect(session["cancel_url"])
        if action == "pay" and session["status"] == "complete":
            # Stripe, too, gives the webhook some seconds before it sends the payer back.
            self._courier.flush()
            return html.redirect(_success_url(session))
        words = words_for(session["locale"], request.headers.get("accept-language", ""))
        return _pay_page(session, words)

    # Onboarding

    def _connect(self, request: Request, call: Call, *, action: str) -> Response:
        with self._world.store.transaction():
            link, usable = accounts.follow_link(call, finish=action == "finish")
        if not usable:
            return html.redirect(link["_refresh_url"])
        if action:
            self._courier.flush()
            return html.redirect(link["_return_url"])
        words = words_for(None, request.headers.get("accept-language", ""))
        buttons = [("finish", words["finish"]), ("leave", words["leave"])]
        parts = [html.paragraph(words["onboard"]), html.form(buttons)]
        return html.page(words, words["onboard_title"], parts=parts)


def _success_url(session: Json) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _pay_page(session: Json, words: Words) -> Response:
    title, bill = words["pay_title"], html.bill(session, words)
    if session["status"] == "complete":
        ways = html.link(words["back"], _success_url(session))
        parts = [bill, html.paragraph(words["paid"], role="status"), ways]
    elif session["status"] == "expired":
        ways = html.link(words["back"], session["cancel_url"])
        parts = [bill, html.paragraph(words["expired"], role="status"), ways]
    else:
        buttons = [("pay", words["pay"].format(amount=_total(session)))]
        if session["cancel_url"]:
            buttons.append(("cancel", words["cancel"]))
        parts = [bill, html.form(buttons)]
    return html.page(words, title, parts=parts)


def _total(session: Json) -> str:
    return html.price(session["amount_total"], session["currency"])
