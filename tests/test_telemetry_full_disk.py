"""A full disk under the logs costs lines, never the daemon: they are counted, nothing is raised or printed."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

import clock
from telemetry import Telemetry, setup

FULL = Path("/dev/full")
"""Takes every write as a disk without room does."""

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="a device that is always full is needed")
SNIPER = logging.getLogger("strategies.sniper")


@pytest.fixture(name="telemetry")
def telemetry_on_a_full_disk(tmp_path: Path) -> Iterator[Telemetry]:
    """The log of the daemon has no room, that of the strategy has."""
    (tmp_path / "orchestrator.log").symlink_to(FULL)
    telemetry = setup(tmp_path, strategies=["sniper"], level="info", clock=clock)
    yield telemetry
    telemetry.close()


def test_a_line_that_finds_no_room_is_counted_and_the_next_one_is_tried(
    telemetry: Telemetry, capsys: pytest.CaptureFixture[str]
) -> None:
    SNIPER.info("bought")
    SNIPER.info("sold")

    assert telemetry.lines_lost == 2
    assert capsys.readouterr() == ("", "")


def test_a_file_that_has_room_gets_every_line(tmp_path: Path, telemetry: Telemetry) -> None:
    SNIPER.info("bought")
    SNIPER.info("sold")

    lines = (tmp_path / "sniper.log").read_text().splitlines()
    assert [line for line in lines if "bought" in line or "sold" in line] == lines
    assert len(lines) == 2


def test_closing_raises_nothing_and_counts_what_was_lost(telemetry: Telemetry) -> None:
    for _ in range(9):
        SNIPER.info("bought")

    telemetry.close()

    assert telemetry.lines_lost >= 5 + 1  # five of the repeats, and their count
