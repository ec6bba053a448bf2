"""Settings: what is read, from where, what wins, and that every refusal is one line that helps."""

import json
import pickle
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config import (
    OPTIONS,
    TABLES,
    Limits,
    LogLevel,
    MarketSource,
    Mode,
    PaperSettings,
    Secret,
    Settings,
    StopPolicy,
    WhyCommand,
    load,
    nearest,
)
from domain.errors import ConfigurationError

SNIPER = ["--strategies", "sniper"]
CANARY = "0xC0FFEE00C0FFEE00"
PLAIN = "ABCabc019 -_.:/,"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work where there is no .env, in an environment that says nothing to us."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "REDIS_URL",
        "LIVE_TRADING",
        "POLYMARKET_PRIVATE_KEY",
        "POLYMARKET_WALLET",
        "POLYMARKET_CLOB_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def run(*words: str) -> Settings:
    """Load the settings of a run."""
    loaded = load([*SNIPER, *words])
    assert isinstance(loaded, Settings)
    return loaded


def with_file(text: str, *words: str) -> Settings:
    """Load the settings of a run whose file has this text."""
    Path("desk.toml").write_text(text)
    return run("--config", "desk.toml", *words)


def refusal(*words: str) -> str:
    """Load what must be refused, and give the message."""
    with pytest.raises(ConfigurationError) as refused:
        load(words)
    return str(refused.value)


def refusal_of_file(text: str) -> str:
    """Load a file that must be refused, and give the message."""
    with pytest.raises(ConfigurationError) as refused:
        with_file(text)
    return str(refused.value)


def is_one_line(message: str) -> bool:
    return 0 < len(message) <= 300 and message.isprintable()


def test_the_defaults_trade_on_paper_with_everything_permitted() -> None:
    loaded = run()

    assert loaded == Settings(
        strategies=("sniper",),
        mode=Mode.DRY_RUN,
        cash=Decimal(1000),
        token_ids=(),
        market=MarketSource.AUTO,
        tape=None,
        speed=None,
        seed=1,
        duration_s=None,
        events_max=None,
        db=Path("data/positions.db"),
        new_session=False,
        log_level=LogLevel.INFO,
        json_output=False,
        limits=Limits(),
        paper=PaperSettings(),
    )


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        pytest.param(["--mode", "live"], "mode", Mode.LIVE, id="mode"),
        pytest.param(["--market=sim"], "market", MarketSource.SIM, id="market"),
        pytest.param(["--tape", "a b/c"], "tape", Path("a b/c"), id="tape"),
        pytest.param(["--speed", "2.5"], "speed", Decimal("2.5"), id="speed"),
        pytest.param(["--speed", "max"], "speed", None, id="speed max"),
        pytest.param(["--seed", "0"], "seed", 0, id="seed min"),
        pytest.param(["--seed", str(2**63 - 1)], "seed", 2**63 - 1, id="seed max"),
        pytest.param(["--duration", "0.5"], "duration_s", Decimal("0.5"), id="duration"),
        pytest.param(["--events", "1"], "events_max", 1, id="events min"),
        pytest.param(["--db", "x.db"], "db", Path("x.db"), id="db"),
        pytest.param(["--cash", "0.000001"], "cash", Decimal("0.000001"), id="cash min"),
        pytest.param(["--cash", "100000000"], "cash", Decimal(100_000_000), id="cash max"),
        pytest.param(["--token-id", "1,2", "--token-id", "3"], "token_ids", ("1", "2", "3"), id="token ids"),
        pytest.param(["--log-level", "debug"], "log_level", LogLevel.DEBUG, id="log level"),
        pytest.param(["--json"], "json_output", True, id="json"),
        pytest.param(["--new-session"], "new_session", True, id="new session"),
    ],
)
def test_an_option_is_read(words: list[str], field: str, value: object) -> None:
    assert getattr(run(*words), field) == value


def test_strategies_keep_their_order() -> None:
    loaded = load(["--strategies", "sniper, quoter", "--strategies", "copier"])

    assert isinstance(loaded, Settings)
    assert loaded.strategies == ("sniper", "quoter", "copier")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(
            [], "--strategies is missing; name at least one, e.g. --strategies sniper", id="missing"
        ),
        pytest.param(
            ["--strategies", ""], "--strategies '': give names, each once: sniper,quoter", id="empty name"
        ),
        pytest.param(
            ["--strategies", "a,b,a"], "--strategies a: give names, each once: sniper,quoter", id="twice"
        ),
        pytest.param(
            ["--strategies", "../x"], "--strategies ../x: give names, each once: sniper,quoter", id="a path"
        ),
        pytest.param(
            [*SNIPER, "--market", "reply"],
            "--market reply: not one of auto, live, replay, sim; did you mean replay?",
            id="market",
        ),
        pytest.param(
            [*SNIPER, "--mode", "x"], "--mode x: not one of dry-run, live", id="mode, nothing close"
        ),
        pytest.param(
            [*SNIPER, "--marke", "sim"], "--marke: no such option; close: --market", id="no prefixes"
        ),
        pytest.param([*SNIPER, "--seeds=3"], "--seeds: no such option; close: --seed", id="unknown option"),
        pytest.param(
            ["sniper"],
            "sniper: no option; strategies follow --strategies, an ID follows why",
            id="a bare word",
        ),
        pytest.param([*SNIPER, "--cash"], "--cash: expected one argument; --help shows how", id="no value"),
        pytest.param(
            [*SNIPER, "--seed", "-1"],
            "--seed -1: give a whole number, 0 to 9223372036854775807",
            id="seed min - 1",
        ),
        pytest.param(
            [*SNIPER, "--seed", str(2**63)],
            "--seed 9223372036854775808: give a whole number, 0 to 9223372036854775807",
            id="seed max + 1",
        ),
        pytest.param(
            [*SNIPER, "--events", "0"],
            "--events 0: give a whole number, 1 to 9223372036854775807",
            id="events min - 1",
        ),
        pytest.param(
            [*SNIPER, "--cash", "0"],
            "--cash 0: give a number of at most six decimals, 0.000001 to 100000000",
            id="cash zero",
        ),
        pytest.param(
            [*SNIPER, "--cash", "100000000.000001"],
            "--cash 100000000.000001: give a number of at most six decimals, 0.000001 to 100000000",
            id="cash max + a unit",
        ),
        pytest.param(
            [*SNIPER, "--cash", "1.0000001"],
            "--cash 1.0000001: give a number of at most six decimals, 0.000001 to 100000000",
            id="cash below a unit",
        ),
        pytest.param(
            [*SNIPER, "--cash", "NaN"],
            "--cash NaN: give a number of at most six decimals, 0.000001 to 100000000",
            id="cash NaN",
        ),
        pytest.param(
            [*SNIPER, "--speed", "fast"],
            "--speed fast: give a number of at most six decimals, 0.000001 to 100000000, or max",
            id="speed",
        ),
        pytest.param(
            [*SNIPER, "--duration", "-1"],
            "--duration -1: give a number of at most six decimals, 0.000001 to 100000000",
            id="duration",
        ),
        pytest.param(
            [*SNIPER, "--token-id", ""], "--token-id '': give IDs, each once: 123,456", id="empty id"
        ),
        pytest.param(
            [*SNIPER, "--db", ""], "--db '': not a text of 1 to 4096 printable characters", id="empty path"
        ),
        pytest.param(
            [*SNIPER, "--log-level", "warn"],
            "--log-level warn: not one of debug, info, warning, error; did you mean warning?",
            id="log level",
        ),
        pytest.param(
            [*SNIPER, "--market", "sim\nrm"],
            "--market 'sim\\nrm': not one of auto, live, replay, sim; did you mean sim?",
            id="a line break",
        ),
        pytest.param(
            [*SNIPER, "--tape", "x", "--market", "sim"],
            "--tape x: --market sim plays no recording; drop one of the two",
            id="tape and sim",
        ),
        pytest.param(
            [*SNIPER, "--tape", "x", "--market", "live"],
            "--tape x: --market live plays no recording; drop one of the two",
            id="tape and live",
        ),
        pytest.param(
            [*SNIPER, "--mode", "live", "--tape", "x"],
            "--mode live: no real orders on events of replay; drop it, or say --market live",
            id="real orders on a recording",
        ),
        pytest.param(
            [*SNIPER, "--config", "no.toml"],
            "--config no.toml: cannot be read (No such file or directory); give a TOML file",
            id="no file",
        ),
        pytest.param(
            ["why"], "why: no option; strategies follow --strategies, an ID follows why", id="why what"
        ),
    ],
)
def test_a_refusal_is_one_line_that_helps(words: list[str], message: str) -> None:
    assert refusal(*words) == message


def test_a_long_value_is_cut() -> None:
    message = refusal(*SNIPER, "--market", "x" * 5000)

    assert message == f"--market {'x' * 80}: not one of auto, live, replay, sim"


@pytest.mark.parametrize("market", ["auto", "replay"])
def test_a_tape_means_replay(market: str) -> None:
    assert run("--tape", "x", "--market", market).market is MarketSource.REPLAY


def test_the_command_line_wins_over_the_file_and_the_file_over_the_defaults() -> None:
    text = '[run]\ncash = 500\nseed = 7\nspeed = "max"\nstrategies = ["quoter"]\nstop_policy = "cancel"'

    loaded = with_file(text, "--cash", "250")

    assert loaded.cash == Decimal(250)
    assert loaded.seed == 7
    assert loaded.strategies == ("sniper",)
    assert loaded.run.stop_policy is StopPolicy.CANCEL
    assert loaded.run.metrics_interval_s == 300
    assert loaded.log_level is LogLevel.INFO


def test_the_file_may_name_the_strategies_and_any_option() -> None:
    Path("desk.toml").write_text('[run]\nstrategies = "a,b"\ntoken_id = ["1", 2]\njson = true\ncash = 0.1')

    loaded = load(["--config", "desk.toml"])

    assert isinstance(loaded, Settings)
    assert (loaded.strategies, loaded.token_ids) == (("a", "b"), ("1", "2"))
    assert loaded.json_output
    assert loaded.cash == Decimal("0.1")


def test_tables_of_the_file_fill_limits_paper_and_parameters() -> None:
    text = "[limits]\ncollar_fraction = 0.1\norders_burst = 3\n[paper]\nlatency_ms_max = 20\n"
    text += '[strategies.sniper]\nedge = 0.03\nmarkets = ["btc"]'

    loaded = with_file(text)

    assert loaded.limits == Limits(collar_fraction=Decimal("0.1"), orders_burst=3)
    assert loaded.paper == PaperSettings(latency_ms_max=20)
    assert loaded.strategy_parameters == {"sniper": {"edge": Decimal("0.03"), "markets": ["btc"]}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("[limit]", "desk.toml: limit: not known; close: limits", id="unknown table"),
        pytest.param(
            "cash = 5", "desk.toml: cash: not known; there are: limits, paper, run, strategies", id="no table"
        ),
        pytest.param(
            "[limits]\ncollar_tick = 1",
            "desk.toml: limits.collar_tick: not known; close: collar_ticks",
            id="limit",
        ),
        pytest.param("[run]\nsede = 1", "desk.toml: run.sede: not known; close: seed", id="option"),
        pytest.param(
            "[run]\nseed = 1.5",
            "desk.toml: run.seed 1.5: give a whole number, 0 to 9223372036854775807",
            id="type",
        ),
        pytest.param(
            "[run]\nseed = true",
            "desk.toml: run.seed true: give a whole number, 0 to 9223372036854775807",
            id="bool",
        ),
        pytest.param(
            "[limits]\ncollar_ticks = 101",
            "desk.toml: limits.collar_ticks 101: give a whole number, 0 to 100",
            id="+1",
        ),
        pytest.param(
            "[limits]\ncollar_fraction = nan",
            "desk.toml: limits.collar_fraction NaN: give a number of at most six decimals, 0 to 1",
            id="NaN",
        ),
        pytest.param(
            "[limits]\norders_per_minute = 0",
            "desk.toml: limits.orders_per_minute 0: give a whole number, 1 to 12000",
            id="no orders at all",
        ),
        pytest.param(
            "[paper]\nrequest_loss_rate = [1]",
            "desk.toml: paper.request_loss_rate (list): give a number of at most six decimals, 0 to 1",
            id="a list",
        ),
        pytest.param(
            "[paper]\nlatency_ms_min = 90",
            "paper.latency_ms_min 90: above paper.latency_ms_max 80; swap or equal them",
            id="min above max",
        ),
        pytest.param(
            "[run]\nstop_policy = 'kep'",
            "desk.toml: run.stop_policy kep: not one of keep, cancel; did you mean keep?",
            id="stop policy",
        ),
        pytest.param("[run]\njson = 1", "desk.toml: run.json 1: not one of true, false", id="switch"),
        pytest.param(
            "[run]\ndb = 1", "desk.toml: run.db 1: not a text of 1 to 4096 printable characters", id="path"
        ),
        pytest.param(
            "[run]\nstrategies = []", "desk.toml: run.strategies (list): 0 names; give 1 to 1000", id="none"
        ),
        pytest.param(
            "limits = 1",
            "desk.toml: limits 1: not a table; write its name in brackets and its keys below",
            id="not a table",
        ),
        pytest.param(
            "[strategies]\nsniper = 1",
            "desk.toml: strategies.sniper 1: not a table; write its name in brackets and its keys below",
            id="parameters",
        ),
        pytest.param(
            "[run]\nmode = 'live'",
            "desk.toml: run.mode live: only the command line starts live trading; say --mode live there",
            id="live from a file",
        ),
        pytest.param(
            "[run\n",
            "--config desk.toml: not TOML: Expected ']' at the end of a table declaration (at line 1, column 5)",
            id="syntax",
        ),
    ],
)
def test_a_file_is_refused_with_its_name_the_key_and_what_is_allowed(text: str, message: str) -> None:
    if "strategies" in text and "run]" in text:
        Path("desk.toml").write_text(text)
        assert refusal("--config", "desk.toml") == message
    else:
        assert refusal_of_file(text) == message


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


def test_a_file_that_is_not_text_is_refused() -> None:
    Path("desk.toml").write_bytes(b"\xff\xfe")

    assert "not TOML" in refusal(*SNIPER, "--config", "desk.toml")


def test_why_names_an_identifier_and_a_database() -> None:
    assert load(["why", "s1-7"]) == WhyCommand(identifier="s1-7", db=Path("data/positions.db"))
    assert load(["why", "s1/a b", "--db", "x.db"]) == WhyCommand(identifier="s1/a b", db=Path("x.db"))


def test_the_help_shows_every_option_with_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        load(["--help"])

    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert all(option.flag in shown for option in OPTIONS.values())
    assert shown.count("python orchestrator.py --strategies sniper") == 2
    assert all(f"(default: {value})" in shown for value in ("dry-run", "1000", "auto", "max", "1", "info"))


def test_the_version_ends_with_success(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        load(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("orchestrator.py ")


@pytest.mark.parametrize(
    ("name", "choices", "text"),
    [
        pytest.param("snipr", ["quoter", "sniper"], "; close: sniper", id="close"),
        pytest.param("Sniper", ["quoter", "sniper"], "; close: sniper", id="capitals"),
        pytest.param("zzz", ["sniper", "quoter"], "; there are: quoter, sniper", id="nothing close"),
        pytest.param("zzz", [], "; there are: none", id="nothing at all"),
    ],
)
def test_the_nearest_name_is_given(name: str, choices: list[str], text: str) -> None:
    assert nearest(name, choices) == text


def test_the_environment_wins_over_env_file(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = f"POLYMARKET_PRIVATE_KEY={CANARY}\nREDIS_URL=redis://a\nPOLYMARKET_WALLET=\nOTHER=1\n"
    (empty_folder / ".env").write_text(lines)
    monkeypatch.setenv("REDIS_URL", "redis://b")

    found = {name: secret.reveal() for name, secret in run().environment.items()}

    assert found == {"POLYMARKET_PRIVATE_KEY": CANARY, "REDIS_URL": "redis://b"}


def test_the_values_of_env_file_are_literal(empty_folder: Path) -> None:
    (empty_folder / ".env").write_text("POLYMARKET_API_SECRET='a${HOME}b'\n")

    assert run().secrets() == ("a${HOME}b",)


def test_an_env_file_that_is_not_text_is_refused(empty_folder: Path) -> None:
    (empty_folder / ".env").write_bytes(b"A=\xff\n")

    message = refusal(*SNIPER)

    assert message.startswith(".env: cannot be read")
    assert is_one_line(message)


def test_the_flag_and_the_address_are_not_hidden(empty_folder: Path) -> None:
    (empty_folder / ".env").write_text(f"LIVE_TRADING=true\nPOLYMARKET_WALLET=0xabcdef\nREDIS_URL={CANARY}\n")

    assert run().secrets() == (CANARY,)


def test_no_secret_is_seen_in_settings(empty_folder: Path) -> None:
    (empty_folder / ".env").write_text(f"POLYMARKET_PRIVATE_KEY={CANARY}\n")
    loaded = run()
    secret = loaded.environment["POLYMARKET_PRIVATE_KEY"]

    shown = [
        repr(loaded),
        str(loaded),
        f"{secret}",
        repr(secret),
        f"{loaded.environment}",
        str(loaded.fingerprint()),
    ]
    encoded = msgspec.json.encode(loaded, enc_hook=str)

    assert secret.reveal() == CANARY
    assert not any(CANARY in text for text in shown)
    assert CANARY.encode() not in encoded


@pytest.mark.parametrize(
    "encode",
    [
        pytest.param(msgspec.json.encode, id="msgspec"),
        pytest.param(msgspec.to_builtins, id="builtins"),
        pytest.param(json.dumps, id="json"),
        pytest.param(pickle.dumps, id="pickle"),
    ],
)
def test_a_secret_cannot_be_encoded(encode: object) -> None:
    assert callable(encode)
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)) as refused:
        encode(Secret(CANARY))

    assert CANARY not in str(refused.value)


def test_the_fingerprint_has_what_decides_and_nothing_else() -> None:
    words = [
        "--speed",
        "2",
        "--duration",
        "9",
        "--db",
        "x.db",
        "--log-level",
        "debug",
        "--json",
        "--events",
        "3",
    ]

    assert run(*words).fingerprint() == run().fingerprint()
    assert run("--tape", "x").fingerprint() == run().fingerprint()


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
        PaperSettings(settlement_s_min=30)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flag=st.sampled_from([option.flag for option in OPTIONS.values()] + ["--config"]), value=st.text())
def test_any_text_for_any_option_is_read_or_refused_in_one_line(flag: str, value: str) -> None:
    for words in ([f"{flag}={value}"], [flag, f"{value} "]):
        try:
            load([*SNIPER, *words])
        except ConfigurationError as error:
            assert is_one_line(str(error))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    key=st.sampled_from([f"{table}.{key}" for table, keys in TABLES.items() for key in keys]),
    value=st.one_of(st.integers(), st.decimals(), st.booleans(), st.text(alphabet=PLAIN).map(json.dumps)),
)
def test_any_value_of_any_key_is_read_or_refused_in_one_line(key: str, value: object) -> None:
    table, name = key.split(".")
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    try:
        with_file(f"[{table}]\n{name} = {shown}\n")
    except ConfigurationError as error:
        assert is_one_line(str(error))
