"""The order API with credentials: orders, cancels, lists, balances, heartbeats, notifications and keys."""

import asyncio
import json
from typing import TypeVar

import msgspec
from aiohttp import web

from simulator.faults import Fault
from simulator.polymarket.accounts import CASH, Wallet
from simulator.polymarket.answers import RATE_LIMITED, RefusedError, answer, authorized, refuse
from simulator.polymarket.api_keys import ApiKey, owner_of_request
from simulator.polymarket.contracts import ALLOWANCE_MAX
from simulator.polymarket.exchange import Placed
from simulator.polymarket.order_payload import BATCH_DECODER, read_posted
from simulator.polymarket.orders import OrderType, Status
from simulator.polymarket.pages import page_of
from simulator.polymarket.refusals import (
    DISABLED,
    INVALID_L1,
    INVALID_ORDER_ID,
    INVALID_PAYLOAD,
    ORDER_NOT_FOUND,
    RESTARTING,
    Refusal,
    bad,
    too_many,
)
from simulator.polymarket.rows import Row, order_row, placed_amounts, trade_row
from simulator.polymarket.signatures import is_v2_position
from simulator.polymarket.state import Mode
from simulator.polymarket.trades import SimTrade, TradeStatus
from simulator.polymarket.venue import Venue
from simulator.timing import NS_PER_S

BATCH_MAX = 15
CANCELS_MAX = 1_000
ORDER_ID_CHARACTERS = 66
DELAY_POLL_S = 0.002

T = TypeVar("T")


class ClobPrivate:
    """Handlers by path; `routes` lists them."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._state = venue.state

    def routes(self) -> list[web.RouteDef]:
        """The paths that need credentials."""
        return [
            web.post("/auth/api-key", self._create_key),
            web.get("/auth/derive-api-key", self._derive_key),
            web.get("/auth/api-keys", self._list_keys),
            web.delete("/auth/api-key", self._delete_key),
            web.get("/auth/ban-status/closed-only", self._closed_only),
            web.post("/order", self._post_order),
            web.post("/orders", self._post_orders),
            web.delete("/order", self._cancel_order),
            web.delete("/orders", self._cancel_orders),
            web.delete("/cancel-all", self._cancel_all),
            web.delete("/cancel-market-orders", self._cancel_market),
            web.get("/data/orders", self._orders),
            web.get("/data/order/{id}", self._order),
            web.get("/data/trades", self._trades),
            web.get("/balance-allowance", self._balance),
            web.get("/balance-allowance/update", self._update_balance),
            web.post("/v1/heartbeats", self._heartbeat),
            web.get("/notifications", self._notifications),
            web.delete("/notifications", self._drop_notifications),
            web.get("/order-scoring", self._scoring),
            web.post("/orders-scoring", self._scorings),
        ]

    async def _create_key(self, request: web.Request) -> web.Response:
        address, nonce = self._owner(request)
        key = self._venue.keys.create(address, nonce)
        return answer(key.wire) if key else refuse(bad("Could not create api key"))

    async def _derive_key(self, request: web.Request) -> web.Response:
        key = self._venue.keys.derive(*self._owner(request))
        return answer(key.wire) if key else refuse(bad("Could not derive api key!"))

    async def _list_keys(self, request: web.Request) -> web.Response:
        key, _ = await authorized(request, self._venue)
        return answer({"apiKeys": [one.key for one in self._venue.keys.of_owner(key.address)]})

    async def _delete_key(self, request: web.Request) -> web.Response:
        key, _ = await authorized(request, self._venue)
        self._venue.keys.delete(key)
        return answer("OK")

    async def _closed_only(self, request: web.Request) -> web.Response:
        key, _ = await authorized(request, self._venue)
        wallets = self._wallets(key)
        return answer({"closed_only": any(wallet.closed_only for wallet in wallets)})

    async def _post_order(self, request: web.Request) -> web.Response:
        key, body = await authorized(request, self._venue)
        headers = self._limit(key, 1, cancels=False)
        await self._before_booking("POST /order")
        result = self._submit(body, key)
        if isinstance(result, Refusal):
            return refuse(result, headers=headers)
        return answer(placed_row(await self._settled(result)), headers=headers)

    async def _post_orders(self, request: web.Request) -> web.Response:
        key, body = await authorized(request, self._venue)
        try:
            posted = BATCH_DECODER.decode(body)
        except msgspec.DecodeError as error:
            raise RefusedError(INVALID_PAYLOAD) from error
        if not posted:
            raise RefusedError(INVALID_PAYLOAD)
        if len(posted) > BATCH_MAX:
            raise RefusedError(too_many(len(posted), BATCH_MAX))
        headers = self._limit(key, len(posted), cancels=False)
        await self._before_booking("POST /orders")
        results = [self._submit(one, key) for one in posted]
        rows = [
            refused_row(result) if isinstance(result, Refusal) else placed_row(result) for result in results
        ]
        return answer(rows, headers=headers)

    async def _cancel_order(self, request: web.Request) -> web.Response:
        key, body = await authorized(request, self._venue)
        order_id = read_json(body, dict).get("orderID")
        if not isinstance(order_id, str) or not is_order_id(order_id):
            raise RefusedError(INVALID_ORDER_ID)
        return await self._cancel(key, [order_id], "DELETE /order")

    async def _cancel_orders(self, request: web.Request) -> web.Response:
        key, body = await authorized(request, self._venue)
        ids = read_json(body, list)
        if len(ids) > CANCELS_MAX:
            raise RefusedError(too_many(len(ids), CANCELS_MAX))
        if not ids or not all(isinstance(one, str) and is_order_id(one) for one in ids):
            raise RefusedError(INVALID_ORDER_ID)
        return await self._cancel(key, [str(one) for one in ids], "DELETE /orders")

    async def _cancel_all(self, request: web.Request) -> web.Response:
        key, _ = await authorized(request, self._venue)
        return await self._cancel_where(key, "", "", "DELETE /cancel-all")

    async def _cancel_market(self, request: web.Request) -> web.Response:
        key, body = await authorized(request, self._venue)
        wanted = read_json(body, dict)
        market, token = str(wanted.get("market") or ""), str(wanted.get("asset_id") or "")
        return await self._cancel_where(key, market, token, "DELETE /cancel-market-orders")

    async def _cancel_where(self, key: ApiKey, market: str, token: str, endpoint: str) -> web.Response:
        def chosen() -> list[str]:
            return [
                order.id
                for order in self._state.open_orders.values()
                if order.key == key.key
                and order.status != Status.DELAYED
                and market in ("", order.market.condition_id)
                and token in ("", order.token)
            ]

        headers = self._limit(key, 1, cancels=True)
        await self._before_booking(endpoint)
        done, not_done = self._venue.exchange.cancel(chosen(), key)
        self._venue.signer_limits.charge(key.address, len(done))
        return answer({"canceled": done, "not_canceled": not_done}, headers=headers)

    async def _cancel(self, key: ApiKey, ids: list[str], endpoint: str) -> web.Response:
        headers = self._limit(key, len(ids), cancels=True)
        await self._before_booking(endpoint)
        faults = self._state.faults
        mine = [order for one in ids if (order := self._state.open_orders.get(one)) and order.key == key.key]
        late = [order for order in mine if faults.strikes(Fault.FILL_AFTER_CANCEL, f"cancel {order.id}")]
        for order in mine:
            if faults.strikes(Fault.CANCEL_FILL_RACE, f"cancel {order.id}"):
                self._venue.house.hit(order)
        done, not_done = self._venue.exchange.cancel(ids, key)
        response = answer({"canceled": done, "not_canceled": not_done}, headers=headers)
        for order in late:
            self._venue.house.hit(order)
        return response

    async def _orders(self, request: web.Request) -> web.Response:
        key, _ = await authorized(request, self._venue)
        query = request.query
        order_id, condition, token = query.get("id"), query.get("market"), query.get("asset_id")
        listed = [
            order
            for order in self._state.open_orders.values()
            if order.key == key.key
            and order_id in (None, order.id)
            and condition in (None, order.market.condition_id)
            and token in (None, order.token)
        ]
        return answer(page_of(listed, query.get("next_cursor", ""), order_row))

    async def _order(self, request: web.Request) -> web.Response:
        key, _ = await authorized(request, self._venue)
        order = self._state.orders.get(request.match_info["id"])
        if order is None or order.key != key.key:
            raise RefusedError(ORDER_NOT_FOUND)
        return answer(order_row(order))

    async def _trades(self, request: web.Request) -> web.Response:
        key, _ = await authorized(request, self._venue)
        addresses = [wallet.address for wallet in self._wallets(key)]
        if wanted := request.query.get("maker_address"):
            addresses = [address for address in addresses if address.lower() == wanted.lower()]
        found = {trade.id: trade for address in addresses for trade in self._state.trades_of[address]}
        listed = [
            trade
            for trade in sorted(found.values(), key=lambda trade: -trade.matched_ns)
            if is_wanted(trade, request)
        ]

        def render(trade: SimTrade) -> Row:
            return trade_row(trade, viewer_is_taker=trade.taker.maker in addresses, status=self._name(trade))

        return answer(page_of(listed, request.query.get("next_cursor", ""), render))

    async def _balance(self, request: web.Request) -> web.Response:
        key, _ = await authorized(request, self._venue)
        kind, token = request.query.get("asset_type", ""), request.query.get("token_id", "")
        if kind not in ("COLLATERAL", "CONDITIONAL", "CONDITIONAL-V2") or (kind != "COLLATERAL") != bool(
            token
        ):
            raise RefusedError(bad("Invalid asset type"))
        is_v2 = token.isdecimal() and is_v2_position(int(token))
        if token and is_v2 != (kind == "CONDITIONAL-V2"):
            raise RefusedError(bad("Invalid asset type"))
        wallet = self._wallet_of(key, request.query.get("signature_type", "0"))
        if wallet is None:
            return answer({"balance": "0", "allowances": {}})
        if kind == "COLLATERAL":
            allowances = {spender: str(amount) for spender, amount in wallet.allowances.items()}
        else:
            allowances = dict.fromkeys(sorted(wallet.operators), str(ALLOWANCE_MAX))
        balance = wallet.balances[CASH if kind == "COLLATERAL" else token]
        return answer({"balance": str(balance), "allowances": allowances})

    async def _update_balance(self, request: web.Request) -> web.Response:
        await authorized(request, self._venue)
        return web.Response(status=200)

    async def _heartbeat(self, request: web.Request) -> web.Response:
        key, body = await authorized(request, self._venue)
        beat = read_json(body, dict).get("heartbeat_id", "")
        result = self._venue.heartbeats.send(key.key, str(beat))
        return refuse(result) if isinstance(result, Refusal) else answer({"heartbeat_id": result})

    async def _notifications(self, request: web.Request) -> web.Response:
        key, _ = await authorized(request, self._venue)
        return answer(self._venue.notices.of_key(key.key))

    async def _drop_notifications(self, request: web.Request) -> web.Response:
        key, _ = await authorized(request, self._venue)
        self._venue.notices.drop(key.key, set(request.query.get("ids", "").split(",")))
        return answer("OK")

    async def _scoring(self, request: web.Request) -> web.Response:
        await authorized(request, self._venue)
        return answer({"scoring": False})

    async def _scorings(self, request: web.Request) -> web.Response:
        _, body = await authorized(request, self._venue)
        return answer({str(one): False for one in read_json(body, list)})

    def _submit(self, body: bytes | msgspec.Raw, key: ApiKey) -> Placed | Refusal:
        posted = read_posted(body)
        if isinstance(posted, Refusal):
            result: Placed | Refusal = posted
        else:
            result = self._venue.exchange.submit(posted, key)
        if isinstance(result, Refusal):
            self._state.faults.mark(f"refused: {result.text[:40]}")
        return result

    async def _settled(self, placed: Placed) -> Placed:
        """Wait for a delayed order's outcome where the venue answers only then."""
        if placed.status != "delayed" or self._state.rules.delay_answers_at_once:
            return placed
        while placed.order.status == Status.DELAYED:
            await asyncio.sleep(DELAY_POLL_S)
            self._state.run_due()
        order = placed.order
        status = "matched" if order.matched else "unmatched"
        trades = [self._state.trades[one] for one in order.trades]
        return Placed(order=order, status=status, shares=order.matched, value=order.spent, trades=trades)

    async def _before_booking(self, endpoint: str) -> None:
        if latency_ms := self._state.rules.request_latency_ms:
            await asyncio.sleep(latency_ms / 1000)
        if self._state.faults.strikes(Fault.ENGINE_RESTART, endpoint):
            self._venue.mode.restart()
        if self._state.mode is Mode.RESTARTING:
            raise RefusedError(RESTARTING)
        if self._state.mode is Mode.DISABLED and endpoint.startswith("DELETE"):
            raise RefusedError(DISABLED)
        self._state.run_due()

    def _limit(self, key: ApiKey, cost: int, *, cancels: bool) -> dict[str, str]:
        verdict = self._venue.signer_limits.take(key.address, cost, cancels=cancels)
        if verdict is None:
            return {}
        headers = verdict.headers(enforced=self._state.rules.signer_limits_enforced)
        if not verdict.passes:
            self._state.faults.mark("signer limit")
            retry_s = max(1, verdict.reset_s - self._state.now_ns() // NS_PER_S)
            raise RefusedError(
                Refusal(status=429, text=RATE_LIMITED.text, headers={**headers, "Retry-After": str(retry_s)})
            )
        return headers

    def _owner(self, request: web.Request) -> tuple[str, int]:
        owner = owner_of_request(
            request.headers,
            now_s=self._state.now_ns() // NS_PER_S,
            window_s=self._state.rules.timestamp_window_s,
        )
        if isinstance(owner, Refusal):
            raise RefusedError(INVALID_L1)
        return owner

    def _wallets(self, key: ApiKey) -> list[Wallet]:
        return [wallet for wallet in self._state.accounts.all() if wallet.owner == key.address]

    def _wallet_of(self, key: ApiKey, kind: str) -> Wallet | None:
        return next((wallet for wallet in self._wallets(key) if str(wallet.kind) == kind), None)

    def _name(self, trade: SimTrade) -> str:
        if trade.status is TradeStatus.MATCHED:
            return self._state.rules.matched_name
        return trade.status.value


def placed_row(placed: Placed) -> Row:
    """The answer to an order that was taken; hashes are told only for orders that could have rested."""
    making, taking = placed_amounts(placed.order, shares=placed.shares, value=placed.value)
    row: Row = {
        "errorMsg": "",
        "orderID": placed.order.id,
        "takingAmount": taking,
        "makingAmount": making,
        "status": placed.status,
        "success": True,
    }
    if placed.trades:
        row["tradeIDs"] = [trade.id for trade in placed.trades]
        if placed.order.kind in (OrderType.GTC, OrderType.GTD):
            row["transactionsHashes"] = [trade.hash for trade in placed.trades]
    return row


def refused_row(refusal: Refusal) -> Row:
    """The entry of a batch for an order that was not taken."""
    return {
        "errorMsg": refusal.text,
        "orderID": "",
        "takingAmount": "",
        "makingAmount": "",
        "status": "",
        "success": True,
    }


def is_wanted(trade: SimTrade, request: web.Request) -> bool:
    """Whether a trade passes the filters of the request; times are seconds, both bounds included."""
    query = request.query
    matched_s = trade.matched_ns // NS_PER_S
    tokens = {trade.taker.token, *(fill.maker.token for fill in trade.makers)}
    return (
        query.get("id", trade.id) == trade.id
        and query.get("market", trade.market.condition_id) == trade.market.condition_id
        and query.get("asset_id", trade.taker.token) in tokens
        and (not query.get("after") or matched_s >= int(query["after"]))
        and (not query.get("before") or matched_s <= int(query["before"]))
    )


def is_order_id(text: str) -> bool:
    """Whether the text has the shape of an order's id."""
    return len(text) == ORDER_ID_CHARACTERS and text.startswith("0x")


def read_json(body: bytes, kind: type[T]) -> T:
    """The body as a JSON object or list; raises RefusedError where it is something else."""
    try:
        value = json.loads(body or b"null")
    except ValueError as error:
        raise RefusedError(INVALID_PAYLOAD) from error
    if not isinstance(value, kind):
        raise RefusedError(INVALID_PAYLOAD)
    return value
