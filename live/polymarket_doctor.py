"""The doctor's look at Polymarket: its clock, region and protocol, and whether this key and wallet may trade there."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from http import HTTPStatus

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout
from msgspec import Struct

from clock import NS_PER_S, monotonic_s, wall_ns
from domain.errors import ConfigurationError, VenueReadError
from domain.money import ZERO
from live.access import open_account
from live.findings import Finding, Grade, bad, ok, plain, warn
from live.keys import PolymarketKeys
from live.venue_clock import judged, measure
from settings import Settings
from venue_settings import VenueSettings
from venues.polymarket.account import Account
from venues.polymarket.budget import TIERS, Budget
from venues.polymarket.clob import Clob
from venues.polymarket.connection import Connection
from venues.polymarket.contracts import EXCHANGE_V3, NEG_RISK_EXCHANGE, STANDARD_EXCHANGE
from venues.polymarket.sdk import self_check
from venues.polymarket.signing import OrderSigner, RequestSigner, WalletKind

PROTOCOL_VERSION = "2"
APPROVE = "python orchestrator.py approve"
NO_ORDER = "0x" + "0" * 64
DUST_QUANTITY_MAX = Decimal("0.01")
POSITIONS_MAX = 500
READ_S_MAX = 2.5
"""Seconds for one look; an examination makes three in a row at most."""

BODY_BYTES_MAX, ERROR_LENGTH_MAX = 4_000_000, 200
RELAYER_TYPES = {WalletKind.PROXY: "PROXY", WalletKind.SAFE: "SAFE", WalletKind.DEPOSIT: "WALLET"}
EXCHANGES = {STANDARD_EXCHANGE: "standard", NEG_RISK_EXCHANGE: "neg-risk", EXCHANGE_V3: "V2 positions"}


OPTIONAL = ("redeemable", "dust", "rate limits")
"""Looks that no order needs: where one fails, one should know, and no more."""

Look = Callable[[], Awaitable[Finding]]


class _Region(Struct):
    blocked: bool
    country: str = ""
    region: str = ""


class _Version(Struct):
    version: int


class _Deployed(Struct):
    deployed: bool


class _Position(Struct):
    current_size: Decimal = ZERO
    current_value: Decimal = ZERO


class _Positions(Struct):
    data: list[_Position]


class _Public:
    """Reads that need no key, over one connection."""

    def __init__(self, session: ClientSession, venue: VenueSettings) -> None:
        self._session = session
        self._venue = venue

    async def region(self) -> Finding:
        """Whether the venue trades with the place that it sees us at."""
        told = msgspec.json.decode(await self._get(self._venue.geoblock_url), type=_Region)
        where = " ".join(part for part in (told.country, told.region) if part) or "unknown"
        if told.blocked:
            return bad(
                "region", f"{where}: the venue does not trade with it", "trade from where the venue allows it"
            )
        return ok("region", f"{where}: may trade")

    async def protocol(self) -> Finding:
        """Whether orders are understood as we sign them; the version comes bare or in an object."""
        raw = (await self._get(f"{self._venue.clob_url}/version")).strip()
        is_object = raw.startswith(b"{")
        told = str(msgspec.json.decode(raw, type=_Version).version) if is_object else raw.decode().strip('"')
        if told != PROTOCOL_VERSION:
            words = f"the venue speaks version {told[:20] or '(none)'}, orders here are signed for {PROTOCOL_VERSION}"
            return bad("protocol", words, "update this program before trading")
        return ok("protocol", f"version {told}, as orders are signed here")

    async def clock(self) -> Finding:
        """How far our clock is from the one that judges our signatures."""
        return judged(await measure(self._time_ns))

    async def is_deployed(self, keys: PolymarketKeys) -> bool:
        """Say whether the wallet is a contract on the chain, as the relayer knows it."""
        query = {"address": keys.wallet.address, "type": RELAYER_TYPES[keys.wallet.kind]}
        raw = await self._get(f"{self._venue.relayer_url}/deployed", query)
        return msgspec.json.decode(raw, type=_Deployed).deployed

    async def positions(self, keys: PolymarketKeys, status: str) -> list[_Position]:
        """The first page of the wallet's positions of one kind; the index lags a minute or more."""
        query = {"user": keys.wallet.address, "status": status, "limit": str(POSITIONS_MAX)}
        return msgspec.json.decode(
            await self._get(f"{self._venue.data_url}/v2/positions", query), type=_Positions
        ).data

    async def _time_ns(self) -> int:
        return int(await self._get(f"{self._venue.clob_url}/time")) * NS_PER_S

    async def _get(self, url: str, query: Mapping[str, str] | None = None) -> bytes:
        async with self._session.get(url, params=query, allow_redirects=False) as answer:
            body = await answer.content.read(BODY_BYTES_MAX)
            if answer.status != HTTPStatus.OK:
                raise VenueReadError(
                    f"{url}: HTTP {answer.status} {body[:ERROR_LENGTH_MAX].decode(errors='replace')}"
                )
            return body


async def examine_venue(settings: Settings) -> list[Finding]:
    """What anybody can ask: clock, region and protocol version."""
    async with _session() as session:
        public = _Public(session, settings.venue)
        return await _all({"clock": public.clock, "region": public.region, "protocol": public.protocol})


async def examine_account(settings: Settings, keys: PolymarketKeys) -> list[Finding]:
    """What only the key's owner can ask: the wallet, what it may do, and what it has."""
    async with _session() as session:
        public = _Public(session, settings.venue)
        wallet = await _read("wallet", lambda: _wallet(settings.venue, keys, public))
        findings = [_signing(keys), wallet]
        if wallet.grade is Grade.BAD and keys.wallet.kind is not WalletKind.EOA:
            return findings  # the client would put the wallet on the chain, which is not for a doctor to do
        try:
            async with asyncio.timeout(READ_S_MAX):
                account = await open_account(keys, settings)
        except (ConfigurationError, VenueReadError, TimeoutError) as error:
            mend = "check the key, POLYMARKET_WALLET and POLYMARKET_API_*, or leave those out to have them derived"
            return [*findings, bad("credentials", str(error) or "no answer", mend)]
        try:
            return [
                *findings,
                ok("credentials", "accepted"),
                *await _standing(settings, keys, account, public),
            ]
        finally:
            await account.close()


async def _standing(
    settings: Settings, keys: PolymarketKeys, account: Account, public: _Public
) -> list[Finding]:
    """What the account may do, and what it has."""
    connection = Connection(settings.venue.clob_url, owner=keys.owner, wall_ns=wall_ns)
    connection.authenticate(RequestSigner(account.credentials))
    clob = Clob(connection, budget=Budget(monotonic_s=monotonic_s), signature_type=int(keys.wallet.kind))
    try:
        return await _all(
            {
                "standing": lambda: _restrictions(account),
                "approvals": lambda: _approvals(account),
                "balance": lambda: _balance(clob, settings),
                "allowance": lambda: _allowances(clob),
                "open orders": lambda: _open_orders(clob),
                "rate limits": lambda: _tier(connection),
                "redeemable": lambda: _redeemable(public, keys),
                "dust": lambda: _dust(public, keys),
            }
        )
    finally:
        connection.close()


async def _all(looks: Mapping[str, Look]) -> list[Finding]:
    """Several looks at once: together they take as long as the slowest."""
    async with asyncio.TaskGroup() as tasks:
        running = [
            tasks.create_task(_read(what, look), name=f"doctor {what}") for what, look in looks.items()
        ]
    return [task.result() for task in running]


async def _read(what: str, look: Callable[[], Awaitable[Finding]]) -> Finding:
    """One look; where the venue did not answer it, that is the finding."""
    try:
        return await look()
    except (VenueReadError, ClientError, OSError, msgspec.DecodeError, ValueError) as error:
        reason = str(error) or type(error).__name__
        if "HTTP 403" in reason:
            return bad(
                what, f"refused before login: {reason}", "the venue does not serve this network or region"
            )
        return bad(what, f"could not be read: {reason}", "look at the network, then run doctor again")


def _signing(keys: PolymarketKeys) -> Finding:
    try:
        self_check(OrderSigner(key=keys.key, wallet=keys.wallet), key=keys.key)
    except ConfigurationError as error:
        return bad("signing", str(error), "pip install -r requirements.txt")
    return ok("signing", "as the official client signs, byte for byte")


async def _wallet(venue: VenueSettings, keys: PolymarketKeys, public: _Public) -> Finding:
    address, kind = keys.wallet.address, keys.wallet.kind.name.lower()
    if keys.wallet.kind is WalletKind.EOA:
        if venue.is_rehearsal:
            return ok("wallet", f"{address}, the key's own address")
        words = (
            f"{address} is the key's own address, and the venue takes new makers only with a deposit wallet"
        )
        return bad("wallet", words, "make one at polymarket.com and set POLYMARKET_WALLET to its address")
    if not await public.is_deployed(keys):
        words = f"{address} is not on the chain as a {kind} wallet"
        return bad(
            "wallet", words, "check POLYMARKET_WALLET and venue.wallet_type; make it at polymarket.com"
        )
    return ok("wallet", f"{address}, a {kind} wallet of {keys.owner}")


async def _restrictions(account: Account) -> Finding:
    if await account.is_closed_only():
        return bad("standing", "closed-only: the venue takes no orders that open", "ask the venue's support")
    return ok("standing", "may open and close")


async def _approvals(account: Account) -> Finding:
    missing = await account.missing_approvals()
    for_orders = [line for line in missing if any(address in line for address in EXCHANGES)]
    if for_orders:
        return bad(
            "approvals", f"{len(for_orders)} missing without which nothing trades: {for_orders[0]}", APPROVE
        )
    if missing:
        words = f"{len(missing)} missing; orders need none of them, splitting, merging and redeeming do: {missing[0]}"
        return warn("approvals", words, APPROVE)
    return ok("approvals", "all contracts that trade may move what orders promise")


async def _balance(clob: Clob, settings: Settings) -> Finding:
    free = (await clob.balance()).balance
    cap = settings.venue.notional_max
    if free == 0:
        return bad("balance", "no pUSD", "deposit some at polymarket.com")
    if cap is not None and free < cap:
        return warn("balance", f"{plain(free)} pUSD, less than the {plain(cap)} that may be at risk")
    return ok("balance", f"{plain(free)} pUSD")


async def _allowances(clob: Clob) -> Finding:
    """As the order book's own cache has it, which is what orders are judged by: it may lag behind the chain."""
    row = await clob.balance()
    allowed = {spender.lower(): amount for spender, amount in row.allowances.items()}
    short = [name for address, name in EXCHANGES.items() if allowed.get(address.lower(), ZERO) < row.balance]
    if short and "" not in allowed:
        return bad("allowance", f"the exchange for {', '.join(short)} may not spend the balance", APPROVE)
    return ok("allowance", "all three exchanges may spend the balance")


async def _open_orders(clob: Clob) -> Finding:
    count = len(await clob.open_orders())
    if count:
        words = f"{count} rest at the venue; those that are not ours close the gate at the start"
        return warn("open orders", words, "python orchestrator.py reconcile")
    return ok("open orders", "none rest at the venue")


async def _tier(connection: Connection) -> Finding:
    """Only answers to orders and cancels tell it: the cancel of an order that cannot be does no harm."""
    body = msgspec.json.encode({"orderID": NO_ORDER})
    answer = await connection.call("DELETE", "/order", body=body)
    headers = {key.lower(): value for key, value in answer.headers.items()}
    name = headers.get("poly-ratelimit-tier", "").lower()
    tier = TIERS.get(name)
    if tier is None:
        return ok("rate limits", "the venue tells no tier; ours are those of the lowest")
    limits = f"{tier.orders_per_s} orders and {tier.cancels_per_s} cancels a second"
    return ok("rate limits", f"{name}: {limits}")


async def _redeemable(public: _Public, keys: PolymarketKeys) -> Finding:
    rows = await public.positions(keys, "REDEEMABLE")
    if not rows:
        return ok("redeemable", "nothing waits to be redeemed")
    worth = sum((row.current_value for row in rows), ZERO)
    words = f"{len(rows)} positions, {plain(worth)} pUSD; they never block a start"
    return warn("redeemable", words, "the daemon redeems its own when it runs; others at polymarket.com")


async def _dust(public: _Public, keys: PolymarketKeys) -> Finding:
    small = [row for row in await public.positions(keys, "OPEN") if row.current_size < DUST_QUANTITY_MAX]
    if small:
        return warn(
            "dust", f"{len(small)} positions below {DUST_QUANTITY_MAX} shares: too small to sell, ignored"
        )
    return ok("dust", "no position is too small to sell")


def _session() -> ClientSession:
    return ClientSession(timeout=ClientTimeout(total=READ_S_MAX), trust_env=False)
