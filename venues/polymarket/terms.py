"""What the adapter knows of each outcome token: tick, kind of market and fee, as its market was listed."""

from decimal import Decimal

import msgspec
from msgspec import Struct

from domain.identifiers import InstrumentId, MarketId
from domain.messages import MarketEvent, MarketListed, MarketResolved, TickSizeChanged
from venues.polymarket.wire import WireError

MARKETS_KEPT_MAX = 20_000
"""Resolved markets are kept, since fills and redemptions of them still come; the oldest give way."""


class Terms(Struct, frozen=True, kw_only=True):
    """One token; the fee is that of a taker, as in `domain.money.taker_fee`."""

    instrument_id: InstrumentId
    market_id: MarketId
    tick_size: Decimal
    is_neg_risk: bool
    fee_rate: Decimal
    fee_exponent: int
    payout: Decimal | None = None

    @property
    def token_id(self) -> str:
        """The token as the wire names it."""
        return wire_id(self.instrument_id)

    @property
    def condition_id(self) -> str:
        """The market as the wire names it."""
        return wire_id(self.market_id)


class _Token(Struct):
    t: str


class _Fee(Struct):
    r: str | int | float = 0
    e: int = 1


class _ClobMarket(Struct):
    mts: str | int | float
    t: list[_Token]
    nr: bool = False
    fd: _Fee | None = None


_CLOB_MARKET = msgspec.json.Decoder(_ClobMarket)


class TermsBook:
    """Terms by token, learnt from the same events as the strategies hear."""

    def __init__(self) -> None:
        self._by_token: dict[str, Terms] = {}

    def of(self, instrument_id: InstrumentId) -> Terms | None:
        """The terms of an instrument; None before its market was listed."""
        return self._by_token.get(wire_id(instrument_id))

    def of_token(self, token_id: str) -> Terms | None:
        """The same by the wire's name."""
        return self._by_token.get(token_id)

    def learn(self, terms: Terms) -> None:
        """Take terms in, from a listing or from a read; they replace what was known."""
        self._by_token[terms.token_id] = terms
        while len(self._by_token) > MARKETS_KEPT_MAX:
            del self._by_token[next(iter(self._by_token))]

    def on_market(self, event: MarketEvent) -> None:
        """Learn from listings, tick changes and resolutions; other events tell nothing about terms."""
        match event:
            case MarketListed(market=market):
                for instrument in market.instruments:
                    known = self._by_token.get(wire_id(instrument.id))
                    terms = Terms(
                        instrument_id=instrument.id,
                        market_id=market.id,
                        tick_size=instrument.tick_size,
                        is_neg_risk=market.is_neg_risk,
                        fee_rate=instrument.fee_rate,
                        fee_exponent=instrument.fee_exponent,
                        payout=known.payout if known else None,
                    )
                    self.learn(terms)
            case TickSizeChanged(instrument_id=instrument_id, tick_size=tick_size):
                self._change(instrument_id, tick_size=tick_size)
            case MarketResolved(payouts=payouts):
                for instrument_id, payout in payouts.items():
                    self._change(instrument_id, payout=payout)
            case _:
                pass

    def _change(self, instrument_id: InstrumentId, **changes: Decimal) -> None:
        if known := self.of(instrument_id):
            self.learn(msgspec.structs.replace(known, **changes))


def terms_of_market(raw: bytes, market_id: MarketId) -> tuple[Terms, ...]:
    """Read the terms of both tokens from the CLOB's own short form of a market; raises WireError."""
    try:
        wire = _CLOB_MARKET.decode(raw)
        tick_size, rate = Decimal(str(wire.mts)), Decimal(str(wire.fd.r if wire.fd else 0))
    except (msgspec.DecodeError, UnicodeDecodeError, ArithmeticError) as error:
        raise WireError(f"the terms of market {market_id}: {error}") from error
    return tuple(
        Terms(
            instrument_id=InstrumentId(token.t),
            market_id=market_id,
            tick_size=tick_size,
            is_neg_risk=wire.nr,
            fee_rate=rate,
            fee_exponent=wire.fd.e if wire.fd else 1,
        )
        for token in wire.t
    )


def wire_id(name: str) -> str:
    """The venue's own part of one of our names, which may say the venue before it.

    >>> wire_id("polymarket:123"), wire_id("0xab")
    ('123', '0xab')
    """
    return name.rpartition(":")[2]
