"""Settings: what is read, from where, what wins, and that every refusal is one line that helps."""

import json
import os
import pickle
import shlex
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import config
from config import Settings, load
from domain.errors import ConfigurationError

SNIPER = ["--strategies", "sniper"]
CANARY, WALLET = "0xC0FFEE00C0FFEE00", "0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1"
NAMES = "give names, each once: sniper,quoter"
WORDS = "no option; strategies follow --strategies, an ID follows why"
AMOUNT = "give a number of at most six decimals, 0.000001 to 100000000"
FRACTION = "give a number of at most six decimals, 0 to 1"
SEED = "give a whole number, 0 to 9223372036854775807"
SOURCES = "not one of auto, live, replay, sim"
TEXT = "not a text of 1 to 4096 printable characters"
TABLE = "not a table; write its name in brackets and its keys below"
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work where there is no .env, in an environment that says nothing to us."""
    monkeypatch.chdir(tmp_path)
    ours = [name for name in os.environ if name.startswith("POLYMARKET_")]
    for name in (*ours, "REDIS_URL", "LIVE_TRADING"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def run(line: str = "") -> Settings:
    """Load the settings of a run of the sniper, with these words besides."""
    loaded = load([*SNIPER, *shlex.split(line)])
    assert isinstance(loaded, Settings)
    return loaded


def with_file(text: str, line: str = "") -> Settings:
    """Load the settings of a run of the sniper whose file has this text."""
    Path("desk.toml").write_text(text)
    return run(f"--config desk.toml {line}")


def refusal(*words: str) -> str:
    """The message that refuses these words, or nothing where they are read."""
    try:
        load(words)
    except ConfigurationError as error:
        return str(error)
    return ""


def refusal_of_file(text: str) -> str:
    """The message that refuses a run of the sniper with this file, or nothing where it is read."""
    Path("desk.toml").write_text(text)
    return refusal(*SNIPER, "--config", "desk.toml")


def is_one_line(message: str) -> bool:
    return 0 < len(message) <= 300 and message.isprintable()


def fits(message: str, expected: str) -> bool:
    """Say whether the message is the expected one, in which … stands for any text."""
    start, gap, end = expected.partition("…")
    return message.startswith(start) and message.endswith(end) if gap else message == expected


def test_the_defaults_trade_on_paper_with_everything_permitted() -> None:
    assert run() == Settings(strategies=("sniper",))
    assert (run().mode, run().market, run().speed) == (config.Mode.DRY_RUN, config.MarketSource.AUTO, None)
    assert (run().cash, run().seed, run().db) == (Decimal(1000), 1, Path("data/positions.db"))


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        pytest.param("--mode live", "mode", config.Mode.LIVE, id="mode"),
        pytest.param("--market=sim", "market", config.MarketSource.SIM, id="market"),
        pytest.param("--tape 'a b/c'", "tape", Path("a b/c"), id="tape"),
        pytest.param("--tape x", "market", config.MarketSource.REPLAY, id="a tape means replay"),
        pytest.param("--tape x --market replay", "market", config.MarketSource.REPLAY, id="tape and replay"),
        pytest.param("--speed 2.5", "speed", Decimal("2.5"), id="speed"),
        pytest.param("--speed max", "speed", None, id="speed max"),
        pytest.param("--seed 0", "seed", 0, id="seed min"),
        pytest.param("--seed 9223372036854775807", "seed", 2**63 - 1, id="seed max"),
        pytest.param("--duration 0.5", "duration_s", Decimal("0.5"), id="duration"),
        pytest.param("--events 1", "events_max", 1, id="events min"),
        pytest.param("--db x.db", "db", Path("x.db"), id="db"),
        pytest.param("--cash 0.000001", "cash", Decimal("0.000001"), id="cash min"),
        pytest.param("--cash 100000000", "cash", Decimal(100_000_000), id="cash max"),
        pytest.param("--token-id 1,2 --token-id 3", "token_ids", ("1", "2", "3"), id="token ids"),
        pytest.param("--log-level debug", "log_level", config.LogLevel.DEBUG, id="log level"),
        pytest.param("--json", "json_output", True, id="json"),
        pytest.param("--new-session", "new_session", True, id="new session"),
    ],
)
def test_an_option_is_read(line: str, field: str, value: object) -> None:
    assert getattr(run(line), field) == value


def test_strategies_keep_their_order() -> None:
    loaded = load(["--strategies", "sniper, quoter", "--strategies", "copier"])

    assert isinstance(loaded, Settings)
    assert loaded.strategies == ("sniper", "quoter", "copier")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param("--strategies ''", f"--strategies '': {NAMES}", id="no name"),
        pytest.param("--strategies a,b,a", f"--strategies a: {NAMES}", id="a name twice"),
        pytest.param("--strategies ../x", f"--strategies ../x: {NAMES}", id="a path for a name"),
        pytest.param("--marke sim", "--marke: no such option; close: --market", id="no prefixes"),
        pytest.param("--seeds=3", "--seeds: no such option; close: --seed", id="unknown option"),
        pytest.param("sniper", f"sniper: {WORDS}", id="a bare word"),
        pytest.param("why", "why: wants an ID, or --market SLUG", id="why what"),
        pytest.param("--cash", "--cash: expected one argument; --help shows how", id="no value"),
        pytest.param("--mode x", "--mode x: not one of dry-run, live", id="mode, nothing close"),
        pytest.param("--market reply", f"--market reply: {SOURCES}; did you mean replay?", id="market"),
        pytest.param(
            "--market 'sim\nrm'", f"--market 'sim\\nrm': {SOURCES}; did you mean sim?", id="two lines"
        ),
        pytest.param("--market " + "x" * 5000, f"--market {'x' * 80}: {SOURCES}", id="a long value"),
        pytest.param("--log-level warn", "--log-level warn: … did you mean warning?", id="log level"),
        pytest.param("--seed -1", f"--seed -1: {SEED}", id="seed min - 1"),
        pytest.param("--seed 9223372036854775808", f"--seed 9223372036854775808: {SEED}", id="seed max + 1"),
        pytest.param("--events 0", "--events 0: give a whole number, 1 to …", id="events min - 1"),
        pytest.param("--cash 0", f"--cash 0: {AMOUNT}", id="cash zero"),
        pytest.param("--cash 100000000.000001", f"--cash 100000000.000001: {AMOUNT}", id="cash max + a unit"),
        pytest.param("--cash 1.0000001", f"--cash 1.0000001: {AMOUNT}", id="cash below a unit"),
        pytest.param("--cash NaN", f"--cash NaN: {AMOUNT}", id="cash NaN"),
        pytest.param("--speed fast", f"--speed fast: {AMOUNT}, or max", id="speed"),
        pytest.param("--duration -1", f"--duration -1: {AMOUNT}", id="duration"),
        pytest.param("--token-id ''", "--token-id '': give IDs, each once: 123,456", id="empty id"),
        pytest.param("--db ''", f"--db '': {TEXT}", id="empty path"),
        pytest.param("--tape x --market sim", "--tape x: --market sim … drop one of the two", id="tape, sim"),
        pytest.param(
            "--tape x --market live", "--tape x: --market live … drop one of the two", id="tape, live"
        ),
        pytest.param("--mode live --tape x", "--mode live: no … say --market live", id="live orders, tape"),
        pytest.param(
            "--mode live --market sim", "--mode live: no … say --market live", id="live orders, sim"
        ),
        pytest.param("--config no.toml", "--config no.toml: cannot be read … TOML file", id="no file"),
        pytest.param("--config .", "--config .: cannot be read … give a TOML file", id="a folder"),
    ],
)
def test_a_refusal_is_one_line_that_helps(line: str, message: str) -> None:
    refused = refusal(*SNIPER, *shlex.split(line))

    assert fits(refused, message)
    assert is_one_line(refused)


def test_strategies_are_asked_for() -> None:
    assert refusal() == "--strategies is missing; name at least one, e.g. --strategies sniper"


def test_the_command_line_wins_over_the_file_and_the_file_over_the_defaults() -> None:
    text = '[run]\ncash = 500\nseed = 7\nspeed = "max"\nstrategies = ["quoter"]\nstop_policy = "cancel"'

    loaded = with_file(text, "--cash 250")

    assert loaded.cash == Decimal(250)
    assert loaded.seed == 7
    assert loaded.strategies == ("sniper",)
    assert loaded.run.stop_policy is config.StopPolicy.CANCEL
    assert loaded.run.metrics_interval_s == 300
    assert loaded.log_level is config.LogLevel.INFO


def test_the_file_may_name_the_strategies_and_any_option() -> None:
    Path("desk.toml").write_text('[run]\nstrategies = "a,b"\ntoken_id = ["1", 2]\njson = true\ncash = 0.1')

    loaded = load(["--config", "desk.toml"])

    assert isinstance(loaded, Settings)
    assert (loaded.strategies, loaded.token_ids) == (("a", "b"), ("1", "2"))
    assert loaded.json_output
    assert loaded.cash == Decimal("0.1")


def test_tables_of_the_file_fill_limits_paper_and_parameters() -> None:
    text = "[limits]\ncollar_fraction = 1\norders_burst = 1\n[paper]\nlatency_ms_max = 20\n"
    text += '[strategies.sniper]\nedge = 0.03\nmarkets = ["btc"]'

    loaded = with_file(text)

    assert loaded.limits == config.Limits(collar_fraction=Decimal(1), orders_burst=1)
    assert loaded.paper == config.PaperSettings(latency_ms_max=20)
    assert loaded.strategy_parameters == {"sniper": {"edge": Decimal("0.03"), "markets": ["btc"]}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("[limit]", "limit: not known; close: limits", id="unknown table"),
        pytest.param("cash = 5", "cash: … limits, paper, run, strategies, venue", id="no table"),
        pytest.param("[limits]\ncollar_tick = 1", "limits.collar_tick: … close: collar_ticks", id="limit"),
        pytest.param("[run]\nsede = 1", "run.sede: not known; close: seed", id="option"),
        pytest.param("[run]\nseed = 1.5", f"run.seed 1.5: {SEED}", id="type"),
        pytest.param("[run]\nseed = true", f"run.seed true: {SEED}", id="bool"),
        pytest.param("[run]\njson = 1", "run.json 1: not one of true, false", id="switch"),
        pytest.param("[run]\ndb = 1", f"run.db 1: {TEXT}", id="path"),
        pytest.param("[run]\ntoken_id = []", "run.token_id (list): 0 names; give 1 to 1000", id="none"),
        pytest.param("[run]\nstop_policy = 'kep'", "run.stop_policy kep: … did you mean keep?", id="choice"),
        pytest.param("[run]\nmode = 'live'", "run.mode live: only … --mode live there", id="live orders"),
        pytest.param("[limits]\ncollar_fraction = nan", f"limits.collar_fraction NaN: {FRACTION}", id="NaN"),
        pytest.param("[limits]\ncollar_ticks = 101", "limits.collar_ticks 101: … 0 to 100", id="max + 1"),
        pytest.param("[limits]\norders_burst = 0", "limits.orders_burst 0: … 1 to 500", id="min - 1"),
        pytest.param("[paper]\nanswer_ms = [1]", "paper.answer_ms (list): … 0 to 60000", id="list"),
        pytest.param("limits = 1", f"limits 1: {TABLE}", id="not a table"),
        pytest.param("[strategies]\nsniper = 1", f"strategies.sniper 1: {TABLE}", id="parameters"),
    ],
)
def test_a_file_is_refused_with_its_name_the_key_and_what_is_allowed(text: str, message: str) -> None:
    refused = refusal_of_file(text)

    assert fits(refused, f"desk.toml: {message}")
    assert is_one_line(refused)


def test_a_file_that_is_not_toml_is_refused_with_the_place() -> None:
    assert fits(refusal_of_file("[run\n"), "--config desk.toml: not TOML: … (at line 1, column 5)")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[run]\nseed = 0x" + "f" * 5000, id="an int without end"),
        pytest.param("[run]\nseed = " + "9" * 5000, id="digits without end"),
        pytest.param("[run]\ncash = 1e99999999999999999999", id="an exponent without end"),
        pytest.param("a = " + "[" * 5000, id="lists without end"),
        pytest.param("#" * 70_000, id="a file without end"),
        pytest.param('"a\\nb" = 1', id="a line break in a key"),
        pytest.param('[limits]\n"\\u2028" = 1', id="a line separator in a key"),
    ],
)
def test_a_hostile_file_is_refused_in_one_line(text: str) -> None:
    assert is_one_line(refusal_of_file(text))


def test_why_names_an_identifier_and_a_database() -> None:
    assert load(["why", "s1-7"]) == config.WhyCommand(identifier="s1-7", db=Path("data/positions.db"))
    assert load(["why", "s1/a b", "--db", "x.db"]) == config.WhyCommand(identifier="s1/a b", db=Path("x.db"))


def test_the_help_shows_every_option_with_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        load(["--help"])

    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert all(option.flag in shown for option in config.OPTIONS.values())
    assert shown.count("python orchestrator.py --strategies sniper") == 2
    assert all(f"(default: {value})" in shown for value in ("dry-run", "1000", "auto", "max", "1", "info"))


def test_the_version_ends_with_success(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        load(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("orchestrator.py ")


def test_the_nearest_name_is_given() -> None:
    assert config.nearest("snipr", ["quoter", "sniper"]) == "; close: sniper"
    assert config.nearest("SNIPER", ["quoter", "sniper"]) == "; close: sniper"
    assert config.nearest("zzz", ["sniper", "quoter"]) == "; there are: quoter, sniper"
    assert config.nearest("zzz", []) == "; there are: none"


def test_the_environment_wins_over_env_file(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = f"POLYMARKET_PRIVATE_KEY={CANARY}\nREDIS_URL=redis://a\nPOLYMARKET_WALLET=\nOTHER=1\n"
    (empty_folder / ".env").write_text(lines)
    monkeypatch.setenv("REDIS_URL", "redis://b")

    found = {name: secret.reveal() for name, secret in run().environment.items()}

    assert found == {"POLYMARKET_PRIVATE_KEY": CANARY, "REDIS_URL": "redis://b"}


def test_an_env_file_that_is_not_text_is_refused(empty_folder: Path) -> None:
    (empty_folder / ".env").write_bytes(b"A=\xff\n")

    message = refusal(*SNIPER)

    assert message.startswith(".env: cannot be read")
    assert is_one_line(message)


def test_the_flag_and_the_address_are_not_hidden_and_other_values_are_literal(empty_folder: Path) -> None:
    public = f"LIVE_TRADING=true\nPOLYMARKET_WALLET={WALLET}\nPOLYMARKET_URL=http://127.0.0.1:1\n"
    (empty_folder / ".env").write_text(f"{public}POLYMARKET_API_SECRET='a${{HOME}}b'\nREDIS_URL={CANARY}\n")

    assert run().secrets() == ("a${HOME}b", CANARY)


def test_no_secret_is_seen_in_settings(empty_folder: Path) -> None:
    (empty_folder / ".env").write_text(f"POLYMARKET_PRIVATE_KEY={CANARY}\n")
    loaded = run()
    secret = loaded.environment["POLYMARKET_PRIVATE_KEY"]

    shown = [f"{part} {part!r}" for part in (loaded, secret, loaded.environment, loaded.fingerprint())]
    encoded = msgspec.json.encode(loaded, enc_hook=str)

    assert secret.reveal() == CANARY
    assert not any(CANARY in text for text in shown)
    assert CANARY.encode() not in encoded


@pytest.mark.parametrize("encode", [msgspec.json.encode, msgspec.to_builtins, json.dumps, pickle.dumps])
def test_a_secret_cannot_be_encoded(encode: object) -> None:
    assert callable(encode)
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)) as refused:
        encode(config.Secret(CANARY))

    assert CANARY not in str(refused.value)


@pytest.mark.parametrize(
    "line",
    ["--speed 2", "--duration 9", "--db x.db", "--log-level debug", "--json", "--events 3", "--tape x"],
)
def test_the_fingerprint_leaves_out_what_does_not_decide(line: str) -> None:
    assert run(line).fingerprint() == run().fingerprint()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        pytest.param("[run]\nseed = 2", "seed", id="seed"),
        pytest.param("[run]\ncash = 1001", "cash", id="cash"),
        pytest.param("[run]\ntoken_id = ['1']", "token_ids", id="token ids"),
        pytest.param("[limits]\ncollar_ticks = 3", "limits", id="limits"),
        pytest.param("[paper]\nanswer_ms = 21", "paper", id="paper"),
        pytest.param("[strategies.sniper]\nedge = 0.1", "strategies.sniper", id="parameters"),
    ],
)
def test_the_fingerprint_changes_with_what_decides(text: str, key: str) -> None:
    changed, plain = with_file(text).fingerprint(), run().fingerprint()

    assert [name for name in plain if plain[name] != changed[name]] == [key]


def test_the_fingerprint_is_equal_for_equal_values() -> None:
    one = with_file("[run]\ncash = 1000.50\ntoken_id = '2,1'\n[strategies.sniper]\na = 1.50\nb = 2")
    other = with_file("[run]\ncash = '1000.5'\ntoken_id = '1,2'\n[strategies.sniper]\nb = 2\na = 1.5")

    assert one.fingerprint() == other.fingerprint()


def test_the_fingerprint_survives_an_absurd_parameter() -> None:
    loaded = with_file("[strategies.sniper]\na = 1e999999999\nb = nan\nc = 2026-01-01")

    assert "1E+999999999" in loaded.fingerprint()["strategies.sniper"]


def test_parameters_of_strategies_that_do_not_run_do_not_decide() -> None:
    assert with_file("[strategies.quoter]\nedge = 1").fingerprint() == run().fingerprint()


def test_paper_times_are_checked_in_code_too() -> None:
    with pytest.raises(ConfigurationError, match="settlement_s_min 30"):
        config.PaperSettings(settlement_s_min=30)


@FEW
@given(
    flag=st.sampled_from([option.flag for option in config.OPTIONS.values()] + ["--config"]), value=st.text()
)
def test_any_text_for_any_option_is_read_or_refused_in_one_line(flag: str, value: str) -> None:
    messages = [refusal(*SNIPER, f"{flag}={value}"), refusal(*SNIPER, flag, f"{value} ")]

    assert all(message == "" or is_one_line(message) for message in messages)


@FEW
@given(
    key=st.sampled_from([f"[{table}]\n{key}" for table, keys in config.TABLES.items() for key in keys]),
    value=st.integers().map(str) | st.sampled_from(["true", "nan", "-inf", "[]", "{}", "2026-01-01"]),
)
def test_any_value_of_any_key_is_read_or_refused_in_one_line(key: str, value: str) -> None:
    message = refusal_of_file(f"{key} = {value}\n")

    assert message == "" or is_one_line(message)
