"""Finds markets in Gamma by id, slug, event, tag and series, and says of each that it left out why."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec
from msgspec import Struct

from domain.errors import VenueReadError
from domain.identifiers import InstrumentId, MarketId
from domain.instrument import Market
from venues.polymarket.gamma_wire import (
    FeeSchedule,
    GammaEvent,
    GammaMarket,
    Tag,
    UnfitMarketError,
    as_market,
    needs_fee_schedule,
    payouts,
    trading_obstacle,
)
from venues.polymarket.public_reads import PublicReads, decoded

PAGES_MAX = 50
PAGE_SIZE = 50
CONDITIONS_PER_READ = 20


class Refused(Struct, frozen=True):
    """A market that was left out: its slug, or the beginning of what could not be read, and why."""

    slug: str
    reason: str


class Found(Struct, frozen=True):
    """What a question to the catalogue brought; markets keep the venue's order."""

    markets: tuple[Market, ...] = ()
    refused: tuple[Refused, ...] = ()


class _MarketPage(Struct, frozen=True):
    markets: list[msgspec.Raw]
    next_cursor: str | None = None


class _EventPage(Struct, frozen=True):
    events: list[msgspec.Raw]
    next_cursor: str | None = None


class _Fee(Struct, frozen=True):
    r: Decimal
    e: Decimal = Decimal(1)
    to: bool = True


class _BookTerms(Struct, frozen=True):
    fd: _Fee | None = None


class _Slug(Struct, frozen=True):
    slug: str = "?"


class Discovery:
    """Questions to the catalogue; every method raises VenueReadError where the question itself failed."""

    def __init__(self, reads: PublicReads) -> None:
        self._reads = reads
        self._market = msgspec.json.Decoder(GammaMarket)
        self._event = msgspec.json.Decoder(GammaEvent)
        self._terms = msgspec.json.Decoder(_BookTerms)
        self._events_page = msgspec.json.Decoder(_EventPage)
        self._markets_page = msgspec.json.Decoder(_MarketPage)

    async def by_id(self, market_id: str) -> Found:
        """The market with Gamma's own number, such as 1557558."""
        return await self._single(f"/markets/{market_id}")

    async def by_slug(self, slug: str) -> Found:
        """The market that the page's address names; nothing where there is none yet."""
        return await self._single(f"/markets/slug/{slug}")

    async def by_condition(self, condition_id: MarketId) -> Found:
        """The open market with this condition, as trades of other wallets name it."""
        raw = await self._reads.gamma(
            "/markets/keyset", [("condition_ids", condition_id), ("closed", "false")]
        )
        page = decoded(self._markets_page, raw, what="/markets/keyset") or _MarketPage([])
        return await self._read([bytes(row) for row in page.markets], event_id="", tags=None)

    async def by_event(self, slug: str) -> Found:
        """All markets of an event."""
        raw = await self._reads.gamma(f"/events/slug/{slug}")
        return Found() if raw is None else await self._of_event(raw)

    async def by_tag(self, tag_slug: str, *, markets_max: int) -> Found:
        """Markets of the open events of a tag, page by page until there are enough."""
        found, cursor = Found(), None
        for _ in range(PAGES_MAX):
            parameters = [("closed", "false"), ("limit", str(PAGE_SIZE)), ("tag_slug", tag_slug)]
            parameters += [("after_cursor", cursor)] if cursor else []
            raw = await self._reads.gamma("/events/keyset", parameters)
            page = decoded(self._events_page, raw, what="/events/keyset") or _EventPage([])
            for event in page.events:
                found = _joined(found, await self._of_event(bytes(event)))
            cursor = page.next_cursor
            if not cursor or len(found.markets) >= markets_max:
                break
        return Found(found.markets[:markets_max], found.refused)

    async def resolutions(
        self, market_ids: Sequence[MarketId]
    ) -> dict[MarketId, dict[InstrumentId, Decimal]]:
        """Payouts of those of these markets that have closed with final prices."""
        known: dict[MarketId, dict[InstrumentId, Decimal]] = {}
        for start in range(0, len(market_ids), CONDITIONS_PER_READ):
            asked = market_ids[start : start + CONDITIONS_PER_READ]
            parameters = [("closed", "true"), ("limit", "100"), *(("condition_ids", one) for one in asked)]
            raw = await self._reads.gamma("/markets/keyset", parameters)
            page = decoded(self._markets_page, raw, what="/markets/keyset") or _MarketPage([])
            known.update(self._payouts(page.markets, frozenset(asked)))
        return known

    def _payouts(
        self, rows: Iterable[msgspec.Raw], asked: frozenset[MarketId]
    ) -> dict[MarketId, dict[InstrumentId, Decimal]]:
        known = {}
        for raw in rows:
            try:
                row = self._market.decode(raw)
                paid = payouts(row)
            except (msgspec.DecodeError, UnfitMarketError):
                continue
            if paid is not None and row.condition_id in asked:
                known[MarketId(row.condition_id)] = paid
        return known

    async def _single(self, path: str) -> Found:
        raw = await self._reads.gamma(path)
        return Found() if raw is None else await self._read([raw], event_id="", tags=None)

    async def _of_event(self, raw: bytes) -> Found:
        try:
            event = self._event.decode(raw)
        except msgspec.DecodeError as error:
            return Found(refused=(Refused(_slug_of(raw), f"an event that cannot be read: {error}"),))
        rows = [bytes(market) for market in event.markets or ()]
        return await self._read(rows, event_id=event.id, tags=event.tags)

    async def _read(self, rows: Sequence[bytes], *, event_id: str, tags: list[Tag] | None) -> Found:
        """Read each market on its own: a bad one is listed with its reason, the others are found."""
        markets, refused = [], []
        for raw in rows:
            try:
                row = await self._with_fees(self._market.decode(raw))
                if (obstacle := trading_obstacle(row)) is not None:
                    raise UnfitMarketError(obstacle)
                markets.append(as_market(row, event_id=event_id, tags=tags))
            except msgspec.DecodeError as error:
                refused.append(Refused(_slug_of(raw), f"it cannot be read: {error}"))
            except (UnfitMarketError, VenueReadError) as error:
                refused.append(Refused(_slug_of(raw), str(error)))
        return Found(tuple(markets), tuple(refused))

    async def _with_fees(self, row: GammaMarket) -> GammaMarket:
        """Fill in the schedule from the order book service where Gamma says only that there are fees."""
        if not needs_fee_schedule(row):
            return row
        path = f"/clob-markets/{row.condition_id}"
        terms = decoded(self._terms, await self._reads.clob(path), what=path)
        if terms is None or terms.fd is None:
            return row
        schedule = FeeSchedule(rate=terms.fd.r, exponent=terms.fd.e, taker_only=terms.fd.to)
        return msgspec.structs.replace(row, fee_schedule=schedule)


def _joined(one: Found, other: Found) -> Found:
    known = {market.id for market in one.markets}
    new = tuple(market for market in other.markets if market.id not in known)
    return Found(one.markets + new, one.refused + other.refused)


def _slug_of(raw: bytes) -> str:
    try:
        return msgspec.json.decode(raw, type=_Slug).slug
    except msgspec.DecodeError:
        return raw[:60].decode(errors="replace")
