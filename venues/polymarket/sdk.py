"""The one place that touches private parts of the official client, pinned to 0.14.0: its hosts, and our self-check.

Whatever else is needed of that client goes through its public names, in account.py.
"""

import dataclasses

from Crypto.Hash import keccak
from eth_account import Account
from polymarket import PRODUCTION
from polymarket._internal.actions.orders.context import resolve_order_exchange_address
from polymarket._internal.actions.orders.typed_data import (
    _app_domain_separator,
    _order_contents_hash,
    build_order_signature,
    build_order_typed_data,
)
from polymarket._internal.actions.orders.types import BYTES32_ZERO, UnsignedOrder
from polymarket._internal.environment import PRODUCTION_CONFIG
from polymarket._internal.protocol import is_v2_position_id
from polymarket.environments import Environment, _create_environment
from polymarket.models.types import TokenId
from polymarket.types import EvmAddress, HexString

from domain.errors import ConfigurationError
from domain.instrument import Side
from settings import Secret
from venues.polymarket.hosts import PRODUCTION as PRODUCTION_HOSTS
from venues.polymarket.hosts import Hosts
from venues.polymarket.signing import OrderSigner, OrderTerms, Signed

CHECKED_TERMS = (
    OrderTerms(
        salt=(1 << 53) - 1,
        token_id=(1 << 255) + 977,
        maker_amount=5_262_400,
        taker_amount=10_120_000,
        side=Side.BUY,
        timestamp_ms=1_795_233_734_380,
    ),
    OrderTerms(
        salt=1,
        token_id=(1 << 248) + 1,
        maker_amount=10_000,
        taker_amount=9_999,
        side=Side.SELL,
        timestamp_ms=1_795_233_734_381,
        is_neg_risk=True,
    ),
)
"""A token of the first generation and a position of the second: between them they cover what varies at a start."""


def environment(hosts: Hosts) -> Environment:
    """The official client's environment on these hosts; contracts and chain stay those of production."""
    if hosts == PRODUCTION_HOSTS:
        return PRODUCTION
    config = dataclasses.replace(
        PRODUCTION_CONFIG,
        clob_url=hosts.clob,
        gamma_url=hosts.gamma,
        data_url=hosts.data,
        relayer_url=hosts.relayer,
        rfq_url=hosts.relayer,
        rpc_url=hosts.rpc,
        builder_gateway_url=hosts.relayer,
        collateral_return_url=hosts.relayer,
        perps_url=hosts.relayer,
        clob_market_ws_url=hosts.market_stream,
        clob_user_ws_url=hosts.user_stream,
        rtds_ws_url=hosts.activity_stream,
        realtime_ws_url=hosts.price_stream,
        sports_ws_url=hosts.sports_stream,
    )
    return _create_environment(name="configured", config=config)


def self_check(signer: OrderSigner, *, key: Secret) -> None:
    """Sign two orders both ways; raises ConfigurationError where ours and the official client's differ.

    Run once at every start, before the first order: an upgrade that changed the protocol is noticed here.
    """
    for terms in CHECKED_TERMS:
        ours, theirs = signer.sign(terms), reference(signer, terms, key=key)
        if ours != theirs:
            raise ConfigurationError(
                f"order {theirs.order_id} of the official client is {ours.order_id} here, or is signed otherwise; "
                "nothing may be sent: install polymarket-client==0.14.0, or update signing.py"
            )


def reference(signer: OrderSigner, terms: OrderTerms, *, key: Secret) -> Signed:
    """Id and signature of the same order as the official client's own functions make them, slowly."""
    asset_id = TokenId(str(terms.token_id))
    order = UnsignedOrder(
        chain_id=PRODUCTION_CONFIG.chain_id,
        builder=BYTES32_ZERO,
        exchange_address=resolve_order_exchange_address(
            PRODUCTION_CONFIG, asset_id=asset_id, neg_risk=terms.is_neg_risk
        ),
        expiration=0,
        maker=EvmAddress(signer.maker),
        maker_amount=terms.maker_amount,
        metadata=BYTES32_ZERO,
        order_type="GTC",
        salt=terms.salt,
        side=terms.side.value,
        signature_type=int(signer.wallet.kind),
        signer=EvmAddress(signer.signer),
        taker_amount=terms.taker_amount,
        timestamp=terms.timestamp_ms,
        token_id=asset_id,
        protocol_version="3" if is_v2_position_id(asset_id) else "2",
    )
    account = Account.from_key(key.reveal())
    signature = account.sign_typed_data(full_message=build_order_typed_data(order)).signature.hex()
    domain = bytes.fromhex(_app_domain_separator(order, protocol_version=order.protocol_version)[2:])
    digest = keccak.new(digest_bits=256, data=b"\x19\x01" + domain + _order_contents_hash(order)).hexdigest()
    return Signed("0x" + digest, build_order_signature(order, HexString("0x" + signature)))
