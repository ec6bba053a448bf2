"""`doctor`: looks at this machine, the venue and the account, and says in words what keeps them from trading live.

machine: .env, switches, packages, disk, store, Redis ─┐
venue:   clock, region, protocol ──────────────────────┼─► findings ─► lines, exit code
account: key, wallet, approvals, balances, positions ──┘
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from domain.errors import ConfigurationError, DaemonError
from live.exchange_doctor import examine_exchange
from live.findings import Finding, bad, cleaned, exit_code, lines_of, warn
from live.keys import ExchangeKeys, Keys, PolymarketKeys, find_keys, hidden_values
from live.machine_doctor import examine_machine
from live.polymarket_doctor import examine_account, examine_venue
from live.private_files import credentials_path, stored_credentials
from live.terminal import Terminal
from settings import Settings

EXAMINATION_S_MAX = 8
"""Seconds for each of the parts, which are looked at at once: what has not answered by then is said to hang."""

Part = Callable[[], Awaitable[list[Finding]]]

log = logging.getLogger(__name__)


def run_doctor(settings: Settings, *, terminal: Terminal) -> tuple[list[str], int]:
    """The whole command: the lines to print, and the exit code."""
    findings = asyncio.run(examine(settings, terminal=terminal))
    return lines_of(findings), exit_code(findings)


async def examine(settings: Settings, *, terminal: Terminal) -> list[Finding]:
    """Look at everything; never raises for what it finds, and ends within ten seconds of the last answer typed."""
    keys = _keys(settings, terminal)  # before anything runs: a keystore's password may have to be typed
    findings = await _together(_parts(settings, keys))
    if isinstance(keys, Finding):
        findings.append(keys)
    return cleaned(findings, _secrets(settings, keys))


def _parts(settings: Settings, keys: Keys | Finding) -> dict[str, Part]:
    """What is to be looked at; without a key, all that is public."""
    parts: dict[str, Part] = {"machine": lambda: examine_machine(settings)}
    if settings.venue.is_polymarket:
        parts["venue"] = lambda: examine_venue(settings)
    match keys:
        case PolymarketKeys():
            parts["account"] = lambda: examine_account(settings, keys)
        case ExchangeKeys():
            parts["exchange"] = lambda: examine_exchange(settings, keys)
        case Finding():
            if not settings.venue.is_polymarket:
                parts["exchange"] = lambda: examine_exchange(settings, None)
    return parts


async def _together(parts: dict[str, Part]) -> list[Finding]:
    async with asyncio.TaskGroup() as tasks:
        running = [
            tasks.create_task(_supervised(name, part), name=f"doctor {name}") for name, part in parts.items()
        ]
    return [finding for task in running for finding in task.result()]


async def _supervised(name: str, part: Part) -> list[Finding]:
    """One part of the examination; what goes wrong in it is a finding too."""
    try:
        async with asyncio.timeout(EXAMINATION_S_MAX):
            return await part()
    except TimeoutError:
        return [
            bad(name, f"no answer within {EXAMINATION_S_MAX} s", "look at the network, then run doctor again")
        ]
    except DaemonError as error:
        return [bad(name, str(error))]
    except Exception as error:  # supervised: a doctor that falls over says so, and the other parts go on
        log.debug("a part of the examination failed", exc_info=error)
        return [warn(name, f"could not be looked at: {type(error).__name__}")]


def _keys(settings: Settings, terminal: Terminal) -> Keys | Finding:
    try:
        return find_keys(settings, terminal)
    except ConfigurationError as error:
        words, _, mend = str(error).partition("; ")
        return bad("key", words, mend)


def _secrets(settings: Settings, keys: Keys | Finding) -> tuple[str, ...]:
    """All that no line may show, credentials that were derived just now among them."""
    match keys:
        case Finding():
            return settings.secrets()
        case ExchangeKeys():
            return (*settings.secrets(), *hidden_values(keys))
        case PolymarketKeys():
            derived: tuple[str, ...] = ()
            with contextlib.suppress(ConfigurationError):  # the look at the account says so
                if kept := stored_credentials(credentials_path(settings.db, keys.owner)):
                    derived = (kept.secret.reveal(), kept.passphrase.reveal())
            return (*settings.secrets(), *hidden_values(keys), *derived)
