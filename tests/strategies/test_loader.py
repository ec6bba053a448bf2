"""Strategies are found by the names of their files; a wrong name gets the nearest right one."""

import sys
from pathlib import Path

import pytest

import strategies.loader as loader_module
from domain.errors import ConfigurationError
from strategies.loader import available, load
from strategies.sniper import Sniper

ONE = (
    "from strategies.base_strategy import BaseStrategy\n\n\nclass {name}(BaseStrategy):\n    summary = 'x'\n"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An extra folder of strategies."""
    monkeypatch.setattr(loader_module, "FOLDER", tmp_path)
    monkeypatch.setattr("strategies.__path__", [*sys.modules["strategies"].__path__, str(tmp_path)])
    return tmp_path


def test_the_files_of_the_folder_are_the_strategies() -> None:
    names = available()

    assert "sniper" in names
    assert names == sorted(names)
    assert not {"__init__", "base_strategy", "loader"} & set(names)


def test_a_strategy_is_loaded_by_its_name() -> None:
    loaded = load("sniper", {"attempts_max": 7})

    assert isinstance(loaded, Sniper)
    assert (loaded.attempts_max, loaded.name) == (7, "sniper")


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        pytest.param("snipr", "close: sniper", id="a slip of the finger"),
        pytest.param("qqqq", "there are: .*sniper", id="nothing like it"),
        pytest.param("loader", "no strategy 'loader'", id="a file that is none"),
        pytest.param("../config", "no strategy", id="a path"),
        pytest.param("", "no strategy", id="nothing"),
    ],
)
def test_an_unknown_name_is_refused_with_a_remedy(name: str, remedy: str) -> None:
    with pytest.raises(ConfigurationError, match=remedy):
        load(name, {})


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("bid_min", "1.01", "bid_min = 1.01 is out of range; give 0 to 1"),
        ("bid_mni", "0.9", "close: bid_min"),
        ("ask_min", "0.99", "ask_min = 0.99 is above ask_max = 0.985; swap them"),
        ("market_share_max", "0.11", "lower the first"),
    ],
)
def test_the_snipers_parameters_are_checked(key: str, value: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load("sniper", {key: value})


def test_a_new_file_is_a_new_strategy(folder: Path) -> None:
    (folder / "fresh_one.py").write_text(ONE.format(name="Fresh"))

    loaded = load("fresh_one", {})

    assert (loaded.name, type(loaded).__name__) == ("fresh_one", "Fresh")


@pytest.mark.parametrize(
    ("file", "source", "classes"),
    [
        ("empty_one", "", 0),
        ("double_one", ONE.format(name="One") + "\n\n" + ONE.format(name="Two"), 2),
    ],
    ids=["no strategy", "two strategies"],
)
def test_a_file_holds_one_strategy(folder: Path, file: str, source: str, classes: int) -> None:
    (folder / f"{file}.py").write_text(source)

    with pytest.raises(ConfigurationError, match=f"{file}.py defines {classes} strategies; one class"):
        load(file, {})


@pytest.mark.parametrize(
    ("file", "source"),
    [("broken_one", "def f(:\n"), ("missing_one", "import no_such_package\n"), ("raising_one", "1 / 0\n")],
)
def test_a_file_that_cannot_be_imported_is_refused_in_one_line(folder: Path, file: str, source: str) -> None:
    (folder / f"{file}.py").write_text(source)

    with pytest.raises(ConfigurationError, match=f"strategies/{file}.py"):
        load(file, {})
