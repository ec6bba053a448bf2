"""Settings of the venue: hosts from one variable or many, keys only from where nobody else can read them, commands."""

import os
import shlex
from decimal import Decimal
from pathlib import Path

import pytest

from config import (
    ApproveCommand,
    DecideCommand,
    DoctorCommand,
    KeystoreCommand,
    MarketSource,
    ReconcileCommand,
    RecordCommand,
    Settings,
    load,
)
from domain.errors import ConfigurationError
from venue_settings import HOST_NAMES, SelectionKind, VenueSettings, WalletType, selected

KEY = "0x" + "c0ffee" * 10 + "c0ff"
WALLET = "0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1"
LOCAL = "http://127.0.0.1:8080"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work where there is no .env, in an environment that says nothing to us."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith(("POLYMARKET_", "BINANCE_", "LIVE_")) or name == "REDIS_URL":
            monkeypatch.delenv(name)
    return tmp_path


def run(line: str = "", *, file: str = "") -> Settings:
    """The settings of a run of the sniper with these words, and this text in its file."""
    Path("desk.toml").write_text(file)
    loaded = load(["--strategies", "sniper", "--config", "desk.toml", *shlex.split(line)])
    assert isinstance(loaded, Settings)
    return loaded


def refusal(line: str = "", *, file: str = "") -> str:
    """The one line that refuses them."""
    with pytest.raises(ConfigurationError) as refused:
        run(line, file=file)
    message = str(refused.value)
    assert message.isprintable()
    assert len(message) <= 300
    return message


def write_env(text: str, *, mode: int = 0o600) -> None:
    Path(".env").write_text(text)
    Path(".env").chmod(mode)


def test_by_default_it_is_polymarket_in_production() -> None:
    venue = run().venue

    assert venue == VenueSettings()
    assert venue.is_polymarket
    assert not venue.is_rehearsal
    assert venue.clob_url == "https://clob.polymarket.com"
    assert venue.notional_max is None


def test_the_command_line_names_venue_markets_and_cap() -> None:
    venue = run("--venue binance --select BTC/USDT,ETH/USDT --notional-max 250.5").venue

    assert (venue.name, venue.symbols, venue.notional_max) == (
        "binance",
        ("BTC/USDT", "ETH/USDT"),
        Decimal("250.5"),
    )


def test_the_table_says_the_rest() -> None:
    text = f'[venue]\nwallet = "{WALLET}"\nwallet_type = "safe"\nmarkets_max = 7\nheartbeat = false\n'
    text += 'select = ["btc-updown-5m", "tag:crypto"]\ninstall_id_file = "x/id"\nheartbeat_interval_s = 3'

    venue = run(file=text).venue

    assert venue.wallet_type is WalletType.SAFE
    assert (venue.wallet, venue.markets_max, venue.heartbeat_interval_s) == (WALLET, 7, 3)
    assert not venue.heartbeat
    assert venue.install_id_file == Path("x/id")
    assert [chosen.kind for chosen in venue.selection] == [SelectionKind.SERIES, SelectionKind.TAG]


@pytest.mark.parametrize(
    ("word", "kind", "name"),
    [
        pytest.param("btc-updown-5m", SelectionKind.SERIES, "btc-updown-5m", id="5m series"),
        pytest.param("eth-updown-15m", SelectionKind.SERIES, "eth-updown-15m", id="15m series"),
        pytest.param("btc-updown-5m-1790585100", SelectionKind.MARKET, "btc-updown-5m-1790585100", id="one"),
        pytest.param("fed-in-march", SelectionKind.MARKET, "fed-in-march", id="slug"),
        pytest.param("event:fed", SelectionKind.EVENT, "fed", id="event"),
        pytest.param("market:btc-updown-5m", SelectionKind.MARKET, "btc-updown-5m", id="said to be a market"),
        pytest.param("123456", SelectionKind.TOKEN, "123456", id="token"),
        pytest.param("0x" + "a" * 64, SelectionKind.CONDITION, "0x" + "a" * 64, id="condition"),
        pytest.param("BTC/USDT:USDT", SelectionKind.SYMBOL, "BTC/USDT:USDT", id="pair with settlement"),
        pytest.param("tag:", SelectionKind.MARKET, "tag:", id="a kind without a name"),
    ],
)
def test_a_word_of_the_selection_tells_its_kind(word: str, kind: SelectionKind, name: str) -> None:
    assert selected(word) == (kind, name)


def test_one_variable_moves_every_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYMARKET_URL", f"{LOCAL}/")

    venue = run(file='[venue]\nclob_url = "https://elsewhere.example"').venue

    assert all("127.0.0.1:8080" in getattr(venue, name) for name in HOST_NAMES)
    assert venue.clob_url == LOCAL
    assert venue.activity_ws_url == "ws://127.0.0.1:8080/rtds"
    assert venue.geoblock_url == f"{LOCAL}/api/geoblock"
    assert venue.is_rehearsal


def test_a_host_of_its_own_wins_over_the_one_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYMARKET_URL", LOCAL)
    monkeypatch.setenv("POLYMARKET_GAMMA_URL", "http://127.0.0.1:9090")

    venue = run().venue

    assert (venue.gamma_url, venue.data_url) == ("http://127.0.0.1:9090", LOCAL)


def test_the_file_too_can_name_one_server_for_all() -> None:
    venue = run(file=f'[venue]\nurl = "{LOCAL}"\ndata_url = "http://127.0.0.1:9090"').venue

    assert (venue.clob_url, venue.data_url) == (LOCAL, "http://127.0.0.1:9090")


def test_the_environment_names_the_wallet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYMARKET_WALLET", WALLET)

    assert run(file=f'[venue]\nwallet = "0x{"0" * 40}"').venue.wallet == WALLET


@pytest.mark.parametrize(
    ("line", "file", "told"),
    [
        pytest.param("--venue 'a b'", "", "--venue 'a b': give polymarket, or", id="venue"),
        pytest.param("--notional-max 0", "", "--notional-max 0: give a number", id="no money"),
        pytest.param("--select BTC/USDT", "", "--select BTC/USDT: not a market of polymarket", id="a pair"),
        pytest.param(
            "--venue okx --select btc-updown-5m", "", "not a market of okx; give pairs", id="series"
        ),
        pytest.param("", "[venue]\nclob = 1", "venue.clob: not known; close: clob_url", id="key"),
        pytest.param("", "[venue]\nheartbeat_interval_s = 9", "1 to 8", id="heartbeats too rare"),
        pytest.param("", "[venue]\nclob_url = 'ftp://x'", "venue.clob_url ftp://x: give one", id="scheme"),
        pytest.param("", "[venue]\nclob_url = 'wss://x.example'", "kind https://host", id="stream for REST"),
        pytest.param("", "[venue]\nuser_ws_url = 'https://x.example'", "wss://host", id="REST for a stream"),
        pytest.param("", "[venue]\nclob_url = 'https://x.example/'", "ends with a slash", id="slash"),
        pytest.param("", "[venue]\nclob_url = 'http://x.example'", "readable on its way", id="in the clear"),
        pytest.param("", "[venue]\nclob_url = 'https://x:99999'", "a port of 1 to 65535", id="port"),
        pytest.param("", "[venue]\nurls = 1", "venue.urls 1: not a table", id="urls"),
        pytest.param("", "[venue.urls]\napi = [1]", "venue.urls.api (list): not a text", id="list in urls"),
    ],
)
def test_a_refusal_names_value_and_remedy(line: str, file: str, told: str) -> None:
    assert told in refusal(line, file=file)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("POLYMARKET_WALLET", KEY, id="a key for a wallet"),
        pytest.param("POLYMARKET_CLOB_URL", f"https://me:{KEY}@x.example", id="a password in a host"),
    ],
)
def test_what_may_be_a_secret_is_not_repeated(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)

    message = refusal()

    assert message.startswith(name)
    assert KEY not in message


def test_tables_for_ccxt_are_handed_on_as_they_are() -> None:
    text = '[venue.urls.api]\npublic = "http://127.0.0.1:1"\n[venue.urls.api.ws]\nspot = "ws://127.0.0.1:1/stream"\n'
    text += "[venue.options]\nenableUnifiedAccount = true\nunifiedMarginStatus = 5"

    venue = run("--venue bybit", file=text).venue

    assert venue.urls == {"api": {"public": "http://127.0.0.1:1", "ws": {"spot": "ws://127.0.0.1:1/stream"}}}
    assert venue.options == {"enableUnifiedAccount": True, "unifiedMarginStatus": 5}


def test_only_the_keys_of_the_chosen_exchange_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    write_env("BINANCE_API_KEY=a\nBINANCE_SECRET=b\nOKX_SECRET=c\nOTHER=d")
    monkeypatch.setenv("BINANCE_SECRET", "e")

    found = {name: secret.reveal() for name, secret in run("--venue binance").environment.items()}

    assert found == {"BINANCE_API_KEY": "a", "BINANCE_SECRET": "e"}
    assert run().environment == {}


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_key_that_others_can_read_starts_nothing_live(mode: int) -> None:
    write_env(f"POLYMARKET_PRIVATE_KEY={KEY}\n", mode=mode)

    message = refusal("--mode live")

    assert message == ".env: others on this machine can read POLYMARKET_PRIVATE_KEY; run: chmod 600 .env"


def test_a_key_that_others_can_read_does_not_stop_a_dry_run_and_stays_hidden() -> None:
    write_env(f"POLYMARKET_PRIVATE_KEY={KEY}\n", mode=0o644)

    loaded = run()

    assert loaded.exposed_keys == ("POLYMARKET_PRIVATE_KEY",)
    assert loaded.secrets() == (KEY,)
    assert KEY not in repr(loaded)


@pytest.mark.parametrize("word", ["reconcile", "approve"])
def test_a_command_that_uses_keys_refuses_those_that_others_can_read(word: str) -> None:
    write_env("POLYMARKET_API_SECRET=x\n", mode=0o644)

    with pytest.raises(ConfigurationError, match="chmod 600"):
        load([word])


def test_a_file_of_ones_own_or_without_keys_starts_live(monkeypatch: pytest.MonkeyPatch) -> None:
    write_env(f"POLYMARKET_PRIVATE_KEY={KEY}\n")
    assert run("--mode live").exposed_keys == ()

    write_env(f"REDIS_URL=redis://x\nPOLYMARKET_WALLET={WALLET}\nLIVE_CONFIRM=14F1\n", mode=0o644)
    monkeypatch.setenv("POLYMARKET_PRIVATE_KEY", KEY)
    assert run("--mode live").exposed_keys == ()


def test_a_key_of_the_process_makes_the_one_in_the_file_harmless(monkeypatch: pytest.MonkeyPatch) -> None:
    write_env(f"POLYMARKET_PRIVATE_KEY={KEY}\n", mode=0o644)
    monkeypatch.setenv("POLYMARKET_PRIVATE_KEY", KEY)

    assert run("--mode live").exposed_keys == ()


def test_live_orders_are_for_live_events() -> None:
    assert run("--mode live").market is MarketSource.LIVE
    assert run().market is MarketSource.AUTO


def test_flags_hosts_and_files_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("LIVE_CONFIRM", "14F1"),
        ("POLYMARKET_URL", LOCAL),
        ("POLYMARKET_KEYSTORE", "wallet.json"),
        ("POLYMARKET_RELAYER_KEY", "relayer-canary"),
    ):
        monkeypatch.setenv(name, value)

    assert run().secrets() == ("relayer-canary",)


def test_commands_that_speak_to_a_venue_bring_its_settings() -> None:
    Path("desk.toml").write_text("[venue]\nmarkets_max = 3")

    for word, kind in (
        ("doctor", DoctorCommand),
        ("reconcile", ReconcileCommand),
        ("approve", ApproveCommand),
    ):
        command = load([word, "--venue", "binance", "--db", "x.db", "--config", "desk.toml"])

        assert isinstance(command, kind)
        assert command.settings.venue == VenueSettings(name="binance", markets_max=3)
        assert command.settings.db == Path("x.db")
        assert command.settings.strategies == ()


def test_the_doctor_looks_at_keys_that_lie_open() -> None:
    write_env("POLYMARKET_API_SECRET=x\n", mode=0o644)

    command = load(["doctor"])

    assert isinstance(command, DoctorCommand)
    assert command.settings.exposed_keys == ("POLYMARKET_API_SECRET",)


def test_record_says_where_to_and_which_candles() -> None:
    plain, full = load(["record"]), load(shlex.split("record --out tape --candles BTC/USDT,ETH/USDT"))

    assert isinstance(plain, RecordCommand)
    assert (plain.out, plain.candles) == (Path("data/recorded"), ())
    assert isinstance(full, RecordCommand)
    assert (full.out, full.candles) == (Path("tape"), ("BTC/USDT", "ETH/USDT"))


def test_a_run_that_records_is_a_run_on_live_data() -> None:
    loaded = load(shlex.split("--strategies sniper --record tapes"))

    assert isinstance(loaded, Settings)
    assert (loaded.record, loaded.market) == (Path("tapes"), MarketSource.LIVE)


def test_keystore_and_decide_are_read() -> None:
    assert load(["keystore", "my.json"]) == KeystoreCommand(path=Path("my.json"))
    assert load(["decide", "s1-7", "open", "--db", "x.db"]) == DecideCommand(
        order_id="s1-7", decision="open", db=Path("x.db")
    )


@pytest.mark.parametrize(
    ("line", "told"),
    [
        pytest.param("doctor now", "doctor: stands alone; --venue says where it looks", id="doctor what"),
        pytest.param("keystore", "keystore: wants the file to write", id="keystore where"),
        pytest.param("decide s1-7", "decide: wants an ORDER_ID, and absent or open", id="decide what"),
        pytest.param("decide s1-7 dead", "decide: wants an ORDER_ID, and absent or open", id="decide how"),
        pytest.param("doctor --out x", "--out x: goes with record", id="out of the doctor"),
        pytest.param(
            "--strategies sniper --candles a", "--candles a: goes with record", id="candles of a run"
        ),
        pytest.param("status --since 1h", "--since 1h: goes with why", id="since of status"),
        pytest.param(
            "--strategies sniper --record x --tape y",
            "--record x: events of replay are on a tape already",
            id="a recording of a recording",
        ),
        pytest.param("record --record x", "goes with a run; the command has --out", id="record what"),
        pytest.param("record --candles ''", "--candles '': give markets", id="no candles"),
    ],
)
def test_a_command_that_lacks_something_says_what(line: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(shlex.split(line))

    assert told in str(refused.value)
