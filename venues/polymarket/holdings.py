"""What the account owns and what of it is free: balances of the CLOB, for the tokens that the Data API names."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec
from msgspec import Struct

from domain.errors import VenueReadError
from domain.instrument import Side
from domain.money import PUSD, ZERO
from venues.base import VenueBalance
from venues.polymarket.clob import ERRORS, PAGES_MAX, Clob
from venues.polymarket.connection import Connection
from venues.polymarket.contracts import is_position_id
from venues.polymarket.outcomes import OK, of_failure, refusal_words
from venues.polymarket.terms import TermsBook
from venues.polymarket.wire import OrderRow

PAGE_SIZE = "500"


class _Position(Struct):
    token_id: str


class _Pagination(Struct):
    has_more: bool
    next_cursor: str | None = None


class _Positions(Struct):
    data: list[_Position]
    pagination: _Pagination


_POSITIONS = msgspec.json.Decoder(_Positions)


class Holdings:
    """Reads of one wallet. The Data API only says where to look: its sizes lag, so they are never taken."""

    def __init__(self, *, clob: Clob, data: Connection, wallet: str, terms: TermsBook) -> None:
        self._clob = clob
        self._data = data
        self._wallet = wallet
        self._terms = terms

    async def read(self, traded: Iterable[str], orders: Iterable[OrderRow]) -> tuple[VenueBalance, ...]:
        """Read pUSD and every token that was traded here or that the venue's index names; raises VenueReadError."""
        tokens = sorted({*traded, *await self._indexed()})
        tied = tied_up(orders)
        money = (await self._clob.balance()).balance
        balances = [VenueBalance(asset=PUSD, total=money, free=max(money - tied.get(PUSD, ZERO), ZERO))]
        for token in tokens:
            balances.append(await self._of(token, tied.get(token, ZERO)))
        return tuple(balances)

    async def shares(self, token_id: str) -> Decimal:
        """Read how many shares of one token the account owns."""
        row = await self._clob.balance(token_id=token_id, is_v2=is_position_id(int(token_id)))
        return row.balance

    async def _of(self, token_id: str, tied: Decimal) -> VenueBalance:
        owned = await self.shares(token_id)
        terms = self._terms.of_token(token_id)
        asset = terms.instrument_id if terms else token_id
        return VenueBalance(asset=asset, total=owned, free=max(owned - tied, ZERO))

    async def _indexed(self) -> set[str]:
        """Tokens that the Data API lists for the wallet, over all pages: an incomplete list is no list."""
        tokens: set[str] = set()
        query = {"user": self._wallet, "limit": PAGE_SIZE}
        cursor: str | None = None
        for _ in range(PAGES_MAX):
            page = await self._page(query | ({"cursor": cursor} if cursor else {}))
            tokens |= {position.token_id for position in page.data if position.token_id.isdecimal()}
            cursor = page.pagination.next_cursor
            if not page.pagination.has_more or not cursor:
                return tokens
        raise VenueReadError(f"/v2/positions does not end after {PAGES_MAX} pages")

    async def _page(self, query: Mapping[str, str]) -> _Positions:
        try:
            answer = await self._data.ask("/v2/positions", query)
            if answer.status != OK:
                raise VenueReadError(f"/v2/positions: HTTP {answer.status}: {refusal_words(answer)}")
            return _POSITIONS.decode(answer.body)
        except ERRORS as error:
            raise VenueReadError(f"/v2/positions: {of_failure(error).reason}") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise VenueReadError(f"/v2/positions: {error}") from error


def tied_up(orders: Iterable[OrderRow]) -> dict[str, Decimal]:
    """What open orders hold: pUSD for buys, shares by token for sales."""
    tied: dict[str, Decimal] = {}
    for row in orders:
        leaves = max(row.asked_size - row.matched_quantity, ZERO)
        asset, amount = (PUSD, leaves * row.price) if row.side is Side.BUY else (row.token_id, leaves)
        tied[asset] = tied.get(asset, ZERO) + amount
    return tied
