"""The door of a simulated exchange's REST side: reads a request, lets a fault strike it, writes the answer."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from aiohttp import web
from msgspec import Struct

from simulator.exchanges.broken_answers import ROW_FAULTS, broken_rows
from simulator.exchanges.order_log import NOW_NS
from simulator.exchanges.server_clock import NS_PER_MS, ServerClock
from simulator.faults import ArmedFault, Fault, FaultPlan

PAGE = (
    "<html><head><title>error</title></head><body><h1>The request could not be satisfied.</h1></body></html>"
)
HUGE_PADDING = " " * 1_500_000
STALE_MS = 60_000
DELAY_MS = 1_000

UNBOOKED = (
    *(Fault.LOST_REQUEST, Fault.HANG_UP, Fault.BOOK_LATE, Fault.STATUS_425, Fault.STATUS_429),
    *(Fault.STATUS_429_BARE, Fault.ANSWER_5XX, Fault.HTML_REFUSAL, Fault.UNAUTHORIZED, Fault.REGION_BLOCKED),
    Fault.ENGINE_RESTART,
)
BOOKED = (
    *(Fault.LOST_ANSWER, Fault.DELAY, Fault.ANSWER_5XX_AFTER_BOOKING, Fault.HTML_BODY, Fault.EMPTY_BODY),
    *(Fault.TRUNCATED_BODY, Fault.HUGE_BODY, *ROW_FAULTS),
)


class Call(Struct, frozen=True, kw_only=True):
    """A request as it came: `query` and `body` are raw, since signatures are over the raw text."""

    method: str
    path: str
    query: str
    body: str
    headers: Mapping[str, str]
    peer: str
    as_of_ns: int = NOW_NS
    """Reads show what was there at this time; earlier than now only where a fault makes them stale."""


class Answer(Struct, frozen=True, kw_only=True):
    """What a handler says; `text` goes out instead of the JSON of `content` where it is set."""

    content: object = None
    status: int = 200
    headers: Mapping[str, str] = {}
    text: str | None = None

    def body(self) -> str:
        """The bytes of the answer before they are encoded."""
        return json.dumps(self.content, separators=(",", ":")) if self.text is None else self.text


Handler = Callable[[Call], Answer]
WebHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FaultGate:
    """Wraps plain handlers for aiohttp; `refusals` are the venue's own words for faults that are refusals."""

    def __init__(
        self, *, faults: FaultPlan, clock: ServerClock, refusals: Mapping[Fault, Callable[[], Answer]]
    ) -> None:
        self._faults = faults
        self._clock = clock
        self._refusals = refusals

    def open(self, handler: Handler) -> WebHandler:
        """Make a handler that aiohttp can route to."""

        async def answer(request: web.Request) -> web.StreamResponse:
            return await self._answer(request, handler)

        return answer

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        call = await _call_of(request)
        endpoint = f"{call.method} {call.path}"
        before = self._faults.strike(UNBOOKED, endpoint)
        if before and before.fault is Fault.BOOK_LATE:
            await asyncio.sleep(before.number("delay_ms", DELAY_MS) / 1000)
        elif before:
            return self._refuse(request, before)
        answer = self._handle(call, handler, endpoint)
        after = self._faults.strike(BOOKED, endpoint)
        return await self._spoil(request, answer, after) if after else _response(answer)

    def _handle(self, call: Call, handler: Handler, endpoint: str) -> Answer:
        stale = self._faults.strike((Fault.STALE_READ, Fault.MISSING_READ), endpoint)
        if stale:
            call = msgspec.structs.replace(call, as_of_ns=self._as_of_ns(stale))
        skew = self._faults.strike((Fault.CLOCK_SKEW,), endpoint)
        with self._clock.ahead(skew.number("skew_ms", DELAY_MS) if skew else 0):
            return handler(call)

    def _as_of_ns(self, stale: ArmedFault) -> int:
        if stale.fault is Fault.MISSING_READ:
            return 0
        return self._clock.now_ns() - stale.number("age_ms", STALE_MS) * NS_PER_MS

    def _refuse(self, request: web.Request, struck: ArmedFault) -> web.StreamResponse:
        if struck.fault is Fault.LOST_REQUEST:
            return _cut(request, is_reset=True)
        if struck.fault is Fault.HANG_UP:
            return _cut(request, is_reset=False)
        if struck.fault is Fault.ANSWER_5XX:
            return _given(struck, status=503)
        if struck.fault is Fault.HTML_REFUSAL:
            return web.Response(text=PAGE, status=struck.number("status", 403), content_type="text/html")
        return _response(self._refusals[struck.fault]())

    async def _spoil(self, request: web.Request, answer: Answer, struck: ArmedFault) -> web.StreamResponse:
        match struck.fault:
            case Fault.LOST_ANSWER:
                return _cut(request, is_reset=True)
            case Fault.DELAY:
                await asyncio.sleep(struck.number("delay_ms", DELAY_MS) / 1000)
                return _response(answer)
            case Fault.ANSWER_5XX_AFTER_BOOKING:
                return _given(struck, status=502)
            case Fault.HTML_BODY:
                return web.Response(text=PAGE, content_type="text/html")
            case Fault.EMPTY_BODY:
                return web.Response(text="", content_type="application/json")
            case Fault.TRUNCATED_BODY:
                return await _truncated(request, answer)
            case Fault.HUGE_BODY:
                return _response(msgspec.structs.replace(answer, text=HUGE_PADDING + answer.body()))
            case _:
                return _response(msgspec.structs.replace(answer, content=broken_rows(answer.content, struck)))


async def _call_of(request: web.Request) -> Call:
    path, _, query = request.raw_path.partition("?")
    return Call(
        method=request.method,
        path=path,
        query=query,
        body=await request.text(),
        headers=request.headers,
        peer=request.remote or "",
    )


def _response(answer: Answer) -> web.Response:
    headers = {"Content-Type": "application/json;charset=UTF-8", **answer.headers}
    return web.Response(body=answer.body().encode(), status=answer.status, headers=headers)


def _given(struck: ArmedFault, *, status: int) -> web.Response:
    """Answer with the status and body of the fault; `encoding` names a compression that the body is not in."""
    headers = {"Content-Type": struck.text("content_type", "application/json;charset=UTF-8")}
    for header, parameter in (("Retry-After", "retry_after"), ("Content-Encoding", "encoding")):
        if parameter in struck.parameters:
            headers[header] = struck.text(parameter, "")
    body = struck.text("body", PAGE).encode()
    return web.Response(body=body, status=struck.number("status", status), headers=headers)


def _cut(request: web.Request, *, is_reset: bool) -> web.Response:
    """End the connection without an answer; what is returned finds it closed and goes nowhere."""
    if request.transport is not None:
        request.transport.abort() if is_reset else request.transport.close()
    return web.Response()


async def _truncated(request: web.Request, answer: Answer) -> web.StreamResponse:
    body = answer.body().encode()
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
