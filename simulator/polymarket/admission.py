"""Whether the venue takes an order: each rule returns its refusal, in the order in which the venue checks."""

from decimal import Decimal

from simulator.faults import Fault
from simulator.polymarket.accounts import CASH, Wallet
from simulator.polymarket.api_keys import ApiKey
from simulator.polymarket.contracts import UNITS
from simulator.polymarket.markets import SimMarket
from simulator.polymarket.matching import Plan
from simulator.polymarket.order_payload import (
    PostedOrder,
    Terms,
    read_terms,
    signature_bytes,
    signed_fields,
)
from simulator.polymarket.orders import BUY, OrderType, SimOrder, value_of
from simulator.polymarket.refusals import (
    CANCEL_ONLY,
    DISABLED,
    INVALID_EXPIRATION,
    INVALID_PAYLOAD,
    INVALID_SIGNATURE,
    MAKER_NOT_ALLOWED,
    NO_BOOK,
    NOT_READY,
    RESTARTING,
    VERSION_MISMATCH,
    WRONG_OWNER,
    WRONG_SIGNER,
    Refusal,
    allowance_too_low,
    balance_too_low,
    banned,
    closed_only,
    duplicated,
    post_only_mode,
    too_small,
    worth_too_little,
)
from simulator.polymarket.signatures import DEPOSIT_WALLET, SIGNATURE_TYPES, identify, is_signed
from simulator.polymarket.state import Mode, VenueState
from simulator.polymarket.trades import fee_units
from simulator.timing import NS_PER_MS, NS_PER_S

PROTOCOL_VERSION = 2


def read_order(state: VenueState, posted: PostedOrder, key: ApiKey) -> SimOrder | Refusal:
    """Check everything that does not depend on the book, and make the order; nothing is booked yet."""
    refused = _refused_by_mode(state, posted) or _refused_by_request(state, posted, key)
    if refused:
        return refused
    market = state.markets.by_token.get(posted.order.tokenId)
    if market is None or market.closed or not market.order_book_enabled:
        return NO_BOOK
    if _is_not_ready(state, market):
        return NOT_READY
    wallet = state.accounts.find(posted.order.maker)
    refused = _refused_maker(wallet, posted, key)
    if refused or wallet is None:
        return refused or MAKER_NOT_ALLOWED
    return _read_signed(state, posted, key, market, wallet)


def refused_for_funds(state: VenueState, order: SimOrder, plan: Plan) -> Refusal | None:
    """Balance less what open orders may take, and what the wallet lets the exchange take."""
    wallet = state.accounts.find(order.maker)
    if wallet is None:
        return MAKER_NOT_ALLOWED
    wanted = _needed(state, order, plan)
    token = CASH if order.side == BUY else order.token
    if wallet.available(token) < wanted or state.faults.strikes(Fault.BLOCKED_BALANCE, f"order {order.id}"):
        promised = wallet.promised[token] + wallet.leaving[token]
        return balance_too_low(balance=wallet.balances[token], open_orders=promised, wanted=wanted)
    spender = order.market.exchange_address
    if order.side == BUY:
        allowance = wallet.allowances.get(spender, 0)
    else:
        allowance = wanted if spender in wallet.operators else 0
    if allowance < wanted:
        return allowance_too_low(spender=spender, allowance=allowance, wanted=wanted)
    return None


def refused_for_value(state: VenueState, order: SimOrder) -> Refusal | None:
    """An order that takes must be worth a dollar."""
    value = order.budget if order.budget is not None else value_of(order.size, order.price)
    dollars = Decimal(value) / UNITS
    if dollars < state.rules.marketable_value_min:
        side = "BUY" if order.side == BUY else "SELL"
        return worth_too_little(side, dollars.normalize(), state.rules.marketable_value_min)
    return None


def _read_signed(
    state: VenueState, posted: PostedOrder, key: ApiKey, market: SimMarket, wallet: Wallet
) -> SimOrder | Refusal:
    wire = posted.order
    try:
        signed = signed_fields(wire)
        identity = identify(signed, neg_risk=market.spec.neg_risk)
        signature = signature_bytes(wire)
    except (ValueError, OverflowError):
        return INVALID_PAYLOAD
    if not is_signed(signed, signature, identity, owner_of=state.accounts.owner_of):
        return INVALID_SIGNATURE
    order_id = identity.order_id
    if order_id in state.seen:
        return duplicated(order_id)
    terms = read_terms(signed, posted.orderType, market, order_id)
    if isinstance(terms, Refusal):
        return terms
    refused = _refused_terms(state, posted, market, terms, order_id)
    if refused:
        return refused
    return SimOrder(
        id=order_id,
        key=key.key,
        maker=wallet.address,
        market=market,
        outcome=market.outcome_index(wire.tokenId),
        side=signed.side,
        price=terms.price,
        size=terms.size,
        budget=terms.budget,
        kind=posted.orderType,
        post_only=posted.postOnly,
        expires_s=int(wire.expiration),
        created_ns=state.now_ns(),
        signed=signed,
    )


def _refused_by_mode(state: VenueState, posted: PostedOrder) -> Refusal | None:
    match state.mode:
        case Mode.NORMAL:
            return None
        case Mode.RESTARTING:
            return RESTARTING
        case Mode.CANCEL_ONLY:
            return CANCEL_ONLY
        case Mode.DISABLED:
            return DISABLED
        case Mode.POST_ONLY:
            until_ns = state.mode_until_ns or state.now_ns()
            left_s = max(1, (until_ns - state.now_ns()) // NS_PER_S)
            return None if posted.postOnly else post_only_mode(left_s=left_s)


def _refused_by_request(state: VenueState, posted: PostedOrder, key: ApiKey) -> Refusal | None:
    if state.rules.version != PROTOCOL_VERSION:
        return VERSION_MISMATCH
    if posted.owner != key.key:
        return WRONG_OWNER
    if posted.postOnly and posted.orderType in (OrderType.FOK, OrderType.FAK):
        return INVALID_PAYLOAD
    if posted.deferExec and not state.rules.defer_execution_allowed:
        return INVALID_PAYLOAD
    if posted.order.signatureType not in SIGNATURE_TYPES or not 0 <= posted.order.salt < 1 << 53:
        return INVALID_PAYLOAD
    window_s = state.rules.order_timestamp_window_s
    age_ns = abs(state.now_ns() - int(posted.order.timestamp) * NS_PER_MS)
    if window_s and age_ns > window_s * NS_PER_S:
        return INVALID_EXPIRATION
    return None


def _is_not_ready(state: VenueState, market: SimMarket) -> bool:
    now_ns = state.now_ns()
    listed_ns = market.created_ns + state.rules.books_listed_after_ms * NS_PER_MS
    ended = state.rules.stops_at_end and market.spec.ends_ns and now_ns >= market.spec.ends_ns
    return not market.accepting_orders or now_ns < listed_ns or bool(ended)


def _refused_maker(wallet: Wallet | None, posted: PostedOrder, key: ApiKey) -> Refusal | None:
    wire = posted.order
    if wire.signatureType == DEPOSIT_WALLET:
        if wire.signer.lower() != wire.maker.lower():
            return WRONG_SIGNER
        if wallet is not None and wallet.owner != key.address:
            return WRONG_SIGNER
    elif wire.signer.lower() != key.address.lower():
        return WRONG_SIGNER
    if wallet is None or not wallet.allowed:
        return MAKER_NOT_ALLOWED
    if wallet.kind != wire.signatureType:
        return INVALID_SIGNATURE
    if wallet.banned:
        return banned(wallet.address)
    if wallet.closed_only and wire.side == "BUY":
        return closed_only(wallet.address)
    return None


def _refused_terms(
    state: VenueState, posted: PostedOrder, market: SimMarket, terms: Terms, identity: str
) -> Refusal | None:
    size = Decimal(terms.size) / UNITS
    rests = posted.orderType in (OrderType.GTC, OrderType.GTD)
    if rests and size < market.spec.size_min:
        return too_small(identity, size.normalize(), market.spec.size_min)
    expires_s = int(posted.order.expiration)
    if (expires_s != 0) != (posted.orderType is OrderType.GTD):
        return INVALID_EXPIRATION
    if expires_s and expires_s < state.now_ns() // NS_PER_S + state.rules.expiration_lead_min_s:
        return INVALID_EXPIRATION
    return None


def _needed(state: VenueState, order: SimOrder, plan: Plan) -> int:
    """What the order may cost: for a buy what it takes now with its fee, and its limit for what rests."""
    if order.side != BUY:
        return order.size
    fee = sum(fee_units(order.market, price=fill.taker_price, shares=fill.shares) for fill in plan.fills)
    extra = 0 if state.rules.buy_fee_in_shares else fee
    if order.budget is not None:
        return order.budget + extra
    return plan.value + value_of(order.size - plan.shares, order.price) + extra
