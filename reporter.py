"""Shows a session: what is durable on the console and in the logs, its health to a person, its figures at the end."""

from decimal import Decimal

from msgspec import Struct

import logbook
from clock import format_time
from config import Settings
from console import Console, money, signed
from domain.identifiers import OrderId, SessionId
from domain.records import MetricsRecord, OrderRecord, Transaction
from engine import Engine
from executor import Executor
from storage.cache import Cache
from storage.sessions import SessionState


class Outcome(Struct, frozen=True, kw_only=True):
    """What a run brought: figures of the session so far, and of this run."""

    session: SessionId
    run_id: str
    stopped_by: str
    events: int
    figures: list[MetricsRecord]
    states: dict[str, str]
    snapshots_rejected: int
    asset: str
    cash: Decimal
    equity: Decimal
    orders_sent: int
    last_order_id: OrderId | None
    latency_ms_p50: Decimal | None
    latency_ms_p99: Decimal | None


class Reporter:
    """Of one session in one process, replayed or live."""

    def __init__(
        self, settings: Settings, state: SessionState, *, engine: Engine, console: Console, cache: Cache
    ) -> None:
        self._settings = settings
        self._state = state
        self._engine = engine
        self._console = console
        console.asset = engine.orders.portfolio.cash_asset
        self._cache = cache
        self._last_order_id: OrderId | None = None

    def status(self, now_ns: int) -> list[str]:
        """A line for the session and one for each strategy, with its health and its counts."""
        head = (
            f"session {self._state.session} at {format_time(now_ns)}, {self._engine.position:,} market events"
        )
        asset, working = self._engine.orders.portfolio.cash_asset, len(self._engine.orders.live)
        lines = [f"{head}, equity {money(self._engine.equity)} {asset}, {working} orders working"]
        for strategy in self._engine.strategies:
            health, figures = strategy.health(now_ns), self._engine.figures(strategy, time_ns=now_ns)
            counts = f"{figures.signals} signals, {figures.orders} orders, {figures.fills} fills"
            why = f" ({health.reason})" if health.reason else ""
            lines.append(
                f"{strategy.name}: {health.state}{why}, {health.events:,} events, {health.errors} errors, "
                f"idle {health.idle_s:.1f} s, {counts}, realised {signed(figures.realized_pnl)} {asset}"
            )
        return lines

    async def stored(self) -> list[str]:
        """What the database holds by now, by strategy: read through the cache where there is one."""
        counted = await self._cache.cached_totals(self._settings.db, self._state.session)
        return [
            f"stored for {t.strategy}: {t.signals} signals, {t.orders} orders, {t.fills} fills, {t.denials} denials"
            for t in counted
        ]

    def show(self, transaction: Transaction) -> None:
        """Show and log what is durable; what a restart only repeats was shown before."""
        if transaction.sequence <= self._state.last_sequence:
            self._console.learn(transaction)
            return
        self._cache.publish(transaction)
        self._console.show(transaction)
        logbook.write(transaction)
        for record in transaction.records:
            if isinstance(record, OrderRecord):
                self._last_order_id = record.order.id

    def outcome(self, executor: Executor, *, run_id: str, reason: str, events: int, now_ns: int) -> Outcome:
        """The figures at the end of a run."""
        return Outcome(
            session=self._state.session,
            run_id=run_id,
            stopped_by=reason,
            events=events,
            figures=[self._engine.figures(strategy, time_ns=now_ns) for strategy in self._engine.strategies],
            snapshots_rejected=self._engine.market.snapshots_rejected,
            states={strategy.name: strategy.state.value for strategy in self._engine.strategies},
            asset=self._engine.orders.portfolio.cash_asset,
            cash=self._engine.orders.portfolio.paid_in,
            equity=self._engine.equity,
            orders_sent=executor.orders_sent,
            last_order_id=self._last_order_id,
            latency_ms_p50=executor.latency.percentile_ms(50),
            latency_ms_p99=executor.latency.percentile_ms(99),
        )
