"""Identifiers that must not be mixed up, and how ours are derived."""

import hashlib
from typing import NewType

VenueName = NewType("VenueName", str)
MarketId = NewType("MarketId", str)
InstrumentId = NewType("InstrumentId", str)
StrategyName = NewType("StrategyName", str)
SessionId = NewType("SessionId", str)
IntentId = NewType("IntentId", str)
CorrelationId = NewType("CorrelationId", str)
OrderId = NewType("OrderId", str)
VenueOrderId = NewType("VenueOrderId", str)
TradeId = NewType("TradeId", str)


def intent_id(*, session: SessionId, strategy: StrategyName, signal_key: str, leg: int) -> IntentId:
    """Name an intent; equal arguments name the same intent, which is what deduplication rests on.

    >>> intent_id(session=SessionId("s1"), strategy=StrategyName("sniper"), signal_key="0xab:UP", leg=0)
    's1/sniper/0xab:UP/0'
    """
    return IntentId(f"{session}/{strategy}/{signal_key}/{leg}")


def correlation_id(*, session: SessionId, strategy: StrategyName, signal_key: str) -> CorrelationId:
    """Name the chain that starts at a signal: its orders, fills, position and settlement carry it."""
    return CorrelationId(f"{session}-c{digest(strategy, signal_key)}")


def order_id(*, session: SessionId, seed: int, intent: IntentId, generation: int) -> OrderId:
    """Derive the client order id from the intent, so that it is known before the first byte leaves.

    >>> order_id(session=SessionId("s1"), seed=1, intent=IntentId("s1/sniper/k/0"), generation=1)
    's1-a385911d355eda92'
    """
    return OrderId(f"{session}-{digest(str(seed), intent, str(generation))}")


def digest(*parts: str) -> str:
    """Return 16 hexadecimal digits of SHA-256 over the parts, with a separator no identifier contains."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]
