"""The CLOB's private calls: orders and cancels answered with a verdict, reads with rows or VenueReadError."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import TypeVar

import msgspec
from msgspec import Struct

from domain.errors import VenueReadError
from venues.polymarket.budget import Budget
from venues.polymarket.connection import Connection
from venues.polymarket.outcomes import (
    OK,
    Answer,
    CancelVerdict,
    Verdict,
    cancelled_ids,
    is_venues_word,
    of_batch,
    of_cancel,
    of_failure,
    of_post,
    refusal_words,
)
from venues.polymarket.wire import (
    BalanceRow,
    OrderRow,
    TradeRow,
    WireError,
    decode_balance,
    decode_found_order,
    decode_order,
    decode_page,
    decode_trade,
)

BATCH_MAX = 15
CANCELS_MAX = 1_000
PAGES_MAX = 1_000
"""Pages of one listing; a venue that has more of them repeats itself."""

NOT_FOUND = 404
ERRORS = (OSError, TimeoutError)
"""What a call may raise: no connection, a broken one, and time running out."""

RowT = TypeVar("RowT")
SourceT = TypeVar("SourceT")


class HeartbeatAnswer(Struct, frozen=True, kw_only=True):
    """Whether a heartbeat was taken, the id to send next, and the reason where it was not."""

    is_accepted: bool
    next_id: str | None
    reason: str = ""


class _Beat(Struct):
    heartbeat_id: str = ""
    error_msg: str = ""


_BEAT = msgspec.json.Decoder(_Beat)


class Clob:
    """One account's calls. Those that change something return a verdict whatever happens; reads raise."""

    def __init__(self, connection: Connection, *, budget: Budget, signature_type: int) -> None:
        self._connection = connection
        self._budget = budget
        self._signature_type = str(signature_type)
        self._listed: tuple[float, tuple[OrderRow, ...] | None] = 0.0, None

    # --- orders and cancels -------------------------------------------------------------------------

    def begin_post(self, payload: str, *, order_id: str) -> Coroutine[None, None, Verdict]:
        """Send one signed order as it was stored, at once where a connection is idle; await it for the verdict.

        Whoever decided to send it has taken it from the budget.
        """
        self._forget_listing()
        return self._verdict(self._connection.begin("/order", payload.encode()), order_id)

    async def post_batch(self, payloads: Sequence[tuple[str, str]]) -> tuple[Verdict, ...]:
        """Send up to 15 pairs of order id and payload in one request; one verdict each, in their order."""
        assert 0 < len(payloads) <= BATCH_MAX, f"{len(payloads)} orders in a batch, at most {BATCH_MAX}"
        body = f"[{','.join(payload for _, payload in payloads)}]".encode()
        self._forget_listing()
        try:
            answer = await self._connection.begin("/orders", body)
        except ERRORS as error:
            return (of_failure(error),) * len(payloads)
        self._budget.learn(answer.headers, is_cancel=False)
        return of_batch(answer, order_ids=tuple(order_id for order_id, _ in payloads))

    async def cancel(self, order_id: str) -> CancelVerdict:
        """Cancel one order by its id."""
        answer = await self._cancel("cancel", "/order", {"orderID": order_id})
        return _cancel_of(answer, order_id)

    async def cancel_many(self, order_ids: Sequence[str]) -> tuple[CancelVerdict, ...]:
        """Cancel up to 1,000 orders by their ids; one verdict each, in their order."""
        assert 0 < len(order_ids) <= CANCELS_MAX, f"{len(order_ids)} cancels, at most {CANCELS_MAX} at once"
        answer = await self._cancel("cancels", "/orders", list(order_ids), count=len(order_ids))
        return tuple(_cancel_of(answer, order_id) for order_id in order_ids)

    async def cancel_market(self, condition_id: str, *, token_id: str = "") -> frozenset[str] | str:
        """Cancel what rests in a market, or of one token in it; the ids, or why it is not known."""
        body = {"market": condition_id} | ({"asset_id": token_id} if token_id else {})
        return _cancelled(await self._cancel("cancel-market", "/cancel-market-orders", body))

    async def cancel_all(self) -> frozenset[str] | str:
        """Cancel what rests of this account; the ids, or why it is not known. An order under way is not caught."""
        return _cancelled(await self._cancel("cancel-all", "/cancel-all", None))

    async def beat(self, heartbeat_id: str) -> HeartbeatAnswer:
        """Send a sign of life; a stale id is answered with the one that is expected."""
        body = json.dumps({"heartbeat_id": heartbeat_id}, separators=(",", ":")).encode()
        try:
            answer = await self._connection.begin("/v1/heartbeats", body)
            told = _BEAT.decode(answer.body)
        except ERRORS as error:
            return HeartbeatAnswer(is_accepted=False, next_id=None, reason=of_failure(error).reason)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return HeartbeatAnswer(is_accepted=False, next_id=None, reason="the answer does not parse")
        if answer.status == OK and told.heartbeat_id:
            return HeartbeatAnswer(is_accepted=True, next_id=told.heartbeat_id)
        is_mismatch = "heartbeat" in told.error_msg.lower()
        return HeartbeatAnswer(
            is_accepted=False,
            next_id=told.heartbeat_id if is_mismatch else None,
            reason=refusal_words(answer),
        )

    # --- reads --------------------------------------------------------------------------------------

    async def order(self, order_id: str) -> OrderRow | None:
        """Read one order, an ended one too; None where the venue does not know it now."""
        answer = await self._read(f"/data/order/{order_id}", may_be_missing=True)
        return _parsed(decode_found_order, answer.body) if answer.status == OK else None

    def _forget_listing(self) -> None:
        """What is sent from here changes what rests: a listing of before is not shown again."""
        self._listed = 0.0, None

    async def open_orders(self, *, age_s_max: float = 0.0) -> tuple[OrderRow, ...]:
        """Read all orders that rest, over all pages; or give the last reading again where it is less old."""
        loop = asyncio.get_running_loop()
        read_s, rows = self._listed
        if rows is None or loop.time() - read_s >= age_s_max:
            rows = await self._pages("/data/orders", {}, decode_order)
            self._listed = loop.time(), rows
        return rows

    async def trades(
        self, *, after_s: int | None = None, condition_id: str = "", trade_id: str = ""
    ) -> tuple[TradeRow, ...]:
        """Read our trades from a second on, in one market or in all, or one by its id, over all pages."""
        asked = {"after": "" if after_s is None else str(after_s), "market": condition_id, "id": trade_id}
        query = {name: value for name, value in asked.items() if value}
        return await self._pages("/data/trades", query, decode_trade)

    async def balance(self, *, token_id: str = "", is_v2: bool = False) -> BalanceRow:
        """Read what we own of pUSD, or of a token."""
        answer = await self._read("/balance-allowance", self._asset(token_id, is_v2=is_v2), kind="balance")
        return _parsed(decode_balance, answer.body)

    async def refresh_balance(self, *, token_id: str = "", is_v2: bool = False) -> None:
        """Have the venue look at the chain again: its cache is what it judges orders by."""
        await self._read(
            "/balance-allowance/update", self._asset(token_id, is_v2=is_v2), kind="balance-update"
        )

    async def version(self) -> str:
        """Read the protocol's version."""
        return (await self._public("/version")).body.decode(errors="replace").strip()

    async def time_s(self) -> str:
        """Read the venue's clock, as text: seconds since the epoch."""
        return (await self._public("/time")).body.decode(errors="replace").strip()

    async def market(self, condition_id: str) -> bytes:
        """Read a market's terms as the CLOB has them, not decoded."""
        return (await self._public(f"/clob-markets/{condition_id}")).body

    async def _verdict(self, answering: Coroutine[None, None, Answer], order_id: str) -> Verdict:
        try:
            answer = await answering
        except ERRORS as error:
            return of_failure(error)
        self._budget.learn(answer.headers, is_cancel=False)
        return of_post(answer, order_id=order_id)

    def _asset(self, token_id: str, *, is_v2: bool) -> dict[str, str]:
        kind = {"asset_type": "COLLATERAL"}
        if token_id:
            kind = {"asset_type": "CONDITIONAL-V2" if is_v2 else "CONDITIONAL", "token_id": token_id}
        return kind | {"signature_type": self._signature_type}

    async def _cancel(self, kind: str, path: str, body: object | None, *, count: int = 1) -> Answer | str:
        """The answer to a cancel, or why there is none; waits for its own budget, never for that of orders."""
        self._forget_listing()
        await _until_free(partial(self._budget.wait_cancel_s, kind, count))
        self._budget.take_cancel(kind, count)
        content = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        try:
            answer = await self._connection.call("DELETE", path, body=content)
        except ERRORS as error:
            return of_failure(error).reason
        self._budget.learn(answer.headers, is_cancel=True)
        return answer

    async def _pages(
        self, path: str, query: dict[str, str], decode: Callable[[bytes | msgspec.Raw], RowT]
    ) -> tuple[RowT, ...]:
        rows: list[RowT] = []
        cursors: set[str] = set()
        cursor: str | None = None
        while True:
            page = _parsed(
                decode_page,
                (await self._read(path, query | ({"next_cursor": cursor} if cursor else {}))).body,
            )
            rows += (_parsed(decode, row) for row in page.rows)
            cursor = page.next_cursor
            if cursor is None:
                return tuple(rows)
            if cursor in cursors or len(cursors) >= PAGES_MAX:
                raise VenueReadError(f"{path} does not end: page {cursor!r} after {len(cursors)} others")
            cursors.add(cursor)

    async def _read(
        self,
        path: str,
        query: dict[str, str] | None = None,
        *,
        kind: str = "read",
        may_be_missing: bool = False,
    ) -> Answer:
        await _until_free(partial(self._budget.wait_read_s, kind))
        self._budget.take_read(kind)
        try:
            answer = await self._connection.call("GET", path, query=query)
        except ERRORS as error:
            raise VenueReadError(f"{path}: {of_failure(error).reason}") from error
        is_missing = answer.status == NOT_FOUND and is_venues_word(answer)
        if answer.status == OK or (may_be_missing and is_missing):
            return answer
        raise VenueReadError(f"{path}: HTTP {answer.status}: {refusal_words(answer)}")

    async def _public(self, path: str) -> Answer:
        await _until_free(partial(self._budget.wait_read_s, "public"))
        self._budget.take_read("public")
        try:
            answer = await self._connection.ask(path)
        except ERRORS as error:
            raise VenueReadError(f"{path}: {of_failure(error).reason}") from error
        if answer.status != OK:
            raise VenueReadError(f"{path}: HTTP {answer.status}: {refusal_words(answer)}")
        return answer


async def _until_free(ask_wait_s: Callable[[], float]) -> None:
    """Wait as long as the budget says, and ask again: somebody else may have been first."""
    while True:
        wait_s = ask_wait_s()
        if not wait_s:
            return
        await asyncio.sleep(wait_s)


def _cancel_of(answer: Answer | str, order_id: str) -> CancelVerdict:
    if isinstance(answer, str):
        return CancelVerdict(is_cancelled=False, reason=answer)
    return of_cancel(answer, order_id=order_id)


def _cancelled(answer: Answer | str) -> frozenset[str] | str:
    if isinstance(answer, str):
        return answer
    return cancelled_ids(answer) if answer.status == OK else refusal_words(answer)


def _parsed(decode: Callable[[SourceT], RowT], raw: SourceT) -> RowT:
    try:
        return decode(raw)
    except WireError as error:
        raise VenueReadError(str(error)) from error
