"""Transactions: what is redeemed and converted when they are confirmed, refused, or nobody knows."""

import asyncio
from decimal import Decimal

import pytest

from domain.conversions import Conversion, SetAction
from domain.errors import VenueReadError
from domain.identifiers import StrategyName
from tests.venues.polymarket.orders import DOWN, MARKET, UP, terms
from venues.polymarket import chain
from venues.polymarket.account import Account, ChainOutcome
from venues.polymarket.chain import Chain
from venues.polymarket.holdings import Holdings

DONE = ChainOutcome(True, True, "0x1")
REFUSED = ChainOutcome(False, True, "refused")
NOBODY_KNOWS = ChainOutcome(False, False, "timed out")


class FakeAccount(Account):
    """Answers every transaction alike, and counts them."""

    def __init__(self, outcome: ChainOutcome) -> None:
        self.outcome = outcome
        self.calls: list[str] = []

    async def redeem(self, condition_id: str) -> ChainOutcome:
        self.calls.append("redeem")
        return self.outcome

    async def merge(self, condition_id: str, quantity: Decimal) -> ChainOutcome:
        self.calls.append("merge")
        return self.outcome

    async def split(self, condition_id: str, quantity: Decimal) -> ChainOutcome:
        self.calls.append("split")
        return self.outcome


class FakeHoldings(Holdings):
    """Shares as given, one answer after the other; None is a read that fails."""

    def __init__(self, *shares: int | None) -> None:
        self.answers = list(shares)

    async def shares(self, token_id: str) -> Decimal:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            raise VenueReadError("down")
        return Decimal(answer)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "CHECK_EVERY_S", 0)


def redeemed(account: FakeAccount, holdings: FakeHoldings, payout: str | None = "1") -> Decimal:
    async def connected() -> Account:
        return account

    of = terms(payout=None if payout is None else Decimal(payout))
    return asyncio.run(Chain(account=connected, holdings=holdings).redeem(of, Decimal(10)))


@pytest.mark.parametrize(
    ("outcome", "shares", "quantity", "calls"),
    [
        pytest.param(DONE, (10,), 10, ["redeem"], id="confirmed"),
        pytest.param(REFUSED, (10,), 0, ["redeem"], id="refused"),
        pytest.param(NOBODY_KNOWS, (10, 10, 0), 10, ["redeem"], id="mined after we gave up"),
        pytest.param(NOBODY_KNOWS, (10, None, 0), 10, ["redeem"], id="mined, and a read failed meanwhile"),
        pytest.param(NOBODY_KNOWS, (10,), 0, ["redeem"], id="never mined"),
        pytest.param(DONE, (0,), 10, [], id="the venue's operator was first"),
        pytest.param(DONE, (None,), 0, [], id="nobody knows what is there"),
    ],
)
def test_what_is_redeemed(
    outcome: ChainOutcome, shares: tuple[int | None, ...], quantity: int, calls: list[str]
) -> None:
    account = FakeAccount(outcome)

    assert redeemed(account, FakeHoldings(*shares)) == quantity
    assert account.calls == calls


def test_losing_shares_need_no_transaction_and_unresolved_ones_none_either() -> None:
    account = FakeAccount(DONE)

    assert redeemed(account, FakeHoldings(10), payout="0") == 10
    assert redeemed(account, FakeHoldings(10), payout=None) == 0
    assert account.calls == []


@pytest.mark.parametrize(
    ("action", "outcome", "shares", "quantity"),
    [
        pytest.param(SetAction.MERGE, DONE, (10,), 4, id="merged"),
        pytest.param(SetAction.MERGE, REFUSED, (10,), 0, id="merge refused"),
        pytest.param(SetAction.MERGE, NOBODY_KNOWS, (10, 6), 4, id="merged after we gave up"),
        pytest.param(SetAction.SPLIT, DONE, (10,), 4, id="split"),
        pytest.param(SetAction.SPLIT, NOBODY_KNOWS, (10, 10, 14), 4, id="split after we gave up"),
        pytest.param(SetAction.SPLIT, NOBODY_KNOWS, (10,), 0, id="never split"),
        pytest.param(SetAction.SPLIT, DONE, (None,), 0, id="nobody knows what is there"),
    ],
)
def test_what_is_converted(
    action: SetAction, outcome: ChainOutcome, shares: tuple[int | None, ...], quantity: int
) -> None:
    async def connected() -> Account:
        return FakeAccount(outcome)

    conversion = Conversion(
        id="c1",
        strategy=StrategyName("arbitrage"),
        market_id=MARKET,
        instrument_ids=(UP, DOWN),
        action=action,
        quantity=Decimal(4),
    )

    whole = Chain(account=connected, holdings=FakeHoldings(*shares)).convert(conversion)

    assert asyncio.run(whole) == quantity
