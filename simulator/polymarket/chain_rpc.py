"""A JSON-RPC node as far as the official client asks one: reads, and signed transactions of an EOA."""

import json
from collections import defaultdict

from aiohttp import web

from simulator.polymarket.answers import answer
from simulator.polymarket.chain import Call, Chain, RevertedError
from simulator.polymarket.contracts import CHAIN_ID
from simulator.polymarket.eip712 import checksummed
from simulator.polymarket.rows import Row
from simulator.polymarket.transactions import Transaction, read_transaction
from simulator.polymarket.venue import Venue
from simulator.timing import NS_PER_MS, NS_PER_S

GAS, GAS_PRICE_WEI = 200_000, 30_000_000_000
METHOD_NOT_FOUND, INVALID_INPUT, REVERTED = -32601, -32000, 3


class RpcError(Exception):
    """An error answer of the node."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class ChainRpc:
    """Handlers by path; `routes` lists them."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._state = venue.state
        self._chain = Chain(venue)
        self._nonces: defaultdict[str, int] = defaultdict(int)
        self._receipts: dict[str, Row | None] = {}

    def routes(self) -> list[web.RouteDef]:
        """The node's one path, under two names."""
        return [web.post("/", self._serve), web.post("/rpc", self._serve)]

    async def _serve(self, request: web.Request) -> web.Response:
        try:
            asked = json.loads(await request.read())
        except ValueError:
            asked = {}
        if isinstance(asked, list):
            return answer([self._answered(one) for one in asked if isinstance(one, dict)])
        return answer(self._answered(asked if isinstance(asked, dict) else {}))

    def _answered(self, asked: Row) -> Row:
        told: Row = {"jsonrpc": "2.0", "id": asked.get("id")}
        parameters = asked.get("params")
        try:
            result = self._result(
                str(asked.get("method")), parameters if isinstance(parameters, list) else []
            )
        except RpcError as error:
            return {**told, "error": {"code": error.code, "message": str(error)}}
        except RevertedError as error:
            return {**told, "error": {"code": REVERTED, "message": f"execution reverted: {error}"}}
        except (ValueError, IndexError, KeyError, TypeError, OverflowError) as error:
            return {**told, "error": {"code": INVALID_INPUT, "message": f"invalid input: {error}"}}
        return {**told, "result": result}

    def _result(self, method: str, parameters: list[object]) -> object:
        match method:
            case "eth_chainId":
                return hex(CHAIN_ID)
            case "eth_blockNumber":
                return hex(self._block())
            case "eth_getBlockByNumber":
                return {"number": hex(self._block()), "timestamp": hex(self._state.now_ns() // NS_PER_S)}
            case "eth_gasPrice" | "eth_estimateGas":
                return hex(GAS_PRICE_WEI if method == "eth_gasPrice" else GAS)
            case "eth_getTransactionCount":
                return hex(self._nonces[checksummed(str(parameters[0]))])
            case "eth_call":
                return "0x" + self._chain.read(_call(parameters[0])).hex()
            case "eth_sendRawTransaction":
                return self._send(read_transaction(bytes.fromhex(str(parameters[0]).removeprefix("0x"))))
            case "eth_getTransactionReceipt":
                return self._receipts.get(str(parameters[0]))
            case _:
                raise RpcError(METHOD_NOT_FOUND, f"the method {method} does not exist")

    def _send(self, transaction: Transaction) -> str:
        """Take a transaction with the sender's next nonce; it is mined a little later."""
        expected = self._nonces[transaction.sender]
        if transaction.nonce != expected:
            low = "too low" if transaction.nonce < expected else "too high"
            raise RpcError(INVALID_INPUT, f"nonce {low}: next nonce {expected}, tx nonce {transaction.nonce}")
        self._nonces[transaction.sender] += 1
        self._receipts[transaction.hash] = None
        due_ns = self._state.now_ns() + self._state.rules.relayed_after_ms * NS_PER_MS
        self._state.agenda.plan(due_ns, lambda _: self._mine(transaction))
        return transaction.hash

    def _mine(self, transaction: Transaction) -> None:
        wallet = self._state.accounts.find(transaction.sender)
        status = "0x0"
        if wallet is not None:
            try:
                self._chain.execute(wallet, [Call(target=transaction.target, data=transaction.data)])
                status = "0x1"
            except RevertedError:
                self._state.faults.mark("transaction reverted")
        self._receipts[transaction.hash] = {
            "transactionHash": transaction.hash,
            "status": status,
            "blockNumber": hex(self._block()),
        }

    def _block(self) -> int:
        """Polygon makes a block about every two seconds."""
        return self._state.now_ns() // NS_PER_S // 2


def _call(value: object) -> Call:
    if not isinstance(value, dict):
        raise ValueError("a call is an object")
    data = bytes.fromhex(str(value["data"]).removeprefix("0x"))
    return Call(target=str(value["to"]), data=data)
