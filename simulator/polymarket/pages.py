"""Pages of a list by an opaque cursor, as the order API gives them."""

import base64
import binascii

from simulator.polymarket.answers import RefusedError
from simulator.polymarket.refusals import bad
from simulator.polymarket.rows import Row

PAGE_ROWS = 100
END = "LTE="


def page_of(rows: list[Row], cursor: str) -> Row:
    """The rows from the cursor on, and the cursor of the next page; RefusedError where it is none of ours."""
    start = _offset(cursor)
    following = start + PAGE_ROWS
    last = following >= len(rows)
    return {
        "data": rows[start:following],
        "next_cursor": END if last else base64.b64encode(str(following).encode()).decode(),
        "limit": PAGE_ROWS,
        "count": len(rows[start:following]),
    }


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        offset = int(base64.b64decode(cursor, validate=True))
    except (ValueError, binascii.Error) as error:
        raise RefusedError(bad("invalid next_cursor")) from error
    if offset < 0:
        raise RefusedError(bad("invalid next_cursor"))
    return offset
