"""Start-up: the database is locked, checked and bound, and the session begins or goes on where it stood.

A session on a recording is a deterministic function of the recording, the settings and the stops that a person
made. So a restart plays it again from its start through the same core: the transactions that are durable already
are recognised by their number and not written twice, and a running digest proves that they are the same. At the
last durable transaction memory is exactly what it was, with positions, reservations, resting orders and answers
under way, and the session goes on (docs/decisions/0003).
"""

from typing import NamedTuple

from backtest.tape import Tape
from config import VERSION, MarketSource, Settings
from domain.errors import UserError
from domain.identifiers import SessionId, digest
from domain.inputs import Input, InputKind
from guard import HANG_S_MAX, Guard
from storage.sessions import RunInfo, SessionState
from storage.store import Store
from strategies.base_strategy import BaseStrategy
from strategies.loader import describe

ACCOUNT_KINDS = {True: "paper on a generated market", False: "paper on a recording"}
"""A database is bound at first use to one of them; profits of one say nothing about another."""


class Opened(NamedTuple):
    """A store that is ready to write, where its session stands, and what was done to it from outside."""

    store: Store
    state: SessionState
    inputs: list[Input]


def open_session(
    settings: Settings, tape: Tape, strategies: list[BaseStrategy], *, guard: Guard, is_retry: bool = False
) -> Opened:
    """Open the store and begin or resume its session.

    Raises DatabaseError where the file cannot be used, SessionError where an unfinished session was begun with
    other options. A retry within one process never abandons the session that it just began.
    """
    fingerprint = session_fingerprint(settings, tape, strategies)
    store = Store.open(settings.db, account_kind=ACCOUNT_KINDS[settings.market is MarketSource.SIM])
    run = RunInfo(
        mode=settings.mode.value,
        market=tape.label,
        strategies=settings.strategies,
        seed=settings.seed,
        config_hash=fingerprint["config"],
        version=VERSION,
    )
    try:
        state = store.begin(fingerprint=fingerprint, run=run, fresh=settings.new_session and not is_retry)
    except UserError:
        store.release()
        raise
    inputs = store.inputs()
    if (halt := _halt_after_hang(guard, state.session)) is not None:
        store.add_input(halt)
        inputs.append(halt)
    return Opened(store, state, inputs)


def open_live(settings: Settings, *, account: str, label: str, is_retry: bool = False) -> Opened:
    """Open the store of an account on live data and go on with its session, from its rows.

    Nothing has to be equal but the account: strategies, limits and markets may change between two starts. Raises
    DatabaseError where the file cannot be used, SessionError where it holds another account's money.
    """
    store = Store.open(settings.db, account_kind=account)
    run = RunInfo(
        mode=settings.mode.value,
        market=label,
        strategies=settings.strategies,
        seed=settings.seed,
        config_hash=digest(*(f"{key}={value}" for key, value in sorted(settings.fingerprint().items()))),
        version=VERSION,
    )
    try:
        fresh = settings.new_session and not is_retry
        state = store.begin(fingerprint={"account": account}, run=run, fresh=fresh, is_replayed=False)
    except UserError:
        store.release()
        raise
    return Opened(store, state, store.inputs())


def _halt_after_hang(guard: Guard, session: SessionId) -> Input | None:
    """The strategy whose hook hung the last process for good is left out from that very event on."""
    hang = guard.find_hang()
    if hang is None or hang.session != session:
        return None
    reason = f"strategy {hang.strategy} hung the process: native code did not return within {HANG_S_MAX} s"
    return Input(
        position=hang.position,
        kind=InputKind.HALT,
        strategy=hang.strategy,
        ordinal=hang.ordinal,
        reason=reason,
    )


def session_fingerprint(settings: Settings, tape: Tape, strategies: list[BaseStrategy]) -> dict[str, str]:
    """All that decides what the session does; a restart must bring the same."""
    parameters = {
        f"strategies.{strategy.name}.{key}": value
        for strategy in strategies
        for key, value in describe(strategy).items()
    }
    given = {**settings.fingerprint(), **parameters, "tape": tape.fingerprint}
    return {**given, "config": digest(*(f"{key}={value}" for key, value in sorted(given.items())))}
