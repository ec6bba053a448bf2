"""Sample records: one chain of a signal from its order to its settlement, in pUSD and shares of `UP`."""

from decimal import Decimal

from domain.identifiers import (
    CorrelationId,
    InstrumentId,
    IntentId,
    MarketId,
    OrderId,
    StrategyName,
    TradeId,
    VenueName,
    VenueOrderId,
)
from domain.instrument import Instrument, Market, Side
from domain.ledger import Account, AccountKind, Entry, Transfer
from domain.messages import Fill, Liquidity, Receipt, Settlement
from domain.order import Order, OrderEvent, OrderStatus, TimeInForce
from domain.records import (
    DenialRecord,
    EventRecord,
    FillRecord,
    GateCountRecord,
    MarketRecord,
    MetricsRecord,
    OrderEventRecord,
    OrderRecord,
    PayloadRecord,
    PositionRecord,
    ReceiptRecord,
    ReconciliationRecord,
    Record,
    ReservationRecord,
    ResolutionRecord,
    SettlementRecord,
    SignalOutcome,
    SignalRecord,
    Transaction,
    TransferRecord,
)
from storage.sessions import RunInfo

NOON_NS = 1_790_596_800_000_000_000  # 2026-09-28T12:00:00Z
SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS

SNIPER = StrategyName("sniper")
PAPER = VenueName("paper")
MARKET = MarketId("btc-up-1200")
UP = InstrumentId("UP")
ORDER = OrderId("s1-70e6c9c0c1f1ac2c")
INTENT = IntentId("s1/sniper/btc-up-1200:UP/0")
CHAIN = CorrelationId("s1-c5f0aa1b2c3d4e5f6")

CONTROLS = (
    '[{"control":"01","name":"price collar","value":"0.96","limit":"1.01","passed":true},'
    '{"control":"10","name":"duplicate intent","value":"none","limit":"none","passed":true}]'
)

RUN = RunInfo(
    mode="replay", market="btc", strategies=("sniper", "quoter"), seed=1, config_hash="c0ffee", version="1.0"
)


def signal(*, number: int = 1, outcome: SignalOutcome = SignalOutcome.ORDERED) -> SignalRecord:
    """A signal of the chain."""
    return SignalRecord(
        number=number,
        time_ns=NOON_NS,
        strategy=SNIPER,
        market_id=MARKET,
        correlation_id=CHAIN,
        key="btc-up-1200:UP",
        reason="UP at 0.96 with 40 s left",
        outcome=outcome,
    )


def denial() -> DenialRecord:
    """A refusal of the same signal."""
    return DenialRecord(
        time_ns=NOON_NS - SECOND_NS,
        strategy=SNIPER,
        market_id=MARKET,
        correlation_id=CHAIN,
        control="13 message throttle",
        reason="the order rate is used up",
        value="0.40 tokens",
        limit="60/min",
    )


def order(
    *, status: OrderStatus = OrderStatus.ACCEPTED, filled: str = "0", order_id: OrderId = ORDER
) -> Order:
    """The order of the chain: 20.25 UP at 0.96 or better."""
    return Order(
        id=order_id,
        intent_id=IntentId(f"{INTENT}{order_id.removeprefix(ORDER)}"),
        generation=1,
        correlation_id=CHAIN,
        strategy=SNIPER,
        venue=PAPER,
        market_id=MARKET,
        instrument_id=UP,
        side=Side.BUY,
        time_in_force=TimeInForce.FOK,
        post_only=False,
        price=Decimal("0.96"),
        quantity=Decimal("20.25"),
        created_ns=NOON_NS,
        updated_ns=NOON_NS + SECOND_NS,
        status=status,
        filled_quantity=Decimal(filled),
        attempts=1,
        reason="UP at 0.96 with 40 s left",
        valid_until_ns=NOON_NS + MINUTE_NS,
    )


def accepted(order_id: OrderId = ORDER) -> OrderEventRecord:
    """The acceptance, with the controls that were passed."""
    return OrderEventRecord(
        time_ns=NOON_NS,
        order_id=order_id,
        event=None,
        status_before=None,
        status_after=OrderStatus.ACCEPTED,
        detail=CONTROLS,
    )


def filled_event() -> OrderEventRecord:
    """The arrow of the whole fill."""
    return OrderEventRecord(
        time_ns=NOON_NS + SECOND_NS,
        order_id=ORDER,
        event=OrderEvent.FILL_ALL,
        status_before=OrderStatus.OPEN,
        status_after=OrderStatus.FILLED,
        detail="matched",
    )


def fill(*, trade_id: str = "t-1", order_id: OrderId = ORDER) -> FillRecord:
    """The fill: 20.25 × 0.95 = 19.2375 pUSD and a fee; the profit is there to be seen, a buy has none."""
    execution = Fill(
        venue=PAPER,
        instrument_id=UP,
        market_id=MARKET,
        trade_id=TradeId(trade_id),
        order_id=order_id,
        side=Side.BUY,
        price=Decimal("0.95"),
        quantity=Decimal("20.25"),
        fee=Decimal("0.06733"),
        fee_asset="pUSD",
        liquidity=Liquidity.TAKER,
        time_ns=NOON_NS + SECOND_NS,
    )
    return FillRecord(fill=execution, strategy=SNIPER, correlation_id=CHAIN, realized_pnl=Decimal("1.5"))


def settled(settlement: Settlement = Settlement.SETTLED) -> SettlementRecord:
    """What became of the fill, 18 s after it."""
    return SettlementRecord(
        venue=PAPER,
        instrument_id=UP,
        trade_id=TradeId("t-1"),
        order_id=ORDER,
        settlement=settlement,
        time_ns=NOON_NS + 19 * SECOND_NS,
    )


def transfer() -> TransferRecord:
    """The reservation of the largest cost: 19.44 pUSD."""
    amount = Decimal("19.440000")
    entries = (
        Entry(Account(AccountKind.CASH, "s1/paper"), "pUSD", -amount),
        Entry(Account(AccountKind.RESERVED, "s1/paper"), "pUSD", amount),
    )
    return TransferRecord(
        transfer=Transfer(id=f"{ORDER}:reserve", kind="reserve", time_ns=NOON_NS, entries=entries)
    )


def redeemed() -> TransferRecord:
    """The payout of 1 pUSD a share."""
    entries = (
        Entry(Account(AccountKind.CASH, "s1/paper"), "pUSD", Decimal("20.25")),
        Entry(Account(AccountKind.INVENTORY, "s1/sniper"), "pUSD", Decimal("-19.2375")),
        Entry(Account(AccountKind.REALISED_PNL, "s1/sniper"), "pUSD", Decimal("-1.0125")),
        Entry(Account(AccountKind.INVENTORY, "s1/sniper"), UP, Decimal("-20.25")),
        Entry(Account(AccountKind.CLEARING, "s1/paper"), UP, Decimal("20.25")),
    )
    return TransferRecord(
        transfer=Transfer(id="redeem:UP", kind="REDEEM", time_ns=NOON_NS + MINUTE_NS, entries=entries)
    )


def reservation(*, is_closed: bool = False) -> ReservationRecord:
    """The lock on the money, before or after the fill."""
    posted = Decimal("19.30483") if is_closed else Decimal(0)
    return ReservationRecord(
        order_id=ORDER,
        asset="pUSD",
        amount=Decimal("19.44"),
        posted=posted,
        pending=Decimal(0) if is_closed else Decimal("19.44"),
        is_closed=is_closed,
    )


def position(*, is_closed: bool = False) -> PositionRecord:
    """What the strategy holds: 20.25 UP; or what it earned once they were redeemed at 1."""
    return PositionRecord(
        strategy=SNIPER,
        venue=PAPER,
        instrument_id=UP,
        market_id=MARKET,
        side=Side.BUY,
        quantity=Decimal(0) if is_closed else Decimal("20.25"),
        unsettled_quantity=Decimal(0),
        cost=Decimal(0) if is_closed else Decimal("19.2375"),
        fees=Decimal("0.06733"),
        realized_pnl=Decimal("1.0125") if is_closed else Decimal(0),  # 20.25 - 19.2375
        mark_price=None if is_closed else Decimal("0.97"),
        unrealized_pnl=None if is_closed else Decimal("0.405"),  # (0.97 - 0.95) * 20.25
        opened_ns=NOON_NS + SECOND_NS,
        closed_ns=NOON_NS + MINUTE_NS if is_closed else None,
        updated_ns=NOON_NS + MINUTE_NS,
    )


def event(*, payload: str = '{"payout":"1"}') -> EventRecord:
    """The redemption, which ends the chain."""
    return EventRecord(
        time_ns=NOON_NS + MINUTE_NS, kind="REDEEMED", source="paper", correlation_id=CHAIN, payload=payload
    )


def gate_count(count: int = 7) -> GateCountRecord:
    """Looks that led to nothing within one minute."""
    return GateCountRecord(
        minute_ns=NOON_NS, strategy=SNIPER, market_id=MARKET, gate="too early", count=count
    )


def metrics() -> MetricsRecord:
    """Totals of the strategy."""
    return MetricsRecord(
        time_ns=NOON_NS,
        strategy=SNIPER,
        signals=1,
        orders=2,
        fills=3,
        denials=4,
        duplicates=5,
        wins=6,
        losses=7,
        realized_pnl=Decimal("1.0125"),
        unrealized_pnl=Decimal("0.405"),
        fees=Decimal("0.06733"),
    )


def receipt() -> ReceiptRecord:
    """A leader's trade that was copied."""
    return ReceiptRecord(
        strategy=SNIPER,
        receipt=Receipt(
            time_ns=NOON_NS,
            key="0xabc:UP:1",
            wallet="0xabc",
            name="steady-heron",
            market_id=MARKET,
            instrument_id=UP,
            side=Side.BUY,
            leader_price=Decimal("0.60"),
            leader_quantity=Decimal(100),
            leader_time_ns=NOON_NS - SECOND_NS,
            our_price=Decimal("0.61"),
            our_quantity=Decimal("16.25"),
            our_time_ns=NOON_NS,
            slippage=Decimal("0.01"),
            delay_s=Decimal(1),
            outcome="copied",
            reason="",
        ),
    )


def market() -> MarketRecord:
    """The market of the chain."""
    token = Instrument(
        id=UP, market_id=MARKET, venue=PAPER, outcome="UP", complement_id=None, tick_size=Decimal("0.01")
    )
    listed = Market(
        id=MARKET,
        venue=PAPER,
        slug="btc-updown-15m",
        question="Up?",
        category="crypto",
        event_id="e",
        opens_ns=NOON_NS - 900 * SECOND_NS,
        closes_ns=NOON_NS + 900 * SECOND_NS,
        instruments=(token,),
    )
    return MarketRecord(market=listed)


def resolution() -> ResolutionRecord:
    """The end of the market."""
    return ResolutionRecord(time_ns=NOON_NS, market_id=MARKET, payouts={UP: Decimal(1)})


def payload() -> PayloadRecord:
    """What was prepared for the order."""
    return PayloadRecord(order_id=ORDER, venue_order_id=VenueOrderId("0xfeed"), payload='{"salt":1}')


def reconciliation() -> ReconciliationRecord:
    """A comparison that found nothing."""
    return ReconciliationRecord(time_ns=NOON_NS, cause="start", verdict="clean", report="[]")


def transaction(sequence: int, *records: Record) -> Transaction:
    """Records at one second of event time per transaction."""
    time_ns = NOON_NS + sequence * SECOND_NS
    return Transaction(sequence=sequence, position=10 * sequence, time_ns=time_ns, records=records)


def placed(sequence: int) -> Transaction:
    """What one accepted order writes; each sequence is another order."""
    order_id = OrderId(f"{ORDER}{sequence}")
    amount = Decimal("19.440000")
    moved = Transfer(
        id=f"{order_id}:reserve",
        kind="reserve",
        time_ns=NOON_NS,
        entries=(
            Entry(Account(AccountKind.CASH, "s1/paper"), "pUSD", -amount),
            Entry(Account(AccountKind.RESERVED, "s1/paper"), "pUSD", amount),
        ),
    )
    held = ReservationRecord(
        order_id=order_id, asset="pUSD", amount=amount, posted=Decimal(0), pending=amount, is_closed=False
    )
    return transaction(
        sequence,
        signal(number=sequence),
        OrderRecord(order=order(order_id=order_id)),
        accepted(order_id),
        held,
        TransferRecord(transfer=moved),
    )


def whole_chain() -> tuple[Transaction, ...]:
    """Denied at first, then ordered, filled, settled, redeemed."""
    return (
        transaction(1, market(), signal(outcome=SignalOutcome.DENIED), denial(), gate_count(3)),
        transaction(
            2,
            signal(),
            OrderRecord(order=order()),
            accepted(),
            payload(),
            reservation(),
            transfer(),
            gate_count(4),
        ),
        transaction(
            3,
            OrderRecord(order=order(status=OrderStatus.FILLED, filled="20.25")),
            filled_event(),
            fill(),
            reservation(is_closed=True),
            position(),
        ),
        transaction(4, settled()),
        transaction(5, event(), resolution(), redeemed(), position(is_closed=True), metrics(), receipt()),
        transaction(6, reconciliation()),
    )
