"""Wallets on chain through the official client: deposit wallets by the relayer, an EOA by its own transactions."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from polymarket import AsyncSecureClient
from polymarket.auth import RelayerApiKey
from polymarket.errors import RequestRejectedError, TransactionFailedError
from polymarket.models.clob.order_response import AcceptedOrder

from simulator.polymarket.accounts import CASH, Wallet
from simulator.polymarket.markets import SimMarket
from simulator.polymarket.server import PolymarketSimulator
from simulator.polymarket.signatures import DEPOSIT_WALLET
from simulator.polymarket.transactions import decode, encode, read_transaction
from simulator.polymarket.wallets import beacon_wallet, plain_wallet
from tests.simulator.polymarket.clients import (
    DOLLAR,
    OWNER,
    PRIVATE_KEY,
    environment_of,
    market_in,
    official_client,
    played,
)

FAST = {"relayed_after_ms": 1, "signer_limits_scale": "0"}
Scenario = Callable[[PolymarketSimulator, AsyncSecureClient, Wallet], Awaitable[Any]]


@asynccontextmanager
async def wallet_client(
    simulator: PolymarketSimulator, *, wallet: str | None = None
) -> AsyncIterator[AsyncSecureClient]:
    client = await AsyncSecureClient.create(
        private_key=PRIVATE_KEY,
        wallet=wallet,
        api_key=RelayerApiKey(key="relayer", address=OWNER),
        environment=environment_of(simulator),
    )
    try:
        yield client
    finally:
        await client.close()


def with_wallet(scenario: Scenario) -> Any:
    """A deposit wallet that is deployed and has money, and a client on it."""

    async def run(simulator: PolymarketSimulator) -> Any:
        wallet = simulator.venue.fund(
            beacon_wallet(OWNER), owner=OWNER, kind=DEPOSIT_WALLET, cash=1_000 * DOLLAR
        )
        async with wallet_client(simulator, wallet=wallet.address) as client:
            return await scenario(simulator, client, wallet)

    return played(run, **FAST)


def held(wallet: Wallet, market: SimMarket) -> list[int]:
    return [wallet.balances[token] // DOLLAR for token in market.token_ids]


def test_a_wallet_is_deployed_where_there_is_none() -> None:
    async def scenario(simulator: PolymarketSimulator) -> str:
        async with wallet_client(simulator) as client:
            wallet = simulator.exchange.state.accounts.find(client.wallet)
            assert wallet is not None
            assert (wallet.owner, wallet.kind) == (OWNER, DEPOSIT_WALLET)
            return wallet.address

    assert played(scenario, **FAST) in (beacon_wallet(OWNER), plain_wallet(OWNER))


def test_a_deposit_wallet_sets_its_approvals_and_trades() -> None:
    async def scenario(simulator: PolymarketSimulator, client: AsyncSecureClient, wallet: Wallet) -> None:
        market = market_in(simulator)
        wallet.allowances.clear()
        wallet.operators.clear()
        order = await client.create_limit_order(
            asset_id=market.token_ids[0], price="0.52", size="10", side="BUY"
        )
        with pytest.raises(RequestRejectedError, match="the allowance is not enough"):
            await client.post_order(order)

        await client.setup_trading_approvals()
        posted = await client.post_order(order)
        approved = await client.get_trading_approvals_state()

        assert isinstance(posted, AcceptedOrder)
        assert posted.status == "matched"
        assert approved.is_fully_approved

    with_wallet(scenario)


@pytest.mark.parametrize("changes", [{}, {"neg_risk": True}, {"version": "v2"}], ids=str)
def test_positions_are_split_merged_and_redeemed(changes: dict[str, Any]) -> None:
    async def scenario(simulator: PolymarketSimulator, client: AsyncSecureClient, wallet: Wallet) -> None:
        market = market_in(simulator, **changes)
        simulator.venue.approve(wallet)
        seen = []
        handle = await client.split_position(condition_id=market.condition_id, amount=30 * DOLLAR)
        await handle.wait()
        seen.append((held(wallet, market), wallet.balances[CASH] // DOLLAR))
        handle = await client.merge_positions(condition_id=market.condition_id, amount=10 * DOLLAR)
        await handle.wait()
        seen.append((held(wallet, market), wallet.balances[CASH] // DOLLAR))
        simulator.venue.life.resolve(market, (Decimal(1), Decimal(0)))
        handle = await client.redeem_positions(condition_id=market.condition_id)
        outcome = await handle.wait()
        seen.append((held(wallet, market), wallet.balances[CASH] // DOLLAR))

        assert seen == [([30, 30], 970), ([20, 20], 980), ([0, 0], 1_000)]
        assert outcome.transaction_hash.startswith("0x")
        kinds = [deed.kind for deed in simulator.venue.activity.settled]
        assert kinds[:3] == ["SPLIT", "MERGE", "REDEEM"]
        assert set(kinds[3:]) <= {"REDEEM"}  # Protocol V2 redeems each outcome by itself

    with_wallet(scenario)


def test_a_call_that_reverts_fails_with_its_reason() -> None:
    async def scenario(simulator: PolymarketSimulator, client: AsyncSecureClient, wallet: Wallet) -> None:
        market = market_in(simulator)
        wallet.allowances.clear()
        handle = await client.split_position(condition_id=market.condition_id, amount=DOLLAR)
        with pytest.raises(TransactionFailedError, match="insufficient allowance"):
            await handle.wait()
        assert wallet.balances[CASH] == 1_000 * DOLLAR

    with_wallet(scenario)


def test_a_batch_that_somebody_else_signed_is_refused() -> None:
    async def scenario(simulator: PolymarketSimulator, client: AsyncSecureClient, wallet: Wallet) -> None:
        market = market_in(simulator)
        wallet.owner = "0x" + "12" * 20
        with pytest.raises(RequestRejectedError, match="invalid signature"):
            await client.split_position(condition_id=market.condition_id, amount=DOLLAR)

    with_wallet(scenario)


def test_an_eoa_is_no_deployed_wallet() -> None:
    async def scenario(simulator: PolymarketSimulator) -> Any:
        simulator.venue.fund(OWNER)
        url = f"{simulator.url}/deployed?address={OWNER}&type=WALLET"
        async with aiohttp.ClientSession() as session, session.get(url) as told:
            return await told.json()

    assert played(scenario) == {"deployed": False}


def test_an_eoa_sends_its_own_transactions() -> None:
    async def scenario(simulator: PolymarketSimulator) -> None:
        market = market_in(simulator)
        async with official_client(simulator) as client:
            wallet = simulator.exchange.state.accounts.find(OWNER)
            assert wallet is not None
            await client.setup_trading_approvals()
            handle = await client.split_position(condition_id=market.condition_id, amount=30 * DOLLAR)
            outcome = await handle.wait()

            assert held(wallet, market) == [30, 30]
            assert outcome.transaction_hash.startswith("0x")
            assert (await client.get_trading_approvals_state()).is_fully_approved

    played(scenario, **FAST)


@pytest.mark.parametrize(
    ("method", "parameters", "error"),
    [
        ("eth_blobBaseFee", [], "the method eth_blobBaseFee does not exist"),
        ("eth_call", [{"to": OWNER, "data": "0x12345678"}], "has no view 0x12345678"),
        ("eth_sendRawTransaction", ["0x00"], "not a legacy transaction"),
        ("eth_sendRawTransaction", [], "invalid input"),
    ],
)
def test_the_node_says_what_it_cannot_do(method: str, parameters: list[object], error: str) -> None:
    async def scenario(simulator: PolymarketSimulator) -> str:
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        async with aiohttp.ClientSession() as session, session.post(simulator.url + "/", json=asked) as told:
            return json.dumps(await told.json())

    assert error in played(scenario)


@pytest.mark.parametrize("length", [0, 1, 55, 56, 300])
def test_rlp_is_read_as_it_is_written(length: int) -> None:
    item = [b"x" * length, [b"", b"\x01", b"\x80"], b"y"]

    assert decode(encode(item)) == item  # type: ignore[arg-type]  # a list of the recursive type


@pytest.mark.parametrize("raw", [b"", b"\x83ab", b"\x01\x02", b"\xc2\x83ab"])
def test_broken_rlp_is_told(raw: bytes) -> None:
    with pytest.raises(ValueError, match="bytes"):
        decode(raw)


def test_a_transaction_of_another_chain_is_refused() -> None:
    fields: list[Any] = [b"", b"", b"", b"\x11" * 20, b"", b"", b"\x1b", b"\x01", b"\x01"]

    with pytest.raises(ValueError, match="is not of chain 137"):
        read_transaction(encode(fields))
