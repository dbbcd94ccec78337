"""The hosted lead form: a page and a frame of a source, without a script and without an account.

What was typed goes by POST alone and is shown again to nobody but whoever typed it.
"""

from __future__ import annotations

import re
from typing import Any, Final

from flask import Response, current_app, request
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from werkzeug.utils import redirect

from exchange.core.db import get, roll_back_request
from exchange.core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from exchange.core.limits import limiter
from exchange.core.web import render
from exchange.identity.access import public
from exchange.leads import capture_words, post_queries
from exchange.leads.bodies import ORIGIN_MAX, UTM
from exchange.leads.post_models import CaptureForm, SourceTerms
from exchange.leads.services import capture
from exchange.sellers.webhooks.blueprint import blueprint

STAMP: Final = "form_stamp"
TRAP: Final = "website"
ORIGIN: Final = (*sorted(UTM), "landing_url")
CONTROLS: Final = frozenset({STAMP, TRAP, "agreed", "check_agreed", "lang", "embed", *ORIGIN})


@blueprint.get("/f/<token>")
@public
def show_form(token: str) -> Response:
    form = _form(token)
    if not capture.takes_leads(form):
        return _render("sources/closed.html", form, status=409)
    return _page(form, origin=_origin(request.args, referrer=request.referrer or ""))


@blueprint.post("/f/<token>")
@public
@limiter.limit("10 per minute; 100 per hour")
def send_form(token: str) -> ResponseReturnValue:
    form = _form(token)
    try:
        capture.submit(form_id=form.id, sent=_sent(form))
    except Invalid as error:
        roll_back_request()
        return _page(_form(token), origin=_origin(request.form), refusal=error)
    except (Conflict, Forbidden):  # the source or its seller was stopped meanwhile
        roll_back_request()
        return _render("sources/closed.html", _form(token), status=409)
    # Whether the person is known already is nobody's business but the exchange's.
    target = f"/f/{form.token}/thanks?lang={_language(form)}"
    return redirect(f"{target}&embed=1" if _is_embedded() else target, code=303)


@blueprint.get("/f/<token>/thanks")
@public
def thanks(token: str) -> Response:
    form = _form(token)
    return _render("sources/thanks.html", form, status=200)


def _form(token: str) -> CaptureForm:
    found = post_queries.find_form(token)
    if found is None:
        raise NotFound("This form is closed.")
    return found


def _page(
    form: CaptureForm, *, origin: dict[str, str], refusal: DomainError | None = None
) -> Response:
    language = _language(form)
    wrong = {
        problem.pointer.strip("/").split("/")[-1]: capture_words.problem_in(language, problem.code)
        for problem in (refusal.errors if refusal else ())
    }
    general = refusal and not wrong and capture_words.problem_in(language, refusal.code)
    return _render(
        "sources/form.html",
        form,
        status=422 if refusal else 200,
        fields=capture.fields_shown(form),
        currency=capture.currency_of(form),
        wording=post_queries.wording_of(form),
        stamp=capture.stamp_of(form),
        values=request.form if refusal else {},
        problems=wrong,
        general=general or "",
        origin=origin,
        trap=TRAP,
        stamp_name=STAMP,
    )


def _render(template: str, shown: CaptureForm, *, status: int, **context: Any) -> Response:
    language = _language(shown)
    with force_locale(language):
        response = render(
            template,
            status=status,
            shown=shown,
            language=language,
            languages=capture_words.LANGUAGES,
            words=capture_words.WORDS[language],
            embedded=_is_embedded(),
            is_test=get(SourceTerms, shown.terms_id).is_test,
            **context,
        )
    response.headers["Content-Security-Policy"] = _policy(shown)
    return response


def _policy(form: CaptureForm) -> str:
    """No script runs here, and only the sites that the seller named may show it in a frame."""
    framed = " ".join(form.origins) if _is_embedded() and form.origins else "'none'"
    return (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self';"
        f" base-uri 'none'; form-action 'self'; frame-ancestors {framed}"
    )


def _sent(form: CaptureForm) -> capture.Sent:
    said = request.form
    base = current_app.config["SETTINGS"].base_url.rstrip("/")
    return capture.Sent(
        values={name: text for name, text in said.items() if name not in CONTROLS},
        stamp=said.get(STAMP, ""),
        agreed="agreed" in said,
        check_agreed="check_agreed" in said,
        check_wording=capture_words.WORDS[_language(form)]["check"],
        trap=said.get(TRAP, ""),
        origin=_origin(said),
        page_url=f"{base}/f/{form.token}",
        ip=request.remote_addr or "",
        user_agent=request.headers.get("User-Agent", ""),
    )


def _origin(said: Any, *, referrer: str = "") -> dict[str, str]:  # Any: werkzeug's mapping
    """Where the visitor came from; arguments of a page may name people and are left out."""
    found = {name: said[name][:ORIGIN_MAX] for name in ORIGIN if said.get(name)}
    if referrer and not referrer.startswith(request.host_url):
        found.setdefault("landing_url", referrer)
    if "landing_url" in found:
        found["landing_url"] = re.split(r"[?#]", found["landing_url"])[0][:ORIGIN_MAX]
    return found


def _language(form: CaptureForm) -> str:
    """What the visitor chose, else what the browser asks for, else what the form is made in."""
    chosen = request.values.get("lang", "")
    if chosen in capture_words.LANGUAGES:
        return chosen
    # Malay of Malaysia is Malay: the wish that comes first counts, whatever its country.
    wanted = (tag.split("-")[0].lower() for tag in request.accept_languages.values())
    return next((tag for tag in wanted if tag in capture_words.LANGUAGES), form.language)


def _is_embedded() -> bool:
    return request.values.get("embed") == "1"
