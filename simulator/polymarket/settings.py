"""The switches of the simulated venue: what its documents leave open, and how fast it does what it does."""

from decimal import Decimal

import msgspec
from msgspec import Struct


class VenueRules(Struct, kw_only=True):
    """All switches; durations in milliseconds unless named otherwise. `change` sets them by name."""

    # Requests.
    timestamp_window_s: int = 60
    """How far POLY_TIMESTAMP may be from the venue's clock; the real window is not documented."""
    order_timestamp_window_s: int = 0
    """How old an order's signing time may be; 0 does not check, as nothing is documented."""
    defer_execution_allowed: bool = False
    request_latency_ms: int = 0
    """Time the venue takes for every order or cancel before it books it."""

    version: int = 2
    """What `/version` answers; with any but 2 every order is of the wrong version."""
    version_in_object: bool = False
    delay_answers_at_once: bool = True
    """Whether a delayed order is answered before its delay is over; else the answer is matched or unmatched."""

    # Matching.
    market_buys_spend_their_budget: bool = True
    """A FOK or FAK buy spends makerAmount and takes more shares at a better price; else it stops at takerAmount."""
    marketable_value_min: Decimal = Decimal(1)
    self_match_allowed: bool = True
    book_after_trade: bool = True
    house_uses_both_tokens: bool = True
    """The house asks by bidding for the other token at every second price, so that shares are minted and merged."""
    stops_at_end: bool = False
    """Whether matching stops at a market's end; not documented."""

    # Fees.
    buy_fee_in_shares: bool = False
    """Whether a buyer's fee is taken out of the shares instead of on top in pUSD."""

    # Settlement.
    mined_after_ms: int = 2_000
    confirmed_after_ms: int = 4_000
    retry_after_ms: int = 3_000
    failed_rate: Decimal = Decimal(0)
    retrying_rate: Decimal = Decimal(0)
    matched_name: str = "MATCHED"
    """REST may also say MATCHED_NOT_BROADCASTED."""

    relayed_after_ms: int = 200
    """How long a relayed batch or a transaction takes to be mined, and then again to be confirmed."""

    # Heartbeats.
    heartbeat_lifetime_ms: int = 10_000
    heartbeat_sweep_ms: int = 5_000

    # Expiry.
    expires_early_s: int = 60
    """A GTD order ends this long before the moment it names."""
    expiration_lead_min_s: int = 60
    """An order that names an earlier moment is refused."""

    # Restart of the engine.
    restart_ms: int = 90_000
    post_only_ms: int = 120_000

    # Limits; 0 switches a kind off.
    ip_limits_scale: Decimal = Decimal(1)
    signer_limits_scale: Decimal = Decimal(1)
    signer_tier: str = "Standard"
    signer_limits_enforced: bool = True
    queued_ms_max: int = 0
    """How long an excess request is held back before it gets a 429."""

    # Streams.
    snapshot_tokens_max: int = 500
    """A connection that subscribes to more tokens gets no first books."""
    stream_queue_max: int = 20_000
    """Messages that wait for a client that does not read; more, and it is closed."""
    silent_after_ms: int = 360_000
    """The activity socket of a client that sends no PING goes silent after this time."""
    activity_lag_ms: int = 0
    """How late the activity topic tells a trade; about 1,900 at the venue."""
    bad_user_credentials_close: bool = True
    """Whether the user channel closes on wrong credentials or stays silent; not documented."""

    # Reads that lag.
    data_lag_ms: int = 4_000
    data_cache_ms: int = 0
    """How long the Data API answers the same URL from its cache; up to 300 s at the venue."""
    books_listed_after_ms: int = 0
    """How long after its creation a market's books are known to the order API."""

    def change(self, values: dict[str, object]) -> None:
        """Set switches by name; msgspec.ValidationError where a name or a type is wrong."""
        known = msgspec.to_builtins(self, builtin_types=(Decimal,))
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise msgspec.ValidationError(f"no switch {unknown[0]!r}; the switches: {', '.join(known)}")
        checked = msgspec.convert({**known, **values}, VenueRules, strict=False)
        for name in values:
            setattr(self, name, getattr(checked, name))
