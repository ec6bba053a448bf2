"""Keys and hosts from the environment and from .env, which only its owner may read where keys stand in it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import dotenv

from setting_values import Names, Value, refusal
from settings import Secret, is_public
from venue_settings import HOST_NAMES, POLYMARKET, hosts_behind

ENV_FILE = Path(".env")
OTHERS_BITS = 0o077
COMMON_NAMES = ("REDIS_URL", "LIVE_TRADING", "LIVE_CONFIRM")
EXCHANGE_ENDINGS = ("API_KEY", "SECRET", "PASSWORD")
HOST_VARIABLES = {f"POLYMARKET_{name.upper()}": name for name in HOST_NAMES}


class Environment(NamedTuple):
    """What was found: all values hidden alike, and the names of keys in a .env that others can read."""

    values: dict[str, Secret]
    exposed: Names

    def venue_settings(self) -> dict[str, Value]:
        """Settings of the venue that stand in the environment: POLYMARKET_URL first, each host's own over it."""
        found: dict[str, Value] = {}
        if "POLYMARKET_URL" in self.values:
            hosts = hosts_behind(self.values["POLYMARKET_URL"].reveal())
            found |= {name: Value("POLYMARKET_URL", url) for name, url in hosts.items()}
        own = HOST_VARIABLES | {"POLYMARKET_WALLET": "wallet"}
        return found | {
            name: Value(variable, self.values[variable].reveal())
            for variable, name in own.items()
            if variable in self.values
        }


def read_environment(venue: str) -> Environment:
    """Read what concerns us, and the keys of this venue; variables of the process win over .env.

    Raises ConfigurationError for a .env that cannot be read. One that others can read is told, not refused: whether
    its keys are used decides about that.
    """
    in_file = _read_file()
    values = {**in_file, **os.environ}
    ours = {name: Secret(values[name]) for name in values if values[name] and _is_ours(name, venue)}
    return Environment(ours, _exposed(in_file, ours))


def exposed_message(names: Names) -> str:
    """Why these keys are not used, and the command that mends it.

    >>> exposed_message(("POLYMARKET_PRIVATE_KEY",))
    '.env: others on this machine can read POLYMARKET_PRIVATE_KEY; run: chmod 600 .env'
    """
    return f"{ENV_FILE}: others on this machine can read {', '.join(names)}; run: chmod 600 {ENV_FILE}"


def is_readable_by_others(path: Path) -> bool:
    """Say whether a file's permissions let its group or everybody at it; a pipe has no such permissions."""
    return path.is_file() and bool(path.stat().st_mode & OTHERS_BITS)


def _read_file() -> dict[str, str]:
    try:
        found: Mapping[str, str | None] = dotenv.dotenv_values(ENV_FILE, interpolate=False)
    except (OSError, ValueError) as error:
        raise refusal(f".env: cannot be read ({_reason(error)}); .env.example shows its form") from None
    return {name: value for name, value in found.items() if value}


def _reason(error: OSError | ValueError) -> str:
    """What is wrong with the file, without a byte of what stands in it."""
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} is not UTF-8"
    return (error.strerror or "") if isinstance(error, OSError) else type(error).__name__


def _is_ours(name: str, venue: str) -> bool:
    if name.startswith("POLYMARKET_") or name in COMMON_NAMES:
        return True
    return venue != POLYMARKET and name in {f"{venue.upper()}_{ending}" for ending in EXCHANGE_ENDINGS}


def _exposed(in_file: Mapping[str, str], ours: Mapping[str, Secret]) -> Names:
    if not is_readable_by_others(ENV_FILE):
        return ()
    from_file = (name for name in in_file if name in ours and name not in os.environ)
    return tuple(sorted(name for name in from_file if not is_public(name) and name != "REDIS_URL"))
