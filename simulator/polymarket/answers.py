"""What goes over the wire for an answer or a refusal, and how a handler stops with one."""

from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from simulator.faults import ArmedFault, Fault
from simulator.faulty_http import VenueAnswer
from simulator.polymarket.api_keys import ApiKey, refused_key
from simulator.polymarket.refusals import ORDER_NOT_FOUND, REGION, RESTARTING, UNAUTHORIZED, Refusal
from simulator.polymarket.venue import Venue
from simulator.timing import NS_PER_S

RATE_LIMITED = Refusal(status=429, text="Too Many Requests")


class RefusedError(Exception):
    """A handler stops here; the server answers with the refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


def answer(value: object, *, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON answer in compact form."""
    body = msgspec.json.encode(value)
    return web.Response(body=body, content_type="application/json", headers=headers)


def refuse(refusal: Refusal, *, headers: dict[str, str] | None = None) -> web.Response:
    """The answer of a refusal."""
    body = msgspec.json.encode(refusal.body)
    return web.Response(
        status=refusal.status,
        body=body,
        content_type="application/json",
        headers={**refusal.headers, **(headers or {})},
    )


async def authorized(request: web.Request, venue: Venue) -> tuple[ApiKey, bytes]:
    """The key that the request's headers prove, and its body; raises RefusedError where they do not."""
    body = await request.read()
    skew = venue.faults.strike((Fault.CLOCK_SKEW,), f"{request.method} {request.path}")
    skew_s = skew.number("skew_ms", 120_000) // 1000 if skew else 0
    key = venue.keys.find(request.headers.get("POLY_API_KEY", ""))
    refusal = refused_key(
        key,
        request.headers,
        message=(request.method, request.path, body),
        now_s=venue.state.now_ns() // NS_PER_S + skew_s,
        window_s=venue.rules.timestamp_window_s,
    )
    if refusal or key is None:
        raise RefusedError(refusal or UNAUTHORIZED)
    return key, body


def query_lists(request: web.Request) -> dict[str, list[str]]:
    """The query's values by name, repeated names collected."""
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(request.query_string, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    return values


def fault_answers(venue: Venue) -> dict[Fault, VenueAnswer]:
    """How the venue words the faults that are answers of its own."""

    def limited(fault: ArmedFault) -> web.Response:
        reset_s = venue.state.now_ns() // NS_PER_S + fault.number("reset_s", 1)
        told = {
            "Poly-RateLimit-Remaining": "0",
            "Poly-RateLimit-Reset": str(reset_s),
            "Poly-RateLimit-Tier": venue.rules.signer_tier,
            "Retry-After": str(fault.number("reset_s", 1)),
        }
        return refuse(RATE_LIMITED, headers=told)

    def missing(fault: ArmedFault) -> web.Response:
        if fault.parameters.get("null"):
            return web.Response(body=b"null", content_type="application/json")
        return refuse(ORDER_NOT_FOUND)

    return {
        Fault.STATUS_425: lambda fault: refuse(RESTARTING),
        Fault.STATUS_429: limited,
        Fault.STATUS_429_BARE: lambda fault: web.Response(status=429, text="error code: 1015"),
        Fault.UNAUTHORIZED: lambda fault: refuse(UNAUTHORIZED),
        Fault.REGION_BLOCKED: lambda fault: refuse(REGION),
        Fault.MISSING_READ: missing,
    }
