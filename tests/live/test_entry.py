"""A start on live data: what is put on the settings before anything is opened."""

from decimal import Decimal

import pytest

from config import load
from live.entry import capped
from settings import Settings


@pytest.mark.parametrize(("cap", "limit"), [("100", Decimal(100)), ("90000000", Decimal(100_000))])
def test_the_cap_on_money_at_risk_binds_control_06(cap: str, limit: Decimal) -> None:
    settings = load(["--strategies", "sniper", "--mode", "live", "--notional-max", cap])
    assert isinstance(settings, Settings)

    assert capped(settings).limits.position_notional_max == limit


def test_without_a_cap_the_limits_stay() -> None:
    settings = load(["--strategies", "sniper", "--market", "live"])
    assert isinstance(settings, Settings)

    assert capped(settings).limits == settings.limits
