"""Gamma: markets, events and profiles, by list and one by one."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime

from aiohttp import web

from simulator.faults import Fault
from simulator.polymarket.accounts import HOUSE_ADDRESS, Wallet
from simulator.polymarket.answers import RefusedError, answer, query_lists
from simulator.polymarket.gamma_rows import (
    event_id,
    event_row,
    event_slug,
    iso,
    market_row,
    series_id,
    tag_id,
)
from simulator.polymarket.markets import SimMarket
from simulator.polymarket.refusals import Refusal, bad
from simulator.polymarket.rows import Row
from simulator.polymarket.venue import Venue
from simulator.timing import NS_PER_S

LIMIT_MAX, LIMIT = 100, 20
NOT_FOUND = Refusal(status=404, text="", more={"type": "not found error", "error": "id not found"})

Query = dict[str, list[str]]
Filter = Callable[[SimMarket, list[str]], bool]


def _seconds(text: str) -> int:
    """Epoch seconds of an ISO time or of digits; ValueError where it is neither."""
    if text.isdecimal():
        return int(text)
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _flag(values: list[str]) -> bool:
    return values[-1].lower() == "true"


FILTERS: dict[str, Filter] = {
    "closed": lambda market, values: market.closed == _flag(values),
    "active": lambda market, values: market.active == _flag(values),
    "archived": lambda market, values: market.archived == _flag(values),
    "id": lambda market, values: market.id in values,
    "slug": lambda market, values: market.spec.slug in values,
    "condition_ids": lambda market, values: market.condition_id in values,
    "question_ids": lambda market, values: market.question_id in values,
    "clob_token_ids": lambda market, values: (
        market.spec.version == "v1" and not set(market.token_ids).isdisjoint(values)
    ),
    "position_ids": lambda market, values: (
        market.spec.version == "v2" and not set(market.token_ids).isdisjoint(values)
    ),
    "version": lambda market, values: market.spec.version in values,
    "tag_id": lambda market, values: any(tag_id(tag) in values for tag in market.spec.tags),
    "end_date_min": lambda market, values: market.spec.ends_ns >= _seconds(values[0]) * NS_PER_S,
    "end_date_max": lambda market, values: market.spec.ends_ns <= _seconds(values[0]) * NS_PER_S,
    "start_date_min": lambda market, values: market.created_ns >= _seconds(values[0]) * NS_PER_S,
    "start_date_max": lambda market, values: market.created_ns <= _seconds(values[0]) * NS_PER_S,
    "uma_resolution_status": lambda market, values: market.uma_status in values,
}
EVENT_FILTERS: dict[str, Filter] = {
    **FILTERS,
    "id": lambda market, values: event_id(market) in values,
    "slug": lambda market, values: event_slug(market) in values,
    "tag_slug": lambda market, values: any(tag.lower() in values for tag in market.spec.tags),
    "series_id": lambda market, values: series_id(market.spec.series_slug) in values,
    "series_slug": lambda market, values: market.spec.series_slug in values,
}
ORDERS: dict[str, Callable[[SimMarket], int]] = {
    "endDate": lambda market: market.spec.ends_ns,
    "end_date": lambda market: market.spec.ends_ns,
    "startDate": lambda market: market.created_ns,
    "start_date": lambda market: market.created_ns,
    "volumeNum": lambda market: market.volume_units,
    "volume_num": lambda market: market.volume_units,
    "id": lambda market: int(market.id),
}


class Gamma:
    """Handlers by path; `routes` lists them."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._state = venue.state

    def routes(self) -> list[web.RouteDef]:
        """The paths of Gamma."""
        return [
            web.get("/markets/keyset", self._markets),
            web.get("/events/keyset", self._events),
            web.get("/markets/slug/{slug}", self._market_by_slug),
            web.get(r"/markets/{id:\d+}", self._market_by_id),
            web.get("/events/slug/{slug}", self._event_by_slug),
            web.get(r"/events/{id:\d+}", self._event_by_id),
            web.get("/public-search", self._search),
            web.get("/public-profile", self._profile),
            web.get("/tags", self._tags),
            web.get("/series", self._empty),
            web.get("/sports", self._empty),
            web.get("/teams", self._empty),
        ]

    async def _markets(self, request: web.Request) -> web.Response:
        query = query_lists(request)
        found = self._chosen(query, FILTERS)
        page, following = self._page(found, query)
        rows = [market_row(self._state, market) for market in page]
        if rows and self._state.faults.strikes(Fault.UNPARSABLE_ROW, "gamma markets"):
            rows[0]["umaResolutionStatus"] = "pondering"
        return answer({"markets": rows, **({"next_cursor": following} if following else {})})

    async def _events(self, request: web.Request) -> web.Response:
        query = query_lists(request)
        groups: dict[str, list[SimMarket]] = {}
        for market in self._chosen(query, EVENT_FILTERS):
            groups.setdefault(event_slug(market), []).append(market)
        page, following = self._page([group[0] for group in groups.values()], query)
        rows = [event_row(self._state, self._of_event(event_slug(market))) for market in page]
        return answer({"events": rows, **({"next_cursor": following} if following else {})})

    async def _market_by_slug(self, request: web.Request) -> web.Response:
        market = self._state.markets.by_slug.get(request.match_info["slug"])
        return self._one(market)

    async def _market_by_id(self, request: web.Request) -> web.Response:
        wanted = request.match_info["id"]
        return self._one(next((market for market in self._all() if market.id == wanted), None))

    async def _event_by_slug(self, request: web.Request) -> web.Response:
        return self._event(self._of_event(request.match_info["slug"]))

    async def _event_by_id(self, request: web.Request) -> web.Response:
        wanted = request.match_info["id"]
        return self._event([market for market in self._all() if event_id(market) == wanted])

    async def _search(self, request: web.Request) -> web.Response:
        wanted = request.query.get("q", "").lower()
        limit = int(request.query.get("limit_per_type", "10"))
        status = request.query.get("events_status", "")
        slugs = dict.fromkeys(
            event_slug(market)
            for market in self._all()
            if wanted in f"{market.spec.slug} {market.spec.question} {market.spec.event_title}".lower()
            and (status != "active" or not market.closed)
        )
        events = [event_row(self._state, self._of_event(slug)) for slug in list(slugs)[:limit]]
        row: Row = {
            "events": events,
            "tags": [],
            "pagination": {"hasMore": False, "totalResults": len(slugs)},
        }
        if request.query.get("search_profiles") == "true":
            named = [
                wallet for wallet in self._people() if wanted in f"{wallet.name} {wallet.pseudonym}".lower()
            ]
            row["profiles"] = [self._person(wallet) for wallet in named[:limit]]
        return answer(row)

    async def _profile(self, request: web.Request) -> web.Response:
        wallet = self._state.accounts.find(request.query.get("address", ""))
        if wallet is None or wallet.address == HOUSE_ADDRESS:
            raise RefusedError(NOT_FOUND)
        return answer(self._person(wallet))

    async def _tags(self, _request: web.Request) -> web.Response:
        tags = dict.fromkeys(tag for market in self._all() for tag in market.spec.tags)
        return answer([{"id": tag_id(tag), "label": tag.title(), "slug": tag.lower()} for tag in tags])

    async def _empty(self, _request: web.Request) -> web.Response:
        return answer([])

    def _one(self, market: SimMarket | None) -> web.Response:
        if market is None:
            raise RefusedError(NOT_FOUND)
        return answer(market_row(self._state, market))

    def _event(self, markets: list[SimMarket]) -> web.Response:
        if not markets:
            raise RefusedError(NOT_FOUND)
        return answer(event_row(self._state, markets))

    def _all(self) -> list[SimMarket]:
        return list(self._state.markets.by_condition.values())

    def _of_event(self, slug: str) -> list[SimMarket]:
        return [market for market in self._all() if event_slug(market) == slug]

    def _people(self) -> list[Wallet]:
        return [wallet for wallet in self._state.accounts.all() if wallet.name or wallet.pseudonym]

    @staticmethod
    def _person(wallet: Wallet) -> Row:
        return {
            "name": wallet.name,
            "pseudonym": wallet.pseudonym,
            "proxyWallet": wallet.address,
            "bio": "",
            "displayUsernamePublic": True,
            "createdAt": iso(0),
            "verifiedBadge": False,
        }

    def _chosen(self, query: Query, filters: dict[str, Filter]) -> list[SimMarket]:
        """Markets that pass every filter of the query, in the order it asks for."""
        try:
            found = [
                market
                for market in self._all()
                if all(filters[name](market, values) for name, values in query.items() if name in filters)
            ]
        except ValueError as error:
            raise RefusedError(bad(f"invalid filter: {error}")) from error
        order = ORDERS.get(query.get("order", ["id"])[0], ORDERS["id"])
        is_descending = query.get("ascending", ["true"])[0].lower() == "false"
        return sorted(found, key=order, reverse=is_descending)

    @staticmethod
    def _page(found: list[SimMarket], query: Query) -> tuple[list[SimMarket], str | None]:
        """One page, and the cursor after it: the last market's condition, so that new markets do not shift it."""
        limit = max(1, min(LIMIT_MAX, int(query.get("limit", [str(LIMIT)])[0])))
        start = 0
        if "after_cursor" in query:
            last = base64.urlsafe_b64decode(query["after_cursor"][0]).decode()
            places = [place for place, market in enumerate(found) if market.condition_id == last]
            if not places:
                raise RefusedError(bad("invalid cursor"))
            start = places[0] + 1
        page = found[start : start + limit]
        if start + limit >= len(found):
            return page, None
        return page, base64.urlsafe_b64encode(page[-1].condition_id.encode()).decode()
