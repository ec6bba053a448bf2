"""The markets of the venue: what they are, whether they trade, and how they ended."""

from decimal import Decimal
from typing import Literal

from msgspec import Struct, field

from simulator.polymarket.contracts import EXCHANGE, EXCHANGE_V3, NEG_RISK_EXCHANGE
from simulator.polymarket.identifiers import hex_word, token_id, v2_condition_id, v2_position_id

PRICE_UNITS = 10_000
"""A price is a whole number of these parts of a pUSD: the finest tick is one."""

AMOUNT_DECIMALS = {1000: 3, 100: 4, 50: 5, 25: 6, 10: 5, 1: 6}
"""Decimals that an amount may have, by tick in price units."""

MARKETS_MAX = 20_000


class MarketSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is wanted of a new market; identifiers are made up where they are not given."""

    slug: str
    question: str = ""
    outcomes: tuple[str, str] = ("Yes", "No")
    condition_id: str = ""
    token_ids: tuple[str, str] | None = None
    version: Literal["v1", "v2"] = "v1"
    neg_risk: bool = False
    tick: Decimal = Decimal("0.01")
    size_min: Decimal = Decimal(5)
    fee_rate: Decimal = Decimal("0.07")
    fee_exponent: int = 1
    taker_delay_ms: int = 0
    category: str = "crypto"
    tags: tuple[str, ...] = ()
    event_slug: str = ""
    event_title: str = ""
    series_slug: str = ""
    starts_ns: int = 0
    ends_ns: int = 0
    """0 where the end is open."""


class SimMarket(Struct, kw_only=True, eq=False):
    """One market with two outcomes; the book is kept by the exchange."""

    id: str
    condition_id: str
    question_id: str
    token_ids: tuple[str, str]
    spec: MarketSpec
    created_ns: int
    tick_units: int
    active: bool = True
    closed: bool = False
    archived: bool = False
    accepting_orders: bool = True
    order_book_enabled: bool = True
    payouts: tuple[Decimal, Decimal] | None = None
    """What a share of each outcome pays; None until the market has resolved."""
    closed_ns: int | None = None
    uma_status: str = ""
    last_price_units: int | None = None
    """Price of the last trade in the first outcome's terms."""
    last_side: str = ""
    volume_units: int = 0
    extras: dict[str, object] = field(default_factory=dict)
    """Fields to add to, or replace in, the market's Gamma object."""

    @property
    def tick(self) -> Decimal:
        """The present tick in pUSD."""
        return Decimal(self.tick_units) / PRICE_UNITS

    @property
    def exchange_address(self) -> str:
        """The contract that settles orders of this market."""
        if self.spec.version == "v2":
            return EXCHANGE_V3
        return NEG_RISK_EXCHANGE if self.spec.neg_risk else EXCHANGE

    def outcome_index(self, token: str) -> int:
        """0 or 1; ValueError where the token is of another market."""
        return self.token_ids.index(token)


class MarketList:
    """All markets by each of their names."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.by_condition: dict[str, SimMarket] = {}
        self.by_token: dict[str, SimMarket] = {}
        self.by_slug: dict[str, SimMarket] = {}

    def create(self, spec: MarketSpec, *, now_ns: int) -> SimMarket:
        """Add a market; ValueError where its slug is taken, its tick unknown or the list full."""
        if spec.slug in self.by_slug:
            raise ValueError(f"slug {spec.slug!r} is taken")
        if len(self.by_condition) >= MARKETS_MAX:
            raise ValueError(f"{MARKETS_MAX} markets are the most")
        condition_id = spec.condition_id or self._condition_id(spec)
        tokens = spec.token_ids or self._tokens(spec, condition_id)
        market = SimMarket(
            id=str(500_000 + len(self.by_condition)),
            condition_id=condition_id,
            question_id=hex_word(self._seed, "question", spec.slug),
            token_ids=tokens,
            spec=spec,
            created_ns=now_ns,
            tick_units=tick_units(spec.tick),
        )
        self.by_condition[condition_id] = self.by_slug[spec.slug] = market
        self.by_token.update(dict.fromkeys(tokens, market))
        return market

    def _condition_id(self, spec: MarketSpec) -> str:
        if spec.version == "v2":
            return v2_condition_id(self._seed, "condition", spec.slug, neg_risk=spec.neg_risk)
        return hex_word(self._seed, "condition", spec.slug)

    def _tokens(self, spec: MarketSpec, condition_id: str) -> tuple[str, str]:
        if spec.version == "v2":
            return v2_position_id(condition_id, 0), v2_position_id(condition_id, 1)
        return token_id(self._seed, condition_id, 0), token_id(self._seed, condition_id, 1)


def tick_units(tick: Decimal) -> int:
    """The tick in price units; ValueError where the venue has no such tick."""
    units = int(tick * PRICE_UNITS)
    if units not in AMOUNT_DECIMALS or Decimal(units) / PRICE_UNITS != tick:
        ticks = ", ".join(str(Decimal(known) / PRICE_UNITS) for known in AMOUNT_DECIMALS)
        raise ValueError(f"no tick {tick}; the venue's ticks: {ticks}")
    return units
