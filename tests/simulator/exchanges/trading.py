"""An exchange without a server, on a clock that stands, and orders for it in few words."""

from decimal import Decimal

from domain.instrument import Side
from simulator.exchanges.exchange import ClientIdRule, SpotExchange
from simulator.exchanges.orders import Lifetime, OrderForm, OrderKind, SpotOrder
from simulator.exchanges.pairs import BITCOIN, Pair
from simulator.exchanges.server_clock import ServerClock
from simulator.faults import FaultPlan

START_NS = 1_800_000_000_000_000_000
FUNDS = {"USDT": Decimal(100_000), "BTC": Decimal(2)}


class Floor:
    """One exchange with two accounts, `ann` and `bob`, and no house."""

    def __init__(self, *, pair: Pair = BITCOIN, client_ids: ClientIdRule = ClientIdRule.AMONG_OPEN) -> None:
        self.clock = ServerClock(lambda: START_NS)
        self.faults = FaultPlan(1)
        self.exchange = SpotExchange(
            clock=self.clock, faults=self.faults, seed=1, pairs=(pair,), client_ids=client_ids
        )
        for name in ("ann", "bob"):
            self.exchange.open_account(name, "secret", FUNDS)

    def place(self, owner: str, side: Side, quantity: str, price: str | None, **changes: object) -> SpotOrder:
        """Place an order; a price of None makes it a market order."""
        values: dict[str, object] = {
            "pair": BITCOIN,
            "side": side,
            "kind": OrderKind.LIMIT if price else OrderKind.MARKET,
            "lifetime": Lifetime.GTC,
            "price": Decimal(price) if price else None,
            "quantity": Decimal(quantity),
        }
        return self.exchange.place(OrderForm(**{**values, **changes}), owner=owner)  # type: ignore[arg-type]  # by name

    def total(self, asset: str) -> Decimal:
        """What both accounts own of an asset."""
        accounts = [self.exchange.account(name) for name in ("ann", "bob")]
        return sum((account.balance(asset).total for account in accounts if account), Decimal(0))
