"""What really happened on the wire during one call of ccxt: requests, whether bytes left, status and body.

ccxt's answer alone does not tell an order that was refused from one that may be resting. Each call therefore runs
with a `CallRecord` in a context variable, which the mixin and the session's requests fill in.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import aiohttp
from msgspec import Struct, field

READS = ("GET", "HEAD")
BODY_KEPT_MAX = 4_096
"""Characters of a body that are kept: an error code stands at the beginning."""


class Exchanged(Struct, kw_only=True):
    """One HTTP request; `status` and `body` stay None where no answer was read to its end."""

    method: str
    bytes_left: bool = False
    status: int | None = None
    body: str | None = None
    retry_after: str | None = None


class CallRecord(Struct, kw_only=True):
    """All requests that one call has made so far."""

    requests: list[Exchanged] = field(default_factory=list)

    @property
    def writing(self) -> Exchanged | None:
        """The last request that could change anything at the exchange; None where no such request was begun."""
        return next((r for r in reversed(self.requests) if r.method not in READS), None)

    @property
    def may_have_arrived(self) -> bool:
        """Say whether a byte of a request that changes something may have left."""
        writing = self.writing
        return writing is not None and writing.bytes_left


_current: ContextVar[CallRecord | None] = ContextVar("ccxt_call", default=None)


@contextmanager
def recorded() -> Iterator[CallRecord]:
    """Record the requests that the calls inside make."""
    record = CallRecord()
    token = _current.set(record)
    try:
        yield record
    finally:
        _current.reset(token)


class NotedRequest(aiohttp.ClientRequest):
    """A request of the session that notes, just before its first byte leaves, that it does.

    A trace of aiohttp would tell the same, and costs every request a tenth of its time.
    """

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        """Write to a connection that stands already."""
        record = _current.get()
        if record is not None and record.requests:
            record.requests[-1].bytes_left = True
        return await super().send(conn)


class RecordedCalls:
    """Goes before a class of ccxt in a subclass of both."""

    async def fetch(
        self, url: str, method: str = "GET", headers: Any = None, body: Any = None
    ) -> Any:  # what ccxt makes of JSON
        """Make one HTTP request and note that it was begun; raises what ccxt raises."""
        record = _current.get()
        if record is not None:
            record.requests.append(Exchanged(method=method.upper()))
        return await super().fetch(url, method, headers, body)  # type: ignore[misc]  # ccxt's class follows

    def on_rest_response(self, code: int, reason: str, *rest: Any) -> Any:
        """Note the answer as it came, before ccxt interprets it; `rest` ends in headers and body of both sides."""
        record = _current.get()
        if record is not None and record.requests:
            headers, text = rest[2], rest[3]
            exchanged = record.requests[-1]
            exchanged.status, exchanged.body = code, text[:BODY_KEPT_MAX]
            exchanged.retry_after = headers.get("Retry-After")
        return super().on_rest_response(code, reason, *rest)  # type: ignore[misc]  # ccxt's class follows
