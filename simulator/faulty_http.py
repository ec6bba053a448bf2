"""Faults around the HTTP requests of an aiohttp server: before a handler books anything, or in place of its answer."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from simulator.faults import ArmedFault, Fault, FaultPlan

NOTHING_BOOKED = (
    *(Fault.LOST_REQUEST, Fault.HANG_UP, Fault.STATUS_425, Fault.STATUS_429, Fault.STATUS_429_BARE),
    *(Fault.ANSWER_5XX, Fault.HTML_REFUSAL, Fault.UNAUTHORIZED, Fault.REGION_BLOCKED, Fault.MISSING_READ),
)
ANSWER_REPLACED = (
    *(Fault.LOST_ANSWER, Fault.ANSWER_5XX_AFTER_BOOKING, Fault.HTML_BODY, Fault.EMPTY_BODY),
    *(Fault.TRUNCATED_BODY, Fault.HUGE_BODY),
)
OBJECT_CHANGED = (Fault.MISSING_FIELD,)
ROWS_CHANGED = (*(Fault.PARTIAL_BATCH, Fault.DUPLICATE_ROWS, Fault.REORDERED_ROWS, Fault.UNPARSABLE_ROW),)
PAGE = "<html><head><title>502 Bad Gateway</title></head><body><center>cloudflare</center></body></html>"
STALE_ANSWERS_MAX = 1_000
HUGE_BYTES = 1 << 20
DELAY_MS = 1_000

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
VenueAnswer = Callable[[ArmedFault], web.Response]


class FaultyHttp:
    """A middleware; `answers` says how the venue itself words the faults that are its own answers."""

    def __init__(self, faults: FaultPlan, answers: Mapping[Fault, VenueAnswer]) -> None:
        self._faults = faults
        self._answers = answers
        self._earlier: dict[str, tuple[int, bytes]] = {}

    async def handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Serve one request with whatever strikes it."""
        endpoint = f"{request.method} {request.path}"
        if request.headers.get("Upgrade", "").lower() == "websocket" or request.path.startswith("/_sim"):
            return await handler(request)
        if fault := self._faults.strike((Fault.BOOK_LATE,), endpoint):
            await request.read()  # it has arrived, whoever hangs up meanwhile
            await asyncio.sleep(fault.number("delay_ms", DELAY_MS) / 1000)
        if fault := self._faults.strike(NOTHING_BOOKED, endpoint):
            return await self._unbooked(request, fault)
        if (stale := self._stale(request, endpoint)) is not None:
            return stale
        response = await handler(request)
        if fault := self._faults.strike((Fault.DELAY,), endpoint):
            await asyncio.sleep(fault.number("delay_ms", DELAY_MS) / 1000)
        if fault := self._faults.strike(_fitting(response), endpoint):
            return await _replaced(request, response, fault)
        self._keep(request, response)
        return response

    async def _unbooked(self, request: web.Request, fault: ArmedFault) -> web.StreamResponse:
        if fault.fault in self._answers:
            return self._answers[fault.fault](fault)
        if fault.fault is Fault.LOST_REQUEST:
            return _cut(request, abruptly=True)
        if fault.fault is Fault.HANG_UP:
            return _cut(request, abruptly=False)
        if fault.fault is Fault.HTML_REFUSAL:
            return web.Response(status=fault.number("status", 502), text=PAGE, content_type="text/html")
        return _error(fault, 500)

    def _stale(self, request: web.Request, endpoint: str) -> web.Response | None:
        if request.method != "GET":
            return None
        earlier = self._earlier.get(_reader(request))
        if earlier is None or not self._faults.strikes(Fault.STALE_READ, endpoint):
            return None
        return web.Response(status=earlier[0], body=earlier[1], content_type="application/json")

    def _keep(self, request: web.Request, response: web.StreamResponse) -> None:
        if request.method != "GET" or not _body(response):
            return
        if len(self._earlier) >= STALE_ANSWERS_MAX:
            self._earlier.pop(next(iter(self._earlier)))
        self._earlier[_reader(request)] = (response.status, _body(response))


def _fitting(response: web.StreamResponse) -> tuple[Fault, ...]:
    """The faults that this answer can have: only a list can lack a row, only JSON a field."""
    body = _body(response)
    if response.status >= 300 or body[:1] not in (b"{", b"["):  # noqa: PLR2004 - not a success
        return ANSWER_REPLACED
    has_rows = body[:1] == b"[" or b":[{" in body
    return ANSWER_REPLACED + OBJECT_CHANGED + (ROWS_CHANGED if has_rows else ())


def _body(response: web.StreamResponse) -> bytes:
    if isinstance(response, web.Response) and isinstance(response.body, bytes):
        return response.body
    return b""


async def _replaced(
    request: web.Request, response: web.StreamResponse, fault: ArmedFault
) -> web.StreamResponse:
    body = _body(response)
    match fault.fault:
        case Fault.LOST_ANSWER:
            return _cut(request, abruptly=True)
        case Fault.ANSWER_5XX_AFTER_BOOKING:
            return _error(fault, 500)
        case Fault.HTML_BODY:
            return web.Response(status=200, text=PAGE, content_type="text/html")
        case Fault.EMPTY_BODY:
            return web.Response(status=200)
        case Fault.TRUNCATED_BODY:
            return await _half(request, body)
        case Fault.HUGE_BODY:
            body = b" " * HUGE_BYTES + body
        case _:
            body = _changed(body, fault)
    return web.Response(status=response.status, body=body, content_type="application/json")


def _changed(body: bytes, fault: ArmedFault) -> bytes:
    """The same answer with a field or rows missing, doubled, turned round or broken."""
    answer = json.loads(body)
    rows = _rows_of(answer)
    match fault.fault:
        case Fault.MISSING_FIELD:
            for one in rows if rows is not None else [answer]:
                one.pop(fault.text("field", "makingAmount"), None)
        case Fault.PARTIAL_BATCH if rows is not None:
            del rows[fault.number("keep", max(0, len(rows) - 1)) :]
        case Fault.DUPLICATE_ROWS if rows is not None:
            rows.extend(list(rows))
        case Fault.REORDERED_ROWS if rows is not None:
            rows.reverse()
        case Fault.UNPARSABLE_ROW if rows:
            rows[0].update({name: {"unexpected": [None]} for name in list(rows[0])[:3]})
    return json.dumps(answer).encode()


def _rows_of(answer: object) -> list[dict[str, object]] | None:
    """The list in an answer: the answer itself, or the first list of objects in it."""
    if isinstance(answer, list):
        return answer
    if isinstance(answer, dict):
        for value in answer.values():
            if isinstance(value, list):
                return value
    return None


async def _half(request: web.Request, body: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": str(len(body) + 1)})
    response.content_type = "application/json"
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    return _cut(request, abruptly=False, response=response)


def _cut(
    request: web.Request, *, abruptly: bool, response: web.StreamResponse | None = None
) -> web.StreamResponse:
    """End the connection instead of answering; what is returned reaches nobody."""
    transport = request.transport
    if transport is not None and abruptly:
        transport.abort()
    elif transport is not None:
        transport.close()
    return response or web.Response(status=500)


def _error(fault: ArmedFault, status: int) -> web.Response:
    text = fault.text("body", "Internal server error")
    return web.json_response({"error": text}, status=fault.number("status", status))


def _reader(request: web.Request) -> str:
    return f"{request.headers.get('POLY_ADDRESS', '')} {request.path_qs}"
