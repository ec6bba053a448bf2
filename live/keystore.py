"""A private key in a file behind a password: version 3 of Ethereum's keystores, which other wallets read too."""

import json
from pathlib import Path

from eth_keyfile.keyfile import create_keyfile_json, decode_keyfile_json

from domain.errors import ConfigurationError
from environment import is_readable_by_others
from live.private_files import write_new
from live.terminal import Terminal
from settings import Secret, Settings
from venues.polymarket.signing import OrderSigner, Wallet, WalletKind

PASSWORD_LENGTH_MIN = 8
FILE_BYTES_MAX, PASSWORD_BYTES_MAX = 65_536, 1_024
KEYSTORE, PASSWORD_FILE = "POLYMARKET_KEYSTORE", "POLYMARKET_KEYSTORE_PASSWORD_FILE"


def create(path: Path, terminal: Terminal) -> list[str]:
    """Ask for a key and twice for a password, and write the file; the lines say whose key it is and what is next.

    Raises ConfigurationError where a file stands there already, nobody can be asked, or an answer is no good.
    """
    if not terminal.is_interactive:
        raise ConfigurationError(f"keystore {path}: the key and its password are typed; run it at a terminal")
    if path.exists():
        raise ConfigurationError(f"keystore {path}: there already, and never overwritten; give another name")
    key = Secret(terminal.ask_hidden("private key (64 hexadecimal digits, not shown):").strip())
    owner = owner_of(key)
    password = Secret(terminal.ask_hidden("password (not shown):"))
    if len(password.reveal()) < PASSWORD_LENGTH_MIN:
        raise ConfigurationError(
            f"keystore {path}: the password is shorter than {PASSWORD_LENGTH_MIN} characters"
        )
    if terminal.ask_hidden("the same password once more:") != password.reveal():
        raise ConfigurationError(
            f"keystore {path}: the two passwords differ; nothing was written, start again"
        )
    write_new(path, sealed(key, password))
    return [
        f"{path}: the key of {owner}, behind your password; without it the key is lost",
        f"use it: {KEYSTORE}={path} in .env, and take POLYMARKET_PRIVATE_KEY out",
    ]


def sealed(key: Secret, password: Secret, *, work: int | None = None) -> bytes:
    """The keystore's text; `work` is scrypt's cost, None the usual one, about a second for each guess."""
    digits = bytes.fromhex(key.reveal().removeprefix("0x"))
    made = create_keyfile_json(digits, password.reveal(), kdf="scrypt", iterations=work)
    return json.dumps(made, indent=1).encode() + b"\n"


def opened(path: Path, password: Secret) -> Secret:
    """The key in the file; ConfigurationError where the file is no keystore or the password is wrong."""
    try:
        content = json.loads(_read(path))
        if not isinstance(content, dict):
            raise TypeError
        key = decode_keyfile_json(content, password.reveal())
    except OSError as error:
        raise ConfigurationError(
            f"{KEYSTORE} {path}: cannot be read ({error.strerror}); make one: python orchestrator.py keystore FILE"
        ) from None
    except (ValueError, TypeError, KeyError, NotImplementedError) as error:
        if str(error) == "MAC mismatch":
            raise ConfigurationError(f"{KEYSTORE} {path}: the password is wrong; try again") from None
        raise ConfigurationError(
            f"{KEYSTORE} {path}: not a keystore of version 3; make one: python orchestrator.py keystore FILE"
        ) from None
    return Secret("0x" + key.hex())


def password_for(path: Path, settings: Settings, terminal: Terminal) -> Secret:
    """The password from its file, which may be a pipe such as /dev/fd/3, or from the person at the terminal."""
    named = settings.environment.get(PASSWORD_FILE)
    if named is not None:
        return _password_in(Path(named.reveal()))
    if terminal.is_interactive:
        return Secret(terminal.ask_hidden(f"password of {path} (not shown):"))
    raise ConfigurationError(
        f"{KEYSTORE} {path}: nobody is there to type its password; name a file of yours in {PASSWORD_FILE}"
    )


def owner_of(key: Secret) -> str:
    """Address of the key's owner; ConfigurationError, without the key, where it is none."""
    nobody = Wallet("0x" + "0" * 40, WalletKind.DEPOSIT)
    return OrderSigner(key=key, wallet=nobody).owner


def _password_in(path: Path) -> Secret:
    if is_readable_by_others(path):
        raise ConfigurationError(f"{PASSWORD_FILE} {path}: others can read it; run: chmod 600 {path}")
    try:
        with path.open("rb") as file:
            text = file.read(PASSWORD_BYTES_MAX + 1).decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigurationError(f"{PASSWORD_FILE} {path}: cannot be read ({reason})") from None
    if not text or len(text) > PASSWORD_BYTES_MAX:
        raise ConfigurationError(
            f"{PASSWORD_FILE} {path}: holds no password of 1 to {PASSWORD_BYTES_MAX} bytes"
        )
    return Secret(text)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(FILE_BYTES_MAX)
