"""The doctor against simulated venues: each trouble is found, told in words, and nothing secret is in them."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec
import pytest
from aiohttp import web

from clock import NS_PER_MS, NS_PER_S
from live.doctor import examine
from live.findings import Finding, Grade, exit_code, lines_of
from settings import Secret, Settings
from simulator.exchanges.binance.server import BinanceSimulator, binance_simulator
from simulator.faults import ArmedFault, Fault
from simulator.polymarket.contracts import EXCHANGE
from simulator.polymarket.server import PolymarketSimulator, polymarket_simulator
from tests.live.people import CONTRACT, KEY, NOBODY, OWNER, settings_of
from venue_settings import VenueSettings, hosts_behind

CASH = 50_000_000
"""Fifty pUSD in base units."""

Trouble = Callable[[PolymarketSimulator], object]
SLOW = pytest.mark.slow
"""Each look waits for the change of a second at the venue: some of each kind are tried at every save."""

BINANCE_KEY, BINANCE_SECRET = "public-part-WXYZ", "hidden-part-1234"


def local(url: str, db: Path, *, environment: dict[str, str] | None = None, **venue: Any) -> Settings:
    """Settings of a run whose every host is this one."""
    given = {"LIVE_TRADING": "yes", "POLYMARKET_PRIVATE_KEY": KEY} | (environment or {})
    hosts: dict[str, Any] = {"notional_max": Decimal(10), **hosts_behind(url)}
    return msgspec.structs.replace(settings_of(given, venue=VenueSettings(**hosts | venue)), db=db)


def found_at_polymarket(db: Path, trouble: Trouble | None = None, **changes: Any) -> dict[str, Finding]:
    """What the doctor finds of a funded wallet at the simulated venue after something was done to it."""

    async def look() -> list[Finding]:
        async with polymarket_simulator(seed=1) as sim:
            sim.venue.fund(OWNER, cash=CASH)
            if trouble:
                trouble(sim)
            return await examine(local(sim.url, db, **changes), terminal=NOBODY)

    return {finding.what: finding for finding in asyncio.run(look())}


def set_switch(**values: object) -> Trouble:
    return lambda sim: sim.venue.rules.change(dict(values))


def set_wallet(**values: object) -> Trouble:
    def change(sim: PolymarketSimulator) -> None:
        wallet = sim.exchange.state.accounts.find(OWNER)
        for name, value in values.items():
            setattr(wallet, name, value)

    return change


def fault(kind: Fault, endpoint: str) -> Trouble:
    return lambda sim: sim.faults.arm(ArmedFault(fault=kind, endpoint=endpoint, times=None))


def take_allowances(sim: PolymarketSimulator) -> None:
    wallet = sim.exchange.state.accounts.find(OWNER)
    assert wallet is not None
    wallet.allowances.clear()


def take_cash(sim: PolymarketSimulator) -> None:
    sim.venue.fund(OWNER, cash=-CASH)


@pytest.fixture
def db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database that is not there yet, in a folder without .env."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data" / "positions.db"


def test_a_healthy_account_has_nothing_to_mend(db: Path) -> None:
    found = found_at_polymarket(db)

    assert [finding for finding in found.values() if finding.grade is Grade.BAD] == []
    assert found["balance"].words == "50 pUSD"
    assert found["rate limits"].words.startswith("standard: 40 orders and 80 cancels")
    assert found["live gate"].grade is Grade.OK
    assert OWNER in found["wallet"].words
    assert exit_code(list(found.values())) == 0


@pytest.mark.parametrize(
    ("trouble", "what", "told"),
    [
        pytest.param(
            lambda sim: sim.clock.advance(400 * NS_PER_MS),
            "clock",
            "from ours, give or take",
            id="clock",
            marks=SLOW,
        ),
        pytest.param(
            lambda sim: sim.clock.advance(5 * NS_PER_S), "clock", "beyond 1000 ms", id="far clock", marks=SLOW
        ),
        pytest.param(set_switch(version=3), "protocol", "speaks version 3, orders here", id="protocol"),
        pytest.param(set_wallet(closed_only=True), "standing", "closed-only", id="closed only", marks=SLOW),
        pytest.param(
            take_allowances, "allowance", "standard, neg-risk, V2 positions may not", id="allowances"
        ),
        pytest.param(take_allowances, "approvals", EXCHANGE, id="approvals", marks=SLOW),
        pytest.param(take_cash, "balance", "no pUSD", id="no money", marks=SLOW),
        pytest.param(
            fault(Fault.REGION_BLOCKED, "GET /balance-allowance*"),
            "balance",
            "before login",
            id="region",
            marks=SLOW,
        ),
        pytest.param(
            fault(Fault.HTML_BODY, "GET /api/geoblock*"), "region", "could not be read", id="html", marks=SLOW
        ),
        pytest.param(fault(Fault.UNAUTHORIZED, "* /auth/*"), "credentials", "refuses wallet", id="login"),
    ],
)
def test_a_trouble_is_found_and_told(db: Path, trouble: Trouble, what: str, told: str) -> None:
    found = found_at_polymarket(db, trouble)

    assert found[what].grade is not Grade.OK
    assert told in found[what].words
    assert found[what].mend


@SLOW
def test_the_version_may_come_in_an_object(db: Path) -> None:
    assert found_at_polymarket(db, set_switch(version_in_object=True))["protocol"].grade is Grade.OK


@SLOW
def test_less_money_than_may_be_at_risk_is_worth_knowing(db: Path) -> None:
    found = found_at_polymarket(db, lambda sim: sim.venue.fund(OWNER, cash=-45_000_000))

    assert found["balance"].grade is Grade.WARN
    assert "5 pUSD, less than the 10" in found["balance"].words


@SLOW
def test_credentials_are_derived_once_and_kept_for_oneself(db: Path) -> None:
    found_at_polymarket(db)
    (path,) = db.parent.glob("polymarket-*.key")
    first = path.read_text()

    found_at_polymarket(db)

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == first


def test_without_a_key_the_public_part_is_looked_at(db: Path) -> None:
    found = found_at_polymarket(db, environment={"POLYMARKET_PRIVATE_KEY": ""} | {"POLYMARKET_KEYSTORE": "x"})

    assert found["key"].grade is Grade.BAD
    assert found["protocol"].grade is Grade.OK
    assert "balance" not in found


def test_a_wallet_that_is_not_on_the_chain_is_left_alone(db: Path) -> None:
    found = found_at_polymarket(db, wallet=CONTRACT)

    assert found["wallet"].grade is Grade.BAD
    assert "credentials" not in found


def test_a_wallet_of_its_own_is_refused_by_the_real_venue(db: Path) -> None:
    """Nothing answers at these hosts: what is known without them is told all the same."""
    hosts = {
        name: url.replace("127.0.0.1:1", "[::1]:1")
        for name, url in hosts_behind("http://127.0.0.1:1").items()
    }
    settings = local("http://127.0.0.1:1", db)
    away = msgspec.structs.replace(settings.venue, **hosts | {"clob_url": "https://venue.invalid"})

    found = asyncio.run(examine(msgspec.structs.replace(settings, venue=away), terminal=NOBODY))

    by_name = {finding.what: finding for finding in found}
    assert "only with a deposit wallet" in by_name["wallet"].words
    assert by_name["clock"].grade is Grade.BAD


@SLOW
def test_a_venue_that_never_answers_takes_less_than_ten_seconds(db: Path) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def look() -> list[Finding]:
        async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            started_s = monotonic()
            found = await examine(local(f"http://127.0.0.1:{port}", db), terminal=NOBODY)
            assert monotonic() - started_s < 10
            return found

    found = {finding.what: finding for finding in asyncio.run(look())}

    assert found["clock"].grade is found["credentials"].grade is Grade.BAD


def test_what_a_venue_repeats_of_a_secret_is_not_shown(db: Path) -> None:
    async def tell(request: web.Request) -> web.Response:
        told = f"{KEY} {KEY[2:].upper()} canary-secret {await request.text()} {dict(request.headers)}"
        return web.json_response({"error": told, "apiKey": told}, status=400)

    async def look() -> list[Finding]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", tell)
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            given = {
                "POLYMARKET_API_KEY": "canary-key",
                "POLYMARKET_API_SECRET": "canary-secret",
                "POLYMARKET_API_PASSPHRASE": "canary-passphrase",
            }
            return await examine(local(url, db, environment=given), terminal=NOBODY)
        finally:
            await runner.cleanup()

    shown = "\n".join(lines_of(asyncio.run(look())))

    assert "could not be read" in shown
    for secret in (KEY[2:], "canary-key", "canary-secret", "canary-passphrase"):
        assert secret.lower() not in shown.lower()


def found_at_binance(
    db: Path,
    trouble: Callable[[BinanceSimulator], object] | None = None,
    *,
    select: tuple[str, ...] = ("BTC/USDT",),
) -> dict[str, Finding]:
    """What the doctor finds of an account at the simulated Binance."""

    async def look() -> list[Finding]:
        async with binance_simulator(seed=1) as sim:
            sim.open_account(BINANCE_KEY, BINANCE_SECRET)
            if trouble:
                trouble(sim)
            urls = sim.ccxt_config("", "")["urls"]
            assert isinstance(urls, dict)
            venue = VenueSettings(name="binance", select=select, urls=urls, notional_max=Decimal(10))
            given = {"BINANCE_API_KEY": BINANCE_KEY, "BINANCE_SECRET": BINANCE_SECRET}
            settings = msgspec.structs.replace(settings_of(given, venue=venue), db=db)
            return await examine(settings, terminal=NOBODY)

    return {finding.what: finding for finding in asyncio.run(look())}


def let_it_withdraw(sim: BinanceSimulator) -> None:
    account = sim.exchange.account(BINANCE_KEY)
    assert account is not None
    account.can_withdraw = True


def test_a_healthy_exchange_account_has_nothing_to_mend(db: Path) -> None:
    found = found_at_binance(db)

    assert [finding for finding in found.values() if finding.grade is Grade.BAD] == []
    assert found["key"].words == "may not withdraw"
    assert found["pairs"].words.startswith("BTC/USDT tick 0.01")
    assert "USDT free" in found["balance"].words


def test_a_key_that_may_withdraw_is_bad(db: Path) -> None:
    found = found_at_binance(db, let_it_withdraw)

    assert found["key"].grade is Grade.BAD
    assert "may withdraw" in found["key"].words


def test_a_pair_that_is_not_there_is_told_with_those_that_are_close(db: Path) -> None:
    found = found_at_binance(db, select=("BTC/USDD",))

    assert found["exchange"].grade is Grade.OK or "BTC/USDD" in found["exchange"].words
    assert any("BTC/USDD" in finding.words for finding in found.values())


def test_an_exchange_without_keys_says_which_are_missing(db: Path) -> None:
    venue = VenueSettings(name="binance", urls={"api": {"public": "http://127.0.0.1:1/api/v3"}})
    settings = msgspec.structs.replace(settings_of(venue=venue), db=db)

    found = {finding.what: finding for finding in asyncio.run(examine(settings, terminal=NOBODY))}

    assert found["key"].words == "BINANCE_API_KEY is missing"
    assert "chmod 600" in found["key"].mend


def test_an_exchange_that_ccxt_does_not_know_is_told_with_one_it_knows(db: Path) -> None:
    settings = msgspec.structs.replace(settings_of(venue=VenueSettings(name="binanse")), db=db)
    given = {name: Secret("k" * 20) for name in ("BINANSE_API_KEY", "BINANSE_SECRET")}

    found = asyncio.run(examine(msgspec.structs.replace(settings, environment=given), terminal=NOBODY))

    assert any("close: binance" in f"{finding.words} {finding.mend}" for finding in found)
