"""A session restored from its rows stands where the process stood that wrote them, to the unit."""

import asyncio
from pathlib import Path

import pytest

from domain.errors import StoreError
from domain.messages import Lost, Settlement
from domain.order import OrderStatus
from domain.remembered import Remembered
from engine import Engine
from order_manager import Duplicate, OrderManager
from state.market import MarketData
from storage.store import Store
from tests.support.daemon import RUN, Daemon
from tests.support.trader import WIDE
from tests.support.trading import (
    NOW_NS,
    PAPER,
    SESSION,
    S,
    acknowledged,
    fill_of,
    filled_report,
    intent,
    settlement_of,
)

KIND = "paper on live data"


def opened(path: Path) -> Store:
    """The database of a session that is not replayed."""
    store = Store.open(path, account_kind=KIND)
    store.begin(fingerprint={}, run=RUN, fresh=False, is_replayed=False)
    return store


async def trade(daemon: Daemon) -> None:
    """Orders in many states; fills pending, settled, failed and sold again."""
    rests = await daemon.send(intent("BUY 10 UP 0.40", key="rests"))
    daemon.executor.report(acknowledged(rests))
    part = await daemon.send(intent("BUY 20 UP 0.50", key="part"))
    daemon.executor.report(acknowledged(part))
    fills = [
        fill_of(part, quantity, price=price, trade=trade, fee="0.01")
        for trade, quantity, price in (("t1", "9", "0.50"), ("t2", "6", "0.49"), ("t3", "2", "0.48"))
    ]
    for fill in fills:
        daemon.executor.report(filled_report(fill))
    daemon.executor.report(settlement_of(fills[0]))
    daemon.executor.report(settlement_of(fills[1], Settlement.FAILED))
    sale = await daemon.send(intent("SELL 5 UP 0.51", key="sale"))
    daemon.executor.report(filled_report(fill_of(sale, "5", trade="t4", fee="0.02")))
    await daemon.send(intent("BUY 10 UP 0.31", key="on its way"))
    unknown = await daemon.send(intent("BUY 10 UP 0.30", key="unknown"))
    daemon.executor.report(Lost(order_id=unknown.id, reason="no answer", time_ns=NOW_NS + S))
    await daemon.drain()
    daemon.executor.take(daemon.engine.take_stock(time_ns=NOW_NS + 2 * S))
    await daemon.drain()


def play(path: Path) -> Daemon:
    """The first process."""

    async def run() -> Daemon:
        store = opened(path)
        daemon = Daemon(store)
        await trade(daemon)
        await store.close()
        return daemon

    return asyncio.run(run())


def read_back(path: Path) -> tuple[Remembered, int, int]:
    """What the second process finds."""

    async def run() -> tuple[Remembered, int, int]:
        store = Store.open(path, account_kind=KIND)
        state = store.begin(fingerprint={}, run=RUN, fresh=False, is_replayed=False)
        await store.close()
        return store.remembered, state.last_sequence, state.last_position

    return asyncio.run(run())


def restored(remembered: Remembered, sequence: int, position: int) -> Engine:
    """A new engine that stands where the first stood."""
    market = MarketData()
    orders = OrderManager(session=SESSION, seed=1, venue=PAPER, limits=WIDE, market=market)
    engine = Engine(session=SESSION, market=market, orders=orders)
    engine.restore(remembered, sequence=sequence, position=position)
    return engine


def test_money_positions_and_orders_are_what_they_were(tmp_path: Path) -> None:
    daemon = play(tmp_path / "x.db")

    engine = restored(*read_back(tmp_path / "x.db"))

    before, after = daemon.orders.portfolio, engine.orders.portfolio
    assert set(after.ledger.balances()) == set(before.ledger.balances())
    assert after.positions == before.positions
    assert after.reservations == before.reservations
    assert after.unsettled == before.unsettled
    assert (after.held, after.invested) == (before.held, before.invested)
    assert list(engine.orders.live) == list(daemon.orders.live)
    assert {order.status for order in engine.orders.live} == {
        OrderStatus.OPEN,
        OrderStatus.PARTIALLY_FILLED,
        OrderStatus.UNKNOWN,
        OrderStatus.SENDING,
    }


def test_what_settles_or_fails_later_is_booked_as_it_would_have_been(tmp_path: Path) -> None:
    daemon = play(tmp_path / "x.db")
    engine = restored(*read_back(tmp_path / "x.db"))

    for key, how in zip(list(daemon.orders.portfolio.unsettled), Settlement, strict=False):
        booked = daemon.orders.portfolio.unsettled[key]
        late = settlement_of(booked.fill, Settlement.FAILED if how is Settlement.PENDING else how)
        engine.apply(late)
        daemon.engine.apply(late)

    after, before = engine.orders.portfolio, daemon.orders.portfolio
    assert after.positions == before.positions
    assert set(after.ledger.balances()) == set(before.ledger.balances())
    engine.check()


def test_a_fill_that_was_posted_is_not_posted_again(tmp_path: Path) -> None:
    play(tmp_path / "x.db")
    engine = restored(*read_back(tmp_path / "x.db"))
    part = next(order for order in engine.orders.live if order.status is OrderStatus.PARTIALLY_FILLED)

    decision = engine.apply(filled_report(fill_of(part, "9", price="0.50", trade="t1", fee="0.01")))

    assert decision.transaction is None


def test_an_intent_that_was_accepted_is_not_accepted_again(tmp_path: Path) -> None:
    play(tmp_path / "x.db")
    engine = restored(*read_back(tmp_path / "x.db"))

    again = engine.orders.place(
        intent("BUY 10 UP 0.40", key="rests"),
        strategy=next(iter(engine.orders.live)).strategy,
        time_ns=NOW_NS,
        journal=[],
    )

    assert isinstance(again, Duplicate)


def test_transactions_go_on_after_the_last_one(tmp_path: Path) -> None:
    play(tmp_path / "x.db")
    remembered, sequence, position = read_back(tmp_path / "x.db")
    engine = restored(remembered, sequence, position)

    decision = engine.take_stock(time_ns=NOW_NS + 9 * S)

    assert decision.transaction is not None
    assert decision.transaction.sequence == sequence + 1


def test_a_process_of_an_earlier_epoch_writes_nothing(tmp_path: Path) -> None:
    play(tmp_path / "x.db")

    async def run() -> None:
        store = opened(tmp_path / "x.db")
        sequence = store.remembered.signals and read_sequence(store)
        engine = restored(store.remembered, sequence, 0)
        store._database.connection.execute("UPDATE sessions SET epoch = epoch + 1")
        transaction = engine.take_stock(time_ns=NOW_NS + 9 * S).transaction
        assert transaction is not None
        store.commit(transaction)
        try:
            await store.wait_durable()
        finally:
            await store.close()

    with pytest.raises(StoreError, match="taken over by another process"):
        asyncio.run(run())


def read_sequence(store: Store) -> int:
    (last,) = store._database.connection.execute("SELECT last_sequence FROM sessions").fetchone()
    return int(last)
