"""What a feed of Polymarket is asked to follow for these settings, and its health in words."""

from decimal import Decimal

from clock import NS_PER_S, wall_ns
from config import COPY_TRADER, Settings
from domain.errors import ConfigurationError
from domain.identifiers import InstrumentId
from domain.instrument import Market
from domain.remembered import Remembered
from venue_settings import SERIES_MARK, SelectionKind
from venues.polymarket.feed import PolymarketFeed
from venues.polymarket.feed_plan import FeedPlan

BACKFILL_S = 86_400
"""A followed wallet's trades are read so far back: what it held before our start is its baseline, and is not copied."""

REFUSED_SHOWN_MAX = 10

FRESH_SERIES = ("btc-5m", "btc-15m")
"""What is followed where nothing was selected: markets that begin and end while one looks."""


def feed_plan(settings: Settings, *, has_prices: bool = False) -> FeedPlan:
    """What the selection, the strategies and their parameters want to hear."""
    named: dict[SelectionKind, list[str]] = {}
    for kind, name in settings.venue.selection:
        named.setdefault(kind, []).append(name)
    wallets = wallets_of(settings)
    series = tuple(name.replace(SERIES_MARK, "-") for name in named.get(SelectionKind.SERIES, ()))
    if not named and not wallets:
        series = FRESH_SERIES
    assets = sorted({name.partition("-")[0] for name in series})
    return FeedPlan(
        series=series,
        market_ids=tuple(named.get(SelectionKind.CONDITION, ())),
        slugs=tuple(named.get(SelectionKind.MARKET, ())),
        events=tuple(named.get(SelectionKind.EVENT, ())),
        tags=tuple(named.get(SelectionKind.TAG, ())),
        markets_per_tag=settings.venue.markets_max,
        wallets=wallets,
        since_ns=wall_ns() - BACKFILL_S * NS_PER_S if wallets else 0,
        price_symbols=tuple(f"{asset}usd" for asset in assets) if has_prices else (),
        tokens_per_socket=settings.venue.tokens_per_socket,
    )


def wallets_of(settings: Settings) -> tuple[str, ...]:
    """Whom copy_trader follows: named for this run, never a default. Raises ConfigurationError."""
    if COPY_TRADER not in settings.strategies:
        return ()
    target = settings.strategy_parameters.get(COPY_TRADER, {}).get("target")
    if not isinstance(target, str):
        raise ConfigurationError(
            f"{COPY_TRADER} on live data follows nobody by default; give --target NAME or --target 0xADDRESS"
        )
    return (target,)


def follow(feed: PolymarketFeed, remembered: Remembered | None) -> None:
    """Keep following the markets that an earlier process listed and that have not resolved."""
    for market in remembered.markets if remembered else ():
        if not payouts_of(market, remembered):
            feed.follow(market)


def payouts_of(market: Market, remembered: Remembered | None) -> dict[InstrumentId, Decimal]:
    """What the market's shares pay, where an earlier process heard that it is over; empty else."""
    known = remembered.payouts if remembered else {}
    return {i.id: known[i.id] for i in market.instruments if i.id in known}


def feed_lines(feed: PolymarketFeed | None) -> list[str]:
    """The feed's health in lines for a person."""
    if feed is None:
        return ["feed: not connected yet"]
    status = feed.status()
    standing = ", ".join(f"{count} {name}" for name, count in status.instruments.items() if count) or "none"
    lines = [
        f"feed: {status.markets} markets; instruments: {standing}; epoch {status.epoch}, {status.breaks} breaks",
        f"feed: {status.checks_agreed} books checked and right, {status.checks_failed} wrong;"
        f" {status.reads} reads, {status.reads_failed} failed; {len(status.samples)} unreadable frames",
    ]
    lines += [f"left out: {refused.slug}: {refused.reason}" for refused in status.refused[:REFUSED_SHOWN_MAX]]
    if status.wallets:
        lines.append(f"following: {', '.join(f'{w.name} {w.address}' for w in status.wallets)}")
    return lines
