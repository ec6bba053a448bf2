"""Reads followed wallets' trades and redemptions from the Data API: backfill at the start, audit ever after.

Every URL is asked once only, since answers are cached by URL for minutes; maker fills have to be asked for; and
windows overlap, since rows come late and in no order within a second.
"""

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal

import msgspec
from msgspec import Struct

from clock import NS_PER_MS, NS_PER_S
from domain.errors import VenueReadError
from domain.instrument import Side
from domain.messages import WalletAction
from domain.money import ONE
from venues.polymarket.public_reads import PublicReads, decoded
from venues.polymarket.stream_wire import BadFrame, bad_frame
from venues.polymarket.wallet_deeds import Deed, WalletDeeds, redemption_price

OVERLAP_S = 120
"""Settlement can take most of a minute and the service some seconds more; asked for is at least half a minute."""

ROUND_S, ROUND_FAST_S = 2.0, 0.5
READS_PER_S_MAX = 15.0
"""18 a second per address are safe by others' measurement."""

EXITS_EVERY_S = 15
"""Merges and redemptions: cached for so long, and nobody copies them."""

PAGES_MAX, PAGE_SIZE = 20, 500
EXIT_TYPES = "MERGE,REDEEM"


class TradeWire(Struct, frozen=True, kw_only=True):
    """A row of /v2/trades or /v2/activity; numbers are JSON numbers, times block times in seconds."""

    proxy_wallet: str
    condition_id: str
    size: Decimal
    timestamp: int
    transaction_hash: str
    token_id: str = ""
    side: str = ""
    price: Decimal = ONE
    type: str = "TRADE"
    usdc_size: Decimal = Decimal(0)
    name: str = ""
    pseudonym: str = ""


class _Pagination(Struct, frozen=True):
    has_more: bool
    next_cursor: str | None = None


class _Page(Struct, frozen=True):
    data: list[msgspec.Raw]
    pagination: _Pagination


class AuditCounters(Struct, kw_only=True):
    """What the readings have brought since the start; `last_ns` is when the last whole one ended."""

    readings: int = 0
    failed: int = 0
    bad_rows: int = 0
    new_deeds: int = 0
    last_ns: int = 0
    last_failure: str = ""


class WalletAudit:
    """Polls every followed wallet in turn; faster while the trigger is lost."""

    def __init__(
        self,
        reads: PublicReads,
        deeds: WalletDeeds,
        on_bad: Callable[[BadFrame], None],
        *,
        now_ns: Callable[[], int],
    ) -> None:
        self.counters = AuditCounters()
        self.is_alone = True
        self._reads, self._deeds, self._on_bad, self._now_ns = reads, deeds, on_bad, now_ns
        self._page = msgspec.json.Decoder(_Page)
        self._row = msgspec.json.Decoder(TradeWire)
        self._newest_s: dict[tuple[str, str], int] = {}
        self._ordinal = 0
        self._wake = asyncio.Event()

    def trigger_changed(self, is_live: bool) -> None:
        """Without the trigger read at once, and more often until it returns."""
        self.is_alone = not is_live
        if self.is_alone:
            self._wake.set()

    async def run(self) -> None:
        """Read round after round; only cancellation, or an error of our own, ends it."""
        exits_due_ns = 0
        while True:
            self._wake.clear()
            paths = ["/v2/trades"]
            if self._now_ns() >= exits_due_ns:
                exits_due_ns = self._now_ns() + EXITS_EVERY_S * NS_PER_S
                paths.append("/v2/activity")
            for wallet in self._deeds.wallets:
                for path in paths:
                    await self.read(wallet, path)
            await self._pause()

    async def read(self, wallet: str, path: str) -> None:
        """Read one window of one wallet, whole: rows of an incomplete one count, and it is read again."""
        newest_s = self._newest_s.get((wallet, path), self._deeds.since_s + OVERLAP_S)
        start_s = max(self._deeds.since_s, newest_s - OVERLAP_S)
        self.counters.readings += 1
        deeds: list[Deed] = []
        try:
            await self._read_pages(wallet, path, start_s, deeds)
        except VenueReadError as error:
            self.counters.failed += 1
            self.counters.last_failure = str(error)
        else:
            times = [deed.time_s for deed in deeds]
            self._newest_s[wallet, path] = max([newest_s, *times])
            self.counters.last_ns = self._now_ns()
        self.counters.new_deeds += self._deeds.hear_audit(deeds)

    async def _read_pages(self, wallet: str, path: str, start_s: int, deeds: list[Deed]) -> None:
        cursor: str | None = None
        for _ in range(PAGES_MAX):
            raw = await self._reads.data(path, self._question(wallet, path, start_s, cursor))
            page = decoded(self._page, raw, what=path)
            if page is None:
                raise VenueReadError(f"{path}: there is no such path")
            deeds.extend(self._deeds_of(page.data))
            cursor = page.pagination.next_cursor
            if not page.pagination.has_more or not cursor:
                return
        raise VenueReadError(f"{path}: more than {PAGES_MAX} pages from {start_s} on")

    def _question(self, wallet: str, path: str, start_s: int, cursor: str | None) -> list[tuple[str, str]]:
        self._ordinal += 1
        unique = f"{self._now_ns() // NS_PER_MS}{self._ordinal}"
        kind = ("taker_only", "false") if path == "/v2/trades" else ("type", EXIT_TYPES)
        question = [("user", wallet), kind, ("start", str(start_s)), ("limit", str(PAGE_SIZE))]
        return [*question, *([("cursor", cursor)] if cursor else []), ("_", unique)]

    def _deeds_of(self, rows: Sequence[msgspec.Raw]) -> list[Deed]:
        deeds = []
        for raw in rows:
            try:
                deeds.append(_deed(self._row.decode(raw)))
            except (msgspec.DecodeError, ValueError) as error:
                self.counters.bad_rows += 1
                self._on_bad(bad_frame(bytes(raw), str(error)))
        return deeds

    async def _pause(self) -> None:
        """Wait for the next round, or for the loss of the trigger."""
        round_s = ROUND_FAST_S if self.is_alone else ROUND_S
        pause_s = max(round_s, len(self._deeds.wallets) / READS_PER_S_MAX)
        try:
            async with asyncio.timeout(pause_s):
                await self._wake.wait()
        except TimeoutError:
            return


def _deed(row: TradeWire) -> Deed:
    """A trade as it stands; a merge at the price of a complete set, a redemption at what a share was paid."""
    action = WalletAction(row.type)
    price, side = row.price, Side.SELL
    match action:
        case WalletAction.TRADE:
            side = Side(row.side)
        case WalletAction.MERGE:
            price = ONE
        case WalletAction.REDEEM:
            price = redemption_price(paid=row.usdc_size, quantity=row.size)
    return Deed(
        wallet=row.proxy_wallet,
        name=row.name or row.pseudonym,
        action=action,
        condition_id=row.condition_id,
        token_id=row.token_id,
        side=side,
        price=price,
        quantity=row.size,
        time_s=row.timestamp,
        transaction=row.transaction_hash,
    )
