"""What a feed is asked to follow, who listens to it, and what it says of its health."""

from collections.abc import Callable

from msgspec import Struct

from venues.polymarket.activity import TriggerCounters
from venues.polymarket.discovery import Refused
from venues.polymarket.market_messages import MessageCounters
from venues.polymarket.price_stream import PriceCounters
from venues.polymarket.resolution import ResolutionCounters
from venues.polymarket.series import RotationCounters
from venues.polymarket.shards import TOKENS_PER_SOCKET
from venues.polymarket.stream_socket import SocketCounters
from venues.polymarket.stream_wire import BadFrame
from venues.polymarket.user_stream import UserCounters
from venues.polymarket.wallet_audit import AuditCounters
from venues.polymarket.wallet_deeds import DeedCounters
from venues.polymarket.wallet_names import FollowedWallet

SILENCE_S_MAX = 1.5
"""A quiet book is read over REST after so long; where it is as we hold it, it counts as fresh again. Below the age of
two seconds at which control 17 calls a book stale; a thousand quiet books cost 14 reads a second of the venue's 50."""


class FeedPlan(Struct, frozen=True, kw_only=True):
    """What to follow; `wallets` are names or addresses, whose trades are wanted from `since_ns` on, and
    `price_symbols` such as btcusd need credentials."""

    series: tuple[str, ...] = ()
    market_ids: tuple[str, ...] = ()
    slugs: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    markets_per_tag: int = 50
    wallets: tuple[str, ...] = ()
    since_ns: int = 0
    price_symbols: tuple[str, ...] = ()
    tokens_per_socket: int = TOKENS_PER_SOCKET
    silence_s_max: float = SILENCE_S_MAX


def ignore(*_: object) -> None:
    """Hear something that nobody wants to know."""


class FeedListeners(Struct, frozen=True, kw_only=True):
    """Who hears what is no market event: frames of the account, its gaps (from when on REST has to be read again),
    samples of what did not parse, and the loss and return of the wallet trigger. None of them may wait."""

    user_message: Callable[[bytes], None] = ignore
    user_gap: Callable[[int], None] = ignore
    bad_frame: Callable[[BadFrame], None] = ignore
    trigger_changed: Callable[[bool, str], None] = ignore


class FeedStatus(Struct, frozen=True, kw_only=True):
    """The health of a feed at one moment; `instruments` counts them by standing, `prices` and `user` are None without
    credentials."""

    markets: int
    epoch: int
    instruments: dict[str, int]
    breaks: int
    checks_agreed: int
    checks_failed: int
    reads: int
    reads_failed: int
    market_sockets: tuple[SocketCounters, ...]
    messages: MessageCounters
    rotation: RotationCounters
    resolutions: ResolutionCounters
    refused: tuple[Refused, ...]
    samples: tuple[BadFrame, ...]
    wallets: tuple[FollowedWallet, ...]
    deeds: DeedCounters
    trigger: TriggerCounters
    audit: AuditCounters
    prices: PriceCounters | None
    user: UserCounters | None
