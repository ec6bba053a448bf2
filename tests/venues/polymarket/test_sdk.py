"""Our signatures beside the official client's, and that client on hosts of our choice."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polymarket import PRODUCTION

from domain.errors import ConfigurationError
from domain.instrument import Side
from tests.venues.polymarket.wallets import KEY, signer_for
from venues.polymarket.hosts import Hosts, single_host
from venues.polymarket.sdk import environment, reference, self_check
from venues.polymarket.signing import OrderSigner, OrderTerms, Signed, WalletKind

UINT_256 = st.integers(min_value=0, max_value=2**256 - 1)
POSITIONS = st.builds(
    lambda high, outcome: high << 104 | outcome,
    st.integers(min_value=1, max_value=2**152 - 1),
    st.integers(min_value=0, max_value=1),
)


@settings(max_examples=40, deadline=None)
@given(
    terms=st.builds(
        OrderTerms,
        salt=st.integers(min_value=0, max_value=2**53 - 1),
        token_id=UINT_256 | POSITIONS,
        maker_amount=st.integers(min_value=1, max_value=10**15),
        taker_amount=st.integers(min_value=1, max_value=10**15),
        side=st.sampled_from(Side),
        timestamp_ms=st.integers(min_value=0, max_value=2**41),
        is_neg_risk=st.booleans(),
    ),
    kind=st.sampled_from(WalletKind),
)
def test_any_order_gets_the_id_and_signature_that_the_official_client_gives_it(
    terms: OrderTerms, kind: WalletKind
) -> None:
    signer = signer_for(kind)

    assert signer.sign(terms) == reference(signer, terms, key=KEY)


@pytest.mark.parametrize("kind", WalletKind)
def test_the_check_at_start_passes_for_each_kind_of_wallet(kind: WalletKind) -> None:
    self_check(signer_for(kind), key=KEY)


def test_the_check_at_start_stops_a_signer_that_differs() -> None:
    class Drifted(OrderSigner):
        def sign(self, terms: OrderTerms) -> Signed:
            return super().sign(msgspec.structs.replace(terms, salt=terms.salt + 1))

    signer = Drifted(key=KEY, wallet=signer_for(WalletKind.EOA).wallet)

    with pytest.raises(ConfigurationError, match="nothing may be sent"):
        self_check(signer, key=KEY)


def test_the_official_client_is_pointed_at_the_hosts_given_and_keeps_the_contracts() -> None:
    chosen = environment(single_host("http://127.0.0.1:1", stream_url="ws://127.0.0.1:1"))

    urls = {name: getattr(chosen._config, name) for name in dir(chosen._config) if name.endswith("_url")}
    elsewhere = {name: url for name, url in urls.items() if "127.0.0.1:1" not in str(url)}
    assert set(elsewhere) <= {"rfq_quoter_ws_url", "perps_ws_url"}
    assert chosen._config.standard_exchange == PRODUCTION._config.standard_exchange


def test_the_hosts_of_production_are_the_official_clients_own() -> None:
    config = PRODUCTION._config

    assert environment(Hosts()) is PRODUCTION
    assert (config.clob_url, config.gamma_url, config.data_url) == (Hosts().clob, Hosts().gamma, Hosts().data)
    assert (config.relayer_url, config.rpc_url) == (Hosts().relayer, Hosts().rpc)
    assert (config.clob_user_ws_url, config.realtime_ws_url) == (Hosts().user_stream, Hosts().price_stream)
