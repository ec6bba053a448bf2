"""One example of every record, in which no two values are the same, as in `examples`."""

import msgspec

from domain.identifiers import VenueOrderId
from domain.instrument import Side
from domain.ledger import Account, AccountKind, Entry, Transfer
from domain.messages import Settlement
from domain.order import OrderEvent, OrderStatus
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
    TransferRecord,
)
from tests.contract.examples import FILL, HERON, LISTED, ORDER, RECEIPT, by_type
from tests.support.trading import DOWN, NOW_NS, UP, S, d

RECORDS: dict[type, Record] = by_type(
    SignalRecord(
        number=41,
        time_ns=NOW_NS + 31 * S,
        strategy=HERON,
        market_id=ORDER.market_id,
        correlation_id=ORDER.correlation_id,
        key="a key",
        reason="a sentence",
        outcome=SignalOutcome.DUPLICATE,
    ),
    DenialRecord(
        time_ns=NOW_NS + 32 * S,
        strategy=HERON,
        market_id=ORDER.market_id,
        correlation_id=ORDER.correlation_id,
        control="13 message throttle",
        reason="the rate is used up",
        value="0.40 tokens",
        limit="60/min",
    ),
    OrderRecord(order=ORDER),
    OrderEventRecord(
        time_ns=NOW_NS + 33 * S,
        order_id=ORDER.id,
        event=OrderEvent.REJECT,
        status_before=OrderStatus.SENDING,
        status_after=OrderStatus.REJECTED,
        detail="the venue's words",
        is_late=True,
    ),
    FillRecord(
        fill=msgspec.structs.replace(FILL, order_id=ORDER.id),
        strategy=HERON,
        correlation_id=ORDER.correlation_id,
        realized_pnl=d("1.75"),
    ),
    SettlementRecord(
        venue=FILL.venue,
        instrument_id=FILL.instrument_id,
        trade_id=FILL.trade_id,
        order_id=ORDER.id,
        settlement=Settlement.FAILED,
        time_ns=NOW_NS + 34 * S,
    ),
    TransferRecord(
        transfer=Transfer(
            id="a transfer",
            kind="REDEEM",
            time_ns=NOW_NS + 35 * S,
            entries=(
                Entry(Account(AccountKind.CASH, "s1/paper"), "pUSD", d("20.5")),
                Entry(Account(AccountKind.REALISED_PNL, "s1/heron"), "pUSD", d("-20.5")),
            ),
        )
    ),
    ReservationRecord(
        order_id=ORDER.id,
        asset="pUSD",
        amount=d("19.5"),
        posted=d("18.25"),
        pending=d("1.125"),
        is_closed=True,
    ),
    PositionRecord(
        strategy=HERON,
        venue=ORDER.venue,
        instrument_id=ORDER.instrument_id,
        market_id=ORDER.market_id,
        side=Side.BUY,
        quantity=d("20.25"),
        unsettled_quantity=d("5.75"),
        cost=d("19.2375"),
        fees=d("0.06733"),
        realized_pnl=d("1.0125"),
        mark_price=d("0.97"),
        unrealized_pnl=d("0.405"),
        opened_ns=NOW_NS + 36 * S,
        closed_ns=NOW_NS + 37 * S,
        updated_ns=NOW_NS + 38 * S,
    ),
    EventRecord(
        time_ns=NOW_NS + 39 * S,
        kind="book.rejected",
        source="engine",
        correlation_id="s1-chain",
        payload='{"reason":"crossed"}',
    ),
    GateCountRecord(
        minute_ns=NOW_NS + 60 * S, strategy=HERON, market_id=ORDER.market_id, gate="edge too small", count=7
    ),
    MetricsRecord(
        time_ns=NOW_NS + 40 * S,
        strategy=HERON,
        signals=101,
        orders=102,
        fills=103,
        denials=104,
        duplicates=105,
        wins=106,
        losses=107,
        realized_pnl=d("1.0125"),
        unrealized_pnl=d("0.405"),
        fees=d("0.06733"),
    ),
    ReceiptRecord(strategy=HERON, receipt=RECEIPT),
    MarketRecord(market=LISTED.market),
    ResolutionRecord(
        time_ns=NOW_NS + 41 * S, market_id=ORDER.market_id, payouts={UP: d("0.25"), DOWN: d("0.75")}
    ),
    PayloadRecord(order_id=ORDER.id, venue_order_id=VenueOrderId("v-99"), payload='{"signature":"0x5e"}'),
    ReconciliationRecord(
        time_ns=NOW_NS + 42 * S, cause="every minute", verdict="drift", report='[{"kind":"balance"}]'
    ),
)
