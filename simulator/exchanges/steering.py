"""The paths below /_sim/ of a simulated exchange: fund accounts, move the market, and read what is really there."""

from decimal import Decimal

import msgspec
from aiohttp import web

from simulator.control import Control, Json, steered
from simulator.exchanges.orders import SpotOrder
from simulator.exchanges.venue import FUNDS, SimulatedVenue


class Steering:
    """Handlers for one exchange; in a test of one process its attributes are nearer at hand."""

    def __init__(self, venue: SimulatedVenue) -> None:
        self._venue = venue
        self._control = Control(venue.faults, venue.clock, after_moving=lambda: None)

    def routes(self) -> list[web.RouteDef]:
        """All paths, those for faults and the clock included."""
        return [
            *self._control.routes(),
            web.get("/_sim/accounts/{api_key}", steered(self._account)),
            web.post("/_sim/accounts", steered(self._open_account)),
            web.post("/_sim/quote", steered(self._quote)),
            web.post("/_sim/step", steered(self._step)),
            web.post("/_sim/fill", steered(self._fill)),
            web.post("/_sim/halt", steered(self._halt)),
            web.post("/_sim/streams/close", steered(self._close_streams)),
        ]

    def _open_account(self, body: Json) -> Json:
        """`funds` are amounts by asset, as text; without them the account gets the usual ones."""
        funds = body.get("funds", {})
        if not isinstance(funds, dict):
            raise ValueError("funds must be an object of amounts by asset")
        amounts = {str(asset): Decimal(str(amount)) for asset, amount in funds.items()} or FUNDS
        account = self._venue.open_account(str(body["api_key"]), str(body["secret"]), amounts)
        account.can_withdraw = bool(body.get("can_withdraw", False))
        return self._account({"api_key": account.api_key})

    def _account(self, body: Json) -> Json:
        """Balances, orders and fills of one key: the truth, whatever the venue's own answers say."""
        api_key, exchange = str(body["api_key"]), self._venue.exchange
        account = exchange.account(api_key)
        if account is None:
            raise KeyError(api_key)
        return {
            "balances": {asset: [b.free, b.locked] for asset, b in account.balances().items()},
            "orders": [_order_row(order) for order in exchange.log.orders_of(api_key)],
            "fills": [msgspec.to_builtins(fill) for fill in exchange.log.fills_of(api_key)],
        }

    def _quote(self, body: Json) -> Json:
        self._venue.house.quote(str(body["symbol"]), Decimal(str(body["middle"])))
        return {}

    def _step(self, body: Json) -> Json:
        """Let the house move `times` times, once where nothing is said."""
        for _ in range(int(str(body.get("times", 1)))):
            self._venue.house.step()
        return {}

    def _fill(self, body: Json) -> Json:
        quantity = Decimal(str(body["quantity"])) if "quantity" in body else None
        order = self._venue.exchange.fill(int(str(body["order_id"])), quantity)
        return _order_row(order) if order else {}

    def _halt(self, body: Json) -> Json:
        self._venue.exchange.halt(str(body["symbol"]))
        return {}

    def _close_streams(self, body: Json) -> Json:
        self._venue.close_streams()
        return {}


def _order_row(order: SpotOrder) -> Json:
    return {
        "id": order.id,
        "client_order_id": order.client_order_id,
        "symbol": order.form.pair.symbol,
        "side": order.form.side.value,
        "price": order.form.price,
        "quantity": order.quantity,
        "filled": order.filled,
        "state": order.state.value,
        "created_ns": order.created_ns,
        "updated_ns": order.updated_ns,
    }
