"""A canary for every kind of key: it reaches no log line, no exception's text, no repr and nothing that is stored."""

import logging
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

import clock
from domain.errors import ConfigurationError
from live.gate import arm
from live.keys import find_keys, hidden_values
from live.keystore import sealed
from settings import Secret, Settings
from telemetry import Telemetry, fields, setup
from tests.live.people import KEY, OWNER, Typist, settings_of
from venue_settings import VenueSettings

CAP = Decimal(1)
API = {
    "POLYMARKET_API_KEY": "canary-api-key",
    "POLYMARKET_API_SECRET": "Y2FuYXJ5LWFwaS1zZWNyZXQ=",
    "POLYMARKET_API_PASSPHRASE": "canary-passphrase",
    "POLYMARKET_RELAYER_KEY": "canary-relayer",
}
EXCHANGE = {
    "OKX_API_KEY": "canary-okx-key",
    "OKX_SECRET": "canary-okx-secret",
    "OKX_PASSWORD": "canary-okx-password",
}


@pytest.fixture
def telemetry(tmp_path: Path) -> Iterator[Telemetry]:
    """Logs of a run at the level that tells most."""
    made = setup(tmp_path / "logs", strategies=("sniper",), level="debug", clock=clock)
    yield made
    made.close()


def polymarket(tmp_path: Path) -> tuple[Settings, Typist, tuple[str, ...]]:
    """A key from a keystore, so that the settings do not know it, and API credentials from the environment."""
    path = tmp_path / "wallet.json"
    path.write_bytes(sealed(Secret(KEY), Secret("canary-password"), work=2))
    environment = {"LIVE_TRADING": "yes", "POLYMARKET_KEYSTORE": str(path), **API}
    settings = settings_of(environment, venue=VenueSettings(notional_max=CAP))
    return settings, Typist("canary-password", OWNER[-4:]), (KEY, KEY[2:], "canary-password", *API.values())


def okx(_tmp_path: Path) -> tuple[Settings, Typist, tuple[str, ...]]:
    """An exchange that asks for a password besides."""
    settings = settings_of(
        {"LIVE_TRADING": "yes", **EXCHANGE}, venue=VenueSettings(name="okx", notional_max=CAP)
    )
    return settings, Typist("-key"), tuple(EXCHANGE.values())


@pytest.mark.parametrize("case", [polymarket, okx])
def test_no_canary_is_seen_anywhere(tmp_path: Path, telemetry: Telemetry, case: object) -> None:
    assert callable(case)
    settings, terminal, canaries = case(tmp_path)
    armed = arm(settings, terminal=terminal)
    for value in (*settings.secrets(), *hidden_values(armed.keys)):
        telemetry.register_secret(value)

    log = logging.getLogger("daemon")
    log.debug("armed %s with %r", armed, armed.keys, extra=fields(settings=settings, keys=armed.keys))
    seen = [f"{armed} {armed!r} {armed.keys!r} {settings!r} {settings.fingerprint()} {terminal.questions}"]
    for value in canaries[:1] + canaries[-1:]:
        try:
            raise RuntimeError(f"a library that quotes {value}")
        except RuntimeError as error:
            log.exception("it failed", exc_info=error)
            seen.append(telemetry.format_exception(error))
    telemetry.flush()
    seen += [path.read_text() for path in (tmp_path / "logs").rglob("*") if path.is_file()]

    assert any("it failed" in text for text in seen)
    for canary in canaries:
        assert not any(canary in text for text in seen), canary


@pytest.mark.parametrize("case", [polymarket, okx])
def test_keys_cannot_be_stored_as_an_event(tmp_path: Path, case: object) -> None:
    assert callable(case)
    settings, terminal, canaries = case(tmp_path)
    armed = arm(settings, terminal=terminal)

    for value in (armed, armed.keys, settings):
        with pytest.raises(TypeError) as refused:
            msgspec.json.encode(value)
        assert not any(canary in str(refused.value) for canary in canaries)


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"POLYMARKET_PRIVATE_KEY": "canary" + "0" * 58}, id="no key"),
        pytest.param(
            {"POLYMARKET_PRIVATE_KEY": KEY, **API, "POLYMARKET_API_SECRET": "canary"}, id="no secret"
        ),
        pytest.param({"POLYMARKET_PRIVATE_KEY": KEY, "POLYMARKET_API_SECRET": "canary"}, id="one of three"),
        pytest.param({"POLYMARKET_KEYSTORE": "/dev/null", "POLYMARKET_PRIVATE_KEY": "canary"}, id="both"),
    ],
)
def test_a_bad_key_is_told_in_one_line_without_it(environment: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        find_keys(settings_of(environment), Typist("canary"))

    assert "canary" not in str(refused.value)
    assert str(refused.value).isprintable()
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
