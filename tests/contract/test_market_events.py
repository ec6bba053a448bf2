"""What tapes produce reaches everybody who takes it, each value where it belongs."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, get_args

import msgspec
import pytest

from backtest.own_tape import OwnTape, write_tape
from domain.messages import (
    BookSnapshot,
    FeedChanged,
    MarketEvent,
    MarketListed,
    MarketResolved,
    PriceTick,
    SnapshotRejected,
    StrategyEvent,
    TickSizeChanged,
    TradePrint,
    WalletTrade,
)
from domain.records import EventRecord, MarketRecord, ResolutionRecord
from engine import Decision, Engine
from tests.contract.examples import LISTED, MARKET_EVENTS
from tests.contract.listener import listening
from tests.support.room import Room
from tests.support.spot import spot
from tests.support.trading import ALPHA, MARKET, NOW_NS, UP, d
from tests.venues import paper_floor
from tests.venues.paper_floor import Floor, at_once, kinds, send, show, trading_floor

KeptT = TypeVar("KeptT")

# --- the tape file --------------------------------------------------------------------------------------

WIRE_KEYS: dict[type, str] = {
    MarketListed: "type time_ns market",
    BookSnapshot: "type time_ns book",
    TradePrint: "type time_ns instrument_id side price quantity",
    TickSizeChanged: "type time_ns instrument_id tick_size",
    MarketResolved: "type time_ns market_id payouts",
    SnapshotRejected: "type time_ns instrument_id reason",
    PriceTick: "type time_ns feed asset price",
    FeedChanged: "type time_ns instrument_ids is_live epoch reason",
    WalletTrade: "type time_ns traded_ns wallet name action market_id instrument_id side price quantity"
    " transaction is_maker",
}
"""Keys of a line of a tape file: files that exist are read with them for ever."""

MARKET_KEYS = (
    "id venue slug question category event_id opens_ns closes_ns instruments up_down is_neg_risk is_reference"
)
INSTRUMENT_KEYS = (
    "id market_id venue outcome complement_id tick_size lot_size quantity_min taker_notional_min fee_rate"
    " fee_exponent"
)
PAIR_KEYS = "base quote price_min price_max notional_min taker_fee_rate maker_fee_rate fee_side"
"""Of an instrument that is a spot pair; an outcome token has no key `pair`."""

BOOK_KEYS = "instrument_id time_ns bids asks"


def test_a_tape_file_gives_back_what_was_written(tmp_path: Path) -> None:
    path, events = tmp_path / "tape.jsonl.gz", list(MARKET_EVENTS.values())

    write_tape(path, events, label="every kind")

    assert list(OwnTape(path).events()) == events
    assert {type(event) for event in events} == set(get_args(MarketEvent))


@pytest.mark.parametrize("kind", get_args(MarketEvent))
def test_the_keys_of_a_tape_file_stay_as_they_are(kind: type) -> None:
    assert list(msgspec.to_builtins(MARKET_EVENTS[kind])) == WIRE_KEYS[kind].split()


def test_the_keys_of_what_is_inside_stay_as_they_are() -> None:
    market = msgspec.to_builtins(LISTED)["market"]

    assert list(market) == MARKET_KEYS.split()
    assert list(market["instruments"][0]) == INSTRUMENT_KEYS.split()
    assert list(market["up_down"]) == ["asset", "feed", "twap_s"]
    assert list(msgspec.to_builtins(spot())) == [*INSTRUMENT_KEYS.split(), "pair"]
    assert list(msgspec.to_builtins(spot())["pair"]) == PAIR_KEYS.split()
    assert list(msgspec.to_builtins(MARKET_EVENTS[BookSnapshot])["book"]) == BOOK_KEYS.split()


# --- the engine -----------------------------------------------------------------------------------------


def noted(decision: Decision) -> dict[str, object]:
    """What a market event left in the journal: its time and what people can ask about."""
    assert decision.transaction is not None
    *kept, record = decision.transaction.records
    assert isinstance(record, EventRecord)
    assert all(isinstance(other, MarketRecord | ResolutionRecord) for other in kept)
    assert record.time_ns == decision.transaction.time_ns
    payload = msgspec.json.decode(record.payload, type=dict[str, object])
    return {"time_ns": record.time_ns, "kind": record.kind, **payload}


def kept(decision: Decision, kind: type[KeptT]) -> KeptT:
    """What a market event left for a restart."""
    assert decision.transaction is not None
    (record,) = [record for record in decision.transaction.records if isinstance(record, kind)]
    return record


def seen_of_a_listing(engine: Engine, decision: Decision) -> dict[str, object]:
    assert kept(decision, MarketRecord).market == engine.market.markets[MARKET]
    market = engine.market.markets[MARKET]
    assert tuple(engine.market.instrument(i.id) for i in market.instruments) == market.instruments
    assert noted(decision)["market"] == market.id
    assert noted(decision)["slug"] == market.slug
    return {"time_ns": noted(decision)["time_ns"], "market": market}


def seen_of_a_book(engine: Engine, decision: Decision) -> dict[str, object]:
    book = engine.market.books[UP]
    return {"time_ns": book.time_ns, "book": book}


def seen_of_a_tick(engine: Engine, decision: Decision) -> dict[str, object]:
    note, instrument = noted(decision), engine.market.instrument(UP)
    assert instrument is not None
    assert note["tick_size"] == str(instrument.tick_size)
    return {
        "time_ns": note["time_ns"],
        "instrument_id": note["instrument"],
        "tick_size": instrument.tick_size,
    }


def seen_of_a_rejection(engine: Engine, decision: Decision) -> dict[str, object]:
    note = noted(decision)
    assert engine.market.snapshots_rejected == 1
    return {"time_ns": note["time_ns"], "instrument_id": note["instrument"], "reason": note["reason"]}


def seen_of_a_resolution(engine: Engine, decision: Decision) -> dict[str, object]:
    note, payouts = noted(decision), {}
    for instrument in LISTED.market.instruments:
        assert engine.market.instrument(instrument.id) is None
        payouts[instrument.id] = engine.market.payout(instrument.id)
    assert MARKET not in engine.market.markets
    assert note["payouts"] == {key: str(payout) for key, payout in payouts.items()}
    record = kept(decision, ResolutionRecord)
    assert (record.time_ns, record.market_id, record.payouts) == (note["time_ns"], note["market"], payouts)
    return {"time_ns": note["time_ns"], "market_id": note["market"], "payouts": payouts}


def seen_of_a_broken_feed(engine: Engine, decision: Decision) -> dict[str, object]:
    note = noted(decision)
    instruments = note["instruments"]
    assert isinstance(instruments, list)
    (reason,) = {engine.market.breaks[instrument_id] for instrument_id in instruments}
    return {
        "time_ns": note["time_ns"],
        "instrument_ids": tuple(instruments),
        "is_live": False,
        "epoch": note["epoch"],
        "reason": reason,
    }


SEEN: dict[type, Callable[[Engine, Decision], dict[str, object]]] = {
    MarketListed: seen_of_a_listing,
    BookSnapshot: seen_of_a_book,
    TickSizeChanged: seen_of_a_tick,
    SnapshotRejected: seen_of_a_rejection,
    MarketResolved: seen_of_a_resolution,
    FeedChanged: seen_of_a_broken_feed,
}
"""What the engine knows and stores of an event, by the event's fields."""

ONLY_COUNTED = (TradePrint, PriceTick, WalletTrade)
"""The engine counts these and hands them to the strategies."""


@pytest.mark.parametrize("kind", SEEN)
def test_the_engine_takes_in_every_value(kind: type) -> None:
    engine = Room().engine
    engine.take_market(LISTED)

    decision = engine.take_market(MARKET_EVENTS[kind])

    assert SEEN[kind](engine, decision) == msgspec.structs.asdict(MARKET_EVENTS[kind])


@pytest.mark.parametrize("kind", ONLY_COUNTED)
def test_the_engine_counts_what_only_strategies_read(kind: type) -> None:
    engine = Room().engine

    decision = engine.take_market(MARKET_EVENTS[kind])

    assert (decision.transaction, engine.position) == (None, 1)
    assert kind in get_args(StrategyEvent)


def test_the_engine_leaves_no_kind_of_event_out() -> None:
    assert {*SEEN, *ONLY_COUNTED} == set(get_args(MarketEvent))


# --- the paper venue ------------------------------------------------------------------------------------


def rested(floor: Floor) -> None:
    """A buy of 10 UP at 0.50 rests at the venue."""
    send(floor, "BUY 10 UP 0.50 GTC")
    floor.after(ms=100)


def after_a_listing(floor: Floor) -> object:
    fresh = Floor()
    send(fresh, "BUY 10 UP 0.50 GTC")
    unlisted = kinds(fresh.after(ms=100))
    rested(floor)
    return unlisted, kinds(floor.reports)


def after_a_book(floor: Floor) -> object:
    show(floor, bids="0.50x100", asks="0.51x100")
    send(floor, "BUY 10 UP 0.52 FAK")
    floor.after(ms=500)
    return [str(fill.price) for fill in at_once(floor.venue.fills_since(0))]


def after_a_print(floor: Floor) -> object:
    rested(floor)
    floor.venue.on_market(paper_floor.trade("SELL", "3.5", "0.49"))
    return [(str(fill.price), str(fill.quantity)) for fill in at_once(floor.venue.fills_since(0))]


def after_a_tick(floor: Floor) -> object:
    send(floor, "BUY 10 UP 0.501 GTC", name="before")
    floor.after(ms=100)
    floor.venue.on_market(TickSizeChanged(time_ns=NOW_NS, instrument_id=paper_floor.UP, tick_size=d("0.001")))
    send(floor, "BUY 10 UP 0.501 GTC", name="after")
    floor.after(ms=100)
    return kinds(floor.reports)


def after_a_resolution(floor: Floor) -> object:
    rested(floor)
    payouts = {paper_floor.UP: d("0.25"), paper_floor.DOWN: d("0.75")}
    floor.venue.on_market(MarketResolved(time_ns=NOW_NS, market_id=paper_floor.MARKET, payouts=payouts))
    at_once(
        floor.venue.redeem(
            strategy=ALPHA,
            instrument_id=paper_floor.UP,
            quantity=d(5),
        )
    )
    floor.after(ms=100)
    return [getattr(report, "payout", type(report).__name__) for report in floor.reports]


VENUE: dict[type, tuple[Callable[[Floor], object], object]] = {
    MarketListed: (after_a_listing, (["Rejected"], ["Acknowledged"])),
    BookSnapshot: (after_a_book, ["0.51"]),
    TradePrint: (after_a_print, [("0.50", "3.5")]),
    TickSizeChanged: (after_a_tick, ["Rejected", "Acknowledged"]),
    MarketResolved: (after_a_resolution, ["Acknowledged", "Cancelled", d("0.25")]),
}
"""What the venue does otherwise after an event of this kind, and how that shows."""


@pytest.mark.parametrize("kind", VENUE)
def test_the_venue_acts_on_every_value_that_it_needs(kind: type) -> None:
    scenario, outcome = VENUE[kind]

    assert scenario(trading_floor()) == outcome


@pytest.mark.parametrize("kind", [kind for kind in get_args(MarketEvent) if kind not in VENUE])
def test_the_venue_passes_over_what_is_not_about_its_market(kind: type) -> None:
    floor = trading_floor()

    floor.venue.on_market(MARKET_EVENTS[kind])

    assert kind in (SnapshotRejected, PriceTick, WalletTrade, FeedChanged)
    assert floor.after(ms=1_000) == []


# --- the strategies -------------------------------------------------------------------------------------

HOOKS: dict[type, str] = {
    BookSnapshot: "on_book",
    TradePrint: "on_trade",
    PriceTick: "on_price",
    WalletTrade: "on_wallet_trade",
    MarketResolved: "on_resolved",
}


@pytest.mark.parametrize("kind", HOOKS)
def test_a_strategy_is_given_the_very_event(kind: type) -> None:
    engine, listener, event = Room().engine, listening(), MARKET_EVENTS[kind]
    engine.add(listener)

    engine.step(listener, event)  # type: ignore[arg-type]  # it is one of both unions

    (call,) = listener.calls
    assert (call.hook, call.view_ns) == (HOOKS[kind], event.time_ns)
    assert call.event is event


def test_no_kind_of_event_that_strategies_know_is_left_out() -> None:
    assert set(HOOKS) == set(get_args(MarketEvent)) & set(get_args(StrategyEvent))
