"""What the doctor finds: one thing looked at, how it stands, in words, and what mends it."""

from collections.abc import Sequence
from decimal import Decimal
from enum import IntEnum

from msgspec import Struct

from telemetry import Redactor

WORDS_LENGTH_MAX = 300


class Grade(IntEnum):
    """From what is as it should be to what keeps this machine from trading live."""

    OK = 0
    WARN = 1
    BAD = 2


class Finding(Struct, frozen=True, kw_only=True):
    """One line of the report; `mend` is the command or the deed that helps, empty where nothing is needed."""

    what: str
    grade: Grade
    words: str
    mend: str = ""


def ok(what: str, words: str) -> Finding:
    """Something that is as it should be."""
    return Finding(what=what, grade=Grade.OK, words=words)


def warn(what: str, words: str, mend: str = "") -> Finding:
    """Something that one should know of before trading."""
    return Finding(what=what, grade=Grade.WARN, words=words, mend=mend)


def bad(what: str, words: str, mend: str = "") -> Finding:
    """Something that keeps live trading from working, or from being safe."""
    return Finding(what=what, grade=Grade.BAD, words=words, mend=mend)


def cleaned(findings: Sequence[Finding], secrets: Sequence[str]) -> list[Finding]:
    """The findings without secrets, each of one line: words of a venue may repeat what they were sent."""
    redactor = Redactor()
    for secret in secrets:
        redactor.register(secret)
    return [
        Finding(
            what=finding.what,
            grade=finding.grade,
            words=_one_line(redactor.redact(finding.words)),
            mend=_one_line(redactor.redact(finding.mend)),
        )
        for finding in findings
    ]


def lines_of(findings: Sequence[Finding]) -> list[str]:
    """The report as a person reads it, what is bad last, where the eye is."""
    if not findings:
        return ["nothing was looked at"]
    width = max(len(finding.what) for finding in findings)
    lines: list[str] = []
    for finding in sorted(findings, key=lambda one: one.grade):
        lines.append(f"{finding.grade.name.lower():4}  {finding.what:{width}}  {finding.words}")
        if finding.mend:
            lines.append(f"{'':4}  {'':{width}}  → {finding.mend}")
    counts = {grade: sum(finding.grade is grade for finding in findings) for grade in Grade}
    return [*lines, f"{counts[Grade.OK]} ok, {counts[Grade.WARN]} to know of, {counts[Grade.BAD]} to mend"]


def exit_code(findings: Sequence[Finding]) -> int:
    """1 where something must be mended, else 0."""
    return int(any(finding.grade is Grade.BAD for finding in findings))


def plain(amount: Decimal) -> str:
    """An amount without the zeros at its end.

    >>> plain(Decimal("50.000000")), plain(Decimal("0.0100"))
    ('50', '0.01')
    """
    return f"{amount.normalize():f}"


def _one_line(text: str) -> str:
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:WORDS_LENGTH_MAX]
