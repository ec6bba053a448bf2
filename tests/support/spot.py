"""A spot pair in few words, and an order manager whose money is USDT; every invariant is checked after each change."""

from decimal import Decimal

import msgspec

from domain.identifiers import InstrumentId, MarketId, StrategyName, VenueName
from domain.instrument import FeeSide, Instrument, Market, Pair, Side, pair_id
from domain.messages import ExecutionReport, Fill, MarketListed, Settlement
from domain.order import Intent, Order, TimeInForce
from domain.records import Record
from order_manager import OrderManager, Placed
from state.invariants import check_all
from state.market import MarketData
from tests.support.trader import WIDE
from tests.support.trading import (
    ALPHA,
    NOW_NS,
    SESSION,
    acknowledged,
    book,
    d,
    fill_of,
    filled_report,
    settlement_of,
    shown,
)

BINANCE = VenueName("binance")
BTC = pair_id(BINANCE, base="BTC", quote="USDT")
SPOT_WALLET, OWNER = "s1/binance", "s1/alpha"
END_NS = 2**63 - 1


def spot(
    of: InstrumentId = BTC,
    *,
    fee_side: FeeSide = FeeSide.ANY,
    price_max: str | None = "1000000",
    **changes: object,
) -> Instrument:
    """Binance's grid of a well-known pair, with fees of a thousandth."""
    base, quote = of.partition(":")[2].split("/")
    pair = Pair(
        base=base,
        quote=quote,
        price_min=d("0.01"),
        price_max=None if price_max is None else d(price_max),
        notional_min=d(5),
        taker_fee_rate=d("0.001"),
        maker_fee_rate=d("0.0005"),
        fee_side=fee_side,
    )
    made = Instrument(
        id=of,
        market_id=MarketId(of),
        venue=BINANCE,
        outcome=f"{base}/{quote}",
        complement_id=None,
        tick_size=d("0.01"),
        lot_size=d("0.00001"),
        quantity_min=d("0.00001"),
        taker_notional_min=d(5),
        pair=pair,
    )
    return msgspec.structs.replace(made, **changes)


def spot_market(instrument: Instrument) -> Market:
    """The pair as a market without an end."""
    return Market(
        id=instrument.market_id,
        venue=BINANCE,
        slug=instrument.outcome,
        question="one in another",
        category="spot",
        event_id=instrument.market_id,
        opens_ns=0,
        closes_ns=END_NS,
        instruments=(instrument,),
    )


def spot_intent(text: str, *, key: str = "k", of: InstrumentId = BTC) -> Intent:
    """Read "BUY 0.01 60000", perhaps with a time in force and `post-only`."""
    side, quantity, price, *rest = text.split()
    return Intent(
        instrument_id=of,
        side=Side(side),
        quantity=Decimal(quantity),
        price=Decimal(price),
        signal_key=key,
        reason=f"because {key}",
        time_in_force=next((TimeInForce(word) for word in rest if word != "post-only"), TimeInForce.GTC),
        post_only="post-only" in rest,
    )


def spot_fill(
    of: Order, quantity: str | Decimal, *, fee: str | Decimal = "0", fee_asset: str = "BTC", **changes: object
) -> Fill:
    """A fill of the order, at its limit unless told otherwise."""
    return msgspec.structs.replace(fill_of(of, quantity), fee=Decimal(fee), fee_asset=fee_asset, **changes)


class SpotTrader:
    """Places intents in one pair and reports what became of them."""

    def __init__(
        self, instrument: Instrument | None = None, *, cash: str = "10000", money: str = "USDT"
    ) -> None:
        self.instrument = instrument or spot()
        self.market = MarketData()
        listing = spot_market(self.instrument)
        self.market.apply(MarketListed(time_ns=NOW_NS, market=listing))
        self.market.apply(shown(book("59999x9", "60001x9", of=self.instrument.id, time_ns=NOW_NS)))
        self.manager = OrderManager(session=SESSION, seed=1, venue=BINANCE, limits=WIDE, market=self.market)
        self.portfolio = self.manager.portfolio
        self.portfolio.denominate(money)
        self.journal: list[Record] = []
        self.portfolio.deposit(Decimal(cash), time_ns=NOW_NS)

    def opened(self, text: str, *, key: str = "k", strategy: StrategyName = ALPHA) -> Order:
        """An order that the exchange has acknowledged."""
        wanted = spot_intent(text, key=key, of=self.instrument.id)
        answer = self.manager.place(wanted, strategy=strategy, time_ns=NOW_NS, journal=self.journal)
        assert isinstance(answer, Placed), answer
        self.report(acknowledged(answer.order))
        return self.now(answer.order)

    def fill(self, fill: Fill) -> None:
        """Let the exchange fill, which is final at once."""
        self.report(filled_report(fill))
        self.report(settlement_of(fill, Settlement.SETTLED))

    def report(self, report: ExecutionReport) -> None:
        """Let the exchange report."""
        self.manager.apply(report, self.journal)
        check_all(self.portfolio, self.manager.live)

    def now(self, order: Order) -> Order:
        """The order in its present state."""
        found = self.manager.order(order.id)
        assert found is not None
        return found
