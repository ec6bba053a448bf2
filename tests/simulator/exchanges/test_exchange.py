"""The exchange without a protocol: priority, lifetimes, money, client ids, and what listeners are told."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instrument import Side
from simulator.exchanges.events import ExchangeEvent, OrderChange, OrderChanged
from simulator.exchanges.exchange import ClientIdRule
from simulator.exchanges.orders import Lifetime, OrderKind, OrderRefusedError, OrderState, Refusal
from simulator.exchanges.server_clock import NS_PER_S
from tests.simulator.exchanges.trading import START_NS, Floor

BUY, SELL = Side.BUY, Side.SELL


def test_the_better_price_trades_first_and_of_equal_prices_the_older() -> None:
    floor = Floor()
    dear = floor.place("ann", SELL, "0.1", "60010")
    old = floor.place("ann", SELL, "0.1", "60000")
    young = floor.place("ann", SELL, "0.1", "60000")

    order = floor.place("bob", BUY, "0.25", "60010")

    makers = [fill.trade.maker_order_id for fill in floor.exchange.log.fills_of_order(order.id)]
    assert makers == [old.id, young.id, dear.id]
    assert order.filled_quote == Decimal("15000.5")  # 0.2 * 60 000 + 0.05 * 60 010


def test_a_buy_that_gets_a_better_price_gets_the_difference_back() -> None:
    floor = Floor()
    floor.place("ann", SELL, "0.1", "60000")

    floor.place("bob", BUY, "0.2", "60100")

    bob = floor.exchange.account("bob")
    assert bob
    assert bob.balance("USDT").locked == Decimal(6010)  # 0.1 * 60 100 for the rest
    assert bob.balance("USDT").total == Decimal(94_000)  # 100 000 - 0.1 * 60 000
    assert bob.balance("BTC").free == Decimal("2.0999")  # 2 + 0.1 - 0.1 * 0.001


@pytest.mark.parametrize(
    ("lifetime", "state", "filled"),
    [
        pytest.param(Lifetime.GTC, OrderState.PARTIALLY_FILLED, "0.1", id="rests"),
        pytest.param(Lifetime.IOC, OrderState.EXPIRED, "0.1", id="takes what is there"),
        pytest.param(Lifetime.FOK, OrderState.EXPIRED, "0", id="all or nothing"),
    ],
)
def test_the_rest_of_an_order_has_its_lifetime(lifetime: Lifetime, state: OrderState, filled: str) -> None:
    floor = Floor()
    floor.place("ann", SELL, "0.1", "60000")

    order = floor.place("bob", BUY, "0.2", "60000", lifetime=lifetime)

    assert (order.state, order.filled) == (state, Decimal(filled))
    assert (order.locked == 0) == (lifetime is not Lifetime.GTC)


def test_a_post_only_order_that_would_take_is_refused() -> None:
    floor = Floor()
    floor.place("ann", SELL, "0.1", "60000")

    with pytest.raises(OrderRefusedError) as caught:
        floor.place("bob", BUY, "0.1", "60000", kind=OrderKind.POST_ONLY)

    assert caught.value.refusal is Refusal.WOULD_TAKE


@pytest.mark.parametrize(
    ("rule", "is_refused"),
    [(ClientIdRule.AMONG_OPEN, False), (ClientIdRule.FOR_EVER, True)],
)
def test_a_client_id_of_a_done_order_is_free_or_not_by_the_rule(rule: ClientIdRule, is_refused: bool) -> None:
    floor = Floor(client_ids=rule)
    first = floor.place("ann", BUY, "0.1", "59000", client_order_id="mine")
    floor.exchange.cancel(first.id)

    if is_refused:
        with pytest.raises(OrderRefusedError):
            floor.place("ann", BUY, "0.1", "59000", client_order_id="mine")
    else:
        floor.place("ann", BUY, "0.1", "59000", client_order_id="mine")

    assert len(floor.exchange.log.orders_of("ann")) == (1 if is_refused else 2)


def test_a_client_id_of_an_open_order_is_taken_for_its_owner_only() -> None:
    floor = Floor()
    floor.place("ann", BUY, "0.1", "59000", client_order_id="mine")

    floor.place("bob", BUY, "0.1", "59000", client_order_id="mine")

    with pytest.raises(OrderRefusedError):
        floor.place("ann", BUY, "0.1", "59000", client_order_id="mine")


def test_what_cannot_be_paid_is_refused_and_locks_nothing() -> None:
    floor = Floor()

    with pytest.raises(OrderRefusedError) as caught:
        floor.place("ann", BUY, "1.7", "60000")  # 102 000 of 100 000

    ann = floor.exchange.account("ann")
    assert caught.value.refusal is Refusal.INSUFFICIENT_BALANCE
    assert ann
    assert ann.balance("USDT").locked == 0


def test_listeners_hear_of_the_taker_first_and_of_both_sides_of_a_trade() -> None:
    floor, heard = Floor(), list[tuple[str, OrderChange]]()

    def listen(event: ExchangeEvent) -> None:
        if isinstance(event, OrderChanged):
            heard.append((event.order.owner, event.change))

    floor.place("ann", SELL, "0.1", "60000")
    floor.exchange.listen(listen)
    floor.place("bob", BUY, "0.2", "60000", lifetime=Lifetime.IOC)

    assert heard == [
        ("bob", OrderChange.NEW),
        ("bob", OrderChange.TRADE),
        ("ann", OrderChange.TRADE),
        ("bob", OrderChange.EXPIRED),
    ]


def test_the_log_answers_as_of_an_earlier_moment() -> None:
    floor = Floor()
    order = floor.place("ann", SELL, "0.1", "60000")
    floor.clock.advance(NS_PER_S)
    floor.place("bob", BUY, "0.1", "60000")

    log = floor.exchange.log
    then = log.order(order.id, as_of_ns=START_NS)
    assert then
    assert (then.state, len(log.open_of("ann", as_of_ns=START_NS))) == (OrderState.NEW, 1)
    assert (log.open_of("ann"), log.fills_of("ann", as_of_ns=START_NS)) == ([], [])
    assert len(log.fills_of("ann")) == 1
    assert log.order(order.id, as_of_ns=START_NS - 1) is None


orders = st.tuples(
    st.sampled_from(["ann", "bob"]),
    st.sampled_from(Side),
    st.integers(1, 300),
    st.integers(59_990, 60_010),
    st.sampled_from(Lifetime),
    st.booleans(),
)


@given(st.lists(orders, max_size=30))
def test_no_money_appears_or_is_lost_but_the_fees(
    sent: list[tuple[str, Side, int, int, Lifetime, bool]],
) -> None:
    floor = Floor()

    for owner, side, thousandths, price, lifetime, is_cancelled in sent:
        try:
            order = floor.place(owner, side, f"{thousandths}E-3", str(price), lifetime=lifetime)
        except OrderRefusedError:
            continue
        if is_cancelled:
            floor.exchange.cancel(order.id)

    log, exchange = floor.exchange.log, floor.exchange
    fills = [fill for owner in ("ann", "bob") for fill in log.fills_of(owner)]
    for asset, funded in (("USDT", 200_000), ("BTC", 4)):
        fees = sum((fill.fee for fill in fills if fill.fee_asset == asset), Decimal(0))
        assert floor.total(asset) + fees == funded
    for owner in ("ann", "bob"):
        account, rest = exchange.account(owner), log.open_of(owner)
        assert account
        for side, asset in ((BUY, "USDT"), (SELL, "BTC")):
            locked = sum((order.locked for order in rest if order.form.side is side), Decimal(0))
            assert account.balance(asset).locked == locked
    bid, ask = (exchange.books["BTCUSDT"].best(side) for side in (BUY, SELL))
    assert not (bid and ask and bid[0] >= ask[0])
