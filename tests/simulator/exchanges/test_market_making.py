"""The house and the recordings: seeded quotes, levels set one by one, tapes acted out with clients in their turn."""

from collections.abc import Callable
from decimal import Decimal

from domain.instrument import Side
from simulator.exchanges.exchange import SpotExchange
from simulator.exchanges.liquidity import House
from simulator.exchanges.recording import Recording
from tests.simulator.exchanges.trading import Floor

BOOK = '1000 {"lastUpdateId":5,"bids":[["60000.00","1.0"],["59999.00","2.0"]],"asks":[["60001.00","1.5"]]}'
TRADE = (
    '2000 {"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT","t":1,'
    '"p":"60000.00","q":"%s","T":1,"m":true}}'
)
TOP = '3000 {"data":{"u":6,"s":"BTCUSDT","b":"59999.00","B":"0.7","a":"60000.00","A":"0.2"}}'
DEPTH = (
    '4000 {"data":{"e":"depthUpdate","s":"BTCUSDT","U":6,"u":7,'
    '"b":[["59999.00","0.5"],["60000.00","0.0"]],"a":[["60002.00","3"]]}}'
)
NAME = '900 {"data":{"e":"depthUpdate","s":"BTCUSDT","U":1,"u":2,"b":[],"a":[]}}'


def acted_out(floor: Floor, *lines: str) -> Recording:
    recording = Recording(lines, floor.exchange, House(floor.exchange, seed=1))
    recording.play_some(len(lines))
    return recording


def levels(exchange: SpotExchange, side: Side) -> list[tuple[str, str]]:
    return [(f"{p:f}", f"{q.normalize():f}") for p, q in exchange.books["BTCUSDT"].levels(side)]


def test_a_seed_gives_the_same_market_and_another_seed_another() -> None:
    def quotes(seed: int) -> list[tuple[str, str]]:
        floor = Floor()
        house = House(floor.exchange, seed=seed)
        house.open()
        for _ in range(3):
            house.step()
        return levels(floor.exchange, Side.BUY)

    assert quotes(1) == quotes(1) != quotes(2)


def test_quotes_beyond_a_clients_price_fill_it_at_its_own_price() -> None:
    floor = Floor()
    order = floor.place("ann", Side.SELL, "0.001", "60050")
    house = House(floor.exchange, seed=1)

    house.quote("BTCUSDT", Decimal(60_100))

    (fill,) = floor.exchange.log.fills_of_order(order.id)
    assert (fill.trade.price, fill.is_maker) == (Decimal(60_050), True)


def test_a_recorded_book_replaces_the_house_and_its_changes_follow() -> None:
    floor = Floor()

    recording = acted_out(floor, NAME, BOOK, DEPTH)

    assert levels(floor.exchange, Side.BUY) == [("59999.00", "0.5")]
    assert levels(floor.exchange, Side.SELL) == [("60001.00", "1.5"), ("60002.00", "3")]
    assert recording.played == {"depthUpdate": 2, "book": 1}


def test_a_recorded_top_moves_the_levels_that_stand_in_its_way() -> None:
    floor = Floor()

    acted_out(floor, NAME, BOOK, TOP)

    assert levels(floor.exchange, Side.BUY) == [("59999.00", "0.7")]
    assert levels(floor.exchange, Side.SELL) == [("60000.00", "0.2"), ("60001.00", "1.5")]


def test_a_recorded_print_fills_a_client_behind_what_stood_before_him() -> None:
    floor = Floor()
    recording = Recording([NAME, BOOK, TRADE % "1.25"], floor.exchange, House(floor.exchange, seed=1))
    recording.play_some(2)
    order = floor.place("ann", Side.BUY, "0.5", "60000")

    recording.play_some(1)

    resting = floor.exchange.resting(order.id)
    assert resting
    assert resting.filled == Decimal("0.25")  # 1.25 printed, 1.0 stood before


def test_a_print_larger_than_the_book_is_printed_all_the_same() -> None:
    floor = Floor()

    acted_out(floor, NAME, BOOK, TRADE % "4")

    assert sum(trade.quantity for trade in floor.exchange.trades["BTCUSDT"]) == 4


def test_lines_that_mean_nothing_are_counted_and_do_no_harm() -> None:
    floor = Floor()
    bad: list[str] = ["", "12", "1 no JSON", "1 []", '1 {"data":{"s":"OTHER","e":"trade"}}']
    bad += ['1 {"data":{"s":"BTCUSDT","e":"trade"}}', '1 {"data":{"s":"BTCUSDT","e":"other"}}']

    recording = acted_out(floor, *bad, NAME, BOOK)

    assert recording.played == {"skipped": len(bad), "depthUpdate": 1, "book": 1}


def test_a_recording_ends() -> None:
    floor = Floor()
    play: Callable[[int], int] = Recording([NAME], floor.exchange, House(floor.exchange, seed=1)).play_some

    assert (play(5), play(5)) == (1, 0)
