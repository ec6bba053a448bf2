"""The order API without credentials: books, prices, markets, and what time and version it is."""

import json
from collections.abc import Awaitable, Callable
from decimal import Decimal

from aiohttp import web

from simulator.polymarket.answers import RefusedError, answer
from simulator.polymarket.markets import PRICE_UNITS, SimMarket
from simulator.polymarket.notices import market_payload
from simulator.polymarket.refusals import INVALID_PAYLOAD, MARKET_NOT_FOUND, NO_BOOK
from simulator.polymarket.rows import Row, book_row, last_price_text, price_text
from simulator.polymarket.venue import Venue
from simulator.timing import NS_PER_MS, NS_PER_S

Handle = Callable[[web.Request], Awaitable[web.Response]]

TOKENS_MAX = 500
"""Tokens in one request for many."""


class ClobPublic:
    """Handlers by path; `routes` lists them."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._state = venue.state

    def routes(self) -> list[web.RouteDef]:
        """The paths that need no credentials."""
        return [
            web.get("/ok", self._ok),
            web.get("/time", self._time),
            web.get("/version", self._version),
            web.get("/api/geoblock", self._geoblock),
            web.get("/book", self._book),
            web.get("/midpoint", self._one(self._midpoint)),
            web.get("/spread", self._one(self._spread)),
            web.get("/price", self._price),
            web.get("/last-trade-price", self._one(self._last)),
            web.get("/tick-size", self._one(self._tick)),
            web.get("/neg-risk", self._one(lambda market, _: {"neg_risk": market.spec.neg_risk})),
            web.get("/fee-rate", self._one(lambda market, _: {"base_fee": 1000})),
            web.post("/books", self._books),
            web.post("/midpoints", self._many(lambda found: self._midpoint(*found)["mid"])),
            web.post("/spreads", self._many(lambda found: self._spread(*found)["spread"])),
            web.post("/prices", self._prices),
            web.post("/last-trades-prices", self._lasts),
            web.get("/markets-by-token/{token}", self._by_token),
            web.get("/clob-markets/{condition}", self._clob_market),
            web.get("/markets/0x{digits}", self._market),
            web.get("/fees/builder-fees/{code}", self._builder_fees),
            web.get("/rebates/current", self._rebates),
        ]

    async def _ok(self, _request: web.Request) -> web.Response:
        return answer("OK")

    async def _time(self, _request: web.Request) -> web.Response:
        return answer(self._state.now_ns() // NS_PER_S)

    async def _version(self, _request: web.Request) -> web.Response:
        rules = self._state.rules
        return answer({"version": rules.version} if rules.version_in_object else rules.version)

    async def _geoblock(self, _request: web.Request) -> web.Response:
        return answer({"blocked": False, "ip": "127.0.0.1", "country": "IE", "region": "L"})

    async def _book(self, request: web.Request) -> web.Response:
        return answer(self._row(*self._listed(request.query.get("token_id", ""))))

    async def _books(self, request: web.Request) -> web.Response:
        found = [self._find(token) for token in await self._tokens(request)]
        return answer([self._row(*one) for one in found if one is not None])

    async def _price(self, request: web.Request) -> web.Response:
        market, outcome = self._listed(request.query.get("token_id", ""))
        return answer({"price": self._best(market, outcome, request.query.get("side", ""))})

    async def _prices(self, request: web.Request) -> web.Response:
        prices: dict[str, dict[str, str]] = {}
        for wanted in await self._wanted(request):
            found = self._find(str(wanted.get("token_id")))
            side = str(wanted.get("side", ""))
            if found is not None:
                prices.setdefault(str(wanted["token_id"]), {})[side] = self._best(*found, side)
        return answer(prices)

    async def _lasts(self, request: web.Request) -> web.Response:
        tokens = await self._tokens(request)
        found = {token: self._find(token) for token in tokens}
        return answer(
            [{"token_id": token, **self._last(*one)} for token, one in found.items() if one is not None]
        )

    async def _by_token(self, request: web.Request) -> web.Response:
        market, _ = self._listed(request.match_info["token"])
        first, second = market.token_ids
        return answer(
            {
                "condition_id": market.condition_id,
                "primary_token_id": first,
                "secondary_token_id": second,
            }
        )

    async def _clob_market(self, request: web.Request) -> web.Response:
        market = self._by_condition(request.match_info["condition"])
        spec = market.spec
        tokens = zip(market.token_ids, spec.outcomes, strict=True)
        return answer(
            {
                "gst": None,
                "r": {"mi": 0, "ma": 0, "moas": 0},
                "t": [{"t": token, "o": outcome} for token, outcome in tokens],
                "mos": json.loads(f"{spec.size_min:f}"),
                "mts": json.loads(price_text(market.tick_units)),
                "mbf": 1000,
                "tbf": 1000,
                "rfqe": False,
                "itode": spec.taker_delay_ms > 0,
                "ibce": True,
                "nr": spec.neg_risk,
                "fd": {"r": json.loads(f"{spec.fee_rate:f}"), "e": spec.fee_exponent, "to": True},
                "oas": 0,
            }
        )

    async def _market(self, request: web.Request) -> web.Response:
        return answer(market_payload(self._by_condition("0x" + request.match_info["digits"])))

    async def _builder_fees(self, _request: web.Request) -> web.Response:
        raise RefusedError(MARKET_NOT_FOUND)

    async def _rebates(self, _request: web.Request) -> web.Response:
        return answer([])

    def _one(self, render: Callable[[SimMarket, int], Row]) -> Handle:
        async def handle(request: web.Request) -> web.Response:
            return answer(render(*self._listed(request.query.get("token_id", ""))))

        return handle

    def _many(self, render: Callable[[tuple[SimMarket, int]], object]) -> Handle:
        async def handle(request: web.Request) -> web.Response:
            found = {token: self._find(token) for token in await self._tokens(request)}
            return answer({token: render(one) for token, one in found.items() if one is not None})

        return handle

    async def _tokens(self, request: web.Request) -> list[str]:
        return [str(wanted.get("token_id")) for wanted in await self._wanted(request)]

    async def _wanted(self, request: web.Request) -> list[dict[str, object]]:
        try:
            wanted = json.loads(await request.read())
        except ValueError as error:
            raise RefusedError(INVALID_PAYLOAD) from error
        if not isinstance(wanted, list) or len(wanted) > TOKENS_MAX:
            raise RefusedError(INVALID_PAYLOAD)
        return [one for one in wanted if isinstance(one, dict)]

    def _listed(self, token: str) -> tuple[SimMarket, int]:
        found = self._find(token)
        if found is None:
            raise RefusedError(NO_BOOK)
        return found

    def _find(self, token: str) -> tuple[SimMarket, int] | None:
        """Market and outcome of a token whose book the order API knows by now."""
        market = self._state.markets.by_token.get(token)
        if market is None or not market.order_book_enabled or market.closed:
            return None
        listed_ns = market.created_ns + self._state.rules.books_listed_after_ms * NS_PER_MS
        return (market, market.outcome_index(token)) if self._state.now_ns() >= listed_ns else None

    def _by_condition(self, condition_id: str) -> SimMarket:
        market = self._state.markets.by_condition.get(condition_id)
        if market is None:
            raise RefusedError(MARKET_NOT_FOUND)
        return market

    def _row(self, market: SimMarket, outcome: int) -> Row:
        return book_row(market, self._state.book_of(market.condition_id), outcome, self._state.now_ns())

    def _midpoint(self, market: SimMarket, outcome: int) -> Row:
        bid, ask = self._state.book_of(market.condition_id).best_of(outcome)
        if bid is None or ask is None:
            raise RefusedError(NO_BOOK)
        return {"mid": f"{(Decimal(bid + ask) / (2 * PRICE_UNITS)).normalize():f}"}

    def _spread(self, market: SimMarket, outcome: int) -> Row:
        bid, ask = self._state.book_of(market.condition_id).best_of(outcome)
        if bid is None or ask is None:
            raise RefusedError(NO_BOOK)
        return {"spread": price_text(ask - bid)}

    def _best(self, market: SimMarket, outcome: int, side: str) -> str:
        bid, ask = self._state.book_of(market.condition_id).best_of(outcome)
        best = bid if side == "BUY" else ask
        if best is None:
            return "0" if side == "BUY" else price_text(PRICE_UNITS)
        return price_text(best)

    def _last(self, market: SimMarket, outcome: int) -> Row:
        side = market.last_side
        if outcome == 1 and side:
            side = "SELL" if side == "BUY" else "BUY"
        return {"price": last_price_text(market, outcome) or "0.5", "side": side}

    def _tick(self, market: SimMarket, _outcome: int) -> Row:
        return {"minimum_tick_size": json.loads(price_text(market.tick_units))}
