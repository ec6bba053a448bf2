"""Redeeming, merging and splitting: transactions on chain, one at a time, and what they came to."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from decimal import Decimal

from domain.conversions import Conversion, SetAction
from domain.errors import ConfigurationError, VenueReadError
from domain.instrument import CENT
from domain.money import ZERO
from telemetry import fields
from venues.polymarket.account import Account, ChainOutcome
from venues.polymarket.holdings import Holdings
from venues.polymarket.terms import Terms, wire_id

DUST = CENT
"""Shares below this are none: fees and rounding leave them behind."""

CHECKS = 6
CHECK_EVERY_S = 10
"""How often, and how many seconds apart, balances are looked at after a transaction that nobody confirmed."""

log = logging.getLogger(__name__)


class Chain:
    """One account's transactions; they wait for each other, since they share a nonce and the balances."""

    def __init__(self, *, account: Callable[[], Awaitable[Account]], holdings: Holdings) -> None:
        self._account = account
        self._holdings = holdings
        self._turn = asyncio.Lock()

    async def redeem(self, terms: Terms, quantity: Decimal) -> Decimal:
        """Redeem all of the market's shares and return how many of the `quantity` asked for are paid: all or none.

        Losing shares need no transaction, and shares that are gone were redeemed by the venue's own operator.
        """
        if terms.payout is None:
            return ZERO
        if not terms.payout:
            return quantity
        async with self._turn:
            is_done = await self._redeem(terms)
        return quantity if is_done else ZERO

    async def convert(self, conversion: Conversion) -> Decimal:
        """Merge or split, and return how many sets were converted: all or none."""
        async with self._turn:
            is_done = await self._convert(conversion)
        return conversion.quantity if is_done else ZERO

    async def _redeem(self, terms: Terms) -> bool:
        try:
            if await self._holdings.shares(terms.token_id) < DUST:
                return True
            outcome = await (await self._account()).redeem(terms.condition_id)
        except (VenueReadError, ConfigurationError) as error:
            log.warning("not redeemed", extra=fields(market=terms.market_id, reason=str(error)))
            return False
        return outcome.is_done or await self._came_about(outcome, terms.token_id, below=DUST)

    async def _convert(self, conversion: Conversion) -> bool:
        condition_id, token_id = wire_id(conversion.market_id), wire_id(conversion.instrument_ids[0])
        is_merge = conversion.action is SetAction.MERGE
        try:
            before = await self._holdings.shares(token_id)
            account = await self._account()
        except (VenueReadError, ConfigurationError) as error:
            log.warning("not converted", extra=fields(market=conversion.market_id, reason=str(error)))
            return False
        if is_merge:
            outcome = await account.merge(condition_id, conversion.quantity)
            changed = before - conversion.quantity + DUST
            return outcome.is_done or await self._came_about(outcome, token_id, below=changed)
        outcome = await account.split(condition_id, conversion.quantity)
        changed = before + conversion.quantity - DUST
        return outcome.is_done or await self._came_about(outcome, token_id, above=changed)

    async def _came_about(
        self,
        outcome: ChainOutcome,
        token_id: str,
        *,
        below: Decimal | None = None,
        above: Decimal | None = None,
    ) -> bool:
        """Look at the balance some times: a transaction that timed out here may be mined all the same."""
        for _ in range(0 if outcome.is_certain else CHECKS):
            await asyncio.sleep(CHECK_EVERY_S)
            try:
                shares = await self._holdings.shares(token_id)
            except VenueReadError:
                continue
            if (below is not None and shares < below) or (above is not None and shares > above):
                return True
        log.error("a transaction did not come about", extra=fields(token=token_id, reason=outcome.reason))
        return False
