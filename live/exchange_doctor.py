"""The doctor's look at an exchange: its clock, the rights of the key, what the account has, the grid of the pairs."""

import ccxt

from clock import NS_PER_MS
from domain.errors import ConfigurationError, VenueReadError
from domain.money import ZERO
from live.exchange_access import exchange_settings
from live.findings import Finding, bad, ok, plain, warn
from live.keys import ExchangeKeys
from live.venue_clock import judged, measure
from settings import Settings
from venues.exchange.connection import Connection
from venues.exchange.instruments import terms_of
from venues.exchange.permissions import can_withdraw
from venues.exchange.quirks import QUIRKS
from venues.exchange.reads import row_of
from venues.exchange.translation import balances_of

BALANCES_SHOWN_MAX = 8


async def examine_exchange(settings: Settings, keys: ExchangeKeys | None) -> list[Finding]:
    """Everything about the exchange of the settings; without keys only what is public."""
    findings = [_quirks(settings)]
    try:
        async with Connection(exchange_settings(settings, keys)) as connection:
            findings += [await _clock(connection), _grid(settings, connection)]
            if keys is not None:
                findings += [
                    _credentials(connection),
                    await _rights(connection),
                    await _balances(settings, connection),
                ]
    except ConfigurationError as error:
        words, _, mend = str(error).partition("; ")
        findings.append(bad("exchange", words, mend))
    except VenueReadError as error:
        findings.append(bad("exchange", str(error), "look at the network, then run doctor again"))
    return findings


def _quirks(settings: Settings) -> Finding:
    name = settings.venue.name
    if name in QUIRKS:
        return ok("exchange", f"{name}: its ways with orders are known and tested")
    words = f"{name}: not in our table; orders without an answer will wait for a person, and only GTC is sent"
    return warn("exchange", words, f"better one of {', '.join(sorted(QUIRKS))}")


async def _clock(connection: Connection) -> Finding:
    data = connection.data
    if not data.has.get("fetchTime"):
        return ok("clock", f"{connection.settings.exchange} does not tell its time")

    async def time_ns() -> int:
        return int(await data.fetch_time()) * NS_PER_MS

    try:
        return judged(await measure(time_ns, resolution_ns=NS_PER_MS))
    except (ccxt.BaseError, TypeError) as error:
        return bad(
            "clock",
            f"could not be read: {type(error).__name__}",
            "look at the network, then run doctor again",
        )


def _grid(settings: Settings, connection: Connection) -> Finding:
    if not settings.venue.symbols:
        return warn("pairs", "none chosen", "--select BTC/USDT")
    data, name = connection.data, settings.venue.name
    try:
        terms = [
            terms_of(name, data.markets[symbol], data.precisionMode, connection.quirks)
            for symbol in settings.venue.symbols
        ]
    except ConfigurationError as error:
        words, _, mend = str(error).partition("; ")
        return bad("pairs", words, mend)
    closed = [one.symbol for one in terms if not one.is_active]
    if closed:
        return bad("pairs", f"{', '.join(closed)}: not trading now", "choose others with --select")
    grids = (
        f"{one.symbol} tick {plain(one.tick_size)}, lot {plain(one.step_size)}, "
        f"at least {plain(one.notional_min)} {one.quote}"
        for one in terms
    )
    return ok("pairs", "; ".join(grids))


def _credentials(connection: Connection) -> Finding:
    data = connection.data
    missing = [
        name for name, needed in data.requiredCredentials.items() if needed and not getattr(data, name, None)
    ]
    if missing:
        names = {"apiKey": "API_KEY", "secret": "SECRET", "password": "PASSWORD"}
        prefix = connection.settings.exchange.upper()
        told = ", ".join(f"{prefix}_{names[name]}" if name in names else name for name in missing)
        return bad(
            "credentials", f"{told} missing: the exchange asks for it", "put it into .env (chmod 600 .env)"
        )
    return ok("credentials", "all that the exchange asks for")


async def _rights(connection: Connection) -> Finding:
    try:
        answer = await can_withdraw(connection)
    except VenueReadError as error:
        return bad(
            "key",
            f"its rights could not be read: {error}",
            "check the key, and that it may be used from here",
        )
    if answer is None:
        words = "the exchange does not tell whether it may withdraw"
        return warn("key", words, "look at the exchange's page: it must not")
    if answer:
        words = "may withdraw: whoever steals it has the money"
        return bad("key", words, "make one that may only read and trade, and delete this one")
    return ok("key", "may not withdraw")


async def _balances(settings: Settings, connection: Connection) -> Finding:
    try:
        rows = balances_of(await row_of(connection.data.fetch_balance, "balances"))
        found = [one for one in rows if one.total > ZERO]
    except VenueReadError as error:
        return bad(
            "balance", f"could not be read: {error}", "check the key, and that it may be used from here"
        )
    quotes = {symbol.partition("/")[2].partition(":")[0] for symbol in settings.venue.symbols}
    shown = ", ".join(
        f"{plain(one.free)} of {plain(one.total)} {one.asset} free" for one in found[:BALANCES_SHOWN_MAX]
    )
    if quotes - {one.asset for one in found}:
        told = ", ".join(sorted(quotes - {one.asset for one in found}))
        return warn("balance", f"no {told} to buy with; {shown or 'nothing else either'}", "deposit some")
    return ok("balance", shown or "nothing")
