"""The gate to live trading: what must be said, set, found and typed before anything exists that can send an order."""

from decimal import Decimal
from typing import Final

from domain.errors import ConfigurationError, InvariantError
from environment import exposed_message
from live.keys import ExchangeKeys, Keys, PolymarketKeys, find_keys
from live.terminal import Terminal
from settings import Mode, Settings

FLAG, CONFIRM = "LIVE_TRADING", "LIVE_CONFIRM"
YES = "yes"


class Armed:
    """The right to build what can send orders: `arm` makes it, every factory of a live venue asks for it.

    `notional_max` is the cap on all money at risk; the keys are in here and nowhere else.
    """

    __slots__ = ("keys", "notional_max", "settings")

    def __init__(self, seal: object, *, settings: Settings, keys: Keys, notional_max: Decimal) -> None:
        if seal is not _SEAL:
            raise InvariantError("live trading is armed by live.gate.arm and by nothing else")
        self.settings: Final = settings
        self.keys: Final = keys
        self.notional_max: Final = notional_max

    def __repr__(self) -> str:
        return f"Armed({self.settings.venue.name}, …{self.keys.last_four}, at most {self.notional_max})"

    @property
    def polymarket(self) -> PolymarketKeys:
        """The keys, where the venue is Polymarket."""
        assert isinstance(self.keys, PolymarketKeys), "armed for an exchange"
        return self.keys

    @property
    def exchange(self) -> ExchangeKeys:
        """The keys, where the venue is an exchange."""
        assert isinstance(self.keys, ExchangeKeys), "armed for Polymarket"
        return self.keys


_SEAL: Final = object()


def arm(settings: Settings, *, terminal: Terminal) -> Armed:
    """Let live trading begin; ConfigurationError names the first thing that is missing and what to do about it.

    Asks at the terminal for the wallet's last four characters (and before that for a keystore's password); where
    there is no terminal, LIVE_CONFIRM in the environment must hold them.
    """
    if settings.mode is not Mode.LIVE:
        raise ConfigurationError("--mode live is missing; without it all orders stay on paper")
    flag = settings.environment.get(FLAG)
    if flag is None or flag.reveal().lower() != YES:
        raise ConfigurationError(f"--mode live: {FLAG} is not {YES}; set {FLAG}={YES}, or use --mode dry-run")
    notional_max = settings.venue.notional_max
    if notional_max is None:
        raise ConfigurationError(
            "--mode live: --notional-max is missing; say how much may be at risk in all, e.g. --notional-max 100"
        )
    keys = find_closed_keys(settings, terminal)
    confirm(keys, settings, terminal)
    return Armed(_SEAL, settings=settings, keys=keys, notional_max=notional_max)


def arm_reader(settings: Settings, keys: Keys) -> Armed:
    """The right to build what reads an account, for commands that compare and never trade: no money may be at risk."""
    return Armed(_SEAL, settings=settings, keys=keys, notional_max=Decimal(0))


def find_closed_keys(settings: Settings, terminal: Terminal) -> Keys:
    """The venue's keys, from where nobody else on this machine can read them; else ConfigurationError."""
    if settings.exposed_keys:
        raise ConfigurationError(exposed_message(settings.exposed_keys))
    return find_keys(settings, terminal)


def confirm(keys: Keys, settings: Settings, terminal: Terminal) -> None:
    """Have a person show that this wallet is meant; ConfigurationError where another one was typed, or nothing."""
    what = f"wallet {keys.wallet.address}" if isinstance(keys, PolymarketKeys) else "API key"
    if terminal.is_interactive:
        hint = "" if isinstance(keys, PolymarketKeys) else f" (it ends in {keys.last_four})"
        typed = terminal.ask(
            f"REAL MONEY at {settings.venue.name}: type the last four characters of {what}{hint}:"
        )
        source = "what was typed"
    else:
        given = settings.environment.get(CONFIRM)
        if given is None:
            raise ConfigurationError(
                f"no terminal to confirm at, and no {CONFIRM}; set {CONFIRM} to the last four characters of the {what}"
            )
        typed, source = given.reveal(), CONFIRM
    if typed.lower() != keys.last_four.lower():
        raise ConfigurationError(
            f"{source} is not the last four characters of the {what}; nothing was started"
        )
