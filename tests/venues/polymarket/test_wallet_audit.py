"""Readings of followed wallets: whole windows, unique addresses, faster while the trigger is lost."""

import asyncio
from urllib.parse import parse_qs, urlsplit

from domain.messages import WalletAction, WalletTrade
from tests.venues.polymarket.loopback import loopback_venue, running, until
from venues.polymarket.hosts import Hosts
from venues.polymarket.public_reads import PublicReads, new_session
from venues.polymarket.stream_wire import BadFrame
from venues.polymarket.wallet_audit import OVERLAP_S, WalletAudit
from venues.polymarket.wallet_deeds import WalletDeeds

LEADER = "0x" + "ab" * 20
NOW_S = 1_790_000_100
SINCE_S = NOW_S - 600


def trade(transaction: str = "0xt", **changes: object) -> dict[str, object]:
    row = {
        "proxy_wallet": LEADER,
        "side": "BUY",
        "token_id": "111",
        "condition_id": "0xc",
        "size": 78.55,
        "price": 0.62,
        "timestamp": NOW_S - 5,
        "outcome_index": 999,
        "name": "Car",
        "transaction_hash": transaction,
    }
    return {**row, **changes}


class Reading:
    """An audit of one wallet on a loopback venue."""

    def __init__(self) -> None:
        self.told: list[WalletTrade] = []
        self.bad: list[BadFrame] = []
        self.questions: list[dict[str, list[str]]] = []
        self.deeds = WalletDeeds(self.told.append, now_ns=lambda: NOW_S * 10**9, since_ns=SINCE_S * 10**9)
        self.deeds.follow(LEADER, "leader")

    async def read(
        self, trades: list[dict[str, object]], path: str = "/v2/trades", times: int = 1
    ) -> WalletAudit:
        async with loopback_venue() as venue, new_session() as session:
            venue.trades = venue.exits = trades
            reads = PublicReads(venue.hosts)
            reads.use(session)
            audit = WalletAudit(reads, self.deeds, self.bad.append, now_ns=lambda: NOW_S * 10**9)
            for _ in range(times):
                await audit.read(LEADER, path)
            self.questions = [parse_qs(urlsplit(question).query) for question in venue.questions]
        return audit


def test_rows_are_told_once_however_often_they_are_read() -> None:
    reading = Reading()

    asyncio.run(reading.read([trade(), trade("0xu"), trade("0xu")], times=3))

    assert sorted(deed.transaction for deed in reading.told) == ["0xt", "0xu", "0xu"]


def test_maker_fills_are_asked_for_in_a_window_that_overlaps_at_an_address_of_its_own() -> None:
    reading = Reading()

    asyncio.run(reading.read([trade()], times=2))

    first, second = reading.questions
    assert (first["taker_only"], first["user"], first["start"]) == (["false"], [LEADER], [str(SINCE_S)])
    assert second["start"] == [str(NOW_S - 5 - OVERLAP_S)]
    assert first["_"] != second["_"]


def test_a_row_that_cannot_be_read_costs_only_itself() -> None:
    reading = Reading()

    audit = asyncio.run(reading.read([trade(side="HOLD"), {"size": 1}, trade()]))

    assert len(reading.told) == 1
    assert (audit.counters.bad_rows, len(reading.bad)) == (2, 2)


def test_merges_and_redemptions_are_no_trades() -> None:
    reading = Reading()
    exits = [
        trade("0xm", type="MERGE", size=10, usdc_size=10, token_id="", side=""),
        trade("0xr", type="REDEEM", size=20, usdc_size=5, side=""),
    ]

    asyncio.run(reading.read(exits, "/v2/activity"))

    told = {deed.action: (str(deed.price), str(deed.quantity)) for deed in reading.told}
    assert told == {
        WalletAction.MERGE: ("1", "10"),
        WalletAction.REDEEM: ("0.25", "20"),
    }


def test_a_reading_that_fails_is_counted_and_moves_no_window() -> None:
    reading = Reading()
    audit = WalletAudit(PublicReads(Hosts()), reading.deeds, reading.bad.append, now_ns=lambda: 1)

    asyncio.run(audit.read(LEADER, "/v2/trades"))

    assert (audit.counters.failed, audit.counters.last_ns) == (1, 0)


def test_the_loss_of_the_trigger_has_everything_read_at_once() -> None:
    async def poll() -> int:
        reading = Reading()
        async with loopback_venue() as venue, new_session() as session:
            reads = PublicReads(venue.hosts)
            reads.use(session)
            audit = WalletAudit(reads, reading.deeds, reading.bad.append, now_ns=lambda: NOW_S * 10**9)
            audit.trigger_changed(True)
            async with running(audit.run()):
                await until(lambda: audit.counters.readings >= 2)
                before = audit.counters.readings
                audit.trigger_changed(False)
                await until(lambda: audit.counters.readings > before, timeout_s=0.3)
        return before

    assert asyncio.run(poll()) == 2
