"""One session on live data in one process: restored, reconciled with the gate closed, then traded until a stop.

restore ─► unknown orders resolved ─► books, orders, fills and money compared ─► gate opens ─► strategies begin
                                             │ an unexplained unit
                                             └─► the gate stays closed and says so; asked again every minute
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import TypeVar

import msgspec

import logbook
from clock import WallScheduler
from config import Settings, nearest
from control import Answer, Request, listening
from domain.errors import UserError, VenueReadError
from domain.identifiers import InstrumentId, OrderId
from domain.inputs import InputKind
from domain.messages import FoundOpen, MarketEvent, ProvenAbsent
from domain.money import ZERO
from domain.order import OrderStatus
from engine import ACCOUNT_OPENED, Engine
from executor import Executor
from live.driver import LiveDriver, LiveParts
from live.market import LiveMarket
from live.money import money_of
from live.reconcile import NOT_LISTED, Reconciler, Report, settled
from order_manager import OrderManager
from recovery import Opened
from reporter import Outcome, Reporter
from runner import Backlog, Runner, Supervision
from session import COMMANDS, StopRequest, Surroundings, watch_signals
from state.market import MarketData
from storage.cache import open_cache
from strategies.base_strategy import BaseStrategy

READY_S_MAX = 30
"""Seconds that the venue gets to let us in before the gate is closed for that reason."""

RESOLVE_S_MAX = 30
"""Seconds for asking about unknown orders before the strategies may begin beside them: their lines stay frozen."""

LISTED_S_MAX = 10
"""Seconds without a market after which a person is told: most likely the selection names none."""

READ_ATTEMPTS, READ_PAUSE_S = 5, 1
RECONCILE_EVERY_S = 60
SECOND_LOOK_S = 3
T = TypeVar("T")
CLOSED_UNTIL_CHECKED = "the daemon has not compared its books with the venue's yet"


class LiveSession:
    """Built once per attempt; a failed commit throws it away as a whole, and another is restored from the store."""

    def __init__(
        self,
        settings: Settings,
        market: LiveMarket,
        strategies: list[BaseStrategy],
        opened: Opened,
        surroundings: Surroundings,
    ) -> None:
        self._settings = settings
        self._market = market
        self._console, self._guard, self._redact, _ = surroundings
        self._store, self._state, self._inputs = opened
        self._stop = StopRequest()
        self._ready = asyncio.Event()
        self._gap = asyncio.Event()
        self._gap_reason = ""
        self._scheduler = WallScheduler()
        self._cache = open_cache(settings.environment.get("REDIS_URL"), session=self._state.session)
        self._engine = self._build_engine(strategies)
        self._executor = Executor(
            engine=self._engine, store=self._store, scheduler=self._scheduler, venue=market.venue
        )
        self._reporter = Reporter(
            settings, self._state, engine=self._engine, console=self._console, cache=self._cache
        )
        self._executor.on_durable = self._reporter.show
        backlog = Backlog()
        self._runners = tuple(self._build_runner(strategy, backlog) for strategy in strategies)
        self._driver = LiveDriver(
            LiveParts(
                scheduler=self._scheduler,
                engine=self._engine,
                executor=self._executor,
                runners=self._runners,
                venue_feed=self._feed,
                metrics_interval_s=settings.run.metrics_interval_s,
            )
        )
        self._reconciler = Reconciler(
            engine=self._engine, executor=self._executor, venue=market.venue, scheduler=self._scheduler
        )
        self._reconciler.is_known = self._store.knows_payload

    async def play(self) -> Outcome:
        """Trade until asked to stop; raises StoreError where memory must be discarded."""
        watch_signals(self._stop, duration_s=self._settings.duration_s)
        self._guard.attach(asyncio.get_running_loop())
        try:
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(self._driver.send_and_tell(), name="executor"),
                    tasks.create_task(self._driver.ask(), name="questions"),
                    tasks.create_task(self._cache.run(), name="cache"),
                    *(tasks.create_task(runner.run(), name=runner.name) for runner in self._runners),
                    tasks.create_task(self._run_market(), name="market"),
                ]
                async with listening(self._settings.db, self._answer):
                    outcome = await self._trade(tasks, running)
                for task in running:
                    task.cancel()
        except BaseExceptionGroup as group:
            raise leaf_of(group) from group
        finally:
            await self._market.close()
            await self._store.close()
            await self._cache.close()
        return outcome

    async def reconcile_once(self, *, accepts: bool) -> Report:
        """Restore, compare once and stop: what the `reconcile` command does. Sends nothing.

        `accepts` is a person's word that what differs is explained: it is the account's new beginning.
        """
        reports: list[Report] = []
        try:
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(self._driver.send_and_tell(), name="executor"),
                    tasks.create_task(self._run_market(), name="market"),
                ]
                report = await self._recover()
                if any(finding.kind == NOT_LISTED for finding in report.findings):
                    await self._executor.resolve_doubts()
                    report = await self._compare("after asking")
                if accepts and report.verdict == "drift":
                    await self._accept()
                    report = await self._compare("accepted")
                reports.append(report)
                await self._driver.until(lambda: not self._executor.has_outbox, timeout_s=RESOLVE_S_MAX)
                await self._store.finish("reconciled", session_is_finished=False, events=0)
                for task in running:
                    task.cancel()
        except BaseExceptionGroup as group:
            raise leaf_of(group) from group
        finally:
            await self._market.close()
            await self._store.close()
        return reports[0]

    async def _trade(self, tasks: asyncio.TaskGroup, running: list[asyncio.Task[None]]) -> Outcome:
        self._tell(await self._recover())
        running.append(tasks.create_task(self._keep_reconciled(), name="reconciliation"))
        self._driver.start()
        await self._until_stopped()
        await self._driver.wind_down(InputKind(self._settings.run.stop_policy.value))
        self._engine.check()
        events = max(0, self._engine.position - self._state.last_position)
        await self._store.finish(self._stop.reason, session_is_finished=False, events=events)
        return self._reporter.outcome(
            self._executor,
            run_id=self._store.run_id,
            reason=self._stop.reason,
            events=events,
            now_ns=self._scheduler.now_ns(),
        )

    async def _until_stopped(self) -> None:
        seconds = 0
        while not self._stop.reason:
            await self._stop.wait_s(1)
            seconds += 1
            if seconds == LISTED_S_MAX and not self._engine.market.markets:
                self._console.say(f"no market is listed after {seconds} s; does --select name any?")
                for line in self._market.status():
                    self._console.say(f"  {line}")
            taken = self._engine.position - self._state.last_position
            if self._settings.events_max is not None and taken >= self._settings.events_max:
                self._stop.set(f"--events {self._settings.events_max} were taken")

    # --- start-up with the gate closed --------------------------------------------------------------

    async def _recover(self) -> Report:
        """Stand where the last process stood, learn what became of its orders, and compare everything."""
        self._engine.orders.gate = CLOSED_UNTIL_CHECKED
        remembered, portfolio = self._store.remembered, self._engine.orders.portfolio
        if self._state.last_sequence:
            self._market.restore(remembered, owned=settled(portfolio))
        self._executor.restore(remembered.prepared)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(READY_S_MAX):
                await self._ready.wait()
        await self._open_account()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RESOLVE_S_MAX):
                await self._executor.resolve_doubts()
        return await self._compare("start")

    async def _open_account(self) -> None:
        """A new session begins with the account's money; what else it holds then is none of ours."""
        opened_ns = self._scheduler.now_ns()
        if not self._store.remembered.opened:
            cash = await insist(self._market.opening_cash)
            money = self._engine.orders.portfolio.cash_asset
            balances = await insist(self._market.venue.balances)
            baseline = {b.asset: b.total for b in balances if b.total and b.asset != money}
            self._executor.take(self._engine.open_account(cash, time_ns=opened_ns, held=baseline))
            self._reconciler.begin(opened_ns=opened_ns, since_ns=opened_ns, baseline=baseline)
        else:
            stored = msgspec.json.decode(self._store.remembered.opened, type=AccountOpened)
            since_ns = max(stored.opened_ns, self._store.remembered.newest_fill_ns)
            self._reconciler.begin(opened_ns=stored.opened_ns, since_ns=since_ns, baseline=stored.held)

    async def _accept(self) -> None:
        """Take what the venue holds beyond our books for what was always there."""
        now_ns = self._scheduler.now_ns()
        ours = settled(self._engine.orders.portfolio)
        theirs = {b.asset: b.total for b in await insist(self._market.venue.balances)}
        baseline = {
            asset: total - ours.get(asset, ZERO)
            for asset, total in theirs.items()
            if total != ours.get(asset, ZERO)
        }
        held = {asset: str(amount) for asset, amount in baseline.items()}
        note = {"opened_ns": now_ns, "held": held}
        self._executor.take(self._engine.note(now_ns, ACCOUNT_OPENED, note))
        self._reconciler.begin(opened_ns=now_ns, since_ns=now_ns, baseline=baseline)

    async def _compare(self, cause: str) -> Report:
        """Compare, and open or close the gate by the outcome; a read that failed leaves a gate that is open so.

        One difference may be two reads of two moments: only what a second look finds too closes the gate.
        """
        report = await self._reconciler.reconcile(cause)
        if report.reason:
            await asyncio.sleep(SECOND_LOOK_S)
            report = await self._reconciler.reconcile(f"{cause}, second look")
        orders = self._engine.orders
        if report.verdict == "clean":
            orders.gate = ""
        elif report.reason:
            orders.gate = f"the trading gate is closed: {report.reason}; `reconcile` tells more"
        return report

    async def _keep_reconciled(self) -> None:
        """Compare every minute and after each gap of our own stream."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RECONCILE_EVERY_S):
                    await self._gap.wait()
            cause = self._gap_reason or "every minute"
            self._gap.clear()
            self._gap_reason = ""
            self._tell(await self._compare(cause))

    def _tell(self, report: Report) -> None:
        if report.verdict != "clean" or report.findings:
            for line in report.lines():
                self._console.say(line)

    # --- the parts ----------------------------------------------------------------------------------

    async def _run_market(self) -> None:
        try:
            await self._market.run(
                self._driver.take, on_gap=self._note_gap, ready=lambda _: self._ready.set()
            )
        except* VenueReadError as group:
            if self._ready.is_set():
                raise
            raise UserError(
                f"{leaf_of(group)}; check the network and the hosts, or play a recording with --market replay"
            ) from group

    def _note_gap(self, reason: str) -> None:
        self._gap_reason = reason
        self._gap.set()

    def _feed(self, event: MarketEvent) -> None:
        self._market.on_market(event)
        self._cache.publish_market(event)

    def _build_engine(self, strategies: list[BaseStrategy]) -> Engine:
        market, venue = MarketData(), self._market.venue
        orders = OrderManager(
            session=self._state.session,
            seed=self._settings.seed,
            venue=venue.name,
            limits=self._settings.limits,
            market=market,
        )
        orders.portfolio.denominate(money_of(self._settings))
        orders.valid_until = venue.valid_until_ns
        orders.venue_denial = venue.denial
        if self._settings.token_ids:
            orders.allowed = frozenset(InstrumentId(token_id) for token_id in self._settings.token_ids)
        engine = Engine(session=self._state.session, market=market, orders=orders)
        engine.restore(
            self._store.remembered, sequence=self._state.last_sequence, position=self._state.last_position
        )
        self._guard.session = self._state.session
        self._guard.position_of = lambda: engine.position
        engine.ask = self._guard.ask
        self._guard.on_output = logbook.write_output
        orders.throttle.share(among=len(strategies))
        for strategy in strategies:
            engine.add(strategy)
        return engine

    def _build_runner(self, strategy: BaseStrategy, backlog: Backlog) -> Runner:
        return Runner(
            strategy,
            engine=self._engine,
            executor=self._executor,
            backlog=backlog,
            supervision=Supervision(redact=self._redact),
            conflates=True,
        )

    # --- commands -----------------------------------------------------------------------------------

    async def _answer(self, request: Request) -> Answer:
        names = [runner.name for runner in self._runners]
        now_ns = self._scheduler.now_ns()
        if request.action == "status":
            gate = self._engine.orders.gate or "open"
            lines = [f"gate: {gate}", *self._market.status(), *await self._reporter.stored()]
            return Answer(lines=[*self._reporter.status(now_ns), *lines])
        if request.action == "decide":
            return await self._decide(request)
        if request.action not in ("pause", "resume"):
            line = f"{request.action!r} is no command{nearest(request.action, COMMANDS)}"
            return Answer(lines=[line], is_refused=True)
        if request.strategy not in names:
            line = f"no strategy {request.strategy!r} runs here{nearest(request.strategy, names)}"
            return Answer(lines=[line], is_refused=True)
        kind = InputKind(request.action)
        self._driver.switch(kind, strategy=request.strategy, reason="a person asked for it")
        await self._driver.until(lambda: not self._executor.has_outbox, timeout_s=READY_S_MAX)
        return Answer(lines=self._reporter.status(now_ns))

    async def _decide(self, request: Request) -> Answer:
        """Take a person's word on an order that is quarantined; any other is the venue's to decide."""
        order = self._engine.orders.order(OrderId(request.order))
        if order is None or order.status is not OrderStatus.QUARANTINED:
            stands = f"is {order.status}" if order else "is not of this session"
            line = f"order {request.order} {stands}; only a QUARANTINED order waits for a person"
            return Answer(lines=[line], is_refused=True)
        now_ns, reason = self._scheduler.now_ns(), "a person decided"
        is_absent = request.decision == "absent"
        report: ProvenAbsent | FoundOpen = (
            ProvenAbsent(order_id=order.id, reason=reason, time_ns=now_ns)
            if is_absent
            else FoundOpen(order_id=order.id, time_ns=now_ns)
        )
        self._executor.report(report)
        await self._driver.until(lambda: not self._executor.has_outbox, timeout_s=READY_S_MAX)
        after = self._engine.orders.order(order.id)
        return Answer(lines=[f"order {order.id} is {after.status if after else 'gone'}: {reason}"])


async def insist(read: Callable[[], Awaitable[T]]) -> T:
    """Repeat a read without which nothing can begin; UserError where the venue does not answer it at all."""
    attempts = 0
    while True:
        try:
            return await read()
        except VenueReadError as error:
            attempts += 1
            if attempts >= READ_ATTEMPTS:
                raise UserError(
                    f"the venue does not tell what the account holds ({error}); try later"
                ) from error
            await asyncio.sleep(READ_PAUSE_S)


def leaf_of(error: BaseException) -> BaseException:
    """The first cause inside groups of groups: what went wrong, without the tasks around it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


class AccountOpened(msgspec.Struct, frozen=True):
    """What the account held when the session began, beside its money."""

    opened_ns: int
    held: dict[str, Decimal]
