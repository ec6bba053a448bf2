"""The Data API, version 2: trades, activity, positions, values and resolutions, late and cached as it is."""

import base64
from collections.abc import Iterable

import msgspec
from aiohttp import web

from simulator.polymarket.accounts import Wallet
from simulator.polymarket.activity import Deed
from simulator.polymarket.answers import RefusedError
from simulator.polymarket.contracts import (
    CHAIN_ID,
    COLLATERAL,
    COLLATERAL_SPENDERS,
    CONDITIONAL_TOKENS,
    CTF_OPERATORS,
    MANAGER_OPERATORS,
    POSITION_MANAGER,
)
from simulator.polymarket.data_rows import deed_row, position_row, resolution_row
from simulator.polymarket.gamma_rows import event_id, number
from simulator.polymarket.markets import PRICE_UNITS, SimMarket
from simulator.polymarket.refusals import bad
from simulator.polymarket.rows import Row, amount_text
from simulator.polymarket.venue import Venue
from simulator.timing import NS_PER_MS, NS_PER_S

LIMIT_MAX, LIMIT = 1_000, 100
CACHED_MAX = 10_000


class DataApi:
    """Handlers by path; `routes` lists them."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._state = venue.state
        self._cached: dict[str, tuple[int, bytes]] = {}

    def routes(self) -> list[web.RouteDef]:
        """The paths of the Data API."""
        return [
            web.get("/v2/trades", self._trades),
            web.get("/v2/activity", self._activity),
            web.get("/v2/positions", self._positions),
            web.get("/v2/value", self._value),
            web.get("/v2/resolutions", self._resolutions),
            web.get("/v2/approvals", self._approvals),
            web.get("/v2/holders", self._holders),
        ]

    async def _trades(self, request: web.Request) -> web.Response:
        query = request.query
        if query.get("user"):
            deeds: Iterable[Deed] = self._venue.activity.by_wallet[self._address(query["user"])]
        else:
            deeds = self._venue.activity.settled
        taker_only = query.get("taker_only", "true") == "true"
        conditions = set(filter(None, query.get("condition_id", "").split(",")))
        rows = [
            deed_row(deed, full=False)
            for deed in self._visible(deeds, request)
            if deed.kind == "TRADE"
            and (deed.is_taker or not taker_only)
            and (not conditions or deed.market.condition_id in conditions)
            and query.get("side", deed.side) == deed.side
        ]
        return self._paged(request, rows)

    async def _activity(self, request: web.Request) -> web.Response:
        query = request.query
        kinds = set(filter(None, query.get("type", "").split(",")))
        rows = [
            deed_row(deed, full=True)
            for deed in self._visible(
                self._venue.activity.by_wallet[self._address(query.get("user", ""))], request
            )
            if not kinds or deed.kind in kinds
        ]
        if query.get("sort_direction", "DESC").upper() == "ASC":
            rows.reverse()
        return self._paged(request, rows)

    async def _positions(self, request: web.Request) -> web.Response:
        query = request.query
        wallets = [self._wallet(query["user"])] if query.get("user") else self._state.accounts.all()[1:]
        conditions = set(filter(None, query.get("condition_id", "").split(",")))
        status = query.get("status", "OPEN")
        rows = [
            row
            for wallet in wallets
            if wallet is not None
            for market in self._state.markets.by_condition.values()
            if not conditions or market.condition_id in conditions
            for row in self._positions_in(wallet, market)
            if _has_status(row, status)
        ]
        return self._paged(request, rows)

    async def _value(self, request: web.Request) -> web.Response:
        wallet = self._wallet(request.query.get("user", ""))
        units = sum(
            wallet.balances[token] * self._price(market, outcome) // PRICE_UNITS
            for market in self._state.markets.by_condition.values()
            for outcome, token in enumerate(market.token_ids)
            if wallet and token in wallet.balances
        )
        address = wallet.address if wallet else request.query.get("user", "")
        return self._told(request, {"proxy_wallet": address.lower(), "value": number(amount_text(units))})

    async def _resolutions(self, request: web.Request) -> web.Response:
        query = request.query
        conditions = set(filter(None, query.get("condition_id", "").split(",")))
        events = set(filter(None, query.get("event_id", "").split(",")))
        rows = [
            resolution_row(self._state, market)
            for market in self._state.markets.by_condition.values()
            if market.condition_id in conditions
            or event_id(market) in events
            or market.question_id == query.get("question_id")
        ]
        return self._told(request, rows)

    async def _approvals(self, request: web.Request) -> web.Response:
        wallet = self._wallet(request.query.get("user", ""))
        operators = wallet.operators if wallet else set()
        pairs = [(CONDITIONAL_TOKENS, one) for one in CTF_OPERATORS]
        pairs += [(POSITION_MANAGER, one) for one in MANAGER_OPERATORS]
        contracts: list[Row] = [
            {
                "token": COLLATERAL,
                "spender": spender,
                "standard": "ERC20",
                "approved": bool(wallet and wallet.allowances.get(spender)),
                "amount": "max",
            }
            for spender in COLLATERAL_SPENDERS
        ]
        contracts += [
            {
                "token": token,
                "spender": one,
                "standard": "ERC1155",
                "approved": one in operators,
                "amount": "max",
            }
            for token, one in pairs
        ]
        address = wallet.address if wallet else request.query.get("user", "")
        return self._told(request, {"address": address, "chain_id": CHAIN_ID, "contracts": contracts})

    async def _holders(self, request: web.Request) -> web.Response:
        return self._paged(request, [])

    def _positions_in(self, wallet: Wallet, market: SimMarket) -> list[Row]:
        held = [wallet.balances.get(token, 0) for token in market.token_ids]
        return [
            position_row(
                wallet,
                market,
                outcome=outcome,
                price=self._price(market, outcome),
                deeds=self._venue.activity.by_wallet[wallet.address],
            )
            for outcome, shares in enumerate(held)
            if shares
        ]

    def _visible(self, deeds: Iterable[Deed], request: web.Request) -> list[Deed]:
        """Deeds that the service has indexed by now, in the asked window, the latest first."""
        query = request.query
        seen_ns = self._state.now_ns() - self._state.rules.data_lag_ms * NS_PER_MS
        start, end = int(query.get("start") or 0), int(query.get("end") or 1 << 60)
        found = [deed for deed in deeds if deed.time_ns <= seen_ns and start <= deed.timestamp_s <= end]
        return sorted(found, key=lambda deed: -deed.time_ns)

    def _price(self, market: SimMarket, outcome: int) -> int:
        """What a share is worth now: its payout, the middle of the book, or the last trade."""
        if market.payouts is not None:
            return int(market.payouts[outcome] * PRICE_UNITS)
        bid, ask = self._state.book_of(market.condition_id).best_of(outcome)
        if bid is not None and ask is not None:
            return (bid + ask) // 2
        last = market.last_price_units or PRICE_UNITS // 2
        return last if outcome == 0 else PRICE_UNITS - last

    def _wallet(self, address: str) -> Wallet | None:
        return self._state.accounts.find(address)

    def _address(self, address: str) -> str:
        wallet = self._wallet(address)
        if wallet is not None:
            return wallet.address
        known = {one.lower(): one for one in self._venue.activity.by_wallet}
        return known.get(address.lower(), address)

    def _paged(self, request: web.Request, rows: list[Row]) -> web.Response:
        limit = max(1, min(LIMIT_MAX, int(request.query.get("limit", LIMIT))))
        try:
            start = int(base64.urlsafe_b64decode(request.query.get("cursor", "")) or 0)
        except ValueError as error:
            raise RefusedError(bad("invalid cursor")) from error
        following = start + limit
        has_more = following < len(rows)
        cursor = base64.urlsafe_b64encode(str(following).encode()).decode() if has_more else None
        pagination: Row = {"has_more": has_more, "next_cursor": cursor}
        return self._cached_answer(request, {"data": rows[start:following], "pagination": pagination})

    def _told(self, request: web.Request, value: object) -> web.Response:
        return self._cached_answer(request, {"data": value})

    def _cached_answer(self, request: web.Request, value: Row) -> web.Response:
        """The answer, or the one that the same URL got before while that is fresh enough."""
        now_ns = self._state.now_ns()
        cached = self._cached.get(request.path_qs)
        if cached and now_ns - cached[0] < self._state.rules.data_cache_ms * NS_PER_MS:
            age_s = (now_ns - cached[0]) // NS_PER_S
            return web.Response(body=cached[1], content_type="application/json", headers={"Age": str(age_s)})
        body = msgspec.json.encode(value)
        if self._state.rules.data_cache_ms:
            if len(self._cached) >= CACHED_MAX:
                self._cached.clear()
            self._cached[request.path_qs] = (now_ns, body)
        return web.Response(body=body, content_type="application/json")


def _has_status(row: Row, status: str) -> bool:
    match status:
        case "REDEEMABLE":
            return bool(row["redeemable"]) and row["current_price"] != 0
        case "REDEEMABLE_LOST":
            return bool(row["redeemable"]) and row["current_price"] == 0
        case "MERGEABLE":
            return bool(row["mergeable"])
        case "CLOSED":
            return False
        case _:
            return True
