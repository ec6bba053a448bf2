"""A trader without a socket: signs orders as a client does and hands them to the engine."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from coincurve import PrivateKey
from msgspec import Struct, structs

from simulator.faults import FaultPlan
from simulator.polymarket.accounts import Wallet
from simulator.polymarket.api_keys import ApiKey
from simulator.polymarket.eip712 import SignedFields, checksummed, digest_of, keccak, order_hash, wrapped_hash
from simulator.polymarket.exchange import Placed
from simulator.polymarket.markets import MarketSpec, SimMarket
from simulator.polymarket.order_payload import read_posted
from simulator.polymarket.refusals import Refusal
from simulator.polymarket.settings import VenueRules
from simulator.polymarket.signatures import DEPOSIT_WALLET, EOA, PROXY, SAFE, separator_of
from simulator.polymarket.venue import Venue
from simulator.polymarket.wallets import beacon_wallet
from simulator.timing import SimulatorClock

NOW_NS = 1_795_200_000 * 10**9
SECOND = 10**9
DOLLAR = 1_000_000
RAIN = MarketSpec(slug="will-it-rain", question="Will it rain?", fee_rate=Decimal(0))

Body = dict[str, object]


def venue_with(*, seed: int = 1, **switches: Any) -> Venue:
    """A venue whose clock stands still until a test moves it."""
    venue = Venue(seed=seed, clock=SimulatorClock(lambda: NOW_NS), faults=FaultPlan(seed), rules=VenueRules())
    venue.rules.change(switches)
    return venue


def market_in(venue: Venue, spec: MarketSpec = RAIN, **changes: Any) -> SimMarket:
    """A market with an empty book and no fee unless the spec has one."""
    return venue.life.create(structs.replace(spec, **changes))


def quote(venue: Venue, market: SimMarket, *, bid: str = "", ask: str = "", shares: int = 100) -> None:
    """Let the house stand at one level on each side that is given."""
    venue.house.set_book(
        market,
        bids=[(int(Decimal(bid) * 10_000), shares * DOLLAR)] if bid else [],
        asks=[(int(Decimal(ask) * 10_000), shares * DOLLAR)] if ask else [],
    )


class Order(Struct, frozen=True):
    """What a trader wants, in decimal text."""

    token: str
    side: str = "BUY"
    price: str = "0.50"
    size: str = "10"
    kind: str = "GTC"
    post_only: bool = False
    expiration: int = 0
    money: str = ""
    """Overrides price × size where it is given."""


class Trader:
    """One wallet with an API key at one venue."""

    def __init__(self, venue: Venue, *, number: int = 1, kind: int = EOA, cash: int = 1_000) -> None:
        self.venue = venue
        self.secret = PrivateKey(bytes([number]) * 32)
        public = self.secret.public_key.format(compressed=False)
        self.owner = checksummed("0x" + keccak(public[1:])[12:].hex())
        self.kind = kind
        self.address = self._address(number)
        self.wallet: Wallet = venue.fund(self.address, owner=self.owner, kind=kind, cash=cash * DOLLAR)
        key = venue.keys.create(self.owner, 0)
        assert key is not None
        self.key: ApiKey = key
        self._salt = number * 1_000_000

    def _address(self, number: int) -> str:
        """Wallets of the old kinds are contracts at an address of their own."""
        if self.kind == DEPOSIT_WALLET:
            return beacon_wallet(self.owner)
        return self.owner if self.kind == EOA else checksummed("0x" + bytes([0xC0 + number]).hex() * 20)

    def give(self, token: str, shares: int) -> None:
        """Put outcome tokens into the wallet."""
        self.wallet.balances[token] += shares * DOLLAR

    def body(self, order: Order, change: Callable[[Body, Body], None] | None = None) -> bytes:
        """The signed request; `change` gets the outer and the inner object before they are signed."""
        shares = int(Decimal(order.size) * DOLLAR)
        money = int(Decimal(order.money or Decimal(order.price) * Decimal(order.size)) * DOLLAR)
        maker_amount, taker_amount = (money, shares) if order.side == "BUY" else (shares, money)
        self._salt += 1
        inner: Body = {
            "builder": "0x" + "00" * 32,
            "expiration": str(order.expiration),
            "maker": self.address,
            "makerAmount": str(maker_amount),
            "metadata": "0x" + "00" * 32,
            "salt": self._salt,
            "side": order.side,
            "signatureType": self.kind,
            "signer": self.owner if self.kind in (PROXY, SAFE) else self.address,
            "takerAmount": str(taker_amount),
            "timestamp": str(self.venue.state.now_ns() // 1_000_000),
            "tokenId": order.token,
        }
        outer: Body = {
            "deferExec": False,
            "order": inner,
            "orderType": order.kind,
            "owner": self.key.key,
            **({"postOnly": True} if order.post_only else {}),
        }
        if change:
            change(outer, inner)
        try:
            inner.setdefault("signature", self.signature(inner))
        except (ValueError, OverflowError):
            inner["signature"] = "0x" + "11" * 65  # a field that cannot be signed
        return json.dumps(outer, separators=(",", ":")).encode()

    def signature(self, inner: Body) -> str:
        """Sign the fields as they stand, for the market's own contract."""
        fields = SignedFields(
            salt=int(str(inner["salt"])),
            maker=str(inner["maker"]),
            signer=str(inner["signer"]),
            token_id=int(str(inner["tokenId"])),
            maker_amount=int(str(inner["makerAmount"])),
            taker_amount=int(str(inner["takerAmount"])),
            side=0 if inner["side"] == "BUY" else 1,
            signature_type=int(str(inner["signatureType"])),
            timestamp_ms=int(str(inner["timestamp"])),
            metadata=bytes(32),
            builder=bytes(32),
        )
        market = self.venue.state.markets.by_token.get(str(inner["tokenId"]))
        separator = separator_of(fields.token_id, neg_risk=bool(market and market.spec.neg_risk))
        contents = order_hash(fields)
        if self.kind != DEPOSIT_WALLET:
            return "0x" + self._sign(digest_of(separator, contents)).hex()
        signed = self._sign(digest_of(separator, wrapped_hash(contents, wallet=self.address)))
        type_text = (
            b"Order(uint256 salt,address maker,address signer,uint256 tokenId,uint256 makerAmount,"
            b"uint256 takerAmount,uint8 side,uint8 signatureType,uint256 timestamp,bytes32 metadata,"
            b"bytes32 builder)"
        )
        return "0x" + (signed + separator + contents + type_text + len(type_text).to_bytes(2, "big")).hex()

    def post(self, order: Order, change: Callable[[Body, Body], None] | None = None) -> Placed | Refusal:
        """Send one order."""
        return self.send(self.body(order, change))

    def send(self, body: bytes) -> Placed | Refusal:
        """Send these bytes."""
        posted = read_posted(body)
        return posted if isinstance(posted, Refusal) else self.venue.exchange.submit(posted, self.key)

    def placed(self, order: Order) -> Placed:
        """Send one order that the venue takes."""
        result = self.post(order)
        assert isinstance(result, Placed), result
        return result

    def refused(self, order: Order, change: Callable[[Body, Body], None] | None = None) -> Refusal:
        """Send one order that the venue refuses."""
        result = self.post(order, change)
        assert isinstance(result, Refusal), result
        return result

    def _sign(self, digest: bytes) -> bytes:
        signed = self.secret.sign_recoverable(digest, hasher=None)
        return signed[:64] + bytes([signed[64] + 27])
