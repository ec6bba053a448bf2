"""Commands that speak to a venue: doctor, reconcile, approve, record, keystore."""

import asyncio
import sys

from config import Settings
from console import Console
from domain.errors import ConfigurationError
from guard import Guard
from live.access import open_account
from live.doctor import run_doctor
from live.gate import arm_reader, confirm, find_closed_keys
from live.keys import PolymarketKeys
from live.keystore import create
from live.opening import open_market
from live.record import record
from live.session import LiveSession
from live.terminal import ProcessTerminal
from recovery import open_live
from session import Surroundings
from settings import ApproveCommand, DoctorCommand, KeystoreCommand, ReconcileCommand, RecordCommand

LiveCommand = DoctorCommand | ReconcileCommand | ApproveCommand | RecordCommand | KeystoreCommand


def obey(command: LiveCommand) -> tuple[list[str], int]:
    """Follow a command that speaks to the venue; return what to print and the exit code."""
    terminal = ProcessTerminal()
    match command:
        case DoctorCommand():
            lines, code = run_doctor(command.settings, terminal=terminal)
            return list(lines), code
        case KeystoreCommand():
            return create(command.path, terminal), 0
        case ApproveCommand():
            return asyncio.run(_approve(command.settings, terminal))
        case ReconcileCommand():
            return _reconcile(command, terminal)
        case RecordCommand():
            return record(command)


async def _approve(settings: Settings, terminal: ProcessTerminal) -> tuple[list[str], int]:
    """Let the venue's contracts take what orders promise, after the wallet was confirmed."""
    keys = find_closed_keys(settings, terminal)
    if not isinstance(keys, PolymarketKeys):
        raise ConfigurationError(f"approve: {settings.venue.name} needs no approvals; only polymarket does")
    confirm(keys, settings, terminal)
    account = await open_account(keys, settings)
    try:
        missing = await account.missing_approvals()
        if not missing:
            return ["all approvals are in place; nothing was sent"], 0
        outcome = await account.set_up_approvals()
    finally:
        await account.close()
    if outcome.is_done:
        return [f"approved: {', '.join(missing)}"], 0
    certainty = (
        "nothing was changed" if outcome.is_certain else "it may still be confirmed; run doctor in a minute"
    )
    return [f"the approvals did not come about ({outcome.reason}); {certainty}"], 1


def _reconcile(command: ReconcileCommand, terminal: ProcessTerminal) -> tuple[list[str], int]:
    """Compare books once, with no strategy; exit code 1 where something keeps the gate closed, or could not be read."""
    settings = command.settings
    keys = find_closed_keys(settings, terminal)
    around = Surroundings(Console(sys.stderr), Guard(settings.db))
    market = open_market(settings, arm_reader(settings, keys), note_secret=around.hide)
    opened = open_live(settings, account=market.account, label=market.label)
    report = asyncio.run(
        LiveSession(settings, market, [], opened, around).reconcile_once(accepts=command.accepts)
    )
    return report.lines(), 0 if report.verdict == "clean" else 1
