"""Two instances of one exchange of ccxt, for orders and for everything else, with one set of markets and limits."""

import asyncio
import difflib
import logging
import ssl
from typing import Any

import aiohttp
import ccxt.pro
import certifi
from msgspec import Struct

from clock import monotonic_s
from domain.errors import ConfigurationError, VenueReadError
from settings import Secret
from venues.exchange.calls import NotedRequest, RecordedCalls
from venues.exchange.limits import Limits
from venues.exchange.outcomes import words
from venues.exchange.quirks import Quirks, quirks_of
from venues.exchange.stream_guard import StreamGuard

RECEIVE_WINDOW_MS = 5_000
"""How long the exchange may take a signed request after it was stamped, where it has such a window."""

REQUEST_TIMEOUT_MS = 10_000
KEEPALIVE_MS = 10_000
"""A ping this often on every websocket; ccxt's own is three minutes at Binance, and a dead peer takes nine."""

READ_WAIT_S_MAX = 5.0
"""A read that would wait longer for our limits fails at once: whoever asked has other things to do meanwhile."""

CONNECTIONS_MAX = 20
LIMITED_STATUS = (418, 429)

_quiet = logging.getLogger("venues.exchange.wire")
_quiet.setLevel(logging.WARNING)  # at DEBUG, ccxt logs the key and every signed body


class ExchangeSettings(Struct, frozen=True, kw_only=True):
    """What it takes to trade at an exchange; `overrides` is deep-merged into ccxt's configuration last (hosts)."""

    exchange: str
    symbols: tuple[str, ...]
    install_id: str
    """Goes into every client id, so that two installations on one account never meet."""
    api_key: Secret | None = None
    secret: Secret | None = None
    password: Secret | None = None
    is_sandbox: bool = False
    overrides: dict[str, Any] = {}


class Throttled:
    """Goes before a class of ccxt: its throttler is replaced by our limits."""

    limits: Limits
    is_order_path: bool

    async def throttle(self, cost: float | None = None) -> None:
        """Wait for a read's turn; the order path has waited before and is only counted.

        Raises ccxt's RateLimitExceeded where the turn would come too late.
        """
        cost_ms = (1 if cost is None else cost) * getattr(self, "rateLimit", 0)
        if self.is_order_path:
            self.limits.take_weight(cost_ms)
            return
        wait_s = self.limits.read_wait_s(cost_ms)
        if wait_s > READ_WAIT_S_MAX:
            raise ccxt.RateLimitExceeded(f"our own limit for reads opens in {wait_s:.1f} s")
        self.limits.take_read(cost_ms)
        if wait_s > 0:
            await asyncio.sleep(wait_s)

    def on_rest_response(self, code: int, reason: str, *rest: Any) -> Any:
        """Stop everything for as long as an exchange asks that is asked too often."""
        if code in LIMITED_STATUS:
            self.limits.block(rest[2].get("Retry-After"))
        return super().on_rest_response(code, reason, *rest)  # type: ignore[misc]  # ccxt's class follows


class Connection:
    """Open with `async with`: loads the markets once, and closes sockets and sessions whatever happens."""

    def __init__(self, settings: ExchangeSettings) -> None:
        """Raises ConfigurationError for an exchange that ccxt does not know."""
        self.settings = settings
        self.quirks: Quirks = quirks_of(settings.exchange)
        self._class = exchange_class(settings.exchange)
        self._sessions: list[aiohttp.ClientSession] = []
        self._orders: Any = None
        self._data: Any = None
        window_s = (getattr(self._class(), "rollingWindowSize", 0) or 0) / 1_000
        self.limits = Limits(
            orders_per_10_s=self.quirks.orders_per_10_s, window_s=window_s, now_s=monotonic_s
        )

    @property
    def orders(self) -> Any:
        """The instance that sends orders and cancels, and nothing else."""
        assert self._orders is not None, "the connection is used before it is open"
        return self._orders

    @property
    def data(self) -> Any:
        """The instance of reads and streams."""
        assert self._data is not None, "the connection is used before it is open"
        return self._data

    async def __aenter__(self) -> "Connection":
        """Open both; raises VenueReadError where the markets cannot be loaded, ConfigurationError for a symbol."""
        self._data, self._orders = self._instance(is_order_path=False), self._instance(is_order_path=True)
        try:
            await self._data.load_markets()
        except ccxt.BaseError as error:
            await self.close()
            raise VenueReadError(f"{self.settings.exchange}: no markets: {words(error)}") from error
        self._orders.set_markets_from_exchange(self._data)
        if missing := self._missing_symbol():
            await self.close()
            raise ConfigurationError(missing)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        await self.close()

    async def close(self) -> None:
        """Close websockets and sessions, also where opening failed half way; waiting readers are cancelled."""
        try:
            for instance in (self._orders, self._data):
                if instance is not None:
                    await instance.close()
        finally:
            for session in self._sessions:
                await session.close()
            self._sessions.clear()

    def _missing_symbol(self) -> str | None:
        markets = self._data.markets
        for symbol in self.settings.symbols:
            if symbol not in markets:
                near = difflib.get_close_matches(symbol.upper(), list(markets), n=3, cutoff=0.5)
                hint = f"; close: {', '.join(near)}" if near else ""
                return f"no market {symbol!r} at {self.settings.exchange}{hint}"
        return None

    def _instance(self, *, is_order_path: bool) -> Any:
        made = self._class(self._configuration())
        made.limits, made.is_order_path = self.limits, is_order_path
        made.logger, made.verbose = _quiet, False
        made.options["maxRetriesOnFailure"] = 0
        keepalive_ms = min(KEEPALIVE_MS, made.streaming.get("keepAlive") or KEEPALIVE_MS)
        made.options["ws"] = {**(made.options.get("ws") or {}), "keepAlive": keepalive_ms}
        if self.settings.is_sandbox:
            made.set_sandbox_mode(True)
        _map_errors_alike(made)
        return made

    def _configuration(self) -> dict[str, Any]:
        settings = self.settings
        secrets = {"apiKey": settings.api_key, "secret": settings.secret, "password": settings.password}
        ours = {
            **{name: secret.reveal() for name, secret in secrets.items() if secret is not None},
            "enableRateLimit": True,  # through our own `throttle`
            "timeout": REQUEST_TIMEOUT_MS,
            "number": str,
            "session": self._session(),
            "has": {"fetchCurrencies": False},
            "options": {
                "defaultType": "spot",
                "fetchCurrencies": False,
                "fetchMargins": False,
                "fetchMarkets": {"types": ["spot"]},
                "recvWindow": RECEIVE_WINDOW_MS,
                "fetchOpenOrders": {"warnWithoutSymbol": False},
            },
        }
        merged: dict[str, Any] = ccxt.Exchange.deep_extend(ours, settings.overrides)
        return merged

    def _session(self) -> aiohttp.ClientSession:
        context = ssl.create_default_context(cafile=certifi.where())
        connector = aiohttp.TCPConnector(ssl=context, limit=CONNECTIONS_MAX)
        session = aiohttp.ClientSession(connector=connector, request_class=NotedRequest)
        self._sessions.append(session)
        return session


def exchange_class(name: str) -> Any:
    """A class of ccxt.pro with our hooks in front; raises ConfigurationError that names those which are close."""
    if name not in ccxt.pro.exchanges:
        near = difflib.get_close_matches(name.lower(), ccxt.pro.exchanges, n=3, cutoff=0.5)
        raise ConfigurationError(f"no exchange {name!r} in ccxt; close: {', '.join(near) or 'none'}")
    base = getattr(ccxt.pro, name)
    return type(name, (RecordedCalls, Throttled, StreamGuard, base), {})


def _map_errors_alike(made: Any) -> None:
    """Let the errors of spot markets be known at every host: ccxt looks at the address to choose its table."""
    spot = made.exceptions.get("spot") or {}
    for kind in ("exact", "broad"):
        made.exceptions[kind] = {**(made.exceptions.get(kind) or {}), **(spot.get(kind) or {})}
