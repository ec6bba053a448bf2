"""What an exchange says of our account: orders, trades and balances, read over REST and told from foreign ones."""

from functools import partial
from typing import Any

from clock import NS_PER_MS, Scheduler
from domain.errors import VenueReadError
from domain.identifiers import OrderId, VenueName
from domain.messages import Fill
from venues.base import VenueBalance
from venues.exchange.connection import Connection
from venues.exchange.instruments import SpotTerms, terms_of
from venues.exchange.own_orders import OwnOrder, OwnOrders
from venues.exchange.quirks import Lookup
from venues.exchange.reads import Rows, order_of, row_of, rows_of
from venues.exchange.trade_history import TradeReader
from venues.exchange.translation import balances_of, fill_of

ORDERS_READ_MAX = 1_000
ORDER_BEFORE_TRADE_MS = 3_600_000
"""An order may have rested for so long before its first trade, when many are read at once."""

STRANGERS_MAX = 50
"""Orders of unknown trades that are looked up in one read; more are an error, since one of them may be ours."""


class Account:
    """The reads of one account; each raises VenueReadError where it failed, which is evidence of nothing."""

    def __init__(self, connection: Connection, *, venue: VenueName, scheduler: Scheduler) -> None:
        """Raises ConfigurationError for a symbol without a price grid."""
        self._connection = connection
        self._quirks = connection.quirks
        self._venue = venue
        self._scheduler = scheduler
        self.orders = OwnOrders(client_id_prefix=self._quirks.client_id_prefix)
        data, settings = connection.data, connection.settings
        self.terms: dict[str, SpotTerms] = {
            symbol: terms_of(settings.exchange, data.markets[symbol], data.precisionMode, self._quirks)
            for symbol in settings.symbols
        }

    def terms_by_id(self, instrument_id: str) -> SpotTerms | None:
        """The terms of one of our instruments, None for any other."""
        return self.terms.get(instrument_id.partition(":")[2])

    def symbol_of(self, own: OwnOrder) -> str:
        """ccxt's name of an order's pair; raises VenueReadError for one that is not traded here."""
        terms = self.terms_by_id(own.order.instrument_id)
        if terms is None:
            raise VenueReadError(f"{own.order.instrument_id} is not among the markets loaded")
        return terms.symbol

    async def find(self, own: OwnOrder) -> dict[str, Any] | None:
        """One of our orders as ccxt shows it; None where the exchange says that it does not know it."""
        data, quirks, symbol = self._connection.data, self._quirks, self.symbol_of(own)
        if quirks.lookup is Lookup.BY_CLIENT_ID:
            by_id = {} if own.venue_id else {quirks.lookup_parameter: own.client_id}
            found = await order_of(lambda: data.fetch_order(own.venue_id, symbol, by_id), "order")
        else:
            found = await self._search(own, symbol)
        if found is not None:
            self.orders.learn(own, str(found["id"]))
        return found

    async def open_orders(self) -> Rows:
        """What rests now, ours or not, over the whole account where the exchange shows that in one answer.

        A list that may be cut off is read pair by pair, and is an error where that does not help.
        """
        fetch, quirks = self._connection.data.fetch_open_orders, self._quirks
        if not quirks.open_orders_need_symbol:
            rows = await rows_of(fetch, "open orders")
            if not self._may_be_cut(rows):
                return rows
        found: Rows = []
        for symbol in self.terms:
            rows = await rows_of(partial(fetch, symbol), f"open orders of {symbol}")
            if self._may_be_cut(rows):
                raise VenueReadError(f"open orders of {symbol}: {len(rows)} rows, and there may be more")
            found += rows
        return found

    def _may_be_cut(self, rows: Rows) -> bool:
        rows_max = self._quirks.open_rows_max
        return rows_max is not None and len(rows) >= rows_max

    async def fills_since(self, time_ns: int) -> tuple[Fill, ...]:
        """Fills of our account from `time_ns` on, each once; of foreign orders with the exchange's id as order id."""
        trades: Rows = []
        since_ms, until_ms = time_ns // NS_PER_MS, self._scheduler.now_ns() // NS_PER_MS + 1_000
        history = self._quirks.history
        for symbol in self.terms if history.needs_symbol else (None,):
            reader = TradeReader(self._connection.data.fetch_my_trades, history)
            trades += await reader.read(symbol, since_ms=since_ms, until_ms=until_ms)
        await self._introduce(trades)
        return tuple(fill for trade in trades if (fill := self.fill(trade)) is not None)

    async def balances(self) -> tuple[VenueBalance, ...]:
        """What the account owns, free or locked in orders."""
        return balances_of(await row_of(self._connection.data.fetch_balance, "balances"))

    def fill(self, trade: dict[str, Any]) -> Fill | None:
        """A trade as a fill; None for a pair that is not ours to trade. Raises VenueReadError for a broken row."""
        terms = self.terms.get(str(trade.get("symbol")))
        if terms is None:
            return None
        own = self.orders.of_trade(trade)
        order_id = own.order.id if own else OrderId(str(trade.get("order")))
        return fill_of(
            trade, venue=self._venue, terms=terms, order_id=order_id, time_ns=self._scheduler.now_ns()
        )

    async def _search(self, own: OwnOrder, symbol: str) -> dict[str, Any] | None:
        """Look through the lists that together show every order."""
        data, quirks = self._connection.data, self._quirks
        is_filtered = quirks.lookup is Lookup.FILTERED_LISTS
        params = {quirks.lookup_parameter: own.client_id} if is_filtered else {}
        names = [name for name in quirks.lookup_lists if data.has.get(_capability(name))]
        if not names:
            raise VenueReadError(f"{self._venue} shows no orders; only a person can tell what became of one")
        for name in names:
            read = partial(getattr(data, name), symbol, None, None, params)
            rows = await rows_of(read, name.replace("_", " "))
            found = next((row for row in rows if self.orders.of_row(row) is own), None)
            if found is not None:
                return found
        return None

    async def _introduce(self, trades: Rows) -> None:
        """Ask for the orders of trades that we cannot assign: one may be ours whose answer was lost."""
        strangers = {str(t.get("order")): t.get("symbol") for t in trades if self.orders.of_trade(t) is None}
        unknown = [s for s in strangers if not self.orders.is_foreign(s)]
        if len(unknown) > STRANGERS_MAX:
            unknown = await self._read_orders(trades, unknown)
        if len(unknown) > STRANGERS_MAX:
            raise VenueReadError(
                f"trades of {len(unknown)} unknown orders, at most {STRANGERS_MAX} are looked up"
            )
        if unknown and self._quirks.lookup is not Lookup.BY_CLIENT_ID:
            await self._place_ours()
            return
        for venue_id in unknown:
            read = partial(self._connection.data.fetch_order, venue_id, strangers[venue_id])
            row = await order_of(read, "order of a trade")
            if row is None or self.orders.of_row(row) is None:
                self.orders.note_foreign(venue_id)

    async def _read_orders(self, trades: Rows, unknown: list[str]) -> list[str]:
        """Read the orders behind many trades in whole lists, as after a restart, when ours are known by client id only;
        return those that are still unknown."""
        data = self._connection.data
        if not data.has.get("fetchOrders"):
            return unknown
        since_ms = min(int(trade["timestamp"]) for trade in trades) - ORDER_BEFORE_TRADE_MS
        for symbol in {str(trade["symbol"]) for trade in trades}:
            read = partial(data.fetch_orders, symbol, since_ms, ORDERS_READ_MAX)
            for row in await rows_of(read, "orders"):
                self.orders.of_row(row)
        known = {str(trade["order"]) for trade in trades if self.orders.of_trade(trade) is not None}
        return [venue_id for venue_id in unknown if venue_id not in known]

    async def _place_ours(self) -> None:
        for own in self.orders.unplaced()[:STRANGERS_MAX]:
            await self.find(own)


def _capability(method: str) -> str:
    """ccxt's name of a capability: fetch_open_orders is fetchOpenOrders."""
    head, *rest = method.split("_")
    return head + "".join(word.capitalize() for word in rest)
