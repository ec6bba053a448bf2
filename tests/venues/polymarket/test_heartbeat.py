"""The dead-man's switch: ids, failures and the moment after which everything may be gone."""

import asyncio

from venues.polymarket.clob import HeartbeatAnswer
from venues.polymarket.heartbeat import LIFETIME_S, Heartbeat


class Venue:
    """Takes signs of life that name the id it expects, unless it is down."""

    def __init__(self) -> None:
        self.expected = ""
        self.count = 0
        self.is_down = False
        self.fights = False

    async def send(self, heartbeat_id: str) -> HeartbeatAnswer:
        if self.is_down:
            return HeartbeatAnswer(is_accepted=False, next_id=None, reason="down")
        if self.fights or heartbeat_id != self.expected:
            self.expected += "x" if self.fights else ""
            return HeartbeatAnswer(is_accepted=False, next_id=self.expected, reason="Invalid Heartbeat ID")
        self.count += 1
        self.expected = f"hb{self.count}"
        return HeartbeatAnswer(is_accepted=True, next_id=self.expected)


class Bench:
    """A heartbeat on a clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.venue = Venue()
        self.expired: list[str] = []
        self.heartbeat = Heartbeat(
            self.venue.send, monotonic_s=lambda: self.now_s, on_expired=self.expired.append
        )

    def beat(self) -> bool:
        return asyncio.run(self.heartbeat.beat())


def test_nothing_may_be_opened_before_the_first_sign_is_accepted() -> None:
    bench = Bench()

    before = bench.heartbeat.reason()
    bench.beat()

    assert before is not None
    assert bench.heartbeat.reason() is None


def test_each_sign_names_the_id_of_the_one_before() -> None:
    bench = Bench()

    accepted = [bench.beat() for _ in range(3)]

    assert accepted == [True, True, True]
    assert bench.venue.count == 3


def test_a_stale_id_is_replaced_and_sent_again_at_once() -> None:
    bench = Bench()
    bench.beat()
    bench.venue.expected = "theirs"

    assert bench.beat()
    assert bench.heartbeat.failures == 0


def test_two_processes_that_fight_for_a_key_end_in_a_failure_and_not_in_a_loop() -> None:
    bench = Bench()
    bench.venue.fights = True

    assert not bench.beat()
    assert bench.heartbeat.failures == 1


def test_it_stays_armed_for_its_lifetime_and_no_longer() -> None:
    bench = Bench()
    bench.beat()

    bench.now_s += LIFETIME_S - 0.01
    armed_before = bench.heartbeat.is_armed()
    bench.now_s += 0.01

    assert armed_before
    assert not bench.heartbeat.is_armed()


def test_a_refused_sign_does_not_prolong_it() -> None:
    bench = Bench()
    bench.beat()
    bench.venue.is_down = True

    bench.now_s += 6
    bench.beat()
    bench.now_s += 6

    assert "down" in str(bench.heartbeat.reason())


def test_an_expiry_is_told_once_and_starts_afresh() -> None:
    bench = Bench()
    bench.beat()
    bench.venue.is_down = True
    bench.now_s += LIFETIME_S
    bench.beat()
    bench.beat()

    bench.venue.is_down, bench.venue.expected = False, ""
    accepted = bench.beat()

    assert len(bench.expired) == 1
    assert accepted
    assert bench.heartbeat.is_armed()
