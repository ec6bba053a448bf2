"""The table of what crosses the rooms: every message, who makes it and who takes it, by room.

A room is a folder or a file at the top level. Makers call the class, takers match on it; a room that matches on
what it alone makes is talking to itself and is no taker. Without makers a message is for strategies or venues to
come.
"""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, get_args

from domain.conversions import SetConverted, SetIntent
from domain.inputs import Input
from domain.messages import (
    Acknowledged,
    BookSnapshot,
    CancelIntent,
    Cancelled,
    CancelLost,
    ExecutionReport,
    Expired,
    FeedChanged,
    Filled,
    FillReceived,
    FoundOpen,
    GaveUp,
    Lost,
    MarketEvent,
    MarketListed,
    MarketResolved,
    NotSent,
    OrderChanged,
    PassedOver,
    PriceTick,
    ProvenAbsent,
    Receipt,
    Redeemed,
    RedeemIntent,
    Rejected,
    SettlementReported,
    SnapshotRejected,
    Started,
    Stopped,
    StrategyEvent,
    StrategyIntent,
    TickSizeChanged,
    TimerFired,
    TradePrint,
    WalletTrade,
)
from domain.order import Intent
from domain.records import (
    DenialRecord,
    EventRecord,
    FillRecord,
    GateCountRecord,
    MarketRecord,
    MetricsRecord,
    OrderEventRecord,
    OrderRecord,
    PayloadRecord,
    PositionRecord,
    ReceiptRecord,
    ReconciliationRecord,
    Record,
    ReservationRecord,
    ResolutionRecord,
    SettlementRecord,
    SignalRecord,
    TransferRecord,
)

ROOT = Path(__file__).resolve().parents[2]
OUTSIDE = {"bench", "domain", "tests"}
"""Rooms that are no party: the domain only declares, the others only try out."""


class Crossing(NamedTuple):
    """One message; makers and takers are rooms, separated by spaces."""

    message: type
    makers: str
    takers: str


MARKET_EVENTS = (
    Crossing(
        MarketListed,
        "backtest live simulator state venues",
        "backtest engine live simulator state storage venues",
    ),
    Crossing(
        BookSnapshot,
        "backtest simulator venues",
        "backtest engine hooks live runner simulator state storage venues",
    ),
    Crossing(
        TradePrint, "backtest simulator venues", "backtest engine hooks live simulator state storage venues"
    ),
    Crossing(TickSizeChanged, "backtest venues", "engine live simulator state storage venues"),
    Crossing(
        MarketResolved,
        "backtest live simulator venues",
        "backtest engine hooks live simulator state storage venues",
    ),
    Crossing(SnapshotRejected, "backtest venues", "engine live simulator state storage venues"),
    Crossing(FeedChanged, "backtest live venues", "backtest engine live simulator state storage venues"),
    Crossing(PriceTick, "backtest venues", "backtest engine hooks live simulator state storage venues"),
    Crossing(
        WalletTrade, "backtest strategies venues", "backtest engine hooks live simulator state storage venues"
    ),
)
STRATEGY_INTENTS = (
    Crossing(Intent, "strategies", "desk hooks"),
    Crossing(CancelIntent, "strategies", "desk hooks"),
    Crossing(RedeemIntent, "strategies", "desk hooks"),
    Crossing(SetIntent, "", "desk hooks"),
    Crossing(PassedOver, "strategies", "desk hooks"),
    Crossing(Receipt, "strategies", "desk hooks"),
)
EXECUTION_REPORTS = (
    Crossing(Acknowledged, "venues", "executor state"),
    Crossing(Rejected, "venues", "state"),
    Crossing(NotSent, "live venues", "executor state"),
    Crossing(Lost, "executor venues", "executor state"),
    Crossing(Filled, "executor live venues", "executor state"),
    Crossing(SettlementReported, "venues", "state"),
    Crossing(Cancelled, "executor venues", "state"),
    Crossing(CancelLost, "executor live venues", "executor state"),
    Crossing(Expired, "executor venues", "state"),
    Crossing(FoundOpen, "executor live", "executor state"),
    Crossing(ProvenAbsent, "executor live", "state"),
    Crossing(GaveUp, "executor", "state"),
    Crossing(Redeemed, "venues", "engine state"),
    Crossing(SetConverted, "venues", "state"),
)
STRATEGY_EVENTS = (
    Crossing(Started, "backtest live", "hooks"),
    Crossing(Stopped, "backtest live", "hooks"),
    Crossing(TimerFired, "backtest live", "hooks"),
    Crossing(OrderChanged, "state", "engine hooks"),
    Crossing(FillReceived, "state", "engine hooks"),
    *(row for row in MARKET_EVENTS if row.message in get_args(StrategyEvent)),
)
RECORDS = (
    Crossing(SignalRecord, "desk", "logbook storage"),
    Crossing(DenialRecord, "desk", "console logbook storage"),
    Crossing(OrderRecord, "order_manager state", "console logbook reporter state storage"),
    Crossing(OrderEventRecord, "state", "console logbook storage"),
    Crossing(FillRecord, "state storage", "console logbook storage"),
    Crossing(SettlementRecord, "state", "console logbook storage"),
    Crossing(TransferRecord, "desk engine order_manager state", "console logbook state storage"),
    Crossing(ReservationRecord, "state storage", "storage"),
    Crossing(PositionRecord, "state storage", "state storage"),
    Crossing(EventRecord, "desk engine", "console logbook storage"),
    Crossing(GateCountRecord, "desk", "storage"),
    Crossing(MetricsRecord, "engine storage", "logbook storage"),
    Crossing(ReceiptRecord, "desk", "storage"),
    Crossing(MarketRecord, "engine", "console storage"),
    Crossing(ResolutionRecord, "engine", "storage"),
    Crossing(PayloadRecord, "executor storage", "storage"),
    Crossing(ReconciliationRecord, "live", "storage"),
)
INPUTS = (Crossing(Input, "backtest recovery runner storage", "backtest storage"),)
"""No union, and so never matched on: its takers are the rooms with a parameter of this type."""

TABLE = (
    (MarketEvent, MARKET_EVENTS),
    (StrategyIntent, STRATEGY_INTENTS),
    (ExecutionReport, EXECUTION_REPORTS),
    (StrategyEvent, STRATEGY_EVENTS),
    (Record, RECORDS),
    (Input, INPUTS),
)


def members(union: object) -> set[type]:
    """The members of a union; a class alone is its own only member."""
    return {union} if isinstance(union, type) else set(get_args(union))


def differences(union: object, listed: Iterable[type]) -> list[str]:
    """Names of members that are not listed, and of listed classes that are no members (any more)."""
    return sorted(kind.__name__ for kind in members(union) ^ set(listed))


class Parties(NamedTuple):
    """The rooms that make a message, that match on it, and that have a parameter of its type."""

    makers: set[str]
    matchers: set[str]
    receivers: set[str]

    @property
    def takers(self) -> set[str]:
        """Those that match on what somebody else may have made."""
        return self.matchers - self.makers if len(self.makers) == 1 else self.matchers


def parties(names: set[str]) -> dict[str, Parties]:
    """Read the product's source for what is done with the classes of these names."""
    found = {name: Parties(set(), set(), set()) for name in names}
    for path in sorted(ROOT.rglob("*.py")):
        room = path.relative_to(ROOT).parts[0].removesuffix(".py")
        if room not in OUTSIDE and not room.startswith("."):
            for name, role in _uses(ast.parse(path.read_text()), names):
                found[name][role].add(room)
    return found


def _uses(tree: ast.Module, names: set[str]) -> Iterator[tuple[str, int]]:
    """Yield each of the names that the file imports and uses, with the position of its role in Parties."""
    known = names & set(_imported(tree))
    for node in ast.walk(tree):
        for role, used in enumerate((_made(node), _matched(node), _received(node))):
            yield from ((name, role) for name in used if name in known)


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("domain"):
            yield from (alias.name for alias in node.names)


def _made(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        yield node.func.id


def _matched(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.MatchClass):
        yield from _names(node.cls)
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "isinstance":
        yield from _names(node.args[1])


def _received(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        for argument in (*node.args.args, *node.args.kwonlyargs):
            yield from _names(argument.annotation) if argument.annotation else ()


def _names(node: ast.AST) -> Iterator[str]:
    return (part.id for part in ast.walk(node) if isinstance(part, ast.Name))
