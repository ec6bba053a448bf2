"""Markets as Gamma writes them, turned into ours; each is read on its own, so that a bad one costs only itself."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
from msgspec import Struct

from domain.identifiers import InstrumentId, MarketId, VenueName
from domain.instrument import Instrument, Market, UpDown
from domain.money import ONE, ZERO
from venues.polymarket.contracts import is_position_id

VENUE = VenueName("polymarket")
OPEN_END_NS = 4_102_444_800_000_000_000
"""The year 2100: the end of a market that names none."""

TEXT_MAX = 2_000
HALF = Decimal("0.5")
TICKS = tuple(Decimal(text) for text in ("0.1", "0.01", "0.005", "0.0025", "0.001", "0.0001"))
CATEGORIES = (
    *("crypto", "sports", "finance", "politics", "mentions", "tech"),
    *("economics", "culture", "weather", "geopolitics"),
)
SETTLED = ("resolved", "settled")
CHAINLINK = re.compile(r"data\.chain\.link/streams/([a-z0-9]+)-usd(?:-twap-(\d+)s(?:-streams)?)?/?$")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Texts = str | list[str] | None


class FeeSchedule(Struct, frozen=True, kw_only=True, rename="camel"):
    """What takers pay: shares × rate × (p × (1 − p))^exponent."""

    rate: Decimal
    exponent: Decimal = ONE
    taker_only: bool = True


class CryptoConfig(Struct, frozen=True, kw_only=True, rename="camel"):
    """How an up/down market settles; a part of the market that the official client does not read."""

    asset: str
    twap_enabled: bool = False
    twap_lookback_seconds: int = 0


class Tag(Struct, frozen=True):
    """A topic that an event is filed under."""

    slug: str | None = ""


class EventReference(Struct, frozen=True, rename="camel"):
    """The event of a market, as far as a market tells it."""

    id: str
    slug: str = ""


class GammaMarket(Struct, frozen=True, kw_only=True, rename="camel"):
    """What we need of a market; lists come as JSON inside JSON, and every flag may be missing or null."""

    id: str
    condition_id: str
    slug: str
    question: str | None = ""
    version: str | None = None
    outcomes: Texts = None
    outcome_prices: Texts = None
    clob_token_ids: Texts = None
    position_ids: Texts = None
    active: bool | None = None
    closed: bool | None = None
    archived: bool | None = None
    accepting_orders: bool | None = None
    enable_order_book: bool | None = None
    neg_risk: bool | None = None
    neg_risk_other: bool | None = None
    start_date: str | None = None
    end_date: str | None = None
    event_start_time: str | None = None
    order_min_size: Decimal | None = None
    order_price_min_tick_size: Decimal | None = None
    fees_enabled: bool | None = None
    fee_type: str | None = None
    fee_schedule: FeeSchedule | None = None
    crypto_market_config: CryptoConfig | None = None
    resolution_source: str | None = None
    uma_resolution_status: str | None = None
    category: str | None = None
    events: list[EventReference] | None = None
    tags: list[Tag] | None = None


class GammaEvent(Struct, frozen=True, kw_only=True):
    """An event with its markets, each of them still undecoded."""

    id: str
    slug: str = ""
    markets: list[msgspec.Raw] | None = None
    tags: list[Tag] | None = None


class UnfitMarketError(ValueError):
    """A market that we do not trade, or cannot read; the message says why."""


def as_market(row: GammaMarket, *, event_id: str = "", tags: list[Tag] | None = None) -> Market:
    """Turn a market into ours; raises UnfitMarketError where it is of a kind that we do not know or do not trade."""
    if row.neg_risk_other:
        raise UnfitMarketError("the outcome 'other' of an augmented event changes its meaning")
    tokens, outcomes = _tokens(row), _texts(row.outcomes, "outcomes")
    if len(outcomes) != 2 or len(tokens) != 2 or tokens[0] == tokens[1]:  # noqa: PLR2004
        raise UnfitMarketError(f"{len(outcomes)} outcomes and {len(tokens)} tokens; two of each are a market")
    up_down = _up_down(row)
    begins = row.event_start_time if up_down else row.start_date
    ids = [InstrumentId(token) for token in tokens]
    return Market(
        id=MarketId(row.condition_id),
        venue=VENUE,
        slug=row.slug,
        question=(row.question or "")[:TEXT_MAX],
        category=_category(row, tags),
        event_id=event_id or (row.events[0].id if row.events else row.slug),
        opens_ns=_time_ns(begins) if begins else 0,
        closes_ns=_time_ns(row.end_date) if row.end_date else OPEN_END_NS,
        instruments=(
            _instrument(row, ids[0], outcomes[0], complement_id=ids[1]),
            _instrument(row, ids[1], outcomes[1], complement_id=ids[0]),
        ),
        up_down=up_down,
        is_neg_risk=bool(row.neg_risk),
    )


def trading_obstacle(row: GammaMarket) -> str | None:
    """Say which flag keeps the market from being traded; None where none does. The flags contradict each other in
    real data, so all of them count."""
    wanted = {
        "it is not active": row.active,
        "it is closed": not row.closed,
        "it is archived": not row.archived,
        "it accepts no orders": row.accepting_orders,
        "it has no order book": row.enable_order_book,
    }
    return next((obstacle for obstacle, is_fine in wanted.items() if not is_fine), None)


def needs_fee_schedule(row: GammaMarket) -> bool:
    """Say whether the market charges fees and Gamma does not tell which: then the order book service is asked."""
    return bool(row.fees_enabled) and row.fee_schedule is None


def payouts(row: GammaMarket) -> dict[InstrumentId, Decimal] | None:
    """What each share pays, once the market is closed and its prices are final; None before.

    Old markets close with prices of 0 and 0: that is unknown. Halves count only where the oracle has settled
    and the event does not exclude them.
    """
    if not row.closed:
        return None
    prices = [_decimal(text) for text in _texts(row.outcome_prices, "outcomePrices")]
    tokens = _tokens(row)
    if len(prices) != 2 or len(tokens) != 2 or sum(prices) != 1:  # noqa: PLR2004
        return None
    is_split = prices[0] == HALF and not row.neg_risk and row.uma_resolution_status in SETTLED
    if not is_split and set(prices) != {ZERO, ONE}:
        return None
    return {InstrumentId(token): price for token, price in zip(tokens, prices, strict=True)}


def _tokens(row: GammaMarket) -> list[str]:
    """The ids that orders name, chosen by the generation; a market can carry those of both."""
    if row.version not in (None, "", "v1", "v2"):
        raise UnfitMarketError(f"a market of version {row.version[:20]!r}; known are v1 and v2")
    is_v2 = row.version == "v2"
    tokens = _texts(row.position_ids if is_v2 else row.clob_token_ids, "tokens")
    for token in tokens:
        if not (token.isascii() and token.isdigit()):
            raise UnfitMarketError(f"a token {token[:20]!r} is no number")
        if is_position_id(int(token)) != is_v2:
            raise UnfitMarketError(
                f"token {token[:20]}… is not of the market's version {row.version or 'v1'}"
            )
    return tokens


def _instrument(
    row: GammaMarket, instrument_id: InstrumentId, outcome: str, *, complement_id: InstrumentId
) -> Instrument:
    tick, minimum = row.order_price_min_tick_size, row.order_min_size
    if tick not in TICKS or tick is None:
        raise UnfitMarketError(f"a tick of {tick}; the venue's are {', '.join(map(str, TICKS))}")
    if minimum is None or not 0 < minimum < 1_000_000:  # noqa: PLR2004
        raise UnfitMarketError(f"a minimum of {minimum} shares is none")
    rate, exponent = _fee(row)
    return Instrument(
        id=instrument_id,
        market_id=MarketId(row.condition_id),
        venue=VENUE,
        outcome=outcome.upper(),
        complement_id=complement_id,
        tick_size=tick,
        quantity_min=minimum,
        fee_rate=rate,
        fee_exponent=exponent,
    )


def _fee(row: GammaMarket) -> tuple[Decimal, int]:
    if not row.fees_enabled:
        return ZERO, 1
    schedule = row.fee_schedule
    if schedule is None:
        raise UnfitMarketError("it charges fees, and its schedule is not known")
    if not schedule.taker_only or not 0 <= schedule.rate < 1 or schedule.exponent not in (1, 2, 3):
        raise UnfitMarketError(f"an unknown kind of fee: {schedule}")
    return schedule.rate, int(schedule.exponent)


def _up_down(row: GammaMarket) -> UpDown | None:
    """The rule of settlement, as far as the market itself tells it in its source; None where it does not."""
    source, config = CHAINLINK.search(row.resolution_source or ""), row.crypto_market_config
    if source is None or not row.event_start_time or "updown" not in row.slug:
        return None
    asset, window = source[1].upper(), int(source[2] or 0)
    if config is not None:
        told = config.twap_lookback_seconds if config.twap_enabled else 0
        if config.asset.upper() != asset or told != window:
            raise UnfitMarketError(
                f"its settlement is told in two ways: {config} and {row.resolution_source}"
            )
    return UpDown(asset=asset, feed=f"chainlink:{asset}", twap_s=window)


def _category(row: GammaMarket, tags: list[Tag] | None) -> str:
    named = [(row.fee_type or "").partition("_fees")[0], (row.category or "").lower()]
    named += [tag.slug or "" for tag in (*(row.tags or ()), *(tags or ()))]
    return next((name for name in named if name in CATEGORIES), "other")


def _texts(value: Texts, what: str) -> list[str]:
    if value is None or value == "":
        return []
    if isinstance(value, list):
        return value
    try:
        return msgspec.json.decode(value, type=list[str])
    except msgspec.DecodeError as error:
        raise UnfitMarketError(f"{what} {value[:40]!r} are no list of texts") from error


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except ArithmeticError as error:
        raise UnfitMarketError(f"a price of {text[:20]!r}") from error


def _time_ns(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UnfitMarketError(f"a time of {text[:40]!r}") from error
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - EPOCH) // timedelta(microseconds=1) * 1_000
