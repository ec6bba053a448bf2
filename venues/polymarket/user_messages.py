"""Frames of the user stream as rows; one that does not parse is counted and sampled, and spoils no other."""

import logging
from collections.abc import Iterator

from telemetry import fields
from venues.polymarket.wire import OrderRow, TradeRow, WireError, decode_user_event, split_user_message

SAMPLES_KEPT_MAX = 20

log = logging.getLogger(__name__)


class UserMessages:
    """Reads frames; `unread` counts what did not parse, `samples` are what the first of those began with."""

    def __init__(self) -> None:
        self.unread = 0
        self.samples: list[str] = []

    def read(self, raw: bytes) -> Iterator[OrderRow | TradeRow]:
        """The rows of one frame, in their order, without those that do not parse."""
        try:
            events = split_user_message(raw)
        except WireError as error:
            self._note(error)
            return
        for event in events:
            try:
                row = decode_user_event(event)
            except WireError as error:
                self._note(error)
            else:
                yield row

    def _note(self, error: WireError) -> None:
        self.unread += 1
        if len(self.samples) < SAMPLES_KEPT_MAX:
            self.samples.append(str(error))
        log.warning("a message of the user stream does not parse", extra=fields(reason=str(error)))
