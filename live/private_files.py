"""Small files in the data folder that are this installation's own: its id, and API credentials once derived."""

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from domain.errors import ConfigurationError
from environment import is_readable_by_others
from settings import Secret, Settings
from venues.polymarket.signing import Credentials

ONLY_OWNER = 0o600
FILE_BYTES_MAX = 4_096
INSTALL_ID_BYTES, INSTALL_ID_LENGTH_MIN = 16, 16
INSTALL_ID_NAME = "install-id.key"


class _Stored(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    key: str
    secret: str
    passphrase: str


def install_id(settings: Settings) -> str:
    """What goes into every order's salt or client id, so that two installations never make the same; made once.

    Raises ConfigurationError where the file cannot be read or written, or was cut.
    """
    path = settings.venue.install_id_file or settings.db.parent / INSTALL_ID_NAME
    found = _read(path)
    if found is None:
        write_new(path, os.urandom(INSTALL_ID_BYTES).hex().encode() + b"\n")
        found = _read(path) or b""
    text = found.decode("ascii", errors="replace").strip()
    if len(text) < INSTALL_ID_LENGTH_MIN or not text.isalnum():
        raise ConfigurationError(
            f"{path}: no install id; put the old file back: with another one, orders under way are not recognised"
        )
    return text


def credentials_path(db: Path, owner: str) -> Path:
    """Where the API credentials of this owner are kept, beside the database."""
    return db.parent / f"polymarket-{owner[2:10].lower()}.key"


def stored_credentials(path: Path) -> Credentials | None:
    """The credentials derived earlier; None where there are none.

    Raises ConfigurationError where others can read them, or they are none.
    """
    content = _read(path)
    if content is None:
        return None
    if is_readable_by_others(path):
        raise ConfigurationError(
            f"{path}: others on this machine can read API credentials; run: chmod 600 {path}"
        )
    try:
        stored = msgspec.json.decode(content, type=_Stored)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ConfigurationError(
            f"{path}: not the API credentials we wrote; delete it and they are derived"
        ) from None
    return Credentials(key=stored.key, secret=Secret(stored.secret), passphrase=Secret(stored.passphrase))


def store_credentials(path: Path, credentials: Credentials) -> None:
    """Keep the credentials for the next start, readable by the owner only; replaces what was there."""
    stored = _Stored(
        key=credentials.key,
        secret=credentials.secret.reveal(),
        passphrase=credentials.passphrase.reveal(),
    )
    path.unlink(missing_ok=True)
    write_new(path, msgspec.json.encode(stored) + b"\n")


def write_new(path: Path, content: bytes) -> None:
    """Make a file that only its owner can read, from its first byte on, and have it on the disk before returning.

    Raises ConfigurationError where it cannot be, or where a file stands there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, ONLY_OWNER)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, ONLY_OWNER)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be written ({error.strerror}); name another place"
        ) from None


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(FILE_BYTES_MAX)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be read ({error.strerror}); mend that, or name another"
        ) from None
