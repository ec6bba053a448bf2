"""The control endpoint that every simulated venue has: arm and clear faults, read the counters, move the clock."""

import json
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from simulator.faults import ArmedFault, Fault, FaultPlan
from simulator.timing import NS_PER_MS, SimulatorClock

Json = dict[str, object]
Steer = Callable[[Json], object]
"""Takes the body of a request and gives the answer; ValueError and KeyError become a 400 with their text."""


class Control:
    """Handlers for one venue's faults and clock; `after_moving` lets what became due happen."""

    def __init__(self, faults: FaultPlan, clock: SimulatorClock, after_moving: Callable[[], None]) -> None:
        self._faults = faults
        self._clock = clock
        self._after_moving = after_moving

    def routes(self) -> list[web.RouteDef]:
        """The paths below /_sim/ that do not depend on the venue."""
        return [
            web.get("/_sim/faults", steered(lambda _: self._told())),
            web.post("/_sim/faults", steered(self._arm)),
            web.delete("/_sim/faults", steered(self._clear)),
            web.get("/_sim/clock", steered(lambda _: {"now_ns": self._clock.now_ns()})),
            web.post("/_sim/clock", steered(self._move)),
        ]

    def _arm(self, body: Json) -> Json:
        self._faults.arm(msgspec.convert(body, ArmedFault, strict=False))
        return self._told()

    def _clear(self, body: Json) -> Json:
        name = body.get("fault")
        self._faults.clear(Fault(str(name)) if name else None)
        return self._told()

    def _told(self) -> Json:
        return {
            "armed": [msgspec.to_builtins(fault) for fault in self._faults.armed()],
            "reached": dict(self._faults.reached),
            "known": [fault.value for fault in Fault],
        }

    def _move(self, body: Json) -> Json:
        """Stop, set, advance, go on: whichever the body names, in this order."""
        if body.get("stop"):
            self._clock.stop()
        if "set_ns" in body:
            self._clock.set(int(str(body["set_ns"])))
        if "advance_ms" in body:
            self._clock.advance(int(str(body["advance_ms"])) * NS_PER_MS)
        if body.get("go_on"):
            self._clock.go_on()
        self._after_moving()
        return {"now_ns": self._clock.now_ns()}


def steered(steer: Steer) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler that gives the JSON body, the query and the path's names to `steer` as one object."""

    async def handle(request: web.Request) -> web.Response:
        try:
            body = await request.json() if request.can_read_body else {}
            if not isinstance(body, dict):
                raise ValueError("the body must be a JSON object")
            given = {**request.query, **body, **request.match_info}
            value = steer(given)
        except KeyError as error:
            return web.json_response({"error": f"{error} is missing or unknown"}, status=400)
        except (ValueError, ArithmeticError, msgspec.ValidationError) as error:
            return web.json_response({"error": str(error)}, status=400)
        text = json.dumps(msgspec.to_builtins(value), indent=1)
        return web.Response(text=text, content_type="application/json")

    return handle
