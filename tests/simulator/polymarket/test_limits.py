"""Rate limits: windows of each network address, buckets of each signer."""

import pytest

from simulator.polymarket.limits import TIERS, AddressLimits, SignerLimits, Verdict, windows_of
from tests.simulator.polymarket.traders import SECOND, venue_with


def taken(limits: SignerLimits, cost: int, *, cancels: bool = False) -> Verdict:
    verdict = limits.take("0xsigner", cost, cancels=cancels)
    assert verdict is not None
    return verdict


@pytest.mark.parametrize(
    ("endpoint", "path", "names"),
    [
        ("POST /order", "/order", {"all", "clob", "post order", "post order, long"}),
        ("GET /book", "/book", {"all", "clob", "book"}),
        ("GET /data/orders", "/data/orders", {"all", "clob", "orders", "ledger"}),
        ("GET /markets/keyset", "/markets/keyset", {"gamma", "gamma markets", "gamma listings"}),
        ("GET /v2/trades", "/v2/trades", {"data", "data trades"}),
        ("GET /auth/api-keys", "/auth/api-keys", {"all", "clob", "api keys"}),
        ("GET /time", "/time", {"all", "clob"}),
    ],
)
def test_a_request_counts_in_the_windows_of_its_endpoint(endpoint: str, path: str, names: set[str]) -> None:
    assert {name for name, _, _ in windows_of(endpoint, path)} == names


def test_a_full_window_says_how_long_to_wait() -> None:
    venue = venue_with()
    limits = AddressLimits(venue.state)
    for _ in range(200):
        assert limits.wait_ns("1.2.3.4", "GET /tick-size", "/tick-size") == 0
        venue.clock.advance(SECOND // 100)

    refused = limits.wait_ns("1.2.3.4", "GET /tick-size", "/tick-size")
    other = limits.wait_ns("1.2.3.5", "GET /tick-size", "/tick-size")
    venue.clock.advance(refused)

    assert refused == 8 * SECOND  # the first of 200 in 2 s leaves the window after 10
    assert other == 0
    assert limits.wait_ns("1.2.3.4", "GET /tick-size", "/tick-size") == 0


def test_windows_scale_and_can_be_switched_off() -> None:
    scaled, off = AddressLimits(venue_with(ip_limits_scale="0.01").state), venue_with(ip_limits_scale="0")

    waits = [scaled.wait_ns("a", "GET /tick-size", "/tick-size") for _ in range(3)]

    assert [bool(wait) for wait in waits] == [False, False, True]  # 200 × 0.01
    assert not any(AddressLimits(off.state).wait_ns("a", "GET /tick-size", "/tick-size") for _ in range(300))


def test_a_signer_has_a_burst_and_then_a_rate() -> None:
    venue = venue_with()
    limits = SignerLimits(venue.state)

    burst = [taken(limits, 1).passes for _ in range(61)]
    venue.clock.advance(SECOND)
    later = [taken(limits, 1).passes for _ in range(41)]

    assert burst == [True] * 60 + [False]  # Standard: 40 a second, 60 at once
    assert later == [True] * 40 + [False]


def test_a_batch_is_taken_wholly_or_not_at_all() -> None:
    limits = SignerLimits(venue_with().state)
    for _ in range(50):
        taken(limits, 1)

    refused = taken(limits, 15)

    assert (refused.passes, refused.remaining) == (False, 10)
    assert taken(limits, 10).passes


def test_cancels_have_their_own_bucket_and_may_owe() -> None:
    limits = SignerLimits(venue_with().state)
    for _ in range(60):
        taken(limits, 1)

    first = taken(limits, 1_000, cancels=True)
    second = taken(limits, 1, cancels=True)

    assert (first.passes, second.passes) == (True, False)


def test_the_headers_tell_the_bucket() -> None:
    venue = venue_with()
    verdict = taken(SignerLimits(venue.state), 20)

    headers = verdict.headers(enforced=False)

    assert headers == {
        "Poly-RateLimit-Remaining": "40",
        "Poly-RateLimit-Reset": str(venue.state.now_ns() // SECOND + 1),  # half a second, rounded up
        "Poly-RateLimit-Tier": "Standard",
        "Poly-RateLimit-Warning": "true",
    }


def test_limits_that_are_not_enforced_only_warn() -> None:
    limits = SignerLimits(venue_with(signer_limits_enforced=False).state)

    assert all(taken(limits, 1).passes for _ in range(200))


@pytest.mark.parametrize("tier", sorted(TIERS))
def test_every_tier_has_its_burst(tier: str) -> None:
    limits = SignerLimits(venue_with(signer_tier=tier).state)

    assert taken(limits, TIERS[tier][1]).passes
    assert not taken(limits, 1).passes


def test_signer_limits_can_be_switched_off() -> None:
    assert SignerLimits(venue_with(signer_limits_scale="0").state).take("0xa", 1, cancels=False) is None
