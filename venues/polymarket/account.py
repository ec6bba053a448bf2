"""What goes through the official client: API credentials, approvals, split, merge, redeem. Never an order.

Its calls that place orders by themselves repeat them after a refusal, so none of those is used anywhere.
"""

import asyncio
import logging
from decimal import Decimal

from msgspec import Struct
from polymarket import AsyncSecureClient
from polymarket.auth import ApiKey, RelayerApiKey
from polymarket.errors import (
    PolymarketError,
    RateLimitError,
    RequestRejectedError,
    TransactionFailedError,
    UserInputError,
)
from polymarket.models.clob.api_key import ApiKeyCreds
from polymarket.transactions import EoaTransactionHandle, GaslessTransactionHandle

from domain.errors import ConfigurationError, VenueReadError
from domain.money import to_units
from settings import Secret
from telemetry import fields
from venues.polymarket.hosts import Hosts
from venues.polymarket.sdk import environment
from venues.polymarket.signing import Credentials, Wallet

CHAIN_TIMEOUT_S = 240
"""Seconds for a transaction from asking to its end; the relayer is polled for 200."""

CERTAIN = (UserInputError, RequestRejectedError, RateLimitError, TransactionFailedError)
"""Errors after which nothing was done on chain: refused before, or failed there."""

log = logging.getLogger(__name__)


class Owner(Struct, frozen=True, kw_only=True):
    """Who trades: the key, its wallet, API credentials where they are known, the relayer's key for gasless calls."""

    key: Secret
    wallet: Wallet
    credentials: Credentials | None = None
    relayer_key: Secret | None = None
    relayer_address: str = ""


class ChainOutcome(Struct, frozen=True):
    """Whether a transaction was confirmed; `is_certain` False: it may still be, only the balances can tell."""

    is_done: bool
    is_certain: bool
    reason: str


class Account:
    """One account in the official client, made by `open`."""

    def __init__(self, client: AsyncSecureClient) -> None:
        self._client = client

    @classmethod
    async def open(cls, owner: Owner, *, hosts: Hosts) -> "Account":
        """Connect, and create or derive API credentials where none are given.

        Raises ConfigurationError where key, wallet or credentials are refused, VenueReadError where the venue
        could not be reached.
        """
        try:
            client = await AsyncSecureClient.create(
                private_key=owner.key.reveal(),
                wallet=owner.wallet.address,
                environment=environment(hosts),
                credentials=_theirs(owner.credentials),
                api_key=_relayer_key(owner),
            )
        except (UserInputError, RequestRejectedError) as error:
            words = type(error).__name__ if isinstance(error, UserInputError) else str(error)
            raise ConfigurationError(f"Polymarket refuses wallet {owner.wallet.address}: {words}") from None
        except PolymarketError as error:
            raise VenueReadError(f"no API credentials: {type(error).__name__}: {error}") from error
        return cls(client)

    async def close(self) -> None:
        """End its connections."""
        await self._client.close()

    @property
    def credentials(self) -> Credentials:
        """The API credentials in use: given, created or derived."""
        theirs = self._client.credentials
        return Credentials(key=theirs.key, secret=Secret(theirs.secret), passphrase=Secret(theirs.passphrase))

    async def is_closed_only(self) -> bool:
        """Say whether the venue lets this account only close what it has."""
        try:
            return await self._client.get_closed_only_mode()
        except PolymarketError as error:
            raise VenueReadError(f"closed-only mode: {type(error).__name__}: {error}") from error

    async def missing_approvals(self) -> tuple[str, ...]:
        """In words, which contracts may not yet move what orders need; the venue's index lags some seconds."""
        try:
            missing = (await self._client.get_trading_approvals_state()).missing
        except PolymarketError as error:
            raise VenueReadError(f"approvals: {type(error).__name__}: {error}") from error
        money = [f"{item.spender} may not spend {item.token_address}" for item in missing.erc20]
        shares = [f"{item.operator} may not move shares of {item.token_address}" for item in missing.erc1155]
        return (*money, *shares)

    async def set_up_approvals(self) -> ChainOutcome:
        """Grant all that is missing, on chain: only ever by an explicit command of a person."""
        try:
            async with asyncio.timeout(CHAIN_TIMEOUT_S):
                await self._client.setup_trading_approvals()
        except (PolymarketError, TimeoutError) as error:
            return _failed("approvals", error)
        return ChainOutcome(True, True, "approved")

    async def split(self, condition_id: str, quantity: Decimal) -> ChainOutcome:
        """Turn pUSD into as many complete sets."""
        amount = to_units(quantity)
        try:
            async with asyncio.timeout(CHAIN_TIMEOUT_S):
                return await _wait(
                    await self._client.split_position(condition_id=condition_id, amount=amount)
                )
        except (PolymarketError, TimeoutError) as error:
            return _failed("split", error)

    async def merge(self, condition_id: str, quantity: Decimal) -> ChainOutcome:
        """Turn complete sets into as many pUSD."""
        amount = to_units(quantity)
        try:
            async with asyncio.timeout(CHAIN_TIMEOUT_S):
                return await _wait(
                    await self._client.merge_positions(condition_id=condition_id, amount=amount)
                )
        except (PolymarketError, TimeoutError) as error:
            return _failed("merge", error)

    async def redeem(self, condition_id: str) -> ChainOutcome:
        """Turn all shares of a resolved market into cash, of both outcomes and whoever bought them."""
        try:
            async with asyncio.timeout(CHAIN_TIMEOUT_S):
                return await _wait(await self._client.redeem_positions(condition_id=condition_id))
        except (PolymarketError, TimeoutError) as error:
            return _failed("redeem", error)


async def _wait(handle: GaslessTransactionHandle | EoaTransactionHandle) -> ChainOutcome:
    outcome = await handle.wait()
    return ChainOutcome(True, True, str(outcome.transaction_hash))


def _failed(what: str, error: Exception) -> ChainOutcome:
    """A refusal is certain; whatever else went wrong, the transaction may still be mined."""
    outcome = ChainOutcome(False, isinstance(error, CERTAIN), f"{what}: {type(error).__name__}: {error}")
    log.warning("a transaction was not confirmed", extra=fields(reason=outcome.reason))
    return outcome


def _theirs(credentials: Credentials | None) -> ApiKeyCreds | None:
    if credentials is None:
        return None
    return ApiKeyCreds.model_validate(
        {
            "apiKey": credentials.key,
            "secret": credentials.secret.reveal(),
            "passphrase": credentials.passphrase.reveal(),
        }
    )


def _relayer_key(owner: Owner) -> ApiKey | None:
    if owner.relayer_key is None:
        return None
    return RelayerApiKey(key=owner.relayer_key.reveal(), address=owner.relayer_address)
