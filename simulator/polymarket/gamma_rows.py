"""How Gamma spells markets and events: camel case, and lists as JSON text inside the JSON."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal

from simulator.polymarket.contracts import UNITS
from simulator.polymarket.markets import PRICE_UNITS, SimMarket
from simulator.polymarket.rows import Row, last_price_text, price_text
from simulator.polymarket.state import VenueState
from simulator.timing import NS_PER_S

UP_DOWN = re.compile(r"^([a-z]+)-updown-(5m|15m|4h)-\d{10}$")
REBATE_RATES = {"crypto": Decimal("0.2"), "sports": Decimal("0.15")}
USUAL_REBATE_RATE = Decimal("0.25")
SERIES_ID, TAG_ID = 10_000, 100


def number(text: str | Decimal) -> object:
    """A JSON number; these are told, not computed with."""
    return json.loads(f"{Decimal(text):f}")


def iso(time_ns: int) -> str:
    """UTC time to the second."""
    return f"{datetime.fromtimestamp(time_ns // NS_PER_S, UTC):%Y-%m-%dT%H:%M:%SZ}"


def market_row(state: VenueState, market: SimMarket, *, with_event: bool = True) -> Row:
    """A market as Gamma lists it; `extras` of the market replace or add fields."""
    spec = market.spec
    row: Row = {
        "id": market.id,
        "version": spec.version,
        "question": spec.question or spec.slug,
        "conditionId": market.condition_id,
        "slug": spec.slug,
        "groupItemTitle": "",
        "description": spec.question,
        "resolutionSource": _resolution_source(spec.slug),
        "outcomes": json.dumps(list(spec.outcomes)),
        "outcomePrices": json.dumps(_outcome_prices(state, market)),
        "positionIds" if spec.version == "v2" else "clobTokenIds": json.dumps(list(market.token_ids)),
        "active": market.active,
        "closed": market.closed,
        "archived": market.archived,
        "acceptingOrders": market.accepting_orders,
        "enableOrderBook": market.order_book_enabled,
        "negRisk": spec.neg_risk,
        "startDate": iso(market.created_ns),
        "createdAt": iso(market.created_ns),
        "orderMinSize": number(spec.size_min),
        "orderPriceMinTickSize": number(market.tick),
        "secondsDelay": spec.taker_delay_ms // 1000,
        "feesEnabled": spec.fee_rate > 0,
        "feeType": f"{spec.category}_fees_v2" if spec.fee_rate else "zero_fees",
        "questionID": market.question_id,
        "umaResolutionStatus": "" if _is_up_down(spec.slug) else market.uma_status,
        "umaResolutionStatuses": json.dumps([market.uma_status] if market.uma_status else []),
        "makerBaseFee": 1000,
        "takerBaseFee": 1000,
        "volumeNum": number(Decimal(market.volume_units) / UNITS),
        "volume": f"{Decimal(market.volume_units) / UNITS:f}",
        "tags": [_tag(tag) for tag in spec.tags],
        **_times(market),
        **_fees(market),
        **_top(state, market),
        **_up_down(market),
    }
    if with_event:
        row["events"] = [event_row(state, [market], with_markets=False)]
    return {**row, **market.extras}


def event_row(state: VenueState, markets: list[SimMarket], *, with_markets: bool = True) -> Row:
    """The event of some markets that share its slug."""
    first = markets[0]
    spec = first.spec
    slug = event_slug(first)
    row: Row = {
        "id": event_id(first),
        "ticker": slug,
        "slug": slug,
        "title": spec.event_title or spec.question or slug,
        "description": spec.question,
        "active": any(market.active for market in markets),
        "closed": all(market.closed for market in markets),
        "archived": False,
        "startDate": iso(first.created_ns),
        "creationDate": iso(first.created_ns),
        "enableOrderBook": True,
        "negRisk": spec.neg_risk,
        "tags": [_tag(tag) for tag in spec.tags],
        "seriesSlug": spec.series_slug,
        "series": [_series(spec.series_slug)] if spec.series_slug else [],
    }
    if spec.ends_ns:
        row["endDate"] = iso(max(market.spec.ends_ns for market in markets))
    if spec.starts_ns:
        row["startTime"] = iso(spec.starts_ns)
    if with_markets:
        row["markets"] = [market_row(state, market, with_event=False) for market in markets]
    return row


def event_slug(market: SimMarket) -> str:
    """The slug of the market's event: its own where it stands alone."""
    return market.spec.event_slug or market.spec.slug


def event_id(market: SimMarket) -> str:
    """The id of the market's event, which is its own but for the first digit."""
    return (
        f"2{market.id[1:]}" if not market.spec.event_slug else str(200_000 + _small_hash(event_slug(market)))
    )


def series_id(slug: str) -> str:
    """A series has the same number in every run: it is made of its slug."""
    return str(SERIES_ID + _small_hash(slug))


def tag_id(tag: str) -> str:
    """A tag has the same number in every run: it is made of its label."""
    return str(TAG_ID + _small_hash(tag))


def _small_hash(text: str) -> int:
    return int.from_bytes(text.encode(), "big") % 99_991


def _series(slug: str) -> Row:
    return {
        "id": series_id(slug),
        "ticker": slug,
        "slug": slug,
        "title": slug,
        "active": True,
        "closed": False,
    }


def _tag(tag: str) -> Row:
    return {"id": tag_id(tag), "label": tag.title(), "slug": tag.lower()}


def _outcome_prices(state: VenueState, market: SimMarket) -> list[str]:
    if market.payouts is not None:
        return [f"{payout.normalize():f}" for payout in market.payouts]
    bid, ask = state.book_of(market.condition_id).best_of(0)
    if bid is None or ask is None:
        middle = Decimal(market.last_price_units or PRICE_UNITS // 2)
    else:
        middle = Decimal(bid + ask) / 2
    price = (middle / PRICE_UNITS).normalize()
    return [f"{price:f}", f"{1 - price:f}"]


def _times(market: SimMarket) -> Row:
    spec = market.spec
    row: Row = {}
    if spec.ends_ns:
        row |= {"endDate": iso(spec.ends_ns), "endDateIso": iso(spec.ends_ns)[:10]}
    if market.closed_ns is not None:
        row["closedTime"] = iso(market.closed_ns)
    if spec.starts_ns:
        row["eventStartTime"] = iso(spec.starts_ns)
    return row


def _fees(market: SimMarket) -> Row:
    spec = market.spec
    if not spec.fee_rate:
        return {}
    rebate = REBATE_RATES.get(spec.category, USUAL_REBATE_RATE)
    return {
        "feeSchedule": {
            "exponent": spec.fee_exponent,
            "rate": number(spec.fee_rate),
            "takerOnly": True,
            "rebateRate": number(rebate),
        }
    }


def _top(state: VenueState, market: SimMarket) -> Row:
    bid, ask = state.book_of(market.condition_id).best_of(0)
    row: Row = {}
    if bid is not None:
        row["bestBid"] = number(price_text(bid))
    if ask is not None:
        row["bestAsk"] = number(price_text(ask))
    if bid is not None and ask is not None:
        row["spread"] = number(price_text(ask - bid))
    if last := last_price_text(market, 0):
        row["lastTradePrice"] = number(last)
    return row


def _is_up_down(slug: str) -> bool:
    return UP_DOWN.match(slug) is not None


def _up_down(market: SimMarket) -> Row:
    found = UP_DOWN.match(market.spec.slug)
    if found is None:
        return {}
    asset, length = found.groups()
    return {
        "cryptoMarketConfig": {
            "id": f"{asset}-{length}-twap-60",
            "asset": asset,
            "duration": length,
            "twapEnabled": True,
            "twapLookbackSeconds": 60,
        }
    }


def _resolution_source(slug: str) -> str:
    found = UP_DOWN.match(slug)
    return f"https://data.chain.link/streams/{found.group(1)}-usd-twap-60s-streams" if found else ""
