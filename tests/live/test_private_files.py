"""Files of this installation: made once, for the owner alone, and refused where somebody else could read them."""

import os
from pathlib import Path

import msgspec
import pytest

from domain.errors import ConfigurationError
from live.private_files import credentials_path, install_id, store_credentials, stored_credentials
from settings import Secret, Settings
from tests.live.people import OWNER
from venues.polymarket.signing import Credentials

MINE = Credentials(key="k", secret=Secret("czE="), passphrase=Secret("p"))


def test_the_install_id_is_made_once_beside_the_database(tmp_path: Path) -> None:
    settings = Settings(db=tmp_path / "data" / "positions.db")

    first = install_id(settings)

    assert install_id(settings) == first
    assert len(first) == 32
    assert os.stat(tmp_path / "data" / "install-id.key").st_mode & 0o777 == 0o600
    assert install_id(Settings(db=tmp_path / "other" / "x.db")) != first


def test_a_file_of_ones_choice_holds_the_install_id(tmp_path: Path) -> None:
    path = tmp_path / "id"
    path.write_text("0123456789abcdef\n")
    venue = msgspec.structs.replace(Settings().venue, install_id_file=path)

    assert install_id(Settings(venue=venue)) == "0123456789abcdef"


@pytest.mark.parametrize("content", ["", "short", "with blanks in it, and long", "\xff" * 20])
def test_an_install_id_that_was_cut_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "install-id.key").write_text(content, encoding="latin-1")

    with pytest.raises(ConfigurationError, match="put the old file back"):
        install_id(Settings(db=tmp_path / "x.db"))


def test_credentials_come_back_and_are_for_the_owner_alone(tmp_path: Path) -> None:
    path = credentials_path(tmp_path / "positions.db", OWNER)
    assert stored_credentials(path) is None

    store_credentials(path, MINE)
    store_credentials(path, MINE)

    found = stored_credentials(path)
    assert found is not None
    assert (found.key, found.secret.reveal(), found.passphrase.reveal()) == ("k", "czE=", "p")
    assert path.stat().st_mode & 0o777 == 0o600


def test_credentials_that_others_can_read_or_that_are_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.key"
    store_credentials(path, MINE)
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        stored_credentials(path)

    path.chmod(0o600)
    path.write_text('{"key": "canary"')
    with pytest.raises(ConfigurationError, match="delete it") as refused:
        stored_credentials(path)
    assert "canary" not in str(refused.value)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")

    with pytest.raises(ConfigurationError, match="cannot be"):
        install_id(Settings(db=tmp_path / "data" / "x.db"))
