"""The gate: one thing missing is enough to keep it shut, and nothing else opens it."""

from decimal import Decimal
from typing import Any

import pytest

from domain.errors import ConfigurationError, InvariantError
from live.gate import Armed, arm
from live.keys import ExchangeKeys, PolymarketKeys
from settings import Mode
from tests.live.people import CONTRACT, KEY, NOBODY, OWNER, Typist, settings_of
from venue_settings import VenueSettings, WalletType
from venues.polymarket.signing import WalletKind

YES = {"LIVE_TRADING": "yes"}
READY = {**YES, "POLYMARKET_PRIVATE_KEY": KEY}
BINANCE = VenueSettings(name="binance", notional_max=Decimal(100), select=("BTC/USDT",))
BINANCE_KEYS = {**YES, "BINANCE_API_KEY": "public-part-WXYZ", "BINANCE_SECRET": "hidden-part-1234"}
CANARIES = (KEY, KEY[2:], "hidden-part-1234")


def refusal(environment: dict[str, str], typed: str | None = "14f1", **changes: Any) -> str:
    """The message that keeps the gate shut; `typed` None means that nobody is there."""
    terminal = NOBODY if typed is None else Typist(typed)
    with pytest.raises(ConfigurationError) as refused:
        arm(settings_of(environment, **changes), terminal=terminal)
    return str(refused.value)


def test_with_everything_said_set_and_typed_the_gate_opens() -> None:
    terminal = Typist("14F1")

    armed = arm(settings_of(READY), terminal=terminal)

    assert armed.notional_max == Decimal(100)
    assert armed.polymarket.wallet.address == OWNER
    assert armed.polymarket.wallet.kind is WalletKind.EOA
    assert terminal.questions == [
        f"REAL MONEY at polymarket: type the last four characters of wallet {OWNER}:"
    ]


def test_without_a_terminal_the_environment_confirms() -> None:
    armed = arm(settings_of({**READY, "LIVE_CONFIRM": "14f1"}), terminal=NOBODY)

    assert isinstance(armed.keys, PolymarketKeys)


@pytest.mark.parametrize(
    ("environment", "changes", "told"),
    [
        pytest.param(READY, {"mode": Mode.DRY_RUN}, "--mode live is missing", id="no flag"),
        pytest.param({}, {}, "LIVE_TRADING is not yes; set LIVE_TRADING=yes", id="no variable"),
        pytest.param({**READY, "LIVE_TRADING": "true"}, {}, "LIVE_TRADING is not yes", id="another word"),
        pytest.param(READY, {"venue": VenueSettings()}, "--notional-max is missing", id="no cap"),
        pytest.param(YES, {}, "POLYMARKET_PRIVATE_KEY is missing", id="no key"),
        pytest.param(
            READY, {"exposed": ("POLYMARKET_PRIVATE_KEY",)}, "run: chmod 600 .env", id="a key others can read"
        ),
        pytest.param(
            {**READY, "POLYMARKET_KEYSTORE": "x"}, {}, "are both there; take one out", id="two keys"
        ),
        pytest.param(
            {**YES, "POLYMARKET_PRIVATE_KEY": KEY[:-1]},
            {},
            "POLYMARKET_PRIVATE_KEY: the private key is not 64",
            id="short key",
        ),
        pytest.param(
            {**YES, "POLYMARKET_PRIVATE_KEY": "0x" + "f" * 64}, {}, "not 64", id="a key beyond the curve"
        ),
        pytest.param(
            {**READY, "POLYMARKET_API_KEY": "k"},
            {},
            "POLYMARKET_API_SECRET, POLYMARKET_API_PASSPHRASE missing",
            id="a third of the credentials",
        ),
        pytest.param(YES, {"venue": BINANCE}, "BINANCE_API_KEY is missing", id="no exchange key"),
        pytest.param(
            {**YES, "BINANCE_API_KEY": "k"}, {"venue": BINANCE}, "BINANCE_SECRET is missing", id="no secret"
        ),
        pytest.param(
            {**BINANCE_KEYS, "BINANCE_API_KEY": "two words"},
            {"venue": BINANCE},
            "BINANCE_API_KEY has blanks",
            id="a key with a blank",
        ),
    ],
)
def test_one_thing_missing_keeps_it_shut(
    environment: dict[str, str], changes: dict[str, Any], told: str
) -> None:
    message = refusal(environment, **changes)

    assert told in message
    assert message.isprintable()
    assert not any(canary in message for canary in CANARIES)


@pytest.mark.parametrize("typed", ["", "yes", "14f", "914f1", OWNER])
def test_another_answer_keeps_it_shut(typed: str) -> None:
    assert "not the last four characters" in refusal(READY, typed)


def test_at_a_terminal_the_environment_does_not_confirm() -> None:
    assert "what was typed" in refusal({**READY, "LIVE_CONFIRM": "14f1"}, "")


def test_without_a_terminal_somebody_must_have_confirmed() -> None:
    assert "no LIVE_CONFIRM" in refusal(READY, None)
    assert "LIVE_CONFIRM is not" in refusal({**READY, "LIVE_CONFIRM": "0000"}, None)


def test_an_exchange_is_confirmed_by_the_end_of_its_key() -> None:
    armed = arm(settings_of(BINANCE_KEYS, venue=BINANCE), terminal=Typist("wxyz"))

    assert isinstance(armed.keys, ExchangeKeys)
    assert armed.exchange.api_key.reveal() == "public-part-WXYZ"


def test_nothing_but_the_gate_arms() -> None:
    opened = arm(settings_of(READY), terminal=Typist("14f1"))

    with pytest.raises(InvariantError):
        Armed(object(), settings=opened.settings, keys=opened.keys, notional_max=Decimal(1))


@pytest.mark.parametrize(
    ("wallet", "wallet_type", "kind"),
    [
        pytest.param(None, WalletType.AUTO, WalletKind.EOA, id="none"),
        pytest.param(OWNER.lower(), WalletType.AUTO, WalletKind.EOA, id="the key's own"),
        pytest.param(CONTRACT, WalletType.AUTO, WalletKind.DEPOSIT, id="a contract"),
        pytest.param(CONTRACT.lower(), WalletType.SAFE, WalletKind.SAFE, id="a safe"),
        pytest.param(CONTRACT, WalletType.PROXY, WalletKind.PROXY, id="a proxy"),
    ],
)
def test_the_wallet_is_what_the_settings_say(
    wallet: str | None, wallet_type: WalletType, kind: WalletKind
) -> None:
    venue = VenueSettings(notional_max=Decimal(1), wallet=wallet, wallet_type=wallet_type)
    last_four = (wallet or OWNER)[-4:]

    armed = arm(settings_of(READY, venue=venue), terminal=Typist(last_four))

    assert armed.polymarket.wallet.kind is kind
    assert armed.polymarket.wallet.address in (OWNER, CONTRACT)


@pytest.mark.parametrize(
    ("wallet", "wallet_type", "told"),
    [
        pytest.param(CONTRACT[:-1] + "1", WalletType.AUTO, "is wrong", id="a digit mistyped"),
        pytest.param(CONTRACT, WalletType.EOA, "not the address of the key", id="an EOA of another key"),
        pytest.param(OWNER, WalletType.DEPOSIT, "the key's own address", id="a deposit wallet of nobody"),
    ],
)
def test_a_wallet_that_cannot_be_is_refused(wallet: str, wallet_type: WalletType, told: str) -> None:
    venue = VenueSettings(notional_max=Decimal(1), wallet=wallet, wallet_type=wallet_type)

    assert told in refusal(READY, venue=venue)


def test_what_is_armed_shows_no_key() -> None:
    armed = arm(settings_of(READY), terminal=Typist("14f1"))
    exchange = arm(settings_of(BINANCE_KEYS, venue=BINANCE), terminal=Typist("wxyz"))

    shown = f"{armed} {armed!r} {armed.keys!r} {armed.settings!r} {exchange!r} {exchange.keys!r}"

    assert not any(canary in shown for canary in (*CANARIES, "public-part-WXYZ"))
