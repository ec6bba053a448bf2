"""Calls a strategy's hook and takes what it yields; one that fails in any way has asked for nothing."""

import itertools
from decimal import Decimal

from domain.conversions import SetIntent
from domain.errors import StrategyError, StrategyFloodError
from domain.messages import (
    BookSnapshot,
    CancelIntent,
    FillReceived,
    MarketResolved,
    OrderChanged,
    PassedOver,
    PriceTick,
    Receipt,
    RedeemIntent,
    Started,
    Stopped,
    StrategyEvent,
    StrategyIntent,
    TimerFired,
    TradePrint,
    WalletTrade,
)
from domain.money import UNIT, is_amount
from domain.order import Intent
from strategies.base_strategy import BaseStrategy, Intents, View

INTENTS_MAX = 1_000
"""What one hook may yield; more is a flood, and a generator that never ends is one too."""


def ask(strategy: BaseStrategy, event: StrategyEvent, view: View) -> list[StrategyIntent]:
    """Run the hook to its end before anything is made of it: one that raises has asked for nothing."""
    try:
        intents = list(itertools.islice(hook(strategy, event, view), INTENTS_MAX + 1))
    except (Exception, SystemExit) as error:  # supervised: the runner stops this strategy and no other
        if isinstance(error, Exception):
            strategy.on_error(error)
        raise StrategyError(f"strategy {strategy.name} raised {type(error).__name__}: {error}") from error
    if faulty := next((fault for fault in map(_fault, intents) if fault), None):
        raise StrategyError(f"strategy {strategy.name} yielded {faulty}")
    if len(intents) > INTENTS_MAX:
        raise StrategyFloodError(
            f"strategy {strategy.name} yielded more than {INTENTS_MAX} intents at one event"
        )
    return intents


def _fault(intent: object) -> str | None:
    """Say what is wrong with the form of what a hook yielded; whether it is allowed is for the controls."""
    match intent:
        case Intent(quantity=quantity, price=price):
            is_sound = all(isinstance(value, Decimal) for value in (quantity, price))
            return (
                None
                if is_sound
                else f"an intent with quantity {quantity!r} and price {price!r}; give Decimals"
            )
        case SetIntent(quantity=quantity):
            is_sound = all(isinstance(value, Decimal) for value in (quantity,))
            is_whole = is_sound and is_amount(quantity) and not quantity % UNIT
            return None if is_whole else f"sets of {quantity!r}; give a Decimal of whole units of {UNIT}"
        case CancelIntent() | RedeemIntent() | PassedOver() | Receipt():
            return None
        case _:
            return f"a {type(intent).__name__}, which is no intent"


def hook(  # noqa: PLR0911  # one case for each kind of event
    strategy: BaseStrategy, event: StrategyEvent, view: View
) -> Intents:
    """Call the hook that belongs to the event."""
    match event:
        case BookSnapshot():
            return strategy.on_book(event, view)
        case TradePrint():
            return strategy.on_trade(event, view)
        case PriceTick():
            return strategy.on_price(event, view)
        case WalletTrade():
            return strategy.on_wallet_trade(event, view)
        case FillReceived():
            return strategy.on_fill(event, view)
        case OrderChanged():
            return strategy.on_order(event, view)
        case MarketResolved():
            return strategy.on_resolved(event, view)
        case TimerFired():
            return strategy.on_timer(event, view)
        case Started():
            return strategy.on_start(view)
        case Stopped():
            return strategy.on_stop(view)
