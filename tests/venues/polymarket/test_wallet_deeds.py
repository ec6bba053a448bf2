"""Deeds of followed wallets: once each across two sources, identical rows included."""

from decimal import Decimal

import msgspec
import pytest

from domain.instrument import Side
from domain.messages import WalletAction, WalletTrade
from venues.polymarket.wallet_deeds import KEPT_S, Deed, WalletDeeds

LEADER, OTHER = "0x" + "ab" * 20, "0x" + "cd" * 20
NOW_S = 1_790_000_100

DEED = Deed(
    wallet=LEADER.upper().replace("0X", "0x"),
    name="Car",
    action=WalletAction.TRADE,
    condition_id="0xc",
    token_id="111",
    side=Side.BUY,
    price=Decimal("0.9300000035"),
    quantity=Decimal("14.285715"),
    time_s=NOW_S - 10,
    transaction="0xT",
)


def another(**changes: object) -> Deed:
    return msgspec.structs.replace(DEED, **changes)


class Heard:
    """Deeds of one wallet and what was told of them."""

    def __init__(self) -> None:
        self.now_s = NOW_S
        self.told: list[WalletTrade] = []
        self.deeds = WalletDeeds(
            self.told.append, now_ns=lambda: self.now_s * 10**9, since_ns=(NOW_S - 60) * 10**9
        )
        self.deeds.follow(LEADER, "leader")


def test_a_deed_is_told_with_both_times_and_the_pinned_name() -> None:
    heard = Heard()

    heard.deeds.hear_trigger(DEED)

    (told,) = heard.told
    assert (told.wallet, told.name, told.action) == (LEADER, "leader", WalletAction.TRADE)
    assert (told.time_ns, told.traded_ns) == (NOW_S * 10**9, (NOW_S - 10) * 10**9)
    assert (told.price, told.quantity) == (Decimal("0.930000"), Decimal("14.285715"))


@pytest.mark.parametrize("trigger_first", [True, False])
def test_a_deed_that_both_sources_tell_counts_once(trigger_first: bool) -> None:
    heard = Heard()
    audit = another(wallet=LEADER, transaction="0xt", price=Decimal("0.93"))

    if trigger_first:
        heard.deeds.hear_trigger(DEED)
    heard.deeds.hear_audit([audit])
    heard.deeds.hear_trigger(DEED)
    heard.deeds.hear_audit([audit])

    assert len(heard.told) == 1


def test_identical_rows_of_one_reading_count_as_many_as_they_are() -> None:
    heard = Heard()
    heard.deeds.hear_trigger(DEED)
    heard.deeds.hear_trigger(DEED)

    new = heard.deeds.hear_audit([DEED, DEED, DEED])
    again = heard.deeds.hear_audit([DEED, DEED, DEED])

    assert (new, again, len(heard.told)) == (2, 0, 3)
    assert heard.deeds.counters.repeated == 1


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"side": Side.SELL}, id="side"),
        pytest.param({"token_id": "222"}, id="token"),
        pytest.param({"quantity": Decimal("14.285716")}, id="quantity"),
        pytest.param({"price": Decimal("0.94")}, id="price"),
        pytest.param({"transaction": "0xu"}, id="transaction"),
    ],
)
def test_deeds_that_differ_are_two(changes: dict[str, object]) -> None:
    heard = Heard()

    heard.deeds.hear_trigger(DEED)
    heard.deeds.hear_trigger(another(**changes))

    assert len(heard.told) == 2


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"wallet": OTHER}, id="a stranger"),
        pytest.param({"time_s": NOW_S - 61}, id="before we wanted to know"),
        pytest.param({"time_s": NOW_S * 1_000}, id="milliseconds"),
        pytest.param({"price": Decimal("1.01")}, id="a price above one"),
        pytest.param({"quantity": Decimal(0)}, id="no shares"),
        pytest.param({"quantity": Decimal("NaN")}, id="no number"),
    ],
)
def test_what_is_not_ours_or_not_credible_is_not_told(changes: dict[str, object]) -> None:
    heard = Heard()

    heard.deeds.hear_trigger(another(**changes))
    heard.deeds.hear_audit([another(**changes)])

    assert heard.told == []


def test_rows_of_a_reading_are_told_in_order_of_time() -> None:
    heard = Heard()

    heard.deeds.hear_audit([another(time_s=NOW_S - 1, transaction="0x2"), another(transaction="0x1")])

    assert [deed.transaction for deed in heard.told] == ["0x1", "0x2"]


def test_deeds_are_remembered_for_as_long_as_a_reading_reaches_back_and_not_for_ever() -> None:
    heard = Heard()
    heard.deeds.hear_trigger(DEED)

    heard.now_s += KEPT_S + 20
    heard.deeds.hear_trigger(another(transaction="0x2", time_s=heard.now_s))

    assert len(heard.deeds._told) == 1
