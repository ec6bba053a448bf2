"""Opens what a live session trades on, and says in the first lines what it is."""

import importlib
from collections.abc import Callable

from clock import WallScheduler
from config import Settings
from live.gate import Armed
from live.market import LiveMarket
from live.money import money_of


def open_market(settings: Settings, armed: Armed | None, *, note_secret: Callable[[str], None]) -> LiveMarket:
    """The venue of the settings; without `armed`, orders stay on paper and nothing that could send one is made.

    `note_secret` hears of credentials that are derived or read from the disk. Raises ConfigurationError for a
    selection that has no common money.
    """
    scheduler = WallScheduler()
    if armed is None:
        where = PAPER_POLYMARKET if settings.venue.is_polymarket else PAPER_EXCHANGE
        return _loaded(where)(settings, scheduler=scheduler)
    if settings.venue.is_polymarket:
        return _loaded(ARMED_POLYMARKET)(armed, scheduler=scheduler, note_secret=note_secret)
    return _loaded(ARMED_EXCHANGE)(armed, scheduler=scheduler)


PAPER_POLYMARKET = "live.paper_polymarket", "PaperPolymarket"
PAPER_EXCHANGE = "live.exchange_market", "PaperExchange"
ARMED_POLYMARKET = "live.armed_polymarket", "ArmedPolymarket"
ARMED_EXCHANGE = "live.armed_exchange", "ArmedExchange"


def _loaded(where: tuple[str, str]) -> Callable[..., LiveMarket]:
    """A class, loaded when it is wanted: the other venue's client library takes a second, and without an armed run
    nothing that can send an order is even in memory."""
    module, name = where
    maker: Callable[..., LiveMarket] = getattr(importlib.import_module(module), name)
    return maker


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
    money = "" if is_armed else f" · {settings.cash:,} {money_of(settings)} of paper money"
    return [
        head,
        f"{label} · {settings.db}",
        f"session {session} ({begun}) · {', '.join(settings.strategies)}{money}",
    ]
