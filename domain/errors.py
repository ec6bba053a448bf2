"""The one tree of errors; each leaf says what the caller may do next.

DaemonError
├── UserError            a person's mistake: print the line, exit with its code, no traceback
│   ├── ConfigurationError   fix the option, file or key that the message names
│   ├── TapeError            give another tape; nothing was traded
│   ├── DatabaseError        give another path, or free the one named
│   └── SessionError         resume with the same options, or start afresh as the message says
├── StoppedEarlyError    stopped before a restart had caught up: nothing has changed
├── StrategyError        a hook raised: after some more it is stopped, the others go on
│   └── StrategyFloodError   it asked for too much: it is stopped at once
├── PayloadError         the order cannot be written as the venue wants it: it is withdrawn, nothing was sent
├── VenueReadError       a read failed: it is no evidence of anything, ask again
├── StoreError           a commit may or may not be durable: discard memory, reopen, re-read
├── InvariantError       our books are wrong: halt, nothing more is sent
└── TransitionError      an event that the order table does not know: halt and look
"""


class DaemonError(Exception):
    """Root of every error this program raises on purpose."""


class UserError(DaemonError):
    """A person's mistake; the message is one line with the value, the limit and the remedy."""


class ConfigurationError(UserError):
    """An option, a file or a key is not valid; nothing was started."""


class TapeError(UserError):
    """A recording cannot be read; the message names the file and the line."""


class DatabaseError(UserError):
    """The database file cannot be used: not a database, locked, or not writable."""


class SessionError(UserError):
    """The database holds a session that these options do not continue."""


class StoppedEarlyError(DaemonError):
    """A stop was asked for while a restart was still reading back: nothing has changed, and it can start again."""


class StrategyError(DaemonError):
    """A hook of a strategy raised; its own exception is the cause."""


class StrategyFloodError(StrategyError):
    """A strategy asks for more than it may: it is stopped at once."""


class PayloadError(DaemonError):
    """The order cannot be said to the venue exactly as it was asked for; nothing was signed and nothing leaves."""


class VenueReadError(DaemonError):
    """A read from a venue failed: it says nothing, neither that an order is there nor that it is not."""


class StoreError(DaemonError):
    """A write failed; whether it is durable is not known, so memory is discarded and re-read."""


class InvariantError(DaemonError):
    """An invariant of the ledger or of the orders does not hold; trading halts."""


class TransitionError(InvariantError):
    """An order met an event that its state does not allow."""
