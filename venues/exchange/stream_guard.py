"""Makes the websocket clients of ccxt fail loudly: a frame that does not decode, or says goodbye, resets its client.

Left alone, ccxt loses its receive loop to one bad frame without a word, and never notices that an exchange ended
the user stream on an open socket.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

import ccxt

SAMPLES_MAX = 20
SAMPLE_LENGTH_MAX = 500
GOODBYES = ("eventStreamTerminated", "serverShutdown")
"""Binance's words for "no more comes here"; ccxt ignores the second and keeps a waiting reader on the first."""


class StreamGuard:
    """Goes before a class of ccxt in a subclass of both; the counters are read by the health page."""

    undecodable: int = 0
    goodbyes: int = 0

    def client(self, url: str) -> Any:
        """The client of an address, made where it is missing, with our guard around its reader."""
        made = super().client(url)  # type: ignore[misc]  # ccxt's class follows
        if not getattr(made, "is_guarded", False):
            made.is_guarded = True
            made.handle_message = self._guarded(made, made.handle_message)
        return made

    def samples(self) -> tuple[str, ...]:
        """The latest frames that did not decode, cut."""
        return tuple(self._kept())

    def _guarded(self, client: Any, handle: Callable[[Any], None]) -> Callable[[Any], None]:
        def guarded(message: Any) -> None:
            text = message.data if isinstance(message.data, str) else ""
            if any(word in text for word in GOODBYES):
                self.goodbyes += 1
                client.on_error(ccxt.NetworkError("the exchange ends this stream"))
                return
            try:
                handle(message)
            except Exception as error:  # supervised: one frame must not end its reader
                self.undecodable += 1
                self._kept().append(str(message.data)[:SAMPLE_LENGTH_MAX])
                client.on_error(ccxt.NetworkError(f"a frame did not decode: {type(error).__name__}"))

        return guarded

    def _kept(self) -> deque[str]:
        kept: deque[str] | None = self.__dict__.get("_samples")
        if kept is None:
            kept = self.__dict__["_samples"] = deque(maxlen=SAMPLES_MAX)
        return kept


def reset_stale(exchange: Any, *, now_ms: int, silence_ms_max: int) -> int:
    """Reset the sockets on which nothing came for so long, not even the answer to a ping; returns how many."""
    stale = [
        client
        for client in list((exchange.clients or {}).values())
        if client.last_message_at is not None and now_ms - client.last_message_at > silence_ms_max
    ]
    for client in stale:
        client.on_error(ccxt.NetworkError("nothing came for too long"))
    return len(stale)
