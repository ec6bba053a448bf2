"""Every fault of a request, as the official client sees it, and what the venue has booked meanwhile."""

import asyncio

import pytest
from polymarket.errors import (
    PolymarketError,
    RateLimitError,
    RequestRejectedError,
    TransportError,
    UnexpectedResponseError,
)
from polymarket.models.clob.order_response import AcceptedOrder

from simulator.faults import ArmedFault, Fault, Parameter
from simulator.polymarket.server import PolymarketSimulator
from tests.simulator.polymarket.clients import market_in, official_client, played

Parameters = dict[str, Parameter]
ORDER = "POST /order"


def outcome_of(fault: Fault, parameters: Parameters | None = None) -> tuple[BaseException | None, int]:
    """Send one order that the fault strikes: what the client raises, and how many orders the venue has."""

    async def scenario(simulator: PolymarketSimulator) -> tuple[BaseException | None, int]:
        market = market_in(simulator)
        raised: BaseException | None = None
        async with official_client(simulator) as client:
            order = await client.create_limit_order(
                asset_id=market.token_ids[0], price="0.40", size="10", side="BUY"
            )
            simulator.faults.arm(ArmedFault(fault=fault, endpoint=ORDER, parameters=parameters or {}))
            try:
                await client.post_order(order)
            except PolymarketError as error:
                raised = error
        assert simulator.faults.reached[fault.value] == 1
        return raised, len(simulator.exchange.state.orders)

    return played(scenario)


@pytest.mark.parametrize(
    ("fault", "raised", "booked"),
    [
        (Fault.LOST_REQUEST, TransportError, 0),
        (Fault.HANG_UP, TransportError, 0),
        (Fault.LOST_ANSWER, TransportError, 1),
        (Fault.TRUNCATED_BODY, TransportError, 1),
        (Fault.HTML_BODY, UnexpectedResponseError, 1),
        (Fault.EMPTY_BODY, UnexpectedResponseError, 1),
        (Fault.MISSING_FIELD, UnexpectedResponseError, 1),
        (Fault.HUGE_BODY, None, 1),
        (Fault.DELAY, None, 1),
        (Fault.BOOK_LATE, None, 1),
    ],
)
def test_a_connection_or_a_body_breaks(fault: Fault, raised: type[BaseException] | None, booked: int) -> None:
    error, count = outcome_of(fault, {"delay_ms": 20})

    assert type(error) is (raised or type(None))
    assert count == booked


@pytest.mark.parametrize(
    ("fault", "parameters", "status", "booked"),
    [
        (Fault.ANSWER_5XX, {"body": "could not insert order"}, 500, 0),
        (Fault.ANSWER_5XX_AFTER_BOOKING, {"body": "could not run the execution"}, 500, 1),
        (Fault.ANSWER_5XX_AFTER_BOOKING, {"status": 502}, 502, 1),
        (Fault.HTML_REFUSAL, {"status": 520}, 520, 0),
        (Fault.STATUS_425, {}, 425, 0),
        (Fault.UNAUTHORIZED, {}, 401, 0),
        (Fault.REGION_BLOCKED, {}, 403, 0),
    ],
)
def test_a_status_says_less_than_it_seems(
    fault: Fault, parameters: Parameters, status: int, booked: int
) -> None:
    error, count = outcome_of(fault, parameters)

    assert isinstance(error, RequestRejectedError)
    assert (error.status, count) == (status, booked)
    if "body" in parameters:
        assert str(error) == parameters["body"]


def test_a_425_names_its_restriction_and_when_to_come_back() -> None:
    error, _ = outcome_of(Fault.STATUS_425)

    assert isinstance(error, RequestRejectedError)
    assert (error.restriction, error.retry_after) == ("restarting", 1)


def test_a_429_has_the_venues_headers_or_a_proxys_silence() -> None:
    told, _ = outcome_of(Fault.STATUS_429, {"reset_s": 3})
    bare, _ = outcome_of(Fault.STATUS_429_BARE)

    assert isinstance(told, RateLimitError)
    assert isinstance(bare, RateLimitError)
    assert told.rate_limit is not None
    assert told.rate_limit.remaining == 0
    assert bare.rate_limit is None


def test_an_order_that_is_booked_late_arrives_after_the_client_gave_up() -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        market = market_in(simulator)
        simulator.faults.arm(ArmedFault(fault=Fault.BOOK_LATE, endpoint=ORDER, parameters={"delay_ms": 150}))
        async with official_client(simulator) as client:
            order = await client.create_limit_order(
                asset_id=market.token_ids[0], price="0.40", size="10", side="BUY"
            )
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await client.post_order(order)
            before = (await client.list_open_orders().first_page()).items
            await asyncio.sleep(0.2)
            after = (await client.list_open_orders().first_page()).items

        assert (len(before), len(after)) == (0, 1)

    played(scenario)


def test_a_batch_answer_lacks_entries() -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        market = market_in(simulator)
        simulator.faults.arm(
            ArmedFault(fault=Fault.PARTIAL_BATCH, endpoint="POST /orders", parameters={"keep": 1})
        )
        async with official_client(simulator) as client:
            orders = [
                await client.create_limit_order(
                    asset_id=market.token_ids[0], price="0.40", size="10", side="BUY"
                )
                for _ in range(3)
            ]
            answers = await client.post_orders(orders)

        assert len(answers) == 1
        assert len(simulator.exchange.state.orders) == 3

    played(scenario)


def test_reads_are_stale_missing_doubled_turned_or_broken() -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        market = market_in(simulator)
        async with official_client(simulator) as client:
            stale_before = (await client.list_open_orders().first_page()).items
            ids = []
            for price in ("0.40", "0.41"):
                order = await client.create_limit_order(
                    asset_id=market.token_ids[0], price=price, size="10", side="BUY"
                )
                posted = await client.post_order(order)
                assert isinstance(posted, AcceptedOrder)
                ids.append(posted.order_id)

            async def listed(fault: Fault) -> list[str]:
                simulator.faults.arm(ArmedFault(fault=fault, endpoint="GET /data/orders"))
                return [one.id for one in (await client.list_open_orders().first_page()).items]

            assert await listed(Fault.STALE_READ) == [one.id for one in stale_before]
            assert await listed(Fault.DUPLICATE_ROWS) == ids * 2
            assert await listed(Fault.REORDERED_ROWS) == ids[::-1]
            with pytest.raises(UnexpectedResponseError):
                await listed(Fault.UNPARSABLE_ROW)
            simulator.faults.arm(ArmedFault(fault=Fault.MISSING_READ, endpoint="GET /data/order/*"))
            with pytest.raises(RequestRejectedError) as missing:
                await client.get_order(order_id=ids[0])
            simulator.faults.arm(
                ArmedFault(fault=Fault.MISSING_READ, endpoint="GET /data/order/*", parameters={"null": True})
            )
            with pytest.raises(UnexpectedResponseError):
                await client.get_order(order_id=ids[0])

        assert missing.value.status == 404

    played(scenario)


def test_a_cancel_races_a_fill_is_lost_or_is_followed_by_one() -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        market = market_in(simulator)
        state = simulator.exchange.state
        async with official_client(simulator) as client:

            async def cancelled(fault: Fault) -> tuple[tuple[str, ...], str, int]:
                order = await client.create_limit_order(
                    asset_id=market.token_ids[0], price="0.40", size="10", side="BUY"
                )
                posted = await client.post_order(order)
                assert isinstance(posted, AcceptedOrder)
                simulator.faults.arm(ArmedFault(fault=fault, endpoint="cancel *"))
                answer = await client.cancel_order(order_id=posted.order_id)
                booked = state.orders[posted.order_id]
                return answer.canceled, booked.status, booked.matched // 1_000_000

            raced = await cancelled(Fault.CANCEL_FILL_RACE)
            lost = await cancelled(Fault.CANCEL_LOST)
            followed = await cancelled(Fault.FILL_AFTER_CANCEL)

        assert raced == ((), "MATCHED", 10)
        assert len(lost[0]) == 1
        assert lost[1:] == ("LIVE", 0)
        assert len(followed[0]) == 1
        assert followed[1:] == ("CANCELED", 10)  # cancelled, and filled all the same

    played(scenario)


def test_the_engine_restarts_under_an_order() -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        market = market_in(simulator)
        simulator.faults.arm(ArmedFault(fault=Fault.ENGINE_RESTART, endpoint=ORDER))
        async with official_client(simulator) as client:
            order = await client.create_limit_order(
                asset_id=market.token_ids[0], price="0.40", size="10", side="BUY"
            )
            told: list[object] = []
            for wait_s in (0, 90, 120):
                simulator.venue.advance(wait_s * 10**9)
                simulator.venue.rules.timestamp_window_s = 1_000
                try:
                    told.append((await client.post_order(order)).ok)
                except RequestRejectedError as error:
                    told.append((error.status, error.restriction))

        assert told == [(425, "restarting"), (503, "post_only"), True]

    played(scenario)


def test_a_skewed_clock_refuses_good_credentials() -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        simulator.faults.arm(ArmedFault(fault=Fault.CLOCK_SKEW, parameters={"skew_ms": 61_500}))
        async with official_client(simulator) as client:
            with pytest.raises(RequestRejectedError) as refused:
                await client.list_open_orders().first_page()
            await client.list_open_orders().first_page()

        assert (refused.value.status, str(refused.value)) == (401, "Invalid API key")

    played(scenario)


def test_an_address_above_its_window_gets_a_bare_429() -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        market = market_in(simulator)
        async with official_client(simulator) as client:
            answers = []
            for _ in range(17):
                try:
                    answers.append((await client.get_order_book(asset_id=market.token_ids[0])).hash != "")
                except RateLimitError as error:
                    answers.append(error.rate_limit is not None)

        assert answers == [True] * 15 + [False] * 2
        assert simulator.faults.reached["address limit"] == 2

    played(scenario, ip_limits_scale="0.01")
