"""Opens the database file: checks what it is, locks it against a second daemon, sets its pragmas."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domain.errors import DatabaseError
from storage.schema import APPLICATION_ID, MIGRATIONS, application_id, migrate, refuse_newer, user_version

SQLITE_HEADER = b"SQLite format 3\x00"
BUSY_TIMEOUT_MS = 5_000
PAGE_BYTES = 2_048
"""An order changes some fifteen pages a little: smaller ones are half of the bytes that a commit has to flush."""

CHECKPOINT_PAGES = 8_000
"""Pages (16 MB) after which a commit folds the log into the file: that takes 1 to 3 ms, so not one in a hundred."""

PRAGMAS = (
    # With NORMAL, a power cut may lose a commit that was acknowledged, and with it an order that was sent.
    "synchronous = FULL",
    "foreign_keys = ON",
    f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
)


class Database:
    """An open database of ours: its writing connection, and the lock that makes it the only one."""

    def __init__(self, path: Path, lock: "Lock", connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection
        self._lock = lock

    def close(self) -> None:
        """Close the connection, then let the next daemon in; calling it again changes nothing."""
        self.connection.close()
        self._lock.release()


class Lock:
    """The right to write: held on `<path>.lock` until released, or until the process ends in any way."""

    def __init__(self, path: Path) -> None:
        self._file = _lock_path(path).open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = _holder(path)
            self._file.close()
            raise DatabaseError(
                f"{path} is in use by process {holder}; stop it or give another --db"
            ) from error
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        """Give the right up. The file stays: deleting it could take the lock from somebody else."""
        self._file.close()


def open_database(path: Path) -> Database:
    """Open or create the database, locked and migrated; DatabaseError says what is wrong and what helps."""
    with cannot_be_used(path):
        _make_folder(path)
        examine(path)
        _refuse_unwritable(path)
        lock = Lock(path.resolve())  # one lock for all names that links give a file
        try:
            return Database(path, lock, _connect(path))
        except (DatabaseError, sqlite3.Error):
            lock.release()
            raise


def require(path: Path) -> None:
    """Raise DatabaseError unless the file is a database of ours, fit to be read as it is."""
    version = examine(path)
    if version == 0:
        raise DatabaseError(f"{path} has no session; give the --db of a run")
    if version < len(MIGRATIONS):
        raise DatabaseError(f"{path} was written by an older program; start the daemon on it once")


def examine(path: Path) -> int:
    """Return the schema version, 0 where the file is missing or empty; changes nothing.

    Raises DatabaseError where it is anything else than a database of ours.
    """
    if not path.exists():
        return 0
    if not path.is_file():
        raise DatabaseError(f"{path} is not a file; give a file such as data/positions.db with --db")
    if not os.access(path, os.R_OK):
        raise DatabaseError(f"{path} cannot be read; change its permissions or give another --db")
    with path.open("rb") as file:
        header = file.read(len(SQLITE_HEADER))
    if not header:
        return 0
    if header != SQLITE_HEADER:
        raise DatabaseError(f"{path} is not a SQLite database; give another --db")
    with cannot_be_used(path):
        return _version_of_ours(path)


def read_only_uri(path: Path) -> str:
    """Address of the database for readers: SQLite itself refuses their writes."""
    return f"{path.absolute().as_uri()}?mode=ro"


@contextmanager
def cannot_be_used(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and of the file system into a DatabaseError of one line."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        detail = error.strerror if isinstance(error, OSError) else str(error)
        raise DatabaseError(f"{path} cannot be used: {detail}; mend that or give another --db") from error


def _connect(path: Path) -> sqlite3.Connection:
    # The thread that writes takes this connection over, and nobody else uses it from then on.
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # of a new file; another keeps its own
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise DatabaseError(f"{path} is on a file system without WAL; give a --db on a local disk")
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        migrate(connection, path=path)
    except (DatabaseError, sqlite3.Error):
        connection.close()
        raise
    return connection


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise DatabaseError(f"{path.parent} is not a folder; give another --db") from error


def _refuse_unwritable(path: Path) -> None:
    if path.exists() and not os.access(path, os.W_OK):
        raise DatabaseError(f"{path} cannot be written; change its permissions or give another --db")


def _version_of_ours(path: Path) -> int:
    connection = sqlite3.connect(read_only_uri(path), uri=True, isolation_level=None)
    try:
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        owner, version = application_id(connection), user_version(connection)
    finally:
        connection.close()
    if owner != APPLICATION_ID and (tables or owner or version):
        raise DatabaseError(f"{path} is the database of another program; give another --db")
    refuse_newer(version, path=path)
    return version


def _lock_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def _holder(path: Path) -> str:
    return _lock_path(path).read_text().strip() or "(unknown)"
