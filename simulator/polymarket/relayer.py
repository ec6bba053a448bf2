"""The relayer: deploys deposit wallets and puts their owners' signed batches of calls on chain, without gas."""

from collections import defaultdict
from collections.abc import Callable

import msgspec
from aiohttp import web
from msgspec import Struct

from simulator.polymarket.accounts import Wallet
from simulator.polymarket.answers import RefusedError, answer
from simulator.polymarket.chain import Call, Chain, RevertedError
from simulator.polymarket.contracts import CHAIN_ID
from simulator.polymarket.eip712 import (
    DOMAIN_TYPE,
    WALLET_NAME_HASH,
    WALLET_VERSION_HASH,
    address_bytes,
    checksummed,
    digest_of,
    keccak,
    left_padded,
    recover,
    word,
)
from simulator.polymarket.identifiers import hex_word, uuid_like
from simulator.polymarket.refusals import Refusal, bad
from simulator.polymarket.rows import Row
from simulator.polymarket.signatures import DEPOSIT_WALLET, PROXY, SAFE
from simulator.polymarket.venue import Venue
from simulator.polymarket.wallets import beacon_wallet, plain_wallet
from simulator.timing import NS_PER_MS, NS_PER_S

CALL_TYPE = b"Call(address target,uint256 value,bytes data)"
BATCH_TYPE = b"Batch(address wallet,uint256 nonce,uint256 deadline,Call[] calls)" + CALL_TYPE
KINDS = {"PROXY": PROXY, "SAFE": SAFE, "WALLET": DEPOSIT_WALLET}
NO_KEY = Refusal(status=401, text="invalid authorization")


class WireCall(Struct, frozen=True):
    """One call of a batch."""

    target: str
    value: str
    data: str


class BatchParameters(Struct, frozen=True, rename="camel"):
    """What the owner signed."""

    deposit_wallet: str
    deadline: str
    calls: list[WireCall]


class Submission(Struct, frozen=True, kw_only=True, rename="camel"):
    """A request to put something on chain."""

    type: str
    sender: str = msgspec.field(name="from")
    to: str
    nonce: str = ""
    signature: str = ""
    metadata: str = ""
    deposit_wallet_params: BatchParameters | None = None


class Relayed(Struct, kw_only=True):
    """One submission and what has become of it."""

    id: str
    hash: str
    wallet: str
    state: str = "STATE_NEW"
    error: str = ""


class Relayer:
    """Handlers by path; `routes` lists them. Batches of a wallet go one after the other."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._state = venue.state
        self._chain = Chain(venue)
        self._nonces: defaultdict[str, int] = defaultdict(int)
        self._relayed: dict[str, Relayed] = {}

    def routes(self) -> list[web.RouteDef]:
        """The paths of the relayer."""
        return [
            web.get("/deployed", self._deployed),
            web.get("/v1/account/transactions/params", self._parameters),
            web.post("/submit", self._submit),
            web.get("/v1/account/transactions/{id}", self._transaction),
        ]

    async def _deployed(self, request: web.Request) -> web.Response:
        """An EOA is no contract, so it is never deployed."""
        wallet = self._state.accounts.find(request.query.get("address", ""))
        kind = KINDS.get(request.query.get("type", "WALLET"))
        return answer({"deployed": wallet is not None and wallet.kind == kind})

    async def _parameters(self, request: web.Request) -> web.Response:
        self._authorize(request)
        owner = checksummed(request.query.get("address", ""))
        wallet = self._wallet_of(owner)
        nonce = self._nonces[wallet.address] if wallet else 0
        return answer({"address": owner, "nonce": str(nonce)})

    async def _submit(self, request: web.Request) -> web.Response:
        self._authorize(request)
        try:
            submission = msgspec.json.decode(await request.read(), type=Submission)
        except msgspec.DecodeError as error:
            raise RefusedError(bad(f"invalid request: {error}")) from error
        if submission.type == "WALLET-CREATE":
            relayed = self._create(submission)
        elif submission.type == "WALLET":
            relayed = self._relay(submission)
        else:
            raise RefusedError(bad(f"unsupported transaction type {submission.type}"))
        return answer({"state": relayed.state, "transactionHash": "", "transactionID": relayed.id})

    async def _transaction(self, request: web.Request) -> web.Response:
        relayed = self._relayed.get(request.match_info["id"])
        if relayed is None:
            raise RefusedError(Refusal(status=404, text="transaction not found"))
        row: Row = {
            "transaction_id": relayed.id,
            "state": relayed.state,
            "transaction_hash": "" if relayed.state == "STATE_NEW" else relayed.hash,
            "error_msg": relayed.error or None,
        }
        return answer(row)

    def _create(self, submission: Submission) -> Relayed:
        owner = checksummed(submission.sender)
        address = beacon_wallet(owner)
        relayed = self._begin(address)

        def deploy(now_ns: int) -> None:
            self._state.accounts.register(address, owner=owner, kind=DEPOSIT_WALLET)
            self._confirm(relayed, now_ns)

        self._plan(deploy)
        return relayed

    def _relay(self, submission: Submission) -> Relayed:
        batch = submission.deposit_wallet_params
        if batch is None or not batch.calls:
            raise RefusedError(bad("depositWalletParams with calls are required"))
        wallet = self._state.accounts.find(batch.deposit_wallet)
        if wallet is None or wallet.kind != DEPOSIT_WALLET:
            raise RefusedError(bad(f"wallet {batch.deposit_wallet} is not deployed"))
        calls = self._checked(submission, batch, wallet)
        relayed = self._begin(wallet.address)
        self._nonces[wallet.address] += 1

        def execute(now_ns: int) -> None:
            try:
                self._chain.execute(wallet, calls)
            except RevertedError as error:
                relayed.state, relayed.error = "STATE_FAILED", str(error)
                return
            self._confirm(relayed, now_ns)

        self._plan(execute)
        return relayed

    def _checked(self, submission: Submission, batch: BatchParameters, wallet: Wallet) -> list[Call]:
        """The calls, where the owner signed exactly this batch with the next nonce and in time."""
        active = [one for one in self._relayed.values() if one.wallet == wallet.address]
        if any(one.state in ("STATE_NEW", "STATE_EXECUTED") for one in active):
            raise RefusedError(bad("wallet busy: it has an active action"))
        expected = self._nonces[wallet.address]
        try:
            nonce, deadline = int(submission.nonce), int(batch.deadline)
            calls = [
                Call(
                    target=call.target,
                    value=int(call.value),
                    data=bytes.fromhex(call.data.removeprefix("0x")),
                )
                for call in batch.calls
            ]
            signature = bytes.fromhex(submission.signature.removeprefix("0x"))
            digest = batch_digest(wallet.address, nonce=nonce, deadline=deadline, calls=calls)
            signed_by = recover(digest, signature)
        except (ValueError, OverflowError) as error:
            raise RefusedError(bad(f"invalid signature: {error}")) from error
        if nonce != expected:
            raise RefusedError(bad(f"batch nonce {nonce} does not match on-chain nonce {expected}"))
        if deadline < self._state.now_ns() // NS_PER_S:
            raise RefusedError(bad("deadline has passed"))
        if signed_by != wallet.owner:
            raise RefusedError(bad("invalid signature"))
        return calls

    def _begin(self, address: str) -> Relayed:
        ordinal = len(self._relayed)
        relayed = Relayed(
            id=uuid_like(self._state.seed, "relayed", ordinal),
            hash=hex_word(self._state.seed, "relayed", ordinal),
            wallet=address,
        )
        self._relayed[relayed.id] = relayed
        return relayed

    def _plan(self, callback: Callable[[int], None]) -> None:
        due_ns = self._state.now_ns() + self._state.rules.relayed_after_ms * NS_PER_MS
        self._state.agenda.plan(due_ns, callback)

    def _confirm(self, relayed: Relayed, now_ns: int) -> None:
        relayed.state = "STATE_MINED"

        def confirm(_: int) -> None:
            relayed.state = "STATE_CONFIRMED"

        self._state.agenda.plan(now_ns + self._state.rules.relayed_after_ms * NS_PER_MS, confirm)

    def _wallet_of(self, owner: str) -> Wallet | None:
        for address in (beacon_wallet(owner), plain_wallet(owner)):
            if wallet := self._state.accounts.find(address):
                return wallet
        return None

    @staticmethod
    def _authorize(request: web.Request) -> None:
        """A relayer key and its address, or a builder key; which ones exist is not checked."""
        headers = request.headers
        has_relayer_key = "RELAYER_API_KEY" in headers and "RELAYER_API_KEY_ADDRESS" in headers
        if not has_relayer_key and "POLY_BUILDER_API_KEY" not in headers:
            raise RefusedError(NO_KEY)


def batch_digest(wallet: str, *, nonce: int, deadline: int, calls: list[Call]) -> bytes:
    """What the owner of a deposit wallet signs for a batch of calls."""
    separator = keccak(
        keccak(DOMAIN_TYPE)
        + WALLET_NAME_HASH
        + WALLET_VERSION_HASH
        + word(CHAIN_ID)
        + left_padded(address_bytes(wallet))
    )
    hashes = b"".join(
        keccak(
            keccak(CALL_TYPE) + left_padded(address_bytes(call.target)) + word(call.value) + keccak(call.data)
        )
        for call in calls
    )
    struct_hash = keccak(
        keccak(BATCH_TYPE)
        + left_padded(address_bytes(wallet))
        + word(nonce)
        + word(deadline)
        + keccak(hashes)
    )
    return digest_of(separator, struct_hash)
