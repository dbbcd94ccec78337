"""What an endpoint is given: the parameters, whose account, and the world it acts on."""

from __future__ import annotations

from dataclasses import dataclass, field

from stripe_sandbox import deliveries
from stripe_sandbox.errors import no_such
from stripe_sandbox.messages import Json, public
from stripe_sandbox.params import Params
from stripe_sandbox.store import Store

API_VERSION = "2026-10-28.endive"


@dataclass(frozen=True, slots=True)
class World:
    """What all calls share."""

    store: Store
    base_url: str
    api_version: str = API_VERSION
    instant_payouts: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One call: `ids` are the ids of its path, `account` the connected account it acts for."""

    world: World
    params: Params = field(default_factory=lambda: Params({}))
    ids: tuple[str, ...] = ()
    account: str | None = None
    request_id: str | None = None
    idempotency_key: str | None = None

    @property
    def store(self) -> Store:
        return self.world.store

    def emit(self, event_type: str, subject: Json, *, account: str | None = None) -> None:
        """Keep an event with a snapshot of `subject`, and queue it for the webhook.

        `account` is the connected account that it belongs to.
        """
        event: Json = {
            "id": self.store.next_id("evt"),
            "object": "event",
            "api_version": self.world.api_version,
            "created": self.store.now(),
            "data": {"object": public(subject)},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": self.request_id, "idempotency_key": self.idempotency_key},
            "type": event_type,
        }
        if account is not None:
            event["account"] = account
        self.store.put(event, account=account)
        deliveries.queue(self.store, event["id"])

    def own(self, kind: str, object_id: str | None = None, *, param: str = "id") -> Json:
        """The object of this call's account; raises `resource_missing`."""
        wanted = self.ids[0] if object_id is None else object_id
        found = self.store.get(kind, wanted, account=self.account)
        if found is None:
            raise no_such(kind, wanted, param=param)
        return found
