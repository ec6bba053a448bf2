"""Holds each strategy to its limits while its hook runs: time, output, tasks; and notes who was running at a hang.

A Python loop is interrupted by a timer signal. Native code that does not come back cannot be: the interpreter's own
watchdog then ends the process, and the note beside the database says which strategy to leave out next time.
"""

import asyncio
import faulthandler
import io
import mmap
import signal
import struct
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, NamedTuple, TextIO

from clock import computed_s
from domain.errors import StrategyError
from domain.messages import StrategyEvent, StrategyIntent
from hooks import ask
from strategies.base_strategy import BaseStrategy, View

HOOK_S_MAX = 0.5
"""Seconds that one hook may compute before it is interrupted: a busy machine is not held against it."""

HANG_S_MAX = 5
"""Seconds of computing without a turn of the loop after which the process is ended from outside the interpreter."""

STANDSTILL_S_MAX = 60
"""Seconds without a turn of the loop, computing or not: native code that waits and holds the interpreter. Much
longer, because a process that is suspended (Ctrl-Z) or starved turns no loop either."""

LOOK_EVERY_S = 0.05
TICKS_MAX = 100
"""Looks that one hook may last without computing, five seconds of them: it sleeps, or waits for something."""

OUTPUT_KEPT_MAX = 64 * 1024
"""Characters of a strategy's own printing that are kept in a run; the rest is counted."""

NOTE_BYTES = 256
NUMBERS = struct.Struct("<qq")
"""Position and ordinal at the beginning of the note; the names follow them."""

NOBODY = -1


class HookTimeoutError(StrategyError):
    """A hook did not return in time and was interrupted; it has asked for nothing."""


class TaskLeakError(StrategyError):
    """A hook started a task of its own; the task was closed and the hook has asked for nothing."""


class Interrupt(BaseException):
    """Raised by the timer inside a hook: no `except Exception` of a strategy may swallow it."""


class Hang(NamedTuple):
    """What a process that was ended from outside was doing."""

    session: str
    strategy: str
    position: int
    ordinal: int


class Guard:
    """Entered around every hook; one per process. Costs a few attribute writes where nothing goes wrong."""

    def __init__(self, db: Path) -> None:
        self.on_output: Callable[[str, str], None] = lambda _strategy, _text: None
        self.session = ""
        self.position_of: Callable[[], int] = lambda: 0
        self._note_path = Path(f"{db.resolve()}.guard")
        self._trace_path = Path(f"{db.resolve()}.hang")
        self._strategy = ""
        self._noted = ""
        self._computed_s = 0.0
        self._ticks = 0
        self._leaks = 0
        self._printed: dict[str, int] = {}
        self._stdout: TextIO = sys.stdout
        self._note: mmap.mmap | None = None
        self._trace: io.BufferedRandom | None = None

    # --- around one hook ----------------------------------------------------------------------------

    def ask(self, strategy: BaseStrategy, event: StrategyEvent, view: View) -> list[StrategyIntent]:
        """Run the hook and return all that it yields; raises StrategyError where it failed, hung, leaked or flooded."""
        try:
            self.enter(strategy.name, position=self.position_of(), ordinal=strategy.metrics.events)
            try:
                return ask(strategy, event, view)
            finally:
                self.leave()
        except Interrupt:
            raise HookTimeoutError(f"strategy {strategy.name} did not return within {HOOK_S_MAX} s") from None

    def enter(self, strategy: str, *, position: int, ordinal: int) -> None:
        """Note whose hook begins, where even a hung process leaves it readable."""
        self._leaks = 0
        if self._note is not None:
            if strategy != self._noted:
                self._noted = strategy
                name = f"{self.session} {strategy}\n".encode()
                self._note[NUMBERS.size : NUMBERS.size + len(name)] = name
            NUMBERS.pack_into(self._note, 0, position, ordinal)
        self._ticks = 0
        self._strategy = strategy

    def leave(self) -> None:
        """Note that the hook came back; raises TaskLeakError where it started tasks."""
        strategy, self._strategy = self._strategy, ""
        if self._note is not None:
            NUMBERS.pack_into(self._note, 0, 0, NOBODY)
        if self._leaks:
            raise TaskLeakError(
                f"strategy {strategy} started {self._leaks} task(s) of its own; yield intents instead"
            )

    # --- around a run -------------------------------------------------------------------------------

    def __enter__(self) -> "Guard":
        """Start watching: the timer, the note, and what strategies print."""
        with self._note_path.open("wb") as file:
            file.write(NUMBERS.pack(0, NOBODY).ljust(NOTE_BYTES, b"\n"))
        with self._note_path.open("r+b") as file:
            self._note = mmap.mmap(file.fileno(), NOTE_BYTES)
        self._trace = self._trace_path.open("w+b")
        self._stdout, sys.stdout = sys.stdout, _Collector(self, sys.stdout)
        faulthandler.register(signal.SIGPROF, file=self._trace, chain=True)
        signal.signal(signal.SIGALRM, self._look)
        signal.setitimer(signal.ITIMER_REAL, LOOK_EVERY_S, LOOK_EVERY_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop watching and leave nothing behind."""
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.unregister(signal.SIGPROF)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        sys.stdout = self._stdout
        if self._note is not None:
            self._note.close()
            self._note = None
        if self._trace is not None:
            self._trace.close()
        self._note_path.unlink(missing_ok=True)
        self._trace_path.unlink(missing_ok=True)

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch the loop: tasks that hooks create, and whether it still turns."""
        loop.set_task_factory(self._make_task)  # type: ignore[arg-type]  # typeshed wants generators too
        self._beat(loop)

    def find_hang(self) -> Hang | None:
        """What an earlier process was doing when its watchdog ended it; None where it ended in any other way."""
        if not self._trace_path.exists() or not self._trace_path.stat().st_size:
            return None
        note = self._note_path.read_bytes()
        position, ordinal = NUMBERS.unpack_from(note)
        if ordinal == NOBODY:
            return None
        session, _, strategy = note[NUMBERS.size :].partition(b"\n")[0].decode().partition(" ")
        return Hang(session, strategy, position, ordinal)

    def forget_hang(self) -> None:
        """The hang is dealt with durably: forget the note."""
        self._trace_path.unlink(missing_ok=True)
        self._note_path.unlink(missing_ok=True)

    # --- what happens meanwhile ---------------------------------------------------------------------

    def _look(self, _number: int, _frame: FrameType | None) -> None:
        """Called by the timer between two steps of the interpreter, also in the middle of a hook's endless loop."""
        self._ticks += 1
        if not self._strategy:
            return
        if self._ticks == 1:
            self._computed_s = computed_s()
        if computed_s() - self._computed_s > HOOK_S_MAX or self._ticks > TICKS_MAX:
            raise Interrupt

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        assert self._trace is not None, "attach belongs inside the guard"
        faulthandler.dump_traceback_later(STANDSTILL_S_MAX, exit=True, file=self._trace)
        signal.setitimer(signal.ITIMER_PROF, HANG_S_MAX)
        loop.call_later(1, self._beat, loop)

    def _make_task(
        self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **options: Any
    ) -> "asyncio.Task[Any]":
        if self._strategy:
            self._leaks += 1
            work.close()
            work = _nothing()
        return asyncio.Task(work, loop=loop, **options)

    def write(self, text: str) -> int:
        """Take what a hook prints, up to the cap; standard output belongs to the daemon."""
        printed = self._printed.get(self._strategy, 0)
        kept = text[: max(0, OUTPUT_KEPT_MAX - printed)]
        self._printed[self._strategy] = printed + len(text)
        if kept.strip():
            self.on_output(self._strategy, kept.rstrip())
        return len(text)

    @property
    def is_inside(self) -> bool:
        """Say whether a hook is running."""
        return bool(self._strategy)


class _Collector(io.TextIOBase):
    """Standard output that sends a hook's printing to its strategy's log and all else where it belongs."""

    def __init__(self, guard: Guard, real: TextIO) -> None:
        self._guard = guard
        self._real = real

    def write(self, text: str) -> int:
        return self._guard.write(text) if self._guard.is_inside else self._real.write(text)

    def flush(self) -> None:
        self._real.flush()

    def fileno(self) -> int:
        return self._real.fileno()

    def isatty(self) -> bool:
        return self._real.isatty()


async def _nothing() -> None:
    """What a leaked task does instead."""
