"""Opens whatever --tape names."""

from pathlib import Path

from backtest.own_tape import OwnTape, parts_of
from backtest.recorded_books import RecordedBooks
from backtest.tape import Tape
from domain.errors import TapeError

EMBEDDED = Path(__file__).resolve().parents[1] / "data" / "books_btc15m"
"""The recording that is shipped: ten settled 15-minute markets (CC BY 4.0, see NOTICE)."""


def open_tape(path: Path | None) -> Tape:
    """Open a folder of our own parts or of recorded books, or a tape file; None opens the embedded recording."""
    path = EMBEDDED if path is None else path
    if not path.exists():
        raise TapeError(
            f"tape {path}: does not exist; give a folder of recorded books, a tape, or leave --tape out"
        )
    is_recording = path.is_dir() and not parts_of(path)
    return RecordedBooks(path) if is_recording else OwnTape(path)
