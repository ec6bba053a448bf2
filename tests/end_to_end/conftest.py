"""Runs that many tests look at: each is made once."""

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.end_to_end import tapes
from tests.end_to_end.daemon import Daemon, Ended
from tests.end_to_end.guests import make_tree

KEY, SECRET = "0xC0FFEE5EC2E7C0FFEE5EC2E7", "hunter2-is-not-a-password"
"""Canaries: one in the environment and one in .env of the run that all tests share."""

LOSSY = "[paper]\nsettlement_failure_rate = 0.2\nanswer_loss_rate = 0.01\n"


class Finished(NamedTuple):
    """A run that has come to its end, and where."""

    daemon: Daemon
    ended: Ended


@pytest.fixture
def daemon(tmp_path: Path) -> Daemon:
    """A daemon with an empty folder."""
    return Daemon(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The default run: the sniper on the whole embedded recording."""
    daemon = Daemon(tmp_path_factory.mktemp("finished"))
    (daemon.folder / ".env").write_text(f"POLYMARKET_API_SECRET={SECRET}\n")
    return Finished(daemon, daemon.trade(POLYMARKET_PRIVATE_KEY=KEY))


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout with guests among its strategies."""
    return make_tree(tmp_path_factory.mktemp("tree"))


@pytest.fixture
def traders(tmp_path: Path, tree: Path) -> Daemon:
    """A daemon with an empty folder that has the guests among its strategies."""
    return Daemon(tmp_path, tree)


@pytest.fixture(scope="session")
def short_tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three markets: one hour of event time, and a second or two of ours."""
    return tapes.cut(tmp_path_factory.mktemp("tapes") / "short", markets=3)


@pytest.fixture(scope="session")
def lossy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settings under which fills fail to settle and answers are lost."""
    path = tmp_path_factory.mktemp("settings") / "lossy.toml"
    path.write_text(LOSSY)
    return path


@pytest.fixture(scope="session")
def busy(tmp_path_factory: pytest.TempPathFactory, tree: Path, short_tape: Path, lossy: Path) -> Finished:
    """Two strategies, one of which rests, takes, sells, cancels and is denied all the time."""
    daemon = Daemon(tmp_path_factory.mktemp("busy"), tree)
    words = ("--tape", str(short_tape), "--config", str(lossy))
    return Finished(daemon, daemon.trade(*words, strategies="sniper,busy"))


@pytest.fixture(scope="session")
def solo(tmp_path_factory: pytest.TempPathFactory, tree: Path, short_tape: Path) -> Finished:
    """The sniper alone on the short recording: what no guest may change."""
    daemon = Daemon(tmp_path_factory.mktemp("solo"), tree)
    return Finished(daemon, daemon.trade("--tape", str(short_tape)))
