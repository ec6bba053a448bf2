"""Holds a re-executed session against what is durable: same transactions, in the same order, none twice."""

import hashlib
from pathlib import Path

import msgspec

from domain.errors import InvariantError, SessionError
from domain.records import Transaction
from storage.sessions import SessionState

HASHED_AT_ONCE = 2_000
"""Bytes; for 2,048 or more hashlib gives the interpreter lock away, and taking it back from the writer's thread
costs many times what the hash does."""

_encoder = msgspec.json.Encoder()


class Continuity:
    """Counts and digests the transactions of a session, and knows which of them are durable already."""

    def __init__(self, state: SessionState, *, path: Path, is_replayed: bool = True) -> None:
        self._path = path
        self._last_sequence = state.last_sequence
        self._last_digest = state.last_digest
        self._sequence = 0 if is_replayed else state.last_sequence
        self._digest = "" if is_replayed else state.last_digest

    @property
    def is_catching_up(self) -> bool:
        """Say whether the next transaction is durable already."""
        return self._sequence < self._last_sequence

    def take(self, transaction: Transaction) -> str | None:
        """Return the digest to store with the transaction, or None where it is durable already.

        Raises InvariantError for a gap or a repetition, SessionError where the last durable transaction is
        reached by another way than the one that was stored.
        """
        if transaction.sequence != self._sequence + 1:
            raise InvariantError(
                f"transaction {transaction.sequence} follows {self._sequence}; sequences count up by one"
            )
        was_durable = self.is_catching_up
        self._sequence += 1
        self._digest = chain(self._digest, transaction)
        if was_durable and not self.is_catching_up and self._digest != self._last_digest:
            raise self._differs()
        return None if was_durable else self._digest

    def refuse_early_end(self) -> None:
        """Raise SessionError where the session ends before it has reached what is durable."""
        if self.is_catching_up:
            raise self._differs()

    def _differs(self) -> SessionError:
        return SessionError(
            f"the session in {self._path} cannot be continued: what this run did differs from the"
            f" transactions 1 to {self._last_sequence} stored (code, tape or settings changed);"
            " use --new-session or another --db"
        )


def chain(digest: str, transaction: Transaction) -> str:
    """Extend a digest by a transaction: SHA-256 over the digest before and the transaction's JSON."""
    text = _encoder.encode(transaction)
    state = hashlib.sha256(digest.encode())
    for start in range(0, len(text), HASHED_AT_ONCE):
        state.update(text[start : start + HASHED_AT_ONCE])
    return state.hexdigest()
