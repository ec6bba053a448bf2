"""The doctor's look at this machine: .env, the switches of live trading, packages, disk, database and Redis."""

import asyncio
import fcntl
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from clock import monotonic_s
from domain.errors import ConfigurationError, DatabaseError
from environment import ENV_FILE, exposed_message, is_readable_by_others
from live.findings import Finding, bad, ok, warn
from live.gate import CONFIRM, FLAG, YES
from live.keystore import KEYSTORE
from settings import Settings
from storage.cache import check_url
from storage.database import examine, read_only_uri
from storage.schema import MIGRATIONS

PACKAGES = {"polymarket-client": "0.14.0", "ccxt": "4.5.", "coincurve": "", "aiohttp": "3."}
"""What goes to a venue, and how its version begins: others were not tested."""

GIGABYTE = 10**9
FREE_GB_MIN, FREE_GB_LOW = 1, 5
STORE_CHECK_S_MAX = 5
INTERRUPT_CHECK_STEPS = 100_000
"""Steps of SQLite's machine between two looks at the clock while the file is checked."""

REDIS_S_MAX = 2
IN_DOUBT = ("UNKNOWN", "CANCEL_UNKNOWN", "SENDING", "CANCEL_SENDING")


async def examine_machine(settings: Settings) -> list[Finding]:
    """All that can be seen without the venue."""
    findings = [*keys_at_rest(settings), *switches(settings), packages(), disk(settings.db)]
    findings += await asyncio.to_thread(store, settings.db)
    return [*findings, await redis_server(settings)]


def keys_at_rest(settings: Settings) -> list[Finding]:
    """Whether others on this machine can read what opens the account."""
    found = []
    if settings.exposed_keys:
        words, _, mend = exposed_message(settings.exposed_keys).partition("; ")
        found.append(bad(".env", words, mend.removeprefix("run: ")))
    elif ENV_FILE.exists():
        found.append(ok(".env", "no key in it that others on this machine can read"))
    keystore = settings.environment.get(KEYSTORE)
    if keystore is not None and is_readable_by_others(path := Path(keystore.reveal())):
        found.append(
            warn("keystore", f"others can read {path} and guess at its password", f"chmod 600 {path}")
        )
    return found


def switches(settings: Settings) -> list[Finding]:
    """What must be said and set before `--mode live` opens the gate."""
    flag = settings.environment.get(FLAG)
    missing = [] if flag and flag.reveal().lower() == YES else [f"{FLAG}={YES}"]
    missing += [] if settings.venue.notional_max is not None else ["--notional-max AMOUNT"]
    note = f" (and {CONFIRM} where there is no terminal)" if CONFIRM not in settings.environment else ""
    if missing:
        return [warn("live gate", f"shut: {', '.join(missing)} missing", f"set it, then --mode live{note}")]
    return [ok("live gate", f"opens with --mode live and the wallet's last four characters{note}")]


def packages() -> Finding:
    """Whether what speaks to the venues has the versions that were tested."""
    installed = {name: _version(name) for name in PACKAGES}
    wrong = [name for name, begin in PACKAGES.items() if not (installed[name] or "-").startswith(begin)]
    missing = [name for name, found in installed.items() if found is None]
    if wrong or missing:
        told = ", ".join(
            f"{name} {installed[name] or 'missing'}" for name in dict.fromkeys([*wrong, *missing])
        )
        return bad("packages", f"{told}: not what was tested", "pip install -r requirements.txt")
    return ok("packages", ", ".join(f"{name} {found}" for name, found in installed.items()))


def disk(db: Path) -> Finding:
    """Whether there is room for the database to grow."""
    folder = next(parent for parent in db.absolute().parents if parent.exists())
    free_gb = shutil.disk_usage(folder).free / GIGABYTE
    words = f"{free_gb:.1f} GB free at {folder}"
    if free_gb < FREE_GB_MIN:
        return bad(
            "disk", words, f"free {FREE_GB_MIN} GB at least: without room no order is stored, so none is sent"
        )
    return warn("disk", words, "free some before a long run") if free_gb < FREE_GB_LOW else ok("disk", words)


def store(db: Path) -> list[Finding]:
    """Whether the database is ours, whole, of this program's version and free; orders that wait for somebody."""
    try:
        found = examine(db)
    except DatabaseError as error:
        return [bad("store", str(error))]
    if not found:
        return [ok("store", f"{db} will be made at the first start")]
    holder = _holder(db)
    used = f", in use by process {holder}" if holder else ""
    behind = (
        f"; brought from version {found} to {len(MIGRATIONS)} at the next start"
        if found < len(MIGRATIONS)
        else ""
    )
    try:
        with closing(sqlite3.connect(read_only_uri(db), uri=True, isolation_level=None)) as connection:
            return [_whole(connection, f"{db}: whole{used}{behind}"), *_waiting(connection)]
    except sqlite3.Error as error:
        return [bad("store", f"{db} cannot be read: {error}", "restore a copy, or give another --db")]


async def redis_server(settings: Settings) -> Finding:
    """Whether the cache answers; trading never waits for it."""
    url = settings.environment.get("REDIS_URL")
    if url is None:
        return ok("redis", "not used: REDIS_URL is not set")
    try:
        check_url(url)
    except ConfigurationError as error:
        return bad("redis", str(error))
    client = Redis.from_url(url.reveal(), socket_connect_timeout=REDIS_S_MAX)
    try:
        async with asyncio.timeout(REDIS_S_MAX):
            await client.ping()
    except (RedisError, OSError, TimeoutError) as error:
        words = f"does not answer ({type(error).__name__}); nothing but latency changes without it"
        return warn("redis", words, "start it, or take REDIS_URL out")
    finally:
        await client.aclose()
    return ok("redis", "answers")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _whole(connection: sqlite3.Connection, words: str) -> Finding:
    connection.set_progress_handler(_after(STORE_CHECK_S_MAX), INTERRUPT_CHECK_STEPS)
    try:
        (told,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if "interrupted" not in str(error):
            raise
        return warn("store", f"{words.partition(':')[0]}: too large to check in {STORE_CHECK_S_MAX} s")
    finally:
        connection.set_progress_handler(None, 0)
    if told != "ok":
        return bad("store", f"damaged: {told}", "stop the daemon and restore a copy; do not trade on it")
    return ok("store", words)


def _waiting(connection: sqlite3.Connection) -> list[Finding]:
    """Orders whose fate is open: the daemon resolves some at its start, a person decides the others."""
    rows = connection.execute("SELECT status, count(*), min(id) FROM orders GROUP BY status").fetchall()
    counts = {status: count for status, count, _ in rows}
    first = {status: order_id for status, _, order_id in rows}
    found = []
    if in_doubt := sum(counts.get(status, 0) for status in IN_DOUBT):
        words = f"{in_doubt} without an answer; the next start asks the venue about them"
        found.append(warn("orders", words, "python orchestrator.py reconcile"))
    if quarantined := counts.get("QUARANTINED", 0):
        words = f"{quarantined} that no read could settle; look them up at the venue"
        found.append(
            bad("orders", words, f"python orchestrator.py decide {first['QUARANTINED']} absent|open")
        )
    return found


def _after(seconds: float) -> Callable[[], int]:
    until_s = monotonic_s() + seconds
    return lambda: int(monotonic_s() > until_s)


def _holder(db: Path) -> str:
    """The process that has the database; empty where none has. Asks for a shared lock, and gives it back at once."""
    path = db.resolve()
    lock = path.with_name(f"{path.name}.lock")
    if not lock.exists():
        return ""
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return file.read(20).strip() or "(unknown)"
    return ""
