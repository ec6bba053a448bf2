"""How strictly Binance reads parameters: each refusal with its code."""

from collections.abc import Callable

import pytest

from domain.instrument import Side
from simulator.exchanges.binance.errors import BinanceError
from simulator.exchanges.binance.parameters import CLIENT_ID, Parameters


@pytest.mark.parametrize(
    ("text", "read", "code"),
    [
        pytest.param("a=1&a=2", lambda p: None, -1101, id="twice"),
        pytest.param("a=", lambda p: p.optional("a"), -1105, id="empty"),
        pytest.param("", lambda p: p.required("a"), -1102, id="missing"),
        pytest.param("a=1e5", lambda p: p.amount("a"), -1100, id="an exponent"),
        pytest.param("a=-1", lambda p: p.amount("a"), -1100, id="negative"),
        pytest.param("a=1.123456789", lambda p: p.amount("a"), -1111, id="nine decimals"),
        pytest.param("a=x", lambda p: p.whole("a"), -1100, id="no number"),
        pytest.param("a=b%20c", lambda p: p.optional("a", CLIENT_ID), -1100, id="a space"),
        pytest.param(
            "a=LONG", lambda p: p.choice("a", Side, (-1117, "Invalid side.")), -1117, id="no choice"
        ),
        pytest.param("a=1", lambda p: p.refuse("a"), -1106, id="not wanted"),
        pytest.param("a=1&b=2", lambda p: (p.whole("a"), p.finish()), -1104, id="not read"),
    ],
)
def test_a_parameter_is_refused(text: str, read: Callable[[Parameters], object], code: int) -> None:
    with pytest.raises(BinanceError) as caught:
        read(Parameters.parsed(text))

    assert (caught.value.code, caught.value.status) == (code, 400)


def test_what_is_right_is_read_exactly() -> None:
    parameters = Parameters.parsed("price=60000.12345678&id=a%2Fb&limit=5&side=BUY")

    values = (parameters.amount("price"), parameters.optional("id", CLIENT_ID), parameters.whole("limit"))

    assert tuple(map(str, values)) == ("60000.12345678", "a/b", "5")
    assert parameters.choice("side", Side, (0, "")) is Side.BUY
    parameters.finish()
