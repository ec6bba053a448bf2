"""What a person sees while it runs: orders with their reasons, fills, refusals, redemptions, progress, the summary."""

import contextlib
import os
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TextIO

import msgspec

from clock import format_time, monotonic_s
from domain.messages import Settlement
from domain.money import PUSD
from domain.order import Order, OrderEvent, OrderStatus
from domain.records import (
    DenialRecord,
    EventRecord,
    FillRecord,
    MarketRecord,
    MetricsRecord,
    OrderEventRecord,
    OrderRecord,
    Record,
    SettlementRecord,
    Transaction,
    TransferRecord,
)

PROGRESS_EVERY_S = 2
NAMES_KEPT_MAX = 10_000


class Console:
    """Writes lines for people; shows only what is durable."""

    def __init__(self, stream: TextIO) -> None:
        self.asset = PUSD
        """What the money of the lines is called."""
        self._stream: TextIO | None = stream
        self._names: dict[str, str] = {}
        self._progress_at_s = monotonic_s() + PROGRESS_EVERY_S

    def say(self, text: str) -> None:
        """Write a line; a reader that has gone (`| head`) silences the console and stops nothing else."""
        if self._stream is None:
            return
        try:
            print(text, file=self._stream, flush=True)
        except OSError:
            silence(self._stream)
            self._stream = None

    def banner(self, lines: list[str]) -> None:
        """Say what kind of money and market this is, so that nobody can mistake it."""
        width = max(len(line) for line in lines)
        bar = "─" * (width + 2)
        self.say(f"┌{bar}┐")
        for line in lines:
            self.say(f"│ {line:<{width}} │")
        self.say(f"└{bar}┘")

    def show(self, transaction: Transaction) -> None:
        """Tell what a durable transaction holds that a person wants to know at once."""
        self.learn(transaction)
        clock = format_time(transaction.time_ns)[11:21]
        for record in transaction.records:
            for line in self._lines(record):
                self.say(f"{clock}  {line}")

    def learn(self, transaction: Transaction) -> None:
        """Take in the names of markets without showing anything: a restart repeats what was shown before."""
        for record in transaction.records:
            if isinstance(record, MarketRecord):
                self._names[record.market.id] = record.market.slug
                self._names |= {instrument.id: instrument.outcome for instrument in record.market.instruments}
        while len(self._names) > NAMES_KEPT_MAX:
            del self._names[next(iter(self._names))]

    @property
    def is_progress_due(self) -> bool:
        """Say whether it is time for another line of progress."""
        return monotonic_s() >= self._progress_at_s

    def progress(self, *, events: int, total: int, time_ns: int, equity: Callable[[], Decimal]) -> None:
        """Say how far the recording is, now and then."""
        if not self.is_progress_due:
            return
        self._progress_at_s = monotonic_s() + PROGRESS_EVERY_S
        share = f"{events / total:.0%}" if total else f"{events:,} events"
        self.say(
            f"{format_time(time_ns)[11:21]}  … {share} of the recording, equity {money(equity())} {self.asset}"
        )

    def _lines(self, record: Record) -> list[str]:
        match record:
            case OrderRecord(order=order) if order.status is OrderStatus.SENDING and order.attempts == 1:
                shares = f"{number(order.quantity)} {self._outcome(order)}"
                what = f"{order.side} {shares} at {order.price} {order.time_in_force}"
                return [f"order     {what} · {order.strategy} · {order.id}", f"{'':10}because {order.reason}"]
            case OrderEventRecord(event=OrderEvent.REJECT | OrderEvent.LOSE | OrderEvent.GIVE_UP as event):
                return [f"{_word(event):<10}{record.order_id}: {record.detail}"]
            case FillRecord(fill=fill):
                cost = f"{number(fill.quantity)} at {fill.price} = {money(fill.quantity * fill.price)}"
                asset = "" if fill.fee_asset == self.asset else f" {fill.fee_asset}"
                what = f"{cost} {self.asset}, fee {number(fill.fee)}{asset}"
                return [f"filled    {what} · {self._name(fill.market_id)} · {fill.order_id}"]
            case SettlementRecord(settlement=Settlement.FAILED):
                return [f"unsettled {record.trade_id} failed on the chain: money, shares and fee are undone"]
            case DenialRecord():
                return [
                    f"denied    {record.strategy} by {record.control}: {record.reason} ({record.value}; {record.limit})"
                ]
            case TransferRecord(transfer=transfer) if transfer.kind == "REDEEM":
                paid = sum((e.amount for e in transfer.entries if e.account.kind == "CASH"), Decimal(0))
                profit = -sum(
                    (e.amount for e in transfer.entries if e.account.kind == "REALISED_PNL"), Decimal(0)
                )
                return [f"redeemed  {money(paid)} {self.asset}, profit {signed(profit)} before fees"]
            case EventRecord(kind="strategy.error" | "strategy.stopped" | "strategy.paused" as kind):
                told = msgspec.json.decode(record.payload, type=dict[str, str])
                return [
                    f"{kind.partition('.')[2]:<10}{told['strategy']}: {told.get('reason', told.get('error', ''))}"
                ]
            case _:
                return []

    def _outcome(self, order: Order) -> str:
        """What people call the instrument: its outcome; of an unknown one the end of its id."""
        return self._names.get(order.instrument_id, order.instrument_id.rpartition(":")[2][-12:])

    def _name(self, market_id: str) -> str:
        return self._names.get(market_id, market_id[:20])


def silence(stream: TextIO) -> None:
    """Send what is still written to a stream whose reader has gone to nowhere, so that nothing fails at the exit."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def summary_lines(
    figures: Sequence[MetricsRecord],
    *,
    cash: Decimal,
    equity: Decimal,
    asset: str,
    latency_ms: tuple[Decimal | None, ...],
) -> list[str]:
    """The closing table. `latency_ms` holds p50 and p99 from decision to sending, None where nothing was sent."""
    counts = f"{'strategy':<14}{'signals':>8}{'orders':>8}{'fills':>7}{'denials':>9}"
    rows = [
        f"{f.strategy:<14}{f.signals:>8}{f.orders:>8}{f.fills:>7}{f.denials:>9}"
        f"{signed(f.realized_pnl):>12}{signed(f.unrealized_pnl):>12}{money(f.fees):>10}"
        for f in figures
    ]
    p50, p99 = latency_ms
    latency = "no order was sent" if p50 is None else f"decision to sent: p50 {p50} ms, p99 {p99} ms"
    return [
        "",
        f"{counts}{'realised':>12}{'unrealised':>12}{'fees':>10}",
        *rows,
        "",
        f"equity {money(equity)} {asset}, {signed(equity - cash)} on the {money(cash)} {asset} it began with",
        f"invariants ok · {latency}",
    ]


def money(amount: Decimal) -> str:
    """Two decimals and thousands, for reading; the database has the exact figure."""
    return f"{amount:,.2f}"


def signed(amount: Decimal) -> str:
    """Money with its sign."""
    return f"{amount:+,.2f}" if amount else "0.00"


def number(amount: Decimal) -> str:
    """A number without trailing zeros."""
    return f"{amount.normalize():f}"


def _word(event: OrderEvent) -> str:
    return {OrderEvent.REJECT: "rejected", OrderEvent.LOSE: "unknown"}.get(event, "gave up")
