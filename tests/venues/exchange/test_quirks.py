"""Every row of the table against what the installed ccxt really puts on the wire for it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import ccxt
import ccxt.pro
import pytest

from domain.order import TimeInForce
from venues.base import ClientIdClass
from venues.exchange.payload import TIME_IN_FORCE
from venues.exchange.quirks import CAREFUL, QUIRKS, Lookup, Quirks, quirks_of

IDENTIFIER = "abababababababab"
PAIR = "BTC/USDT"
GRID = {"amount": "0.00001", "price": "0.01"}
MARKET: dict[str, Any] = {
    "id": "BTCUSDT",
    "lowercaseId": "btcusdt",
    "symbol": PAIR,
    "type": "spot",
    "spot": True,
    "base": "BTC",
    "quote": "USDT",
    "baseId": "BTC",
    "quoteId": "USDT",
    "active": True,
    **dict.fromkeys(("margin", "swap", "future", "option", "contract"), False),
    "precision": GRID,
    "limits": {"amount": {}, "price": {}, "cost": {}},
    "info": {"orderTypes": ["LIMIT", "LIMIT_MAKER"]},
}
OPTIONS: dict[str, object] = {
    "enableUnifiedMargin": False,
    "enableUnifiedAccount": True,
    "unifiedMarginStatus": 5,
}
OPTIONS["unifiedAccount"] = False
PRELIMINARY = {
    "account/mode": {"code": "200000", "data": {"selfAccountMode": "CLASSIC"}},
    "account/settings": {"code": "00000", "data": {}},
}
"""What some exchanges are asked before the first order."""

ROWS = [pytest.param(name, id=name) for name in sorted(QUIRKS)]
FINDABLE = [name for name, row in QUIRKS.items() if row.lookup is not Lookup.WHOLE_LISTS]
CANCELLABLE = [name for name, row in QUIRKS.items() if row.cancel_parameter is not None]


def requests_of(name: str, call: Callable[[Any], Awaitable[Any]]) -> list[str]:
    """What a call would send: method, address and body of each request, up to the first that changes anything."""
    sent: list[str] = []

    async def fetch(url: str, method: str = "GET", headers: object = None, body: object = None) -> object:
        for part, answer in PRELIMINARY.items():
            if part in url:
                return answer
        sent.append(f"{method} {url} {body}")
        raise ccxt.NetworkError("captured")

    async def run() -> None:
        made = getattr(ccxt.pro, name)({"apiKey": "k" * 40, "secret": "c2VjcmV0c2VjcmV0", "password": "p"})
        made.options |= OPTIONS
        made.enableRateLimit, made.number = False, str
        made.fetch = fetch
        made.set_markets([MARKET])
        with pytest.raises(ccxt.NetworkError, match="captured"):
            await call(made)

    asyncio.run(run())
    return sent


def listing(method: str, params: dict[str, str]) -> Callable[[Any], Awaitable[Any]]:
    return lambda made: getattr(made, method)(PAIR, None, None, params)


def create(name: str, **params: object) -> str:
    row = QUIRKS[name]
    arguments = (PAIR, "limit", "buy", "0.001", "30000", {row.create_parameter: IDENTIFIER, **params})
    (request,) = requests_of(name, lambda made: made.create_order(*arguments))
    return request


@pytest.mark.parametrize("name", ROWS)
def test_a_new_order_carries_our_client_id_and_our_amounts_as_text(name: str) -> None:
    request = create(name)

    assert request.startswith("POST ")
    assert QUIRKS[name].client_id_prefix + IDENTIFIER in request
    assert "0.001" in request
    assert "30000" in request


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("time_in_force", [TimeInForce.FOK, TimeInForce.FAK])
def test_a_time_in_force_of_the_row_reaches_the_exchange(name: str, time_in_force: TimeInForce) -> None:
    word = TIME_IN_FORCE[time_in_force]

    request = create(name, timeInForce=word)

    assert time_in_force in QUIRKS[name].time_in_force
    assert word.lower() in request.lower()


@pytest.mark.parametrize("name", ROWS)
def test_post_only_changes_what_is_sent(name: str) -> None:
    words = ("limit_maker", "postonly", "post_only", "oflags=post", "poc")

    request = create(name, postOnly=True).lower()

    assert any(word in request for word in words)
    assert '"post_only":false' not in request


@pytest.mark.parametrize("name", FINDABLE)
def test_an_order_is_asked_for_by_our_client_id(name: str) -> None:
    row = QUIRKS[name]
    params = {row.lookup_parameter: IDENTIFIER}

    if row.lookup is Lookup.BY_CLIENT_ID:
        asked = requests_of(name, lambda made: made.fetch_order(None, PAIR, params))
    else:
        asked = [request for one in row.lookup_lists for request in requests_of(name, listing(one, params))]

    assert all(row.client_id_prefix + IDENTIFIER in request for request in asked)
    assert not any("None" in request.rpartition(" ")[0] for request in asked)


@pytest.mark.parametrize("name", CANCELLABLE)
def test_an_order_is_cancelled_by_our_client_id(name: str) -> None:
    params = {QUIRKS[name].cancel_parameter: IDENTIFIER}

    (request,) = requests_of(name, lambda made: made.cancel_order(None, PAIR, params))

    assert IDENTIFIER in request


@pytest.mark.parametrize("name", ROWS)
def test_an_order_is_cancelled_by_the_id_of_the_exchange(name: str) -> None:
    (request,) = requests_of(name, lambda made: made.cancel_order("77", PAIR))

    assert "77" in request


@pytest.mark.parametrize("name", ROWS)
def test_trades_are_asked_for_within_a_window(name: str) -> None:
    history = QUIRKS[name].history
    symbol = PAIR if history.needs_symbol else None
    since_ms, until_ms = 1_700_000_000_000, 1_700_000_001_000

    (request,) = requests_of(
        name, lambda made: made.fetch_my_trades(symbol, since_ms, history.rows_max, {"until": until_ms})
    )

    assert any(text in request for text in ("1700000000", "2023-11-14T22%3A13%3A20"))
    assert any(text in request for text in ("1700000001", "1700000002", "2023-11-14T22%3A13%3A21"))


@pytest.mark.parametrize("name", ROWS)
def test_the_lists_of_a_row_are_methods_that_the_exchange_has(name: str) -> None:
    exchange = getattr(ccxt.pro, name)

    assert all(hasattr(exchange, method) for method in QUIRKS[name].lookup_lists)


@pytest.mark.parametrize("row", [*QUIRKS.values(), CAREFUL])
def test_a_client_id_is_long_enough_to_be_nobody_elses(row: Quirks) -> None:
    digits = row.client_id_length

    assert digits * 4 >= 64  # bits of a digest in hexadecimal


def test_an_unknown_exchange_gets_the_row_that_relies_on_nothing() -> None:
    row = quirks_of("bigone")

    assert row is CAREFUL
    assert row.client_id_class is ClientIdClass.NONE
    assert row.valid_s is None
    assert row.cancel_parameter is None
    assert not row.errors.rate_limited_is_refused


def test_only_where_it_is_documented_does_a_rate_limit_prove_that_nothing_was_accepted() -> None:
    assert [name for name, row in QUIRKS.items() if row.errors.rate_limited_is_refused] == ["binance"]
