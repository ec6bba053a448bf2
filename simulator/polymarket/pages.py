"""Pages of a list by an opaque cursor, as the order API gives them."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

from simulator.polymarket.answers import RefusedError
from simulator.polymarket.refusals import bad
from simulator.polymarket.rows import Row

PAGE_ROWS = 100
END = "LTE="

T = TypeVar("T")


def page_of(listed: Sequence[T], cursor: str, render: Callable[[T], Row]) -> Row:
    """The rows from the cursor on, and the cursor of the next page; RefusedError where it is none of ours.

    Only what is on the page is rendered: a list of ten thousand has a hundred pages.
    """
    start = _offset(cursor)
    following = start + PAGE_ROWS
    rows = [render(one) for one in listed[start:following]]
    last = following >= len(listed)
    return {
        "data": rows,
        "next_cursor": END if last else base64.b64encode(str(following).encode()).decode(),
        "limit": PAGE_ROWS,
        "count": len(rows),
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
