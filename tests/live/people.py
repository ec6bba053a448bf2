"""Throwaway keys, and somebody at a terminal who types what a test says."""

from collections.abc import Mapping
from decimal import Decimal

from settings import Mode, Secret, Settings
from venue_settings import VenueSettings

KEY = "0x" + "01" * 32
OWNER = "0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1"
CONTRACT = "0xD0D0d0d0d0D0D0d0D0D0D0D0d0D0d0d0d0d0D0D0"


class Typist:
    """A terminal whose person types these lines one after the other; nobody sits there where there are none."""

    def __init__(self, *lines: str, is_there: bool = True) -> None:
        self._lines = list(lines)
        self.is_interactive = is_there
        self.questions: list[str] = []

    def ask(self, question: str) -> str:
        return self.ask_hidden(question).strip()

    def ask_hidden(self, question: str) -> str:
        self.questions.append(question)
        return self._lines.pop(0) if self._lines else ""


NOBODY = Typist(is_there=False)


def settings_of(
    environment: Mapping[str, str] | None = None,
    *,
    mode: Mode = Mode.LIVE,
    venue: VenueSettings | None = None,
    exposed: tuple[str, ...] = (),
) -> Settings:
    """Settings of a live run with these variables of the environment."""
    return Settings(
        strategies=("sniper",),
        mode=mode,
        venue=venue or VenueSettings(notional_max=Decimal(100)),
        environment={name: Secret(value) for name, value in (environment or {}).items()},
        exposed_keys=exposed,
    )
