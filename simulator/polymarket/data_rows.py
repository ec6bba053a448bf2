"""How the Data API spells trades, positions and resolutions: snake case, numbers as numbers, times in seconds."""

from collections.abc import Iterable
from decimal import Decimal

from simulator.polymarket.accounts import Wallet
from simulator.polymarket.activity import Deed
from simulator.polymarket.contracts import UNITS
from simulator.polymarket.gamma_rows import event_id, event_slug, iso, number
from simulator.polymarket.identifiers import hex_word
from simulator.polymarket.markets import PRICE_UNITS, SimMarket
from simulator.polymarket.orders import value_of
from simulator.polymarket.rows import Row, amount_text, price_text
from simulator.polymarket.state import VenueState
from simulator.timing import NS_PER_S

UNSET_PRICE = "69"


def deed_row(deed: Deed, *, full: bool) -> Row:
    """A row of trades, or with `full` of activity, which also has its type and value."""
    spec = deed.market.spec
    is_trade = deed.kind == "TRADE"
    row: Row = {
        "proxy_wallet": deed.wallet.lower(),
        "side": deed.side,
        "token_id": deed.market.token_ids[deed.outcome] if is_trade else "",
        "condition_id": deed.market.condition_id,
        "size": number(amount_text(deed.shares)),
        "price": number(price_text(deed.price)),
        "timestamp": deed.timestamp_s,
        "title": spec.question,
        "slug": spec.slug,
        "icon": "",
        "event_slug": event_slug(deed.market),
        "outcome": spec.outcomes[deed.outcome] if is_trade else "",
        "outcome_index": deed.outcome if is_trade else 999,
        "name": deed.name,
        "pseudonym": deed.pseudonym,
        "bio": "",
        "profile_image": "",
        "profile_image_optimized": "",
        "transaction_hash": deed.hash,
    }
    if full:
        row |= {"type": deed.kind, "usdc_size": number(amount_text(deed.value))}
    return row


def position_row(
    wallet: Wallet, market: SimMarket, *, outcome: int, price: int, deeds: Iterable[Deed]
) -> Row:
    """One holding at its present price, with what its purchases cost on average."""
    spec, token = market.spec, market.token_ids[outcome]
    held = wallet.balances[token]
    bought = [deed for deed in deeds if _bought(deed, market, outcome)]
    shares, cost = sum(deed.shares for deed in bought), sum(deed.value for deed in bought)
    average = Decimal(cost) / shares if shares else Decimal(0)
    entry = int(average * held)
    worth = value_of(held, price)
    gain = worth - entry
    percent = Decimal(100 * gain) / entry if entry else Decimal(0)
    other = market.token_ids[1 - outcome]
    return {
        "proxy_wallet": wallet.address.lower(),
        "token_id": token,
        "condition_id": market.condition_id,
        "current_size": number(amount_text(held)),
        "avg_price": number(round(average, 6)),
        "entry_cost_usdc": number(amount_text(entry)),
        "entry_fees_usdc": 0,
        "total_cost_usdc": number(amount_text(entry)),
        "current_price": number(price_text(price)),
        "current_value": number(amount_text(worth)),
        "total_size": number(amount_text(max(shares, held))),
        "realized_pnl": 0,
        "unrealized_pnl": number(amount_text(gain)),
        "total_pnl": number(amount_text(gain)),
        "percent_pnl": number(round(percent, 4)),
        "percent_realized_pnl": 0,
        "status": "OPEN",
        "redeemable": market.payouts is not None,
        "mergeable": bool(wallet.balances.get(other)) and market.payouts is None,
        "negative_risk": spec.neg_risk,
        "archived": False,
        "title": spec.question,
        "slug": spec.slug,
        "icon": "",
        "event_id": event_id(market),
        "event_slug": event_slug(market),
        "outcome": spec.outcomes[outcome],
        "outcome_index": outcome,
        "opposite_outcome": spec.outcomes[1 - outcome],
        "opposite_token_id": other,
        "end_date": iso(spec.ends_ns)[:10] if spec.ends_ns else "",
        "last_event_at": max((deed.timestamp_s for deed in bought), default=0),
        "name": wallet.name,
        "profile_image": "",
        "verified": False,
    }


def resolution_row(state: VenueState, market: SimMarket) -> Row:
    """Where a market's resolution stands."""
    resolved = market.payouts is not None
    row: Row = {
        "question_id": market.question_id,
        "condition_id": market.condition_id,
        "status": "resolved" if resolved else "posed",
        "extended_review": False,
        "was_disputed": False,
        "new_version_q": False,
        "proposed_price": UNSET_PRICE,
        "reproposed_price": UNSET_PRICE,
        "price": UNSET_PRICE,
        "transaction_hash": hex_word(state.seed, "resolution", market.condition_id) if resolved else "",
        "log_index": "1" if resolved else "",
        "last_update_timestamp": str((market.closed_ns or market.created_ns) // NS_PER_S),
    }
    if market.payouts is not None:
        row["price"] = row["proposed_price"] = f"{market.payouts[0].normalize():f}"
        row["payouts"] = [int(payout * UNITS) for payout in market.payouts]
    return row


def _bought(deed: Deed, market: SimMarket, outcome: int) -> bool:
    return (
        deed.side == "BUY" and deed.market is market and deed.outcome == outcome and deed.price < PRICE_UNITS
    )
