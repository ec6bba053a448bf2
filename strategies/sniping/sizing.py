"""How much the sniper may buy: three budgets, what is offered, and the venue's grids."""

from decimal import Decimal

from domain.instrument import Market, Side, immediate_quantity
from domain.money import ONE, ZERO, round_down, taker_fee_max
from strategies.base_strategy import View
from strategies.sniping.look import Look
from strategies.sniping.parameters import SniperParameters


def taking_quantity(look: Look, parameters: SniperParameters, view: View) -> Decimal:
    """Shares to take at the ask that budgets and depth allow, in whole cents of cost; zero where none."""
    instrument = look.instrument
    rate, exponent = instrument.fee_rate, instrument.fee_exponent
    fee = taker_fee_max(price_max=look.ask, quantity=ONE, rate=rate, exponent=exponent)
    offered = sum((q for p, q in look.book.asks if p <= look.ask), ZERO)
    affordable = _budget(look.market, parameters, view) / (look.ask + fee)
    return immediate_quantity(max(ZERO, min(affordable, offered)), look.ask, instrument)


def resting_quantity(look: Look, price: Decimal, parameters: SniperParameters, view: View) -> Decimal:
    """Shares to bid for at `price`, in whole lots; a maker pays no fee. Zero where no budget is left."""
    affordable = _budget(look.market, parameters, view) / price
    return round_down(max(ZERO, affordable), look.instrument.lot_size)


def closed_position_gate(look: Look, price: Decimal, view: View) -> str | None:
    """Name what already held forbids a purchase at `price`: the other side, or a dearer purchase before."""
    for instrument in look.market.instruments:
        holding = view.holding(instrument.id)
        if holding.quantity and instrument.id != look.instrument.id:
            return "holds the other side"
        if holding.quantity and holding.average_price > price:
            return "would average down"
    return None


def _budget(market: Market, parameters: SniperParameters, view: View) -> Decimal:
    """pUSD that the shares of the bankroll leave for this market, its event and the strategy."""
    bankroll = view.bankroll
    held = sum((view.holding(instrument.id).cost for instrument in market.instruments), ZERO)
    working = sum((o.price * o.leaves_quantity for o in view.orders(market.id) if o.side is Side.BUY), ZERO)
    return min(
        bankroll * parameters.market_share_max - held - working,
        bankroll * parameters.event_share_max - view.committed(market.event_id),
        bankroll * parameters.strategy_share_max - view.committed(),
    )
