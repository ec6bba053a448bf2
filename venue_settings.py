"""Settings of the venue: which one, where its servers are, whose money, which markets, and how much is at risk."""

import ipaddress
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

from msgspec import Struct

from domain.errors import ConfigurationError
from domain.money import UNIT
from setting_values import ADDRESS, CHOICE, NESTED, URL, VENUE, Names, Option

POLYMARKET = "polymarket"
NOTIONAL = (UNIT, Decimal(100_000_000))

WalletType = StrEnum("WalletType", ["AUTO", "EOA", "PROXY", "SAFE", "DEPOSIT"])
"""Who holds the money; `auto` is the key's own address where that is the wallet, else a deposit wallet."""


class SelectionKind(StrEnum):
    """What a word of the selection names; all but SYMBOL are Polymarket's."""

    SERIES = "series"
    MARKET = "market"
    EVENT = "event"
    TAG = "tag"
    CONDITION = "condition"
    TOKEN = "token"
    SYMBOL = "symbol"


class Selected(NamedTuple):
    """One thing to trade, as its kind names it: a slug, an id, a pair."""

    kind: SelectionKind
    name: str


KINDS = frozenset(kind.value for kind in SelectionKind)
SERIES_MARK = "-updown-"
SERIES_LENGTHS = ("5m", "15m")
CONDITION_LENGTH = 66


def selected(word: str) -> Selected:
    """Read a word of the selection: `kind:name`, or a name whose form tells its kind; else it is a market's slug.

    >>> selected("btc-updown-5m").kind.value, selected("BTC/USDT").kind.value
    ('series', 'symbol')
    >>> selected("event:fed-in-march").name
    'fed-in-march'
    """
    kind, mark, name = word.partition(":")
    if mark and name and kind in KINDS:
        return Selected(SelectionKind(kind), name)
    if "/" in word:
        return Selected(SelectionKind.SYMBOL, word)
    if word.isdecimal():
        return Selected(SelectionKind.TOKEN, word)
    if word.startswith("0x") and len(word) == CONDITION_LENGTH:
        return Selected(SelectionKind.CONDITION, word)
    if word.partition(SERIES_MARK)[2] in SERIES_LENGTHS:
        return Selected(SelectionKind.SERIES, word)
    return Selected(SelectionKind.MARKET, word)


class VenueSettings(Struct, frozen=True, kw_only=True):
    """Table [venue]. Environment variables win over it: POLYMARKET_URL moves all hosts, POLYMARKET_CLOB_URL one,
    POLYMARKET_WALLET the wallet."""

    name: Annotated[str, VENUE, Option("--venue", "NAME", "polymarket, or an exchange of ccxt")] = POLYMARKET
    select: Annotated[
        Names,
        CHOICE,
        Option("--select", "WHAT,WHAT", "markets: btc-updown-5m, event:SLUG, tag:NAME, BTC/USDT"),
    ] = ()
    markets_max: Annotated[int, (1, 5_000)] = 100
    """A tag may name thousands: beyond this many, the nearest to their end are taken."""
    notional_max: Annotated[
        Decimal | None,
        NOTIONAL,
        Option("--notional-max", "AMOUNT", "money at risk at most, all told; live needs it"),
    ] = None
    wallet: Annotated[str | None, ADDRESS] = None
    wallet_type: WalletType = WalletType.AUTO
    """Whose money: none is the key's own address; the type goes into every order as its signature type."""
    heartbeat: bool = True
    heartbeat_interval_s: Annotated[int, (1, 8)] = 5
    """The venue cancels all that rests ten seconds after the last sign of life; off, it rests on without us."""
    tokens_per_socket: Annotated[int, (1, 500)] = 200
    """More than 500, and the venue sends no first books."""
    install_id_file: Path | None = None
    """What tells this installation's orders from another's on the same account; none: beside the database."""
    clob_url: Annotated[str, URL] = "https://clob.polymarket.com"
    gamma_url: Annotated[str, URL] = "https://gamma-api.polymarket.com"
    data_url: Annotated[str, URL] = "https://data-api.polymarket.com"
    relayer_url: Annotated[str, URL] = "https://relayer-v2.polymarket.com"
    rpc_url: Annotated[str, URL] = "https://polygon.drpc.org"
    geoblock_url: Annotated[str, URL] = "https://polymarket.com/api/geoblock"
    market_ws_url: Annotated[str, URL] = "wss://ws-subscriptions-clob.polymarket.com/ws/market"
    user_ws_url: Annotated[str, URL] = "wss://ws-subscriptions-clob.polymarket.com/ws/user"
    activity_ws_url: Annotated[str, URL] = "wss://ws-live-data.polymarket.com"
    price_ws_url: Annotated[str, URL] = "wss://ws-live-v2.polymarket.com/ws"
    """Paths are appended as they are, and requests are signed with them: no trailing slash."""
    sandbox: bool = False
    urls: Annotated[dict[str, object], NESTED] = {}
    options: Annotated[dict[str, object], NESTED] = {}
    """Of an exchange: its own test network, and what is merged into ccxt's `urls` and `options`."""

    def __post_init__(self) -> None:
        for name in HOST_NAMES:
            _refuse_unsafe_host(name, getattr(self, name))
        for word in self.select:
            if (selected(word).kind is SelectionKind.SYMBOL) == self.is_polymarket:
                wanted = (
                    "a slug, a series, event:SLUG or tag:NAME"
                    if self.is_polymarket
                    else "pairs such as BTC/USDT"
                )
                raise ConfigurationError(
                    f"--select {word}: not a market of {self.name}; give {wanted}, or another --venue"
                )

    @property
    def is_polymarket(self) -> bool:
        """Say whether the venue is Polymarket; any other name is an exchange of ccxt."""
        return self.name == POLYMARKET

    @property
    def selection(self) -> tuple[Selected, ...]:
        """What is to be traded, in the order given."""
        return tuple(selected(word) for word in self.select)

    @property
    def symbols(self) -> Names:
        """The pairs to trade at an exchange."""
        return tuple(name for kind, name in self.selection if kind is SelectionKind.SYMBOL)

    @property
    def is_rehearsal(self) -> bool:
        """Say whether orders go to this machine, or to an exchange's test network."""
        if not self.is_polymarket:
            return self.sandbox
        return _is_loopback(urlsplit(self.clob_url).hostname or "")

    @property
    def key_prefix(self) -> str:
        """How names of this venue's keys begin in the environment.

        >>> VenueSettings(name="binance").key_prefix
        'BINANCE_'
        """
        return f"{self.name.upper()}_"


HOST_PATHS = {
    "clob_url": "",
    "gamma_url": "",
    "data_url": "",
    "relayer_url": "",
    "rpc_url": "",
    "geoblock_url": "/api/geoblock",
    "market_ws_url": "/ws/market",
    "user_ws_url": "/ws/user",
    "activity_ws_url": "/rtds",
    "price_ws_url": "/bolt",
}
"""The addresses that a single server has all of, and where on it: their paths do not clash."""
HOST_NAMES = tuple(HOST_PATHS)


def hosts_behind(url: str) -> dict[str, str]:
    """Every address of Polymarket on one server, such as the simulator.

    >>> hosts_behind("http://127.0.0.1:8080/")["user_ws_url"]
    'ws://127.0.0.1:8080/ws/user'
    """
    base = url.rstrip("/")
    stream = "ws" + base.removeprefix("http") if base.startswith("http") else base
    return {name: (stream if "_ws_" in name else base) + path for name, path in HOST_PATHS.items()}


def _refuse_unsafe_host(name: str, url: str) -> None:
    """Keys and orders never travel readable over a network that others share."""
    parts = urlsplit(url)
    wanted = ("ws", "wss") if "_ws_" in name else ("http", "https")
    try:
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise ConfigurationError(
            f"venue.{name} {url}: {error}; give a port of 1 to 65535, or none"
        ) from error
    if parts.scheme not in wanted or not host:
        raise ConfigurationError(f"venue.{name} {url}: not an address of the kind {wanted[1]}://host")
    if url.endswith("/"):
        raise ConfigurationError(f"venue.{name} {url}: ends with a slash; leave it out")
    if parts.scheme in ("http", "ws") and not _is_near(host):
        raise ConfigurationError(
            f"venue.{name} {url}: readable on its way; say {wanted[1]}:// for another machine"
        )


def _is_near(host: str) -> bool:
    """Whether a host is this machine or one of a private network: a name without a dot, or such an address."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
