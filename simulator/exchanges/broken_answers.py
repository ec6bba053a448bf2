"""Answers that parse and are wrong: rows missing, doubled, out of order or damaged, and fields left out."""

from collections.abc import Callable

from simulator.faults import ArmedFault, Fault

Rows = list[object]

ROW_FAULTS = (
    *(Fault.PARTIAL_BATCH, Fault.DUPLICATE_ROWS, Fault.REORDERED_ROWS, Fault.UNPARSABLE_ROW),
    Fault.MISSING_FIELD,
)
MISSING_FIELD = "orderId"


def broken_rows(content: object, struck: ArmedFault) -> object:
    """Give the content with its rows spoilt; content without rows stays, except that a field may go missing."""
    if struck.fault is Fault.MISSING_FIELD:
        return _without(content, struck.text("field", MISSING_FIELD))
    return _with_rows(content, lambda rows: _spoilt(rows, struck))


def _spoilt(rows: Rows, struck: ArmedFault) -> Rows:
    match struck.fault:
        case Fault.PARTIAL_BATCH:
            return rows[: struck.number("keep", max(len(rows) - 1, 0))]
        case Fault.DUPLICATE_ROWS:
            return [row for row in rows for _ in range(2)]
        case Fault.REORDERED_ROWS:
            return rows[::-1]
        case Fault.UNPARSABLE_ROW:
            return [*rows[:-1], "damaged"]
        case _:
            return rows


def _with_rows(content: object, change: Callable[[Rows], Rows]) -> object:
    """Change the list itself, or the one below `result` and `list` as Bybit nests it."""
    if isinstance(content, list):
        return change(content)
    if isinstance(content, dict):
        return {
            key: _with_rows(value, change) if key in ("result", "list") else value
            for key, value in content.items()
        }
    return content


def _without(content: object, field: str) -> object:
    if isinstance(content, list):
        return [_without(row, field) for row in content]
    if isinstance(content, dict):
        return {key: _without(value, field) for key, value in content.items() if key != field}
    return content
