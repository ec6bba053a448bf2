"""Keystores: what is written can be opened with its password alone, and nothing tells the key."""

import json
import os
from pathlib import Path

import pytest

from domain.errors import ConfigurationError
from live.keys import find_keys, hidden_values
from live.keystore import create, opened, password_for, sealed
from settings import Secret
from tests.live.people import KEY, NOBODY, OWNER, Typist, settings_of

PASSWORD = "correct horse ünïcode"
QUICK = 2
"""Scrypt's cost where a test must not take a second."""


@pytest.fixture
def keystore(tmp_path: Path) -> Path:
    path = tmp_path / "wallet.json"
    path.write_bytes(sealed(Secret(KEY), Secret(PASSWORD), work=QUICK))
    return path


def test_a_sealed_key_comes_back_with_its_password(keystore: Path) -> None:
    assert opened(keystore, Secret(PASSWORD)).reveal() == KEY
    assert KEY[2:] not in keystore.read_text()


def test_a_wrong_password_is_refused_without_a_word_of_either(keystore: Path) -> None:
    with pytest.raises(ConfigurationError, match="the password is wrong") as refused:
        opened(keystore, Secret("not this one"))

    assert "not this one" not in str(refused.value)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[1]", id="a list"),
        pytest.param(b"{}", id="no keystore"),
        pytest.param(b'{"version": 1, "crypto": {}}', id="another version"),
        pytest.param(b"\xff\xfe", id="not text"),
        pytest.param(b'{"version": 3, "crypto": {"kdf": "x"}}', id="another kdf"),
        pytest.param(b'{"version": 3, "crypto": 7}', id="another form"),
    ],
)
def test_what_is_no_keystore_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)

    with pytest.raises(ConfigurationError, match="not a keystore of version 3"):
        opened(path, Secret(PASSWORD))


def test_a_keystore_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        opened(tmp_path / "none", Secret(PASSWORD))


@pytest.mark.slow
def test_a_keystore_is_made_at_the_terminal_and_trades(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    terminal = Typist(f"{KEY}\n", PASSWORD, PASSWORD)

    lines = create(path, terminal)
    keys = find_keys(settings_of({"POLYMARKET_KEYSTORE": str(path)}), Typist(PASSWORD))

    assert keys.last_four == OWNER[-4:]
    assert OWNER in lines[0]
    assert path.stat().st_mode & 0o777 == 0o600
    assert KEY in hidden_values(keys)
    assert KEY not in " ".join([*lines, *terminal.questions])
    assert json.loads(path.read_text())["version"] == 3


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        pytest.param(("nonsense", PASSWORD, PASSWORD), "not 64 hexadecimal digits", id="no key"),
        pytest.param((KEY, "short", "short"), "shorter than 8", id="a short password"),
        pytest.param((KEY, PASSWORD, PASSWORD + "x"), "differ", id="two passwords"),
        pytest.param((), "not 64 hexadecimal digits", id="input at its end"),
    ],
)
def test_a_wrong_answer_writes_nothing(tmp_path: Path, typed: tuple[str, ...], told: str) -> None:
    path = tmp_path / "mine.json"

    with pytest.raises(ConfigurationError, match=told) as refused:
        create(path, Typist(*typed))

    assert not path.exists()
    assert KEY not in str(refused.value)


def test_a_keystore_is_never_overwritten_and_never_made_without_a_person(keystore: Path) -> None:
    with pytest.raises(ConfigurationError, match="never overwritten"):
        create(keystore, Typist(KEY, PASSWORD, PASSWORD))
    with pytest.raises(ConfigurationError, match="at a terminal"):
        create(keystore.with_name("other"), NOBODY)


def with_password_file(tmp_path: Path, content: bytes, mode: int = 0o600) -> dict[str, str]:
    path = tmp_path / "password"
    path.write_bytes(content)
    path.chmod(mode)
    return {"POLYMARKET_KEYSTORE_PASSWORD_FILE": str(path)}


def test_a_file_of_ones_own_gives_the_password(tmp_path: Path, keystore: Path) -> None:
    environment = with_password_file(tmp_path, f"{PASSWORD}\n".encode())

    keys = find_keys(settings_of({**environment, "POLYMARKET_KEYSTORE": str(keystore)}), NOBODY)

    assert keys.last_four == OWNER[-4:]


def test_a_pipe_gives_the_password() -> None:
    reader, writer = os.pipe()
    os.write(writer, PASSWORD.encode())
    os.close(writer)
    environment = {"POLYMARKET_KEYSTORE_PASSWORD_FILE": f"/dev/fd/{reader}"}

    password = password_for(Path("x"), settings_of(environment), NOBODY)
    os.close(reader)

    assert password.reveal() == PASSWORD


@pytest.mark.parametrize(
    ("content", "mode", "told"),
    [
        pytest.param(b"secret", 0o644, "others can read it; run: chmod 600", id="others can read it"),
        pytest.param(b"secret", 0o640, "others can read it; run: chmod 600", id="the group can read it"),
        pytest.param(b"\n", 0o600, "holds no password", id="empty"),
        pytest.param(b"\xff", 0o600, "cannot be read", id="not text"),
    ],
)
def test_a_password_file_that_will_not_do_is_refused(
    tmp_path: Path, content: bytes, mode: int, told: str
) -> None:
    environment = with_password_file(tmp_path, content, mode)

    with pytest.raises(ConfigurationError, match=told):
        password_for(Path("x"), settings_of(environment), NOBODY)


def test_a_keystore_without_anybody_to_open_it_is_refused(keystore: Path) -> None:
    with pytest.raises(ConfigurationError, match="nobody is there"):
        find_keys(settings_of({"POLYMARKET_KEYSTORE": str(keystore)}), NOBODY)
