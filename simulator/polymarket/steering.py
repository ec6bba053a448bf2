"""What a test may do to the simulated Polymarket through /_sim/, and read of it as the truth."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec
from aiohttp import web

from domain.errors import TapeError
from simulator.control import Json, steered
from simulator.polymarket.accounts import CASH, Wallet
from simulator.polymarket.book import Levels
from simulator.polymarket.contracts import UNITS
from simulator.polymarket.markets import PRICE_UNITS, MarketSpec, SimMarket
from simulator.polymarket.orders import SIDE_NAMES
from simulator.polymarket.player import Player
from simulator.polymarket.recording import Recording
from simulator.polymarket.rows import amount_text, book_row, order_row, price_text, trade_row
from simulator.polymarket.signatures import EOA
from simulator.polymarket.state import Mode
from simulator.polymarket.venue import Venue

WALLET_FLAGS = ("allowed", "banned", "closed_only", "tier", "name", "pseudonym")


class Steering:
    """Handlers below /_sim/ for wallets, markets, books, the engine's mode and the switches."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._state = venue.state

    def routes(self) -> list[web.RouteDef]:
        """The paths of this venue."""
        return [
            web.get("/_sim/switches", steered(lambda _: self._venue.rules)),
            web.post("/_sim/switches", steered(self._switch)),
            web.post("/_sim/mode", steered(self._mode)),
            web.get("/_sim/wallets", steered(lambda _: self.wallets())),
            web.post("/_sim/wallets", steered(self._fund)),
            web.get("/_sim/markets", steered(lambda _: self.markets())),
            web.post("/_sim/markets", steered(self._create)),
            web.post("/_sim/markets/{market}/close", steered(self._on_market(self._close))),
            web.post("/_sim/markets/{market}/resolve", steered(self._on_market(self._resolve))),
            web.post("/_sim/markets/{market}/tick", steered(self._on_market(self._tick))),
            web.post("/_sim/markets/{market}/book", steered(self._on_market(self._book))),
            web.post("/_sim/markets/{market}/print", steered(self._on_market(self._print))),
            web.post("/_sim/markets/{market}/change", steered(self._on_market(self._change))),
            web.get("/_sim/markets/{market}/book", steered(self._on_market(self._shown_book))),
            web.get("/_sim/orders", steered(lambda _: self.orders())),
            web.get("/_sim/trades", steered(lambda _: self.trades())),
            web.post("/_sim/prices", steered(self._price)),
            web.post("/_sim/recording", steered(self._play)),
            web.get("/_sim/heartbeats", steered(lambda _: self._venue.heartbeats.armed())),
        ]

    def wallets(self) -> dict[str, Json]:
        """Every wallet but the house: balances, what is promised and what is leaving, in decimal text."""
        house = self._state.accounts.house
        return {
            wallet.address: wallet_row(wallet) for wallet in self._state.accounts.all() if wallet is not house
        }

    def markets(self) -> list[Json]:
        """Every market with its identifiers and its state."""
        return [market_row(market) for market in self._state.markets.by_condition.values()]

    def orders(self) -> dict[str, Json]:
        """Every order that was ever taken, by id."""
        return {order.id: order_row(order) for order in self._state.orders.values()}

    def trades(self) -> dict[str, Json]:
        """Every trade by id, with its fee."""
        return {
            trade.id: {**trade_row(trade, viewer_is_taker=True), "fee": amount_text(trade.fee)}
            for trade in self._state.trades.values()
        }

    def _switch(self, body: Json) -> object:
        self._venue.rules.change(body)
        return self._venue.rules

    def _mode(self, body: Json) -> Json:
        if body.get("restart"):
            self._venue.mode.restart()
        else:
            self._venue.mode.set(Mode(str(body["mode"])))
        return {"mode": self._state.mode}

    def _fund(self, body: Json) -> Json:
        """Add pUSD and tokens (`cash`, `tokens` by id, negative to take away), set flags and allowances."""
        address = str(body["address"])
        wallet = self._venue.fund(
            address,
            owner=str(body.get("owner", "")),
            kind=int(str(body.get("kind", EOA))),
            cash=units(body.get("cash", 0)),
        )
        for token, amount in msgspec.convert(body.get("tokens", {}), dict[str, str], strict=False).items():
            wallet.balances[token] += units(amount)
        for flag in WALLET_FLAGS:
            if flag in body:
                setattr(wallet, flag, type(getattr(wallet, flag))(body[flag]))
        if body.get("approve") == "all":
            self._venue.approve(wallet)
        if body.get("approve") is False:
            wallet.allowances.clear()
            wallet.operators.clear()
        self._venue.exchange.cancel_uncovered(wallet)
        return wallet_row(wallet)

    def _play(self, body: Json) -> Json:
        """Begin to play the recording at `path`, at `speed`, with its own times where `keep_times`."""
        player = Player(self._venue)
        try:
            player.play(
                Recording(Path(str(body["path"]))),
                speed=Decimal(str(body.get("speed", 1))),
                keep_times=bool(body.get("keep_times", False)),
            )
        except TapeError as error:
            raise ValueError(str(error)) from error
        return {"played": player.played}

    def _price(self, body: Json) -> Json:
        self._venue.prices.set(str(body["symbol"]), Decimal(str(body["value"])))
        return {"symbol": body["symbol"], "value": body["value"]}

    def _create(self, body: Json) -> Json:
        return market_row(self._venue.life.create(msgspec.convert(body, MarketSpec, strict=False)))

    def _close(self, market: SimMarket, _body: Json) -> Json:
        self._venue.life.close(market)
        return market_row(market)

    def _resolve(self, market: SimMarket, body: Json) -> Json:
        """`payouts` as two decimals, or `winner` as the index of the outcome."""
        if "winner" in body:
            winner = int(str(body["winner"]))
            payouts = (Decimal(1 - winner), Decimal(winner))
        else:
            payouts = msgspec.convert(body["payouts"], tuple[Decimal, Decimal], strict=False)
        self._venue.life.resolve(market, payouts)
        return market_row(market)

    def _tick(self, market: SimMarket, body: Json) -> Json:
        self._venue.life.change_tick(market, Decimal(str(body["tick"])))
        return market_row(market)

    def _book(self, market: SimMarket, body: Json) -> Json:
        """The house's `bids` and `asks` of the first outcome as [price, size] pairs."""
        self._venue.house.set_book(market, bids=levels(body.get("bids")), asks=levels(body.get("asks")))
        return self._shown_book(market, body)

    def _print(self, market: SimMarket, body: Json) -> Json:
        """The house takes: `side`, `price` and `size` in terms of the outcome with the index `outcome`."""
        placed = self._venue.house.take(
            market,
            outcome=int(str(body.get("outcome", 0))),
            side=SIDE_NAMES.index(str(body["side"])),
            price=int(Decimal(str(body["price"])) * PRICE_UNITS),
            shares=units(body["size"]),
        )
        return {"filled": amount_text(placed.shares), "trades": [trade.id for trade in placed.trades]}

    def _change(self, market: SimMarket, body: Json) -> Json:
        """Flags (`active`, `archived`, `accepting_orders`, `order_book_enabled`) and `extras` of its Gamma object."""
        for flag in ("active", "archived", "accepting_orders", "order_book_enabled"):
            if flag in body:
                setattr(market, flag, bool(body[flag]))
        market.extras.update(msgspec.convert(body.get("extras", {}), dict[str, object]))
        return market_row(market)

    def _shown_book(self, market: SimMarket, _body: Json) -> Json:
        book, now_ns = self._state.book_of(market.condition_id), self._state.now_ns()
        return {token: book_row(market, book, index, now_ns) for index, token in enumerate(market.token_ids)}

    def _on_market(self, steer: Callable[[SimMarket, Json], Json]) -> Callable[[Json], Json]:
        """Find the market by its slug, condition or token first."""

        def find(body: Json) -> Json:
            name = str(body["market"])
            markets = self._state.markets
            found = markets.by_slug.get(name) or markets.by_condition.get(name) or markets.by_token.get(name)
            if found is None:
                raise ValueError(f"no market {name!r}")
            return steer(found, body)

        return find


def wallet_row(wallet: Wallet) -> Json:
    """One wallet in decimal text."""
    return {
        "owner": wallet.owner,
        "kind": wallet.kind,
        "cash": amount_text(wallet.balances[CASH]),
        "tokens": {token: amount_text(held) for token, held in wallet.balances.items() if token and held},
        "promised": {token: amount_text(held) for token, held in wallet.promised.items() if held},
        "leaving": {token: amount_text(held) for token, held in wallet.leaving.items() if held},
    }


def market_row(market: SimMarket) -> Json:
    """One market's identifiers and state."""
    return {
        "id": market.id,
        "slug": market.spec.slug,
        "condition_id": market.condition_id,
        "token_ids": list(market.token_ids),
        "version": market.spec.version,
        "neg_risk": market.spec.neg_risk,
        "tick": price_text(market.tick_units),
        "active": market.active,
        "closed": market.closed,
        "accepting_orders": market.accepting_orders,
        "payouts": [str(payout) for payout in market.payouts] if market.payouts else None,
    }


def units(amount: object) -> int:
    """Base units of an amount in pUSD or shares; ArithmeticError where it is no number."""
    return int(Decimal(str(amount)) * UNITS)


def levels(rows: object) -> Levels:
    """Price and share units of [price, size] pairs."""
    pairs = msgspec.convert(rows or [], list[tuple[str, str]], strict=False)
    return [(int(Decimal(price) * PRICE_UNITS), units(size)) for price, size in pairs]
