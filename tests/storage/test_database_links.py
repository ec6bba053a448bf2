"""One database has one lock, by whatever name it is opened."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.errors import DatabaseError
from storage.database import open_database


def link_to_file(folder: Path) -> Path:
    """Another name for the file, in another folder."""
    link = folder / "elsewhere" / "link.db"
    link.symlink_to(folder / "data" / "x.db")
    return link


def link_to_folder(folder: Path) -> Path:
    """The file by way of a link to its folder."""
    (folder / "linked").symlink_to(folder / "data")
    return folder / "linked" / "x.db"


def link_to_link(folder: Path) -> Path:
    """A link to a link to the file."""
    link = folder / "second.db"
    link.symlink_to(link_to_file(folder))
    return link


def relative_link(folder: Path) -> Path:
    """A link that is read from where it stands."""
    link = folder / "elsewhere" / "relative.db"
    link.symlink_to(Path("..") / "data" / "x.db")
    return link


NAMES = [link_to_file, link_to_folder, link_to_link, relative_link]


@pytest.fixture(name="folder")
def make_folder(tmp_path: Path) -> Path:
    """Where the database is to stand, and a place for links."""
    (tmp_path / "data").mkdir()
    (tmp_path / "elsewhere").mkdir()
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_a_second_daemon_is_refused_by_every_name(folder: Path, name: Callable[[Path], Path]) -> None:
    first, other = open_database(folder / "data" / "x.db"), name(folder)

    with pytest.raises(DatabaseError, match=f"in use by process {os.getpid()}"):
        open_database(other)

    first.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_link_to_a_file_that_is_made_by_it_holds_the_files_lock(
    folder: Path, name: Callable[[Path], Path]
) -> None:
    first = open_database(name(folder))

    with pytest.raises(DatabaseError, match="in use by process"):
        open_database(folder / "data" / "x.db")

    first.close()
    open_database(folder / "data" / "x.db").close()
    assert not list((folder / "elsewhere").glob("*.lock"))
