"""Opens what a live session trades on, and says in the first lines what it is."""

import importlib
from collections.abc import Callable

from clock import WallScheduler
from config import Settings
from domain.errors import ConfigurationError
from live.gate import Armed
from live.market import LiveMarket
from live.paper_polymarket import PaperPolymarket


def open_market(settings: Settings, armed: Armed | None, *, note_secret: Callable[[str], None]) -> LiveMarket:
    """The venue of the settings; without `armed`, orders stay on paper and nothing that could send one is made.

    `note_secret` hears of credentials that are derived or read from the disk.
    """
    scheduler = WallScheduler()
    if not settings.venue.is_polymarket:
        raise ConfigurationError(f"--venue {settings.venue.name}: comes in a later version; use polymarket")
    if armed is None:
        return PaperPolymarket(settings, scheduler=scheduler)
    # Loaded only here: without an armed run nothing that can send an order is even in memory.
    armed_module = importlib.import_module("live.armed_polymarket")
    opened: LiveMarket = armed_module.ArmedPolymarket(armed, scheduler=scheduler, note_secret=note_secret)
    return opened


def live_banner(
    settings: Settings, label: str, session: str, *, is_armed: bool, is_resumed: bool
) -> list[str]:
    """Three lines: whose money, what on, and where it is written down."""
    begun = "resumed where it stood" if is_resumed else "new"
    where = " (a rehearsal: this venue is on this machine)" if settings.venue.is_rehearsal else ""
    head = (
        f"LIVE: orders are SENT, at most {settings.venue.notional_max} at risk{where}"
        if is_armed
        else f"DRY RUN on live data: real market, no real money{where}"
    )
    money = "" if is_armed else f" · {settings.cash:,} pUSD of paper money"
    return [
        head,
        f"{label} · {settings.db}",
        f"session {session} ({begun}) · {', '.join(settings.strategies)}{money}",
    ]
