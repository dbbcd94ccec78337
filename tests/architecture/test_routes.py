"""Every door says who may enter, and no door lets a stranger in by forgetting to."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from exchange.identity.permissions import PAGES_ONLY, Permission
from tests.cast import Cast

# Files and the two addresses of a load balancer; everything else that is public is named here.
PUBLIC = {
    "static",
    "healthz",
    "readyz",
    "api.openapi",
    "identity.index",
    "identity.found",
    "identity.found_house",
    "identity.sign_in",
    "identity.start",
    "identity.sign_up",
    "identity.create",
    "identity.invitation",
    "identity.join",
    "identity.language",
    # Whoever was asked for consent can take it back without an account.
    "leads.revocation",
    "leads.confirm_revocation",
    "leads.revoke",
    "leads.begin_again",
    "reports.method",
    "reports.docs",
    "reports.errors",
    "reports.styleguide",
    "reports.terms",
    # What a source shows: its posting spec, its forms, and the doors that a posting token opens.
    "sources.spec",
    "sources.try_out",
    "sources.try_ping",
    "sources.show_form",
    "sources.send_form",
    "sources.thanks",
    "sources.post_lead",
    "sources.post_by_preset",
    "sources.challenge",
    # What a stranger recomputes, and what Stripe signs.
    "billing_api.show_head",
    "billing_webhooks.stripe",
    "market_api.auction_proof",
    "market_api.vertical",
    "market_api.verticals",
    "verification_api.draw",
    "verification_api.leaves",
    "verification_api.sources",
    "verification_api.prove_leaf",
    "verification_api.prove_lead",
}


def declared(app: Flask) -> dict[str, object]:
    return {
        endpoint: getattr(view, "permission", "undeclared")
        for endpoint, view in app.view_functions.items()
        if endpoint != "static"
    }


def test_every_route_declares_a_permission_or_is_public(app: Flask) -> None:
    assert [name for name, found in declared(app).items() if found == "undeclared"] == []


def test_nothing_is_public_by_accident(app: Flask) -> None:
    assert {name for name, found in declared(app).items() if found is None} == PUBLIC - {"static"}


def test_what_is_declared_is_a_permission(app: Flask) -> None:
    for name, found in declared(app).items():
        wanted = found if isinstance(found, tuple) else (found,)
        assert all(one is None or isinstance(one, Permission) for one in wanted), name


def test_what_is_kept_for_pages_has_no_door_in_the_api(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/"):
            found = getattr(app.view_functions[rule.endpoint], "permission", None)
            wanted = found if isinstance(found, tuple) else (found,)
            assert not PAGES_ONLY & set(wanted), rule.rule


@pytest.mark.parametrize("who", [None, "seller", "buyer", "verifier", "finance", "newcomer"])
def test_no_page_breaks_for_anybody(
    client: FlaskClient, cast: Cast, app: Flask, who: str | None
) -> None:
    """Every GET without arguments, as everybody: a page, a way elsewhere, or nothing there."""
    if who:
        getattr(cast, who).sign_in(client)
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and not rule.arguments:
            status = client.get(rule.rule).status_code
            assert status in {200, 204, 302, 303, 401, 404}, f"{rule.rule}: {status}"


def test_strangers_open_only_what_is_public(client: FlaskClient, cast: Cast, app: Flask) -> None:
    permissions = declared(app)
    for rule in app.url_map.iter_rules():
        if permissions.get(rule.endpoint) is None or rule.arguments:
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            response = client.open(rule.rule, method=method)
            is_page = not rule.rule.startswith("/api/")
            assert response.status_code == (303 if is_page else 401), f"{method} {rule.rule}"
            if is_page:
                assert response.location.startswith("/sign-in")
