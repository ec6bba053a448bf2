"""The terminal a person sits at, if one does: questions go to standard error, so that output can be piped."""

import getpass
import sys
from typing import Protocol

ANSWER_LENGTH_MAX = 4_096


class Terminal(Protocol):
    """Somebody who can be asked."""

    @property
    def is_interactive(self) -> bool:
        """Say whether a person reads the questions and types the answers."""
        ...

    def ask(self, question: str) -> str:
        """Return the line typed, without blanks around it; empty where the input has ended."""
        ...

    def ask_hidden(self, question: str) -> str:
        """Return what was typed without showing it, as it is; empty where the input has ended."""
        ...


class ProcessTerminal:
    """The terminal this process was started from."""

    @property
    def is_interactive(self) -> bool:
        """Both ends must be a terminal: a question that nobody sees is not answered by anybody."""
        return sys.stdin.isatty() and sys.stderr.isatty()

    def ask(self, question: str) -> str:
        """Ask with an echo."""
        print(question, end=" ", file=sys.stderr, flush=True)
        return sys.stdin.readline(ANSWER_LENGTH_MAX).strip()

    def ask_hidden(self, question: str) -> str:
        """Ask without an echo, at the terminal itself even where standard input is redirected."""
        try:
            return getpass.getpass(f"{question} ", stream=sys.stderr)
        except EOFError:
            return ""
