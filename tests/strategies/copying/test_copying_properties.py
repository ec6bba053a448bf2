"""Whatever the target, the books and the venue do: no cap is passed, and nothing is sold that is not ours."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.instrument import Side
from domain.messages import WalletAction
from tests.strategies.copying.floor import Floor
from tests.support.trading import DOWN, UP, d

CAP = Decimal(30)
ORDER, DAY = Decimal(15), Decimal(60)

trades = st.tuples(
    st.just("trade"),
    st.sampled_from(["BUY", "BUY", "BUY", "SELL"]),
    st.integers(50, 900),
    st.sampled_from(["UP", "DOWN"]),
    st.sampled_from(["0.10", "0.50", "0.50", "0.90"]),
    st.sampled_from([*[WalletAction.TRADE] * 6, WalletAction.MERGE]),
)
books = st.tuples(
    st.just("show"),
    st.sampled_from(["0.49x1000", "0.09x1000", "0.89x1000", ""]),
    st.sampled_from(["0.50x1000", "0.10x1000", "0.91x1000", "0.50x10", ""]),
    st.sampled_from([UP, DOWN]),
)
waits = st.tuples(st.just("wait"), st.integers(1, 5))
answers = st.tuples(
    st.just("answer"), st.sampled_from(["0", "0.3", "0.77", "1"]), st.booleans(), st.booleans()
)


def act(floor: Floor, deed: tuple[object, ...]) -> None:
    match deed:
        case ("trade", side, quantity, outcome, price, action):
            for of in (UP, DOWN):
                floor.show(f"{d(str(price)) - d('0.01')}x1000", f"{price}x1000", of=of)
            floor.trade(f"{side} {quantity} {outcome} {price}", action=action)
        case ("show", str(bids), str(asks), of):
            floor.show(bids, asks, of=of)
        case ("wait", int(seconds)):
            floor.wait(seconds)
        case ("answer", str(part), bool(denies), bool(settles)):
            floor.part, floor.denies, floor.settles = d(part), denies, settles
        case _:
            raise AssertionError(deed)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.one_of(trades, trades, trades, books, waits, answers), min_size=25, max_size=60),
    st.integers(0, 3),
)
def test_caps_hold_and_sales_never_exceed_what_is_ours(
    deeds: list[tuple[object, ...]], window_s: int
) -> None:
    floor = Floor(
        window_s=window_s,
        position_max=CAP,
        order_max=ORDER,
        day_max=DAY,
        target_max=DAY,
        copy_red=True,
        buys_max=50,
        fixed_notional=d(14),
    )
    floor.show(of=UP)
    floor.show(of=DOWN)

    for deed in deeds:
        act(floor, deed)  # the floor itself asserts that no sale exceeds what is held and settled
        assert all(floor.view.holding(of).cost <= CAP for of in (UP, DOWN))

    bought = {i.signal_key: i for i in floor.intents if i.side is Side.BUY and i.signal_key in floor.keys}
    assert all(i.price * i.quantity <= ORDER for i in bought.values())
    assert floor.spent <= DAY
