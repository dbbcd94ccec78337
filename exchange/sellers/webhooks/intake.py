"""Where builders and lead ads send leads: the token in the path says to which source.

The path holds no contact. What a format wants to hear, and how it proves itself, is data.
"""

from __future__ import annotations

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import MethodNotAllowed

from exchange.core.actors import Actor
from exchange.core.db import get
from exchange.core.errors import Forbidden, NotFound
from exchange.identity.access import public
from exchange.identity.permissions import Permission
from exchange.leads import post_queries
from exchange.leads.post_models import PostingToken, SourceTerms
from exchange.leads.post_presets import GENERIC, Json, Preset, at, get_preset
from exchange.leads.services import posting as verbs
from exchange.leads.services import posts
from exchange.sellers import posting
from exchange.sellers.schemas import PostOut
from exchange.sellers.webhooks.blueprint import blueprint

PATH = "/api/v1/leads/in/<token>"
CHALLENGE_CHARACTERS_MAX = 200


@blueprint.post(PATH)
@public
def post_lead(token: str) -> ResponseReturnValue:
    return _receive(_token(token), get_preset(GENERIC))


@blueprint.post(f"{PATH}/<preset>")
@public
def post_by_preset(token: str, preset: str) -> ResponseReturnValue:
    return _receive(_token(token), get_preset(preset))


@blueprint.get(f"{PATH}/<preset>")
@public
def challenge(token: str, preset: str) -> ResponseReturnValue:
    """The handshake of formats that ask by GET; a lead never comes that way."""
    held, asked = _token(token), get_preset(preset).challenge
    if asked is None:
        raise MethodNotAllowed(["POST"])
    said = request.args.get(asked["verify"], "")
    is_known = bool(held.settings.get(asked["setting"]))
    if not is_known or not verbs.setting_fits(held.settings, asked["setting"], said):
        raise Forbidden("The verify token is another one.", code="preset_key_wrong")
    echo = request.args.get(asked["echo"], "")[:CHALLENGE_CHARACTERS_MAX]
    return Response(echo, mimetype="text/plain")


def _receive(token: PostingToken, preset: Preset) -> ResponseReturnValue:
    sent = posting.sent_body()
    said = preset.handshake_of(sent, token.settings)
    if said is not None:
        return Response(said, mimetype="text/plain")
    _require_key(preset, token, sent)
    if not preset.is_meant(sent):
        return _say(preset.answer)
    translated = preset.translate(sent)
    posting.require_meant(translated, get(SourceTerms, token.terms_id))
    answer = posts.post_lead(
        terms_id=token.terms_id,
        incoming=posts.Incoming(sent=translated, via=preset.code, raw=posting.raw_body()),
        actor=_actor(token),
    )
    if preset.answer != "json":
        return _say(preset.answer)
    response = jsonify(PostOut().dump(posting.answer_json(answer)))
    response.status_code = 201
    return response


def _say(answer: str) -> Response:
    is_json = answer.startswith("{")
    return Response(answer, mimetype="application/json" if is_json else "text/plain")


def _require_key(preset: Preset, token: PostingToken, sent: dict[str, Json]) -> None:
    if preset.key is None:
        return
    said = str(at(sent, preset.key["at"]) or "")
    if not verbs.setting_fits(token.settings, preset.key["setting"], said):
        raise Forbidden("The key of this message is another one.", code="preset_key_wrong")


def _token(text: str) -> PostingToken:
    found = post_queries.find_token(text)
    if found is None:
        raise NotFound("This posting token is unknown or revoked.")
    return found


def _actor(token: PostingToken) -> Actor:
    """A posting token may post, and nothing else."""
    return Actor("key", token.id, token.organization_id, frozenset({Permission.LEAD_POST}))
