"""How a benchmark prints: the figure, its ratio to the yardstick of the same run, and what it should reach."""

from typing import NamedTuple


class Row(NamedTuple):
    """One figure. `ratio` is to the yardstick; None where there is none."""

    name: str
    value: float
    unit: str
    ratio: float | None
    aim: str


def show(title: str, yardstick: str, rows: list[Row]) -> None:
    """Print a small table."""
    print(f"\n{title}\n  {yardstick}")
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:8.2f}×"
        print(f"  {row.name:<44}{row.value:>14,.3f} {row.unit:<12}{ratio:>10}   aim: {row.aim}")


def percentile_ms(seconds: list[float], percent: float) -> float:
    """A percentile of durations, in milliseconds."""
    ordered = sorted(seconds)
    return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
