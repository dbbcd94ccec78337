"""Scripted faults: what goes wrong with the next matching call, before or after it acted."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import Literal

from stripe_sandbox.errors import StripeError, invalid
from stripe_sandbox.messages import Json, Response


@dataclass(frozen=True, slots=True)
class Behavior:
    """Whether the call acts, when it pauses, what the caller sees, what its key remembers."""

    acts: bool
    answer: Literal["own", "500", "429", "reset"] = "own"
    pauses: Literal["never", "before", "after"] = "never"
    saves_the_failure: bool = False


BEHAVIORS = {
    "fail_before": Behavior(acts=False, answer="500"),
    "429": Behavior(acts=False, answer="429"),
    "reset_before": Behavior(acts=False, answer="reset"),
    "act_then_500": Behavior(acts=True, answer="500"),
    # Stripe replays the 500 for this key for ever after: only a look-up tells what happened.
    "act_then_500_saved": Behavior(acts=True, answer="500", saves_the_failure=True),
    "act_then_reset": Behavior(acts=True, answer="reset"),
    "hang": Behavior(acts=True, pauses="before"),
    "hang_then_reset": Behavior(acts=False, answer="reset", pauses="before"),
    "act_then_hang": Behavior(acts=True, pauses="after"),
}


@dataclass(slots=True)
class Fault:
    """One line of the script: passes over `skip` matching calls, then befalls `times` of them."""

    kind: str
    method: str = "POST"
    path: str = "/v1/"
    seconds: float = 0.0
    skip: int = 0
    times: int = 1

    @property
    def behavior(self) -> Behavior:
        return BEHAVIORS[self.kind]

    def answer(self, own: Response) -> Response:
        """What the caller sees of an answer."""
        match self.behavior.answer:
            case "own":
                return own
            case "reset":
                return Response(0, dropped=True)
            case "429":
                return too_many_requests()
            case "500":
                return server_error()


def server_error() -> Response:
    message = "An unknown error occurred."
    return StripeError(message, status=500, type="api_error").response()


def too_many_requests() -> Response:
    message = "Request rate limit exceeded."
    return StripeError(message, status=429, code="rate_limit").response()


def read_fault(body: Json) -> Fault:
    """A line of the script from JSON; raises StripeError naming what is wrong."""
    try:
        fault = Fault(**body)
    except TypeError as error:
        raise invalid(
            "fault", f"A fault has kind, method, path, seconds, skip, times: {error}"
        ) from error
    if fault.kind not in BEHAVIORS:
        raise invalid("kind", f"Unknown fault; known are {', '.join(BEHAVIORS)}.")
    return fault


class Faults:
    """The script, in memory: a restarted sandbox behaves."""

    def __init__(self) -> None:
        self._script: list[Fault] = []
        self._lock = threading.Lock()
        self._released = threading.Event()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._script.append(fault)

    def clear(self) -> None:
        """Forget the script and let go of every call that hangs."""
        with self._lock:
            self._script.clear()
            self._released.set()
            self._released = threading.Event()

    def waiting(self) -> list[Json]:
        with self._lock:
            return [asdict(fault) for fault in self._script]

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that befalls this call, used up by one."""
        with self._lock:
            for fault in self._script:
                if fault.method in {method, "*"} and path.startswith(fault.path):
                    return self._use(fault)
        return None

    def _use(self, fault: Fault) -> Fault | None:
        if fault.skip > 0:
            fault.skip -= 1
            return None
        fault.times -= 1
        if fault.times < 1:
            self._script.remove(fault)
        return fault

    def pause(self, fault: Fault | None, *, moment: Literal["before", "after"]) -> None:
        """Hang as long as the script says, or until it is cleared."""
        if fault is not None and fault.behavior.pauses == moment:
            self._released.wait(fault.seconds)
