"""What the default run leaves: the summary, and a database that people and outside checks can rely on."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from domain.order import TERMINAL, TRANSITIONS, OrderEvent, OrderStatus
from tests.end_to_end.conftest import Finished
from tests.end_to_end.daemon import EVENTS, Daemon

COLUMNS = {
    "trades": "id timestamp session strategy venue market instrument side price size fee fee_asset order_id"
    " trade_id settlement realized_pnl",
    "orders": "id intent_id generation session correlation_id strategy venue market instrument side"
    " time_in_force price size filled_size status reason created_at updated_at",
    "order_events": "order_id",
    "positions": "session strategy exchange symbol side quantity entry_price current_price unrealized_pnl"
    " realized_pnl status opened_at closed_at metadata",
    "signals": "id timestamp session strategy market correlation_id outcome",
    "denials": "id timestamp session strategy market control reason value limit_value correlation_id",
    "gate_counts": "minute session strategy market gate count",
    "ledger": "id timestamp transfer_id kind account asset amount units",
    "reservations": "id order_id asset amount posted pending status",
    "events": "id timestamp type source run_id correlation_id payload",
    "strategy_metrics": "session strategy",
    "runs": "run_id",
}
ACCOUNTS = {
    *("CASH", "RESERVED", "UNSETTLED", "INVENTORY", "FEES", "REWARDS", "REALISED_PNL", "EXTERNAL"),
    *("ROUNDING", "CLEARING"),
}
CONTROLS = {"01", "02", "03", "06", "10", "11", "13", "17", "18", "23", "26"}
UNITS = 1_000_000


@pytest.fixture(params=["finished", pytest.param("busy", marks=pytest.mark.slow)])
def either(request: pytest.FixtureRequest) -> Finished:
    """A run with little trading, and one with a lot of it, in which fills fail and answers are lost."""
    run = request.getfixturevalue(request.param)
    assert isinstance(run, Finished)
    return run


def pusd(daemon: Daemon, account: str) -> Decimal:
    """Balance of all accounts of a kind, summed over their owners."""
    query = "SELECT coalesce(sum(units), 0) FROM ledger WHERE asset = 'pUSD' AND account LIKE ?"
    return Decimal(daemon.value(query, f"{account}:%")) / UNITS


def test_the_summary_tells_what_was_asked_for(finished: Finished) -> None:
    result = finished.ended.result

    told = (result.run_id, result.session, result.mode, result.market, result.events, result.invariants)
    assert told == ("s1-r1", "s1", "dry-run", "replay", EVENTS, "ok")
    assert list(result.strategies) == ["sniper"]
    assert 0 < result.wall_s < 120


def test_the_summary_counts_what_the_tables_hold(finished: Finished) -> None:
    sniper, daemon = finished.ended.result.strategies["sniper"], finished.daemon

    counts = {name: daemon.value(f"SELECT count(*) FROM {name}") for name in ("signals", "orders", "denials")}
    assert counts == {"signals": sniper.signals, "orders": sniper.orders, "denials": sniper.denials}
    assert daemon.value("SELECT count(*) FROM trades") == sniper.fills > 0
    assert finished.ended.result.executor.orders == sniper.orders
    assert sniper.fees == pusd(daemon, "FEES") > 0


def test_the_banner_cannot_be_mistaken_and_stays_off_standard_output(finished: Finished) -> None:
    assert "DRY RUN on a recording" in finished.ended.stderr
    assert "─" not in finished.ended.stdout


@pytest.mark.parametrize(("table", "columns"), COLUMNS.items(), ids=COLUMNS)
def test_a_table_has_its_columns_by_name(finished: Finished, table: str, columns: str) -> None:
    have = {name for _, name, *_ in finished.daemon.rows(f"PRAGMA table_info({table})")}

    assert set(columns.split()) <= have


def test_the_queries_of_the_users_work(finished: Finished) -> None:
    latest = finished.daemon.rows("SELECT * FROM trades ORDER BY timestamp DESC LIMIT 10;")
    ((count, volume),) = finished.daemon.rows(
        "SELECT COUNT(*) AS total_trades, SUM(size) AS volume FROM trades;"
    )

    times = [row[1] for row in latest]
    assert times == sorted(times, reverse=True)
    assert len(latest) == min(10, count)
    sizes = [Decimal(repr(size)) for (size,) in finished.daemon.rows("SELECT size FROM trades")]
    assert Decimal(repr(volume)) == sum(sizes)


def test_the_first_fill_explains_itself(finished: Finished) -> None:
    ((venue, market, instrument, side, asset),) = finished.daemon.rows(
        "SELECT venue, market, instrument, side, fee_asset FROM trades ORDER BY timestamp LIMIT 1"
    )

    assert (venue, side, asset) == ("paper", "BUY", "pUSD")
    assert instrument in (f"{market}:UP", f"{market}:DOWN")


def test_the_entries_of_a_transfer_sum_to_zero_for_each_asset(either: Finished) -> None:
    sums = "SELECT transfer_id FROM ledger GROUP BY transfer_id, asset HAVING sum(units) != 0"

    assert either.daemon.rows(sums) == []
    assert either.daemon.value("SELECT count(*) FROM ledger") > 0


def test_units_are_whole_numbers_and_the_amounts_beside_them_exact(either: Finished) -> None:
    rows = either.daemon.rows("SELECT typeof(units), amount, units FROM ledger")

    assert {kind for kind, *_ in rows} == {"integer"}
    assert [row for row in rows if Decimal(repr(row[1])) * UNITS != row[2]] == []


def test_accounts_are_of_the_known_kinds_and_have_an_owner(either: Finished) -> None:
    accounts = [name.partition(":") for (name,) in either.daemon.rows("SELECT account FROM ledger")]

    assert {kind for kind, _, _ in accounts} <= ACCOUNTS
    assert all(owner for _, _, owner in accounts)


def test_equity_is_cash_and_profit_less_fees(either: Finished) -> None:
    result, daemon = either.ended.result, either.daemon
    figures = result.strategies.values()

    # What we own is positive in the ledger and where it came from is negative, so profit stands negative.
    paid_in, realised = -pusd(daemon, "EXTERNAL"), -pusd(daemon, "REALISED_PNL")
    unrealised = sum((of.unrealized_pnl for of in figures), Decimal(0))
    assert paid_in == 1000
    assert realised == sum(of.realized_pnl for of in figures)
    assert pusd(daemon, "FEES") == sum(of.fees for of in figures)
    assert result.equity == paid_in + realised + unrealised - pusd(daemon, "FEES")
    # The same from the other side: what there is, and what is held at cost.
    held = pusd(daemon, "INVENTORY") + pusd(daemon, "UNSETTLED")
    assert result.equity == pusd(daemon, "CASH") + pusd(daemon, "RESERVED") + held + unrealised


def test_everything_has_been_redeemed_at_the_end(finished: Finished) -> None:
    assert finished.ended.result.equity == pusd(finished.daemon, "CASH")


@pytest.mark.slow
def test_nothing_of_a_resolved_market_is_held_for_ever(traders: Daemon, short_tape: Path) -> None:
    traders.trade("--tape", str(short_tape), strategies="lingers")

    resolved = "SELECT json_extract(payload, '$.market') FROM events WHERE type = 'market.resolved'"

    assert (
        traders.rows(f"SELECT symbol FROM positions WHERE status = 'OPEN' AND market IN ({resolved})") == []
    )


def test_every_fill_is_in_the_ledger_with_its_cost_and_fee(finished: Finished) -> None:
    cost = "SELECT sum(CAST(round(price * size * 1e6) AS INTEGER)) FROM trades"
    fees = "SELECT sum(CAST(round(fee * 1e6) AS INTEGER)) FROM trades WHERE settlement != 'FAILED'"
    booked = "SELECT sum(units) FROM ledger WHERE kind = 'FILL' AND asset = 'pUSD' AND account LIKE ?"

    assert finished.daemon.value(cost) == finished.daemon.value(booked, "UNSETTLED:%")
    assert Decimal(finished.daemon.value(fees)) / UNITS == pusd(finished.daemon, "FEES")


def test_every_reservation_is_closed_at_the_end(either: Finished) -> None:
    rows = either.daemon.rows("SELECT DISTINCT status, pending FROM reservations")

    assert rows == [("closed", 0)]
    assert pusd(either.daemon, "RESERVED") == 0
    unreserved = "SELECT id FROM orders WHERE side = 'BUY' AND id NOT IN (SELECT order_id FROM reservations)"
    assert either.daemon.rows(unreserved) == []


def test_every_order_ended_in_a_state_of_the_design(either: Finished) -> None:
    states = {state for (state,) in either.daemon.rows("SELECT DISTINCT status FROM orders")}

    assert states
    assert states <= {str(state) for state in TERMINAL}


def test_the_events_of_an_order_follow_the_table(either: Finished) -> None:
    steps = either.daemon.rows("SELECT event, status_before, status_after FROM order_events")
    table = {(str(before), str(event)): str(after) for (before, event), after in TRANSITIONS.items()}

    accepted = [after for event, _, after in steps if event is None]
    assert accepted == [OrderStatus.ACCEPTED] * either.daemon.value("SELECT count(*) FROM orders")
    assert [step for step in steps if step[0] and table.get((step[1], step[0])) != step[2]] == []
    last = "SELECT status_after FROM order_events WHERE order_id = o.id ORDER BY id DESC LIMIT 1"
    assert either.daemon.rows(f"SELECT id FROM orders o WHERE status != ({last})") == []


def test_an_order_is_stored_as_sending_before_anything_comes_back(either: Finished) -> None:
    for (order_id,) in either.daemon.rows("SELECT id FROM orders"):
        steps = either.daemon.rows("SELECT event FROM order_events WHERE order_id = ? ORDER BY id", order_id)
        assert [event for (event,) in steps[:2]] == [None, OrderEvent.SEND]


def test_the_controls_are_stored_with_their_numbers(either: Finished) -> None:
    for (detail,) in either.daemon.rows("SELECT detail FROM order_events WHERE event IS NULL"):
        verdicts = json.loads(detail)
        assert {verdict["control"] for verdict in verdicts} >= CONTROLS
        assert all(verdict["value"] and verdict["limit"] for verdict in verdicts)


def test_every_signal_has_an_outcome_and_an_ordered_one_its_order(finished: Finished) -> None:
    orphans = (
        "SELECT id FROM signals WHERE outcome = 'ORDERED'"
        " AND correlation_id NOT IN (SELECT correlation_id FROM orders)"
    )

    assert finished.daemon.rows("SELECT DISTINCT outcome FROM signals") == [("ORDERED",)]
    assert finished.daemon.rows(orphans) == []
    assert finished.daemon.value("SELECT count(*) = count(DISTINCT correlation_id) FROM signals") == 1


def test_a_trade_is_there_once(finished: Finished) -> None:
    indexes = finished.daemon.rows("PRAGMA index_list(trades)")
    unique = [
        {column for _, _, column in finished.daemon.rows(f"PRAGMA index_info({name})")}
        for _, name, is_unique, *_ in indexes
        if is_unique
    ]

    assert {"venue", "instrument", "trade_id", "order_id"} in unique


def test_positions_are_closed_and_add_up_to_the_summary(finished: Finished) -> None:
    rows = finished.daemon.rows(
        "SELECT status, quantity, realized_pnl, entry_price, closed_at FROM positions"
    )

    assert {(status, quantity) for status, quantity, *_ in rows} == {("CLOSED", 0)}
    profit = sum(Decimal(repr(profit)) for _, _, profit, _, _ in rows)
    assert profit == finished.ended.result.strategies["sniper"].realized_pnl
    assert all(entry and closed for *_, entry, closed in rows)


def test_what_was_passed_over_is_counted_by_minute_and_gate(finished: Finished) -> None:
    rows = finished.daemon.rows("SELECT minute, gate, count FROM gate_counts")

    assert all(minute.endswith(":00.000000Z") and gate and count > 0 for minute, gate, count in rows)
    assert 0 < sum(count for *_, count in rows) <= EVENTS


def test_ids_contain_the_session(either: Finished) -> None:
    ids = either.daemon.rows(
        "SELECT id FROM orders UNION SELECT intent_id FROM orders UNION SELECT trade_id FROM trades"
        " UNION SELECT correlation_id FROM signals"
    )

    assert [name for (name,) in ids if not name.startswith(("s1-", "s1/"))] == []


def test_times_are_event_time(finished: Finished) -> None:
    bounds = "SELECT min(timestamp), max(timestamp) FROM (SELECT timestamp FROM {} UNION ALL SELECT timestamp FROM {})"

    ((first, last),) = finished.daemon.rows(bounds.format("events", "ledger"))

    assert first == "2026-09-28T08:45:12.649000Z"
    assert last.startswith("2026-09-28T11:3")


def test_crossed_snapshots_are_rejected_and_counted(finished: Finished) -> None:
    assert finished.daemon.value("SELECT count(*) FROM events WHERE type = 'book.rejected'") == 4


def test_metrics_are_stored_every_five_minutes_and_at_the_end(finished: Finished) -> None:
    rows = finished.daemon.rows("SELECT timestamp, fills FROM strategy_metrics ORDER BY id")

    # From 08:45:12 to 11:31 there are 33 whole five minutes, and the end.
    assert len(rows) == 34
    assert rows[-1][1] == finished.ended.result.strategies["sniper"].fills


def test_the_run_told_its_end(finished: Finished) -> None:
    ((run_id, mode, seed, events, ended_at),) = finished.daemon.rows(
        "SELECT run_id, mode, seed, events, ended_at FROM runs"
    )

    assert (run_id, mode, seed, events) == ("s1-r1", "dry-run", 1, EVENTS)
    assert ended_at


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("SELECT id FROM orders ORDER BY created_at LIMIT 1", id="order"),
        pytest.param(
            "SELECT intent_id FROM orders ORDER BY created_at LIMIT 1", id="intent", marks=pytest.mark.slow
        ),
        pytest.param("SELECT trade_id FROM trades ORDER BY timestamp LIMIT 1", id="trade"),
        pytest.param(
            "SELECT correlation_id FROM signals ORDER BY timestamp LIMIT 1",
            id="correlation",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_why_tells_the_chain(finished: Finished, query: str) -> None:
    daemon = finished.daemon
    order_id = daemon.value("SELECT id FROM orders ORDER BY created_at LIMIT 1")
    trade_id = daemon.value("SELECT trade_id FROM trades WHERE order_id = ?", order_id)

    ended = daemon.run("why", daemon.value(query), "--db", str(daemon.db))

    assert ended.code == 0, ended.stderr
    assert ended.stderr == ""
    told = [*CONTROLS, order_id, trade_id, "FILLED", "SETTLED", "position"]
    assert [word for word in told if word.lower() not in ended.stdout.lower()] == []
