"""Recordings for the daemon, cut from the embedded one."""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path

from tests.end_to_end.daemon import EMBEDDED


def cut(folder: Path, *, markets: int, books: int | None = None) -> Path:
    """Write the first markets of the embedded recording, with the first of their books, as a recording."""
    kept = _lines("markets.jsonl.gz")[:markets]
    ids = {json.loads(line)["market_id"] for line in kept}
    lines = [line for line in _lines("books.jsonl.gz") if json.loads(line)["market_id"] in ids]
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "markets.jsonl.gz", kept)
    write(folder / "books.jsonl.gz", lines[:books])
    return folder


def write(path: Path, lines: Iterable[bytes]) -> None:
    """Write a gzip file of lines."""
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.writelines(lines)


def _lines(name: str) -> list[bytes]:
    with gzip.open(EMBEDDED / name, "rb") as file:
        return file.readlines()
