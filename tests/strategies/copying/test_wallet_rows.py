"""Downloaded trades of a wallet become events on the markets of a recording."""

import msgspec
import pytest

from domain.instrument import Side
from domain.messages import BookSnapshot
from strategies.copying.wallet_rows import interleave, parse_rows, wallet_trades
from tests.support.trading import MARKET, NOW_NS, UP, S, book, d, market

ROW = (
    b'{"wallet":"0xe2","asset":"509","outcome":"Up","outcome_index":0,"price":"0.8099999740799853",'
    b'"side":"BUY","size":"6.088396","slug":"btc-updown-15m","taker":false,"ts":1790596800,"tx":"0x32"}'
)


def test_a_row_becomes_a_trade_that_is_heard_of_later() -> None:
    [trade] = wallet_trades(
        parse_rows([ROW, b"\n"]), {"btc-updown-15m": market()}, name="someone", delay_s=d("2.5")
    )

    assert (trade.traded_ns, trade.time_ns) == (NOW_NS, NOW_NS + 5 * S // 2)
    assert (trade.market_id, trade.instrument_id, trade.side) == (MARKET, UP, Side.BUY)
    assert (trade.price, trade.quantity) == (d("0.809999"), d("6.088396"))
    assert (trade.wallet, trade.name, trade.transaction, trade.is_maker) == ("0xe2", "someone", "0x32", True)


def test_a_market_that_is_not_recorded_stays_unknown() -> None:
    [trade] = wallet_trades(parse_rows([ROW]), {}, name="someone")

    assert (trade.market_id, trade.instrument_id) == ("btc-updown-15m", "btc-updown-15m:UP")


def test_a_line_that_is_no_trade_is_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        parse_rows([ROW.replace(b'"BUY"', b'"HOLD"')])


def test_trades_are_played_among_the_books() -> None:
    trades = wallet_trades(parse_rows([ROW]), {}, name="someone", delay_s=d(5))
    books = [BookSnapshot(time_ns=t, book=book(time_ns=t)) for t in (NOW_NS, NOW_NS + 5 * S, NOW_NS + 9 * S)]

    played = list(interleave(books, trades))

    assert played == [*books[:2], *trades, books[2]]
