"""Connected accounts (Express, or `controller`) and the links that lead to their onboarding."""

from __future__ import annotations

from stripe_sandbox.call import Call
from stripe_sandbox.errors import missing
from stripe_sandbox.messages import Json

_LINK_SECONDS = 5 * 60
_WANTED = ["external_account", "tos_acceptance.date"]


def create(call: Call) -> Json:
    """A new account; the metadata `sandbox_enabled=true` enables it at once."""
    account = call.store.put(_new_account(call))
    if account["metadata"].get("sandbox_enabled") == "true":
        return set_enabled(call, account, enabled=True)
    return account


def _new_account(call: Call) -> Json:
    params = call.params
    schedule = params.group("settings").group("payouts").group("schedule")
    return {
        "id": call.store.next_id("acct"),
        "object": "account",
        "business_profile": {"name": params.group("business_profile").text("name")},
        "business_type": params.text("business_type"),
        "capabilities": {"transfers": "inactive"},
        "charges_enabled": False,
        "controller": _controller(call),
        "country": params.text("country") or "US",
        "created": call.store.now(),
        "default_currency": params.text("default_currency") or "usd",
        "details_submitted": False,
        "email": params.text("email"),
        "external_accounts": {"object": "list", "data": [], "has_more": False, "url": ""},
        "metadata": params.metadata(),
        "payouts_enabled": False,
        "requirements": _requirements(_WANTED, reason="requirements.past_due"),
        "settings": {"payouts": {"schedule": {"interval": schedule.text("interval") or "daily"}}},
        "type": params.choice("type", of=("express", "custom", "standard", "none"), default="none"),
    }


def _controller(call: Call) -> Json:
    given = call.params.group("controller")
    dashboard = given.group("stripe_dashboard").text("type") or "express"
    return {
        "type": "application",
        "is_controller": True,
        "fees": {"payer": given.group("fees").text("payer") or "application"},
        "losses": {"payments": given.group("losses").text("payments") or "application"},
        "requirement_collection": given.text("requirement_collection") or "stripe",
        "stripe_dashboard": {"type": dashboard},
    }


def _requirements(due: list[str], *, reason: str | None) -> Json:
    lists = {"currently_due": due, "eventually_due": due, "past_due": due}
    return {**lists, "pending_verification": [], "errors": [], "disabled_reason": reason}


def retrieve(call: Call) -> Json:
    return call.own("account")


def set_enabled(call: Call, account: Json, *, enabled: bool) -> Json:
    """Finish the onboarding, or restrict the account again."""
    account |= {"charges_enabled": enabled, "payouts_enabled": enabled}
    account["details_submitted"] = account["details_submitted"] or enabled
    account["capabilities"] = {"transfers": "active" if enabled else "inactive"}
    due, reason = ([], None) if enabled else (_WANTED, "requirements.past_due")
    account["requirements"] = _requirements(due, reason=reason)
    call.emit("account.updated", call.store.put(account), account=account["id"])
    return account


def enable(call: Call) -> Json:
    """A control of the sandbox; `enabled=false` restricts."""
    enabled = call.params.text("enabled") in {None, "True", "true"}
    return set_enabled(call, call.own("account"), enabled=enabled)


def create_link(call: Call) -> Json:
    account = call.own("account", call.params.required("account"), param="account")
    call.params.choice("type", of=("account_onboarding", "account_update"))
    link_id = call.store.next_id("acctlink")
    link = {
        "object": "account_link",
        "created": call.store.now(),
        "expires_at": call.store.now() + _LINK_SECONDS,
        "url": f"{call.world.base_url}/connect/{link_id}",
    }
    own = {"_account": account["id"], "_used": False}
    for name in ("return_url", "refresh_url"):
        own[f"_{name}"] = call.params.address(name)
        if own[f"_{name}"] is None:
            raise missing(name)
    call.store.put({"id": link_id, **link, **own})
    return link


def follow_link(call: Call, *, finish: bool) -> tuple[Json, bool]:
    """The link, and whether it may still be used; with `finish` it is used up and enables.

    Raises `resource_missing`.
    """
    link = call.own("account_link")
    usable = not link["_used"] and link["expires_at"] > call.store.now()
    if usable and finish:
        call.store.put({**link, "_used": True})
        set_enabled(call, call.own("account", link["_account"]), enabled=True)
    return link, usable
