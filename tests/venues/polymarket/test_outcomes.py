"""What answers and failures mean: every row of the venue's table, and what is in none of them."""

import asyncio
import json
from decimal import Decimal

import pytest

from venues.polymarket.outcomes import (
    TABLE,
    Answer,
    InterruptedRequestError,
    NotConnectedError,
    Outcome,
    Restriction,
    cancelled_ids,
    of_batch,
    of_cancel,
    of_failure,
    of_post,
    pause_asked_s,
)

OURS, OTHER = "0x" + "11" * 32, "0x" + "22" * 32
SIGNER_HEADERS = {"poly-ratelimit-remaining": "0", "poly-ratelimit-tier": "Standard"}


def placed(**changes: object) -> bytes:
    row = {
        "success": True,
        "errorMsg": "",
        "orderID": OURS,
        "status": "live",
        "makingAmount": "",
        "takingAmount": "",
    }
    return json.dumps(row | changes).encode()


def error(status: int, text: str, **more: object) -> Answer:
    return Answer(status, {}, json.dumps({"error": text} | more).encode())


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        pytest.param(NotConnectedError("refused"), Outcome.NOT_SENT, id="no connection"),
        pytest.param(InterruptedRequestError("hung up"), Outcome.UNKNOWN, id="interrupted"),
        pytest.param(TimeoutError(), Outcome.UNKNOWN, id="no answer in time"),
        pytest.param(ConnectionResetError(), Outcome.UNKNOWN, id="bare reset"),
        pytest.param(OSError("no name"), Outcome.UNKNOWN, id="what the transport did not translate"),
        pytest.param(asyncio.CancelledError(), Outcome.UNKNOWN, id="cancelled task"),
        pytest.param(RuntimeError("ours"), Outcome.UNKNOWN, id="anything else"),
    ],
)
def test_only_what_never_connected_was_not_sent(failure: BaseException, outcome: Outcome) -> None:
    assert of_failure(failure).outcome is outcome


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        pytest.param(placed(), Outcome.ACKNOWLEDGED, id="live"),
        pytest.param(placed(status="matched"), Outcome.ACKNOWLEDGED, id="matched"),
        pytest.param(placed(status="delayed"), Outcome.DELAYED, id="delayed"),
        pytest.param(placed(status="unmatched"), Outcome.UNKNOWN, id="unmatched may rest"),
        pytest.param(placed(status="strange"), Outcome.UNKNOWN, id="an unknown status"),
        pytest.param(placed(orderID=OTHER), Outcome.UNKNOWN, id="another order"),
        pytest.param(placed(success=False), Outcome.UNKNOWN, id="no success, no reason"),
        pytest.param(placed(errorMsg="odd"), Outcome.UNKNOWN, id="an id and an error"),
        pytest.param(
            b'{"success":true,"orderID":"%s","errorMsg":null}' % OURS.encode(),
            Outcome.UNKNOWN,
            id="no status",
        ),
        pytest.param(
            json.dumps({"success": True, "orderID": OURS, "status": "live"}).encode(),
            Outcome.ACKNOWLEDGED,
            id="no amounts",
        ),
        pytest.param(
            placed(success=False, orderID="", errorMsg="not enough balance / allowance"),
            Outcome.REJECTED,
            id="refused with 200",
        ),
        pytest.param(
            placed(success=False, orderID="", errorMsg=f"order {OURS} is invalid. Duplicated."),
            Outcome.EXISTS,
            id="duplicated with 200",
        ),
        pytest.param(b"<html>ok</html>", Outcome.UNKNOWN, id="HTML"),
        pytest.param(b"", Outcome.UNKNOWN, id="empty"),
        pytest.param(placed()[:30], Outcome.UNKNOWN, id="cut off"),
        pytest.param(b"[]", Outcome.UNKNOWN, id="a list"),
        pytest.param(b"\xff", Outcome.UNKNOWN, id="no text"),
    ],
)
def test_what_an_answer_with_200_means(body: bytes, outcome: Outcome) -> None:
    assert of_post(Answer(200, {}, body), order_id=OURS).outcome is outcome


def test_what_matched_at_once_is_told_with_its_amounts() -> None:
    body = placed(status="matched", makingAmount="2.08", takingAmount="4")

    verdict = of_post(Answer(200, {}, body), order_id=OURS)

    assert (verdict.has_matched, verdict.making, verdict.taking) == (True, Decimal("2.08"), Decimal(4))


@pytest.mark.parametrize(
    ("status", "text", "outcome"),
    [
        pytest.param(400, "Invalid order payload", Outcome.REJECTED, id="bad payload"),
        pytest.param(400, f"order {OURS} is invalid. Duplicated.", Outcome.EXISTS, id="duplicated"),
        pytest.param(
            400, "order match delayed due to market conditions", Outcome.UNKNOWN, id="match put off"
        ),
        pytest.param(
            400,
            "not enough balance / allowance: the balance is not enough -> balance: 0",
            Outcome.REJECTED,
            id="no balance",
        ),
        pytest.param(400, "breaks minimum tick size rule: 0.01", Outcome.REJECTED, id="tick"),
        pytest.param(400, "Size (4) lower than the minimum: 5", Outcome.REJECTED, id="minimum"),
        pytest.param(
            400, "invalid post-only order: order crosses book", Outcome.REJECTED, id="post-only crosses"
        ),
        pytest.param(400, "order couldn't be fully filled. FOK orders …", Outcome.REJECTED, id="FOK killed"),
        pytest.param(400, "no orders found to match with FAK order", Outcome.REJECTED, id="FAK killed"),
        pytest.param(400, "the market is not yet ready", Outcome.REJECTED, id="not ready"),
        pytest.param(401, "Unauthorized/Invalid api key", Outcome.REJECTED, id="key"),
        pytest.param(403, "Trading restricted in your region", Outcome.REJECTED, id="region"),
        pytest.param(404, "No orderbook exists for the requested token id", Outcome.REJECTED, id="no book"),
        pytest.param(408, "timeout", Outcome.UNKNOWN, id="408"),
        pytest.param(425, "service not ready", Outcome.UNKNOWN, id="restarting"),
        pytest.param(429, "rate limited", Outcome.UNKNOWN, id="429 of the address"),
        pytest.param(500, "could not run the execution", Outcome.UNKNOWN, id="500"),
        pytest.param(500, "there are no matching orders", Outcome.UNKNOWN, id="500 that sounds certain"),
        pytest.param(502, "bad gateway", Outcome.UNKNOWN, id="502"),
        pytest.param(503, "Trading is currently disabled. Check …", Outcome.REJECTED, id="disabled"),
        pytest.param(503, "Trading is currently cancel-only. New …", Outcome.REJECTED, id="cancel-only"),
        pytest.param(503, "post-only mode: only post-only orders …", Outcome.REJECTED, id="post-only mode"),
        pytest.param(503, "overloaded", Outcome.UNKNOWN, id="another 503"),
        pytest.param(520, "unknown", Outcome.UNKNOWN, id="520"),
        pytest.param(418, "teapot", Outcome.UNKNOWN, id="a status without a row"),
        pytest.param(302, "elsewhere", Outcome.UNKNOWN, id="a redirect"),
    ],
)
def test_what_a_refusal_means(status: int, text: str, outcome: Outcome) -> None:
    verdict = of_post(error(status, text), order_id=OURS)

    assert verdict.outcome is outcome
    assert text in verdict.reason


@pytest.mark.parametrize("status", [400, 401, 403, 404, 503])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<html>Trading is currently disabled</html>", id="HTML"),
        pytest.param(b"", id="empty"),
        pytest.param(b'{"message":"no"}', id="not its shape"),
    ],
)
def test_a_refusal_that_is_not_in_the_venues_own_form_is_unknown(status: int, body: bytes) -> None:
    assert of_post(Answer(status, {}, body), order_id=OURS).outcome is Outcome.UNKNOWN


def test_a_429_with_the_signers_headers_was_refused() -> None:
    answer = Answer(429, SIGNER_HEADERS | {"retry-after": "3"}, b'{"error":"rate limited"}')

    verdict = of_post(answer, order_id=OURS)

    assert (verdict.outcome, verdict.restriction) == (Outcome.REJECTED, Restriction.RATE_LIMITED)
    assert verdict.pause_s == 3


def test_how_long_to_wait_is_in_the_header_or_in_the_body() -> None:
    said = error(503, "post-only mode: …", code="post_only_mode", retry_after_seconds=79)

    assert pause_asked_s(said) == 79
    assert pause_asked_s(Answer(425, {"retry-after": "1"}, b"")) == 1
    assert pause_asked_s(Answer(425, {"retry-after": "Tue"}, b"")) is None
    assert pause_asked_s(Answer(425, {}, b"")) is None


@pytest.mark.parametrize(
    ("status", "text", "restriction", "is_lasting"),
    [
        pytest.param(400, "order_version_mismatch", Restriction.PROTOCOL, True, id="protocol"),
        pytest.param(400, "invalid signature", Restriction.PROTOCOL, True, id="signature"),
        pytest.param(400, "maker address not allowed, please …", Restriction.ACCOUNT, True, id="wallet"),
        pytest.param(400, "'0x1' address in closed only mode", Restriction.ACCOUNT, True, id="closed only"),
        pytest.param(401, "Invalid API key", Restriction.ACCOUNT, True, id="key"),
        pytest.param(403, "Trading restricted in your region", Restriction.REGION, True, id="region"),
        pytest.param(425, "", Restriction.RESTARTING, False, id="restarting"),
        pytest.param(503, "post-only mode: …", Restriction.POST_ONLY, False, id="post-only"),
        pytest.param(400, "invalid nonce", None, False, id="one order alone"),
    ],
)
def test_what_a_refusal_says_about_the_orders_after_it(
    status: int, text: str, restriction: Restriction | None, is_lasting: bool
) -> None:
    verdict = of_post(error(status, text), order_id=OURS)

    assert verdict.restriction is restriction
    assert bool(restriction and restriction.is_lasting) is is_lasting


def test_every_row_of_the_table_can_be_reached() -> None:
    shadowed = [
        row
        for number, row in enumerate(TABLE)
        if any(row.status == earlier.status and earlier.words in row.words for earlier in TABLE[:number])
    ]

    assert shadowed == []


def test_a_batch_is_read_entry_by_entry() -> None:
    legs = [
        placed(),
        placed(orderID="", errorMsg="not enough balance"),
        placed(orderID=OTHER, status="delayed"),
    ]
    body = b"[" + b",".join(legs) + b"]"

    verdicts = of_batch(Answer(200, {}, body), order_ids=(OURS, "0x3", OTHER))

    assert [verdict.outcome for verdict in verdicts] == [
        Outcome.ACKNOWLEDGED,
        Outcome.REJECTED,
        Outcome.DELAYED,
    ]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(200, {}, b"[" + placed() + b"]"), id="an entry is missing"),
        pytest.param(Answer(200, {}, placed()), id="no list"),
        pytest.param(Answer(200, {}, b"<html>"), id="HTML"),
        pytest.param(Answer(500, {}, b'{"error":"Internal server error"}'), id="500"),
    ],
)
def test_of_a_batch_that_cannot_be_told_apart_nothing_is_known(answer: Answer) -> None:
    verdicts = of_batch(answer, order_ids=(OURS, OTHER))

    assert [verdict.outcome for verdict in verdicts] == [Outcome.UNKNOWN] * 2


def test_a_leg_of_a_batch_may_tell_a_restriction() -> None:
    body = b"[" + placed(orderID="", errorMsg="post-only mode: only post-only orders and cancels") + b"]"

    (verdict,) = of_batch(Answer(200, {}, body), order_ids=(OURS,))

    assert (verdict.outcome, verdict.restriction) == (Outcome.REJECTED, Restriction.POST_ONLY)


@pytest.mark.parametrize(
    ("answer", "is_cancelled", "words"),
    [
        pytest.param(
            Answer(200, {}, json.dumps({"canceled": [OURS], "not_canceled": {}}).encode()),
            True,
            "on request",
            id="cancelled",
        ),
        pytest.param(
            Answer(200, {}, json.dumps({"canceled": [], "not_canceled": {OURS: "already matched"}}).encode()),
            False,
            "already matched",
            id="not cancelled",
        ),
        pytest.param(
            Answer(200, {}, json.dumps({"canceled": None, "not_canceled": None}).encode()),
            False,
            "does not name",
            id="not named",
        ),
        pytest.param(
            Answer(200, {}, json.dumps({"canceled": [OTHER]}).encode()),
            False,
            "does not name",
            id="another's",
        ),
        pytest.param(Answer(200, {}, b"<html>"), False, "does not parse", id="HTML"),
        pytest.param(error(425, "service not ready"), False, "not ready", id="restarting"),
        pytest.param(Answer(502, {}, b""), False, "HTTP 502", id="502"),
    ],
)
def test_only_an_order_that_is_named_as_cancelled_is_cancelled(
    answer: Answer, is_cancelled: bool, words: str
) -> None:
    verdict = of_cancel(answer, order_id=OURS)

    assert verdict.is_cancelled is is_cancelled
    assert words in verdict.reason


def test_a_cancel_of_many_names_those_that_are_cancelled() -> None:
    body = json.dumps({"canceled": [OURS], "not_canceled": {OTHER: "matched"}}).encode()

    assert cancelled_ids(Answer(200, {}, body)) == {OURS}
