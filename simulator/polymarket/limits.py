"""The venue's rate limits: sliding windows for each address on the network, token buckets for each signer."""

from collections import defaultdict, deque
from decimal import Decimal

from msgspec import Struct

from simulator.polymarket.accounts import Wallet
from simulator.polymarket.state import VenueState
from simulator.timing import NS_PER_S

TEN_S, TEN_MINUTES, MINUTE = 10, 600, 60

TIERS = {
    "Standard": (40, 60, 80, 120),
    "Copper": (60, 90, 120, 180),
    "Bronze": (80, 120, 160, 240),
    "Silver": (200, 300, 400, 600),
    "Gold": (400, 600, 800, 1200),
    "Platinum": (450, 675, 900, 1350),
    "Diamond": (525, 787, 1050, 1575),
    "Elite": (600, 900, 1200, 1800),
}
"""Orders a second and their burst, cancels a second and theirs, by the maker volume of 30 days."""

MAY_OWE_CANCELS = frozenset(("Standard", "Copper", "Bronze", "Silver", "Gold"))

Window = tuple[str, int, int]
"""Name of a group of endpoints, requests allowed, and in how many seconds."""

CLOB: tuple[Window, ...] = (("all", 15_000, TEN_S), ("clob", 9_000, TEN_S))
EXACT: dict[str, tuple[Window, ...]] = {
    "POST /order": (("post order", 5_000, TEN_S), ("post order, long", 120_000, TEN_MINUTES)),
    "POST /orders": (("post orders", 2_000, TEN_S), ("post orders, long", 21_000, TEN_MINUTES)),
    "DELETE /order": (("delete order", 5_000, TEN_S), ("delete order, long", 120_000, TEN_MINUTES)),
    "DELETE /orders": (("delete orders", 2_000, TEN_S), ("delete orders, long", 15_000, TEN_MINUTES)),
    "DELETE /cancel-all": (("cancel all", 250, TEN_S), ("cancel all, long", 6_000, TEN_MINUTES)),
    "DELETE /cancel-market-orders": (
        ("cancel market", 1_500, TEN_S),
        ("cancel market, long", 21_000, TEN_MINUTES),
    ),
    "GET /book": (("book", 1_500, TEN_S),),
    "GET /price": (("price", 1_500, TEN_S),),
    "GET /midpoint": (("midpoint", 1_500, TEN_S),),
    "POST /books": (("books", 500, TEN_S),),
    "POST /prices": (("prices", 500, TEN_S),),
    "POST /midpoints": (("midpoints", 500, TEN_S),),
    "GET /tick-size": (("tick size", 200, TEN_S),),
    "GET /balance-allowance": (("balance", 200, TEN_S),),
    "GET /balance-allowance/update": (("balance update", 50, TEN_S),),
    "GET /data/orders": (("orders", 500, TEN_S), ("ledger", 900, TEN_S)),
    "GET /data/trades": (("trades", 500, TEN_S), ("ledger", 900, TEN_S)),
    "GET /notifications": (("notifications", 125, TEN_S),),
    "GET /ok": (("ok", 100, TEN_S),),
    "GET /public-search": (("gamma", 4_000, TEN_S), ("search", 350, TEN_S)),
    "GET /markets/keyset": (
        ("gamma", 4_000, TEN_S),
        ("gamma markets", 300, TEN_S),
        ("gamma listings", 900, TEN_S),
    ),
    "GET /events/keyset": (
        ("gamma", 4_000, TEN_S),
        ("gamma events", 500, TEN_S),
        ("gamma listings", 900, TEN_S),
    ),
    "GET /v2/trades": (("data", 800, TEN_S), ("data trades", 300, TEN_S)),
    "POST /submit": (("relayer submit", 25, MINUTE),),
}
PREFIXES: tuple[tuple[str, tuple[Window, ...]], ...] = (
    ("/auth/", (*CLOB, ("api keys", 100, TEN_S))),
    ("/data/order/", (*CLOB, ("ledger", 900, TEN_S))),
    ("/v2/", (("all", 15_000, TEN_S), ("data", 800, TEN_S))),
    ("/events", (("all", 15_000, TEN_S), ("gamma", 4_000, TEN_S), ("gamma events", 500, TEN_S))),
    ("/markets/", (("all", 15_000, TEN_S), ("gamma", 4_000, TEN_S), ("gamma markets", 300, TEN_S))),
)
NOT_CLOB = (
    "GET /public-search",
    "GET /markets/keyset",
    "GET /events/keyset",
    "GET /v2/trades",
    "POST /submit",
)


def windows_of(endpoint: str, path: str) -> tuple[Window, ...]:
    """The windows that a request counts in."""
    if exact := EXACT.get(endpoint):
        return exact if endpoint in NOT_CLOB else (*CLOB, *exact)
    for prefix, windows in PREFIXES:
        if path.startswith(prefix):
            return windows
    return CLOB


class AddressLimits:
    """Requests of each network address in each window; a refused request does not count."""

    def __init__(self, state: VenueState) -> None:
        self._state = state
        self._times: defaultdict[tuple[str, str], deque[int]] = defaultdict(deque)

    def wait_ns(self, address: str, endpoint: str, path: str) -> int:
        """Count a request; 0 where it may pass, else how long until the fullest window has room."""
        scale = self._state.rules.ip_limits_scale
        if not scale:
            return 0
        now_ns = self._state.now_ns()
        windows = windows_of(endpoint, path)
        wait_ns = max(self._wait(address, window, scale, now_ns) for window in windows)
        if not wait_ns:
            for name, _, _ in windows:
                self._times[address, name].append(now_ns)
        return wait_ns

    def _wait(self, address: str, window: Window, scale: Decimal, now_ns: int) -> int:
        name, most, seconds = window
        times = self._times[address, name]
        while times and times[0] <= now_ns - seconds * NS_PER_S:
            times.popleft()
        if len(times) < max(1, int(most * scale)):
            return 0
        return times[0] + seconds * NS_PER_S - now_ns


class Bucket(Struct, kw_only=True):
    """Tokens in billionths, and when they were counted."""

    tokens: int
    counted_ns: int


class Verdict(Struct, frozen=True, kw_only=True):
    """Whether a signer's request passes, and what the headers say of its bucket."""

    passes: bool
    remaining: int
    reset_s: int
    tier: str

    def headers(self, *, enforced: bool) -> dict[str, str]:
        """The limits as the venue tells them with every answer on the order path."""
        told = {
            "Poly-RateLimit-Remaining": str(self.remaining),
            "Poly-RateLimit-Reset": str(self.reset_s),
            "Poly-RateLimit-Tier": self.tier,
        }
        return told if enforced else {**told, "Poly-RateLimit-Warning": "true"}


class SignerLimits:
    """A bucket for orders and one for cancels of each signer."""

    def __init__(self, state: VenueState) -> None:
        self._state = state
        self._buckets: dict[tuple[str, bool], Bucket] = {}

    def take(self, signer: str, cost: int, *, cancels: bool) -> Verdict | None:
        """Take the cost of a request, all or nothing; None where these limits are switched off."""
        if not self._state.rules.signer_limits_scale:
            return None
        tier = self._tier(signer)
        rate, burst = self._rate_and_burst(tier, cancels=cancels)
        bucket = self._bucket(signer, cancels=cancels, rate=rate, burst=burst)
        may_owe = cancels and tier in MAY_OWE_CANCELS and bucket.tokens > 0
        passes = bucket.tokens >= cost * NS_PER_S or may_owe or not self._state.rules.signer_limits_enforced
        if passes:
            bucket.tokens -= cost * NS_PER_S
        return self._verdict(bucket, tier, rate, burst, passes=passes)

    def charge(self, signer: str, cost: int) -> None:
        """Take what a cancel turned out to cost, even into debt."""
        if bucket := self._buckets.get((signer, True)):
            bucket.tokens -= cost * NS_PER_S

    def _bucket(self, signer: str, *, cancels: bool, rate: int, burst: int) -> Bucket:
        now_ns = self._state.now_ns()
        full = burst * NS_PER_S
        bucket = self._buckets.get((signer, cancels))
        if bucket is None:
            bucket = self._buckets[signer, cancels] = Bucket(tokens=full, counted_ns=now_ns)
        bucket.tokens = min(full, bucket.tokens + (now_ns - bucket.counted_ns) * rate)
        bucket.counted_ns = now_ns
        return bucket

    def _verdict(self, bucket: Bucket, tier: str, rate: int, burst: int, *, passes: bool) -> Verdict:
        missing = burst * NS_PER_S - bucket.tokens
        reset_ns = self._state.now_ns() + missing // max(1, rate)
        return Verdict(
            passes=passes,
            remaining=max(0, bucket.tokens // NS_PER_S),
            reset_s=-(-reset_ns // NS_PER_S),
            tier=tier,
        )

    def _rate_and_burst(self, tier: str, *, cancels: bool) -> tuple[int, int]:
        scale = self._state.rules.signer_limits_scale
        rate, burst = TIERS[tier][2:] if cancels else TIERS[tier][:2]
        return max(1, int(rate * scale)), max(1, int(burst * scale))

    def _tier(self, signer: str) -> str:
        wallet: Wallet | None = self._state.accounts.find(signer)
        tier = (wallet.tier if wallet else "") or self._state.rules.signer_tier
        return tier if tier in TIERS else "Standard"
