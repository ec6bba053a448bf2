"""Makes an order of an intent: who asks, and the identity that follows from it, known before the first byte."""

from typing import NamedTuple

from domain.identifiers import (
    MarketId,
    SessionId,
    StrategyName,
    VenueName,
    correlation_id,
    intent_id,
    order_id,
)
from domain.order import Intent, Order


class Author(NamedTuple):
    """In whose name an order is made; with the intent and its generation this decides all of its ids."""

    session: SessionId
    seed: int
    strategy: StrategyName
    venue: VenueName


def draft_order(
    intent: Intent, author: Author, *, market_id: MarketId, generation: int, time_ns: int
) -> Order:
    """The order as it would be accepted; the same arguments make the same order, in any process."""
    session, seed, strategy, venue = author
    named = intent_id(session=session, strategy=strategy, signal_key=intent.signal_key, leg=intent.leg)
    return Order(
        id=order_id(session=session, seed=seed, intent=named, generation=generation),
        intent_id=named,
        generation=generation,
        correlation_id=correlation_id(session=session, strategy=strategy, signal_key=intent.signal_key),
        strategy=strategy,
        venue=venue,
        market_id=market_id,
        instrument_id=intent.instrument_id,
        side=intent.side,
        time_in_force=intent.time_in_force,
        post_only=intent.post_only,
        price=intent.price,
        quantity=intent.quantity,
        created_ns=time_ns,
        updated_ns=time_ns,
        reason=intent.reason,
        expires_ns=intent.expires_ns,
    )
