"""What the orchestrator calls for live data: loaded only then, since the venues' client libraries take a second."""

import asyncio
from collections.abc import Coroutine

import msgspec

from config import Settings
from live.following import wallets_of
from live.gate import Armed, arm
from live.hosts import reach
from live.keys import hidden_values
from live.opening import live_banner, open_market
from live.recording_market import RecordedMarket
from live.session import LiveSession
from live.terminal import ProcessTerminal
from recovery import open_live
from reporter import Outcome
from session import Surroundings
from settings import Mode
from strategies.base_strategy import BaseStrategy


def capped(settings: Settings) -> Settings:
    """The settings with control 06 bound by the cap on all money at risk: positions at cost, and what orders take."""
    cap, limit = settings.venue.notional_max, settings.limits.position_notional_max
    if cap is None or limit is None:
        return settings
    limits = msgspec.structs.replace(settings.limits, position_notional_max=min(cap, limit))
    return msgspec.structs.replace(settings, limits=limits)


class LiveStart:
    """A start on live data, armed where the mode asks for it. Raises ConfigurationError for what is missing."""

    def __init__(self, settings: Settings) -> None:
        self._settings = capped(settings)
        wallets_of(settings)
        is_armed = settings.mode is Mode.LIVE
        self._armed: Armed | None = arm(settings, terminal=ProcessTerminal()) if is_armed else None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What the log must hide of the keys that were found."""
        return hidden_values(self._armed.keys) if self._armed else ()

    def play(
        self, strategies: list[BaseStrategy], around: Surroundings, is_retry: bool
    ) -> Coroutine[None, None, Outcome]:
        """Open account and store, say what this is, and return the session to run."""
        if self._settings.venue.is_polymarket:
            asyncio.run(reach(self._settings.venue))
        market = open_market(self._settings, self._armed, note_secret=around.hide)
        if (tapes := self._settings.record) is not None:
            market = RecordedMarket(market, self._settings, tapes, around.console.say)
        opened = open_live(self._settings, account=market.account, label=market.label, is_retry=is_retry)
        state = opened.state
        around.console.banner(
            live_banner(
                self._settings,
                market.label,
                state.session,
                is_armed=self._armed is not None,
                is_resumed=state.is_resumed,
            )
        )
        return LiveSession(self._settings, market, strategies, opened, around).play()
