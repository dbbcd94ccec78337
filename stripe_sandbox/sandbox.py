"""The assembly: the store, the doors and the courier of one sandbox."""

from __future__ import annotations

from dataclasses import dataclass

from stripe_sandbox import deliveries
from stripe_sandbox.api import Api
from stripe_sandbox.call import API_VERSION, Call, World
from stripe_sandbox.control import Control
from stripe_sandbox.courier import Courier
from stripe_sandbox.faults import Faults
from stripe_sandbox.messages import Request, Response
from stripe_sandbox.pages import Pages
from stripe_sandbox.resources import sessions
from stripe_sandbox.store import Store


@dataclass(frozen=True, slots=True)
class Options:
    """How one sandbox is started; without a webhook URL, deliveries wait to be taken."""

    webhook_url: str | None = None
    webhook_secret: str = ""
    data: str = ":memory:"
    api_key: str | None = None
    api_version: str = API_VERSION
    instant_payouts: bool = False


class Sandbox:
    """A Stripe of one's own; `base_url` is where browsers reach its pages."""

    def __init__(self, base_url: str, *, options: Options) -> None:
        self._store = Store(options.data)
        world = World(self._store, base_url, options.api_version, options.instant_payouts)
        faults = Faults()
        self._world = world
        self._courier = Courier(self._store, tick=self._tick)
        self._api = Api(world, faults, api_key=options.api_key)
        self._control = Control(world, faults, courier=self._courier)
        self._pages = Pages(world, courier=self._courier)
        if options.webhook_url is not None:
            with self._store.transaction():
                deliveries.aim(self._store, options.webhook_url, secret=options.webhook_secret)

    def start(self) -> None:
        self._courier.start()

    def end(self) -> None:
        self._courier.end()
        self._store.close()

    def answer(self, request: Request) -> Response:
        """The answer to any request, whichever door it is for."""
        if request.path.startswith("/sandbox/"):
            return self._control.answer(request)
        if request.path.startswith(("/pay/", "/connect/")):
            return self._pages.answer(request)
        response = self._api.answer(request)
        self._courier.wake()
        return response

    def _tick(self) -> None:
        with self._store.transaction():
            sessions.expire_overdue(Call(self._world))
