"""The money of a session: pUSD, or the one quote of all selected pairs."""

import pytest

from domain.errors import ConfigurationError
from live.money import money_of
from tests.live.people import settings_of
from venue_settings import VenueSettings


@pytest.mark.parametrize(
    ("venue", "money"),
    [
        pytest.param(VenueSettings(), "pUSD", id="Polymarket"),
        pytest.param(VenueSettings(name="binance", select=("BTC/USDT", "ETH/USDT")), "USDT", id="one quote"),
        pytest.param(VenueSettings(name="kraken", select=("ETH/BTC",)), "BTC", id="a coin"),
    ],
)
def test_the_money_of_a_session(venue: VenueSettings, money: str) -> None:
    assert money_of(settings_of(venue=venue)) == money


@pytest.mark.parametrize(
    ("select", "words"),
    [
        pytest.param((), "no pair is selected; give --select BTC/USDT", id="none"),
        pytest.param(
            ("BTC/USDT", "ETH/BTC"), "priced in BTC and USDT, and a session has one money", id="two quotes"
        ),
    ],
)
def test_a_selection_without_a_common_money_is_refused(select: tuple[str, ...], words: str) -> None:
    settings = settings_of(venue=VenueSettings(name="binance", select=select))

    with pytest.raises(ConfigurationError, match=words):
        money_of(settings)
