"""What calls to the venue's contracts do to a wallet, and what they read: approvals, splits, merges, redemptions."""

from collections.abc import Callable

from msgspec import Struct

from simulator.polymarket.accounts import CASH, Wallet
from simulator.polymarket.contracts import (
    COLLATERAL,
    COLLATERAL_ADAPTER,
    CONDITIONAL_TOKENS,
    DEPOSIT_WALLET_BEACON,
    NEG_RISK_COLLATERAL_ADAPTER,
    POSITION_MANAGER,
    PROTOCOL_V2_ROUTER,
)
from simulator.polymarket.eip712 import WORD, checksummed, keccak, left_padded, word
from simulator.polymarket.markets import SimMarket
from simulator.polymarket.venue import Venue

SELECTOR_BYTES = 4
FACTORY_BEACON = bytes.fromhex("49493a4d")
"""Selector of the factory's view that names its beacon."""

TOKEN_CONTRACTS = (CONDITIONAL_TOKENS, POSITION_MANAGER, "0xd91E80cF2E7be2e162c6513ceD06f1dD0dA35296")
ADAPTERS = (COLLATERAL_ADAPTER, NEG_RISK_COLLATERAL_ADAPTER)


class RevertedError(Exception):
    """A contract refuses the call; the text says why."""


class Call(Struct, frozen=True, kw_only=True):
    """One call as it goes on chain."""

    target: str
    data: bytes
    value: int = 0


class Arguments:
    """The words of a call after its selector; RevertedError where they are too few."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def number(self, place: int) -> int:
        """An unsigned number."""
        return int.from_bytes(self.word(place), "big")

    def address(self, place: int) -> str:
        """An address, checksummed."""
        return checksummed("0x" + self.word(place)[12:].hex())

    def numbers(self, place: int) -> list[int]:
        """A list of numbers, which stands elsewhere in the data."""
        start = self.number(place) // WORD
        return [self.number(start + 1 + index) for index in range(self.number(start))]

    def addresses(self, place: int) -> list[str]:
        """A list of addresses."""
        start = self.number(place) // WORD
        return [self.address(start + 1 + index) for index in range(self.number(start))]

    def word(self, place: int) -> bytes:
        """32 bytes."""
        found = self._data[place * WORD : (place + 1) * WORD]
        if len(found) != WORD:
            raise RevertedError(f"the call has no argument {place}")
        return found


def selector(signature: str) -> bytes:
    """The first four bytes of a call, by the function's name and types."""
    return keccak(signature.encode())[:SELECTOR_BYTES]


Change = Callable[["Chain", Wallet, str, Arguments], None]
Read = Callable[["Chain", Arguments], bytes]


class Chain:
    """Carries calls out at once; who may make them has been checked by whoever relays them."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def execute(self, wallet: Wallet, calls: list[Call]) -> None:
        """Carry out all calls of a wallet; RevertedError stops at the first that is refused."""
        for call in calls:
            change = CHANGES.get(call.data[:SELECTOR_BYTES])
            if change is None:
                raise RevertedError(f"{call.target} has no function 0x{call.data[:SELECTOR_BYTES].hex()}")
            change(self, wallet, checksummed(call.target), Arguments(call.data[SELECTOR_BYTES:]))

    def read(self, call: Call) -> bytes:
        """What a view function returns; RevertedError where there is none."""
        read = READS.get(call.data[:SELECTOR_BYTES])
        if read is None:
            raise RevertedError(f"{call.target} has no view 0x{call.data[:SELECTOR_BYTES].hex()}")
        return read(self, Arguments(call.data[SELECTOR_BYTES:]))

    def approve(self, wallet: Wallet, target: str, arguments: Arguments) -> None:
        """Let a contract take pUSD up to an amount."""
        _expect(target, (COLLATERAL,))
        wallet.allowances[arguments.address(0)] = arguments.number(1)

    def transfer(self, wallet: Wallet, target: str, arguments: Arguments) -> None:
        """Send pUSD to another address."""
        _expect(target, (COLLATERAL,))
        receiver, amount = self._venue.state.accounts.find(arguments.address(0)), arguments.number(1)
        if wallet.balances[CASH] < amount:
            raise RevertedError("transfer amount exceeds balance")
        wallet.balances[CASH] -= amount
        if receiver is not None:
            receiver.balances[CASH] += amount
        self._venue.exchange.cancel_uncovered(wallet)

    def set_approval(self, wallet: Wallet, target: str, arguments: Arguments) -> None:
        """Let a contract move all outcome tokens, or no longer."""
        _expect(target, TOKEN_CONTRACTS)
        operator = arguments.address(0)
        if arguments.number(1):
            wallet.operators.add(operator)
        else:
            wallet.operators.discard(operator)

    def split(self, wallet: Wallet, target: str, arguments: Arguments) -> None:
        """Split in the first generation: the condition is the third argument, the amount the fifth."""
        _expect(target, ADAPTERS)
        self._split(wallet, target, self._market(arguments.word(2)), arguments.number(4))

    def merge(self, wallet: Wallet, target: str, arguments: Arguments) -> None:
        """Merge in the first generation."""
        _expect(target, ADAPTERS)
        self._merge(wallet, target, self._market(arguments.word(2)), arguments.number(4))

    def redeem(self, wallet: Wallet, target: str, arguments: Arguments) -> None:
        """Redeem in the first generation: both outcomes at once."""
        _expect(target, ADAPTERS)
        self._redeem(wallet, target, self._market(arguments.word(2)), (0, 1))

    def split_v2(self, wallet: Wallet, target: str, arguments: Arguments) -> None:
        """Split through the router of Protocol V2."""
        _expect(target, (PROTOCOL_V2_ROUTER,))
        self._split(wallet, target, self._market(arguments.word(0)), arguments.number(1))

    def merge_v2(self, wallet: Wallet, target: str, arguments: Arguments) -> None:
        """Merge through the router."""
        _expect(target, (PROTOCOL_V2_ROUTER,))
        self._merge(wallet, target, self._market(arguments.word(0)), arguments.number(1))

    def redeem_v2(self, wallet: Wallet, target: str, arguments: Arguments) -> None:
        """Redeem through the router; it names an outcome and an amount, which must be there."""
        _expect(target, (PROTOCOL_V2_ROUTER,))
        market, outcome = self._market(arguments.word(0)), arguments.number(1)
        if outcome > 1 or wallet.balances[market.token_ids[outcome]] < arguments.number(2):
            raise RevertedError("redeem amount exceeds balance")
        self._redeem(wallet, target, market, (outcome,))

    def allowance(self, arguments: Arguments) -> bytes:
        """pUSD that the second address may take of the first."""
        wallet = self._venue.state.accounts.find(arguments.address(0))
        return word(wallet.allowances.get(arguments.address(1), 0) if wallet else 0)

    def is_approved(self, arguments: Arguments) -> bytes:
        """Whether the second address may move the first's outcome tokens."""
        wallet = self._venue.state.accounts.find(arguments.address(0))
        return word(int(bool(wallet and arguments.address(1) in wallet.operators)))

    def balance(self, arguments: Arguments) -> bytes:
        """Shares of one outcome."""
        return word(self._held(arguments.address(0), str(arguments.number(1))))

    def cash_balance(self, arguments: Arguments) -> bytes:
        """pUSD of an address."""
        return word(self._held(arguments.address(0), CASH))

    def balances(self, arguments: Arguments) -> bytes:
        """Shares of several owners and outcomes, as a list."""
        pairs = zip(arguments.addresses(0), arguments.numbers(1), strict=True)
        held = [self._held(owner, str(token)) for owner, token in pairs]
        return word(WORD) + word(len(held)) + b"".join(map(word, held))

    def _held(self, owner: str, token: str) -> int:
        wallet = self._venue.state.accounts.find(owner)
        return wallet.balances.get(token, 0) if wallet else 0

    def _market(self, condition: bytes) -> SimMarket:
        market = self._venue.state.markets.by_condition.get("0x" + condition.hex())
        if market is None:
            raise RevertedError(f"no condition 0x{condition.hex()}")
        return market

    def _split(self, wallet: Wallet, target: str, market: SimMarket, amount: int) -> None:
        if wallet.allowances.get(target, 0) < amount:
            raise RevertedError("insufficient allowance")
        try:
            self._venue.life.split(wallet, market, amount)
        except ValueError as error:
            raise RevertedError(str(error)) from error

    def _merge(self, wallet: Wallet, target: str, market: SimMarket, amount: int) -> None:
        self._may_move(wallet, target)
        try:
            self._venue.life.merge(wallet, market, amount)
        except ValueError as error:
            raise RevertedError(str(error)) from error

    def _redeem(self, wallet: Wallet, target: str, market: SimMarket, outcomes: tuple[int, ...]) -> None:
        self._may_move(wallet, target)
        try:
            self._venue.life.redeem(wallet, market, outcomes=outcomes)
        except ValueError as error:
            raise RevertedError(str(error)) from error

    @staticmethod
    def _may_move(wallet: Wallet, target: str) -> None:
        if target not in wallet.operators:
            raise RevertedError("caller is not an approved operator")


def _expect(target: str, contracts: tuple[str, ...]) -> None:
    if target not in {checksummed(contract) for contract in contracts}:
        raise RevertedError(f"{target} has no such function")


CHANGES: dict[bytes, Change] = {
    selector("approve(address,uint256)"): Chain.approve,
    selector("transfer(address,uint256)"): Chain.transfer,
    selector("setApprovalForAll(address,bool)"): Chain.set_approval,
    selector("splitPosition(address,bytes32,bytes32,uint256[],uint256)"): Chain.split,
    selector("mergePositions(address,bytes32,bytes32,uint256[],uint256)"): Chain.merge,
    selector("redeemPositions(address,bytes32,bytes32,uint256[])"): Chain.redeem,
    selector("split(bytes31,uint256)"): Chain.split_v2,
    selector("merge(bytes31,uint256)"): Chain.merge_v2,
    selector("redeem(bytes31,uint256,uint256)"): Chain.redeem_v2,
}
READS: dict[bytes, Read] = {
    selector("allowance(address,address)"): Chain.allowance,
    selector("isApprovedForAll(address,address)"): Chain.is_approved,
    selector("balanceOf(address,uint256)"): Chain.balance,
    selector("balanceOf(address)"): Chain.cash_balance,
    selector("balanceOfBatch(address[],uint256[])"): Chain.balances,
    FACTORY_BEACON: lambda _chain, _arguments: left_padded(bytes.fromhex(DEPOSIT_WALLET_BEACON[2:])),
}
