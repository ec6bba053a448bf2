"""Where Polymarket's services are: production by default, one loopback address in a rehearsal."""

from msgspec import Struct


class Hosts(Struct, frozen=True, kw_only=True):
    """Base URLs without a trailing slash; paths are appended as they are, since requests are signed with them."""

    clob: str = "https://clob.polymarket.com"
    gamma: str = "https://gamma-api.polymarket.com"
    data: str = "https://data-api.polymarket.com"
    relayer: str = "https://relayer-v2.polymarket.com"
    rpc: str = "https://polygon.drpc.org"
    geoblock: str = "https://polymarket.com/api/geoblock"
    market_stream: str = "wss://ws-subscriptions-clob.polymarket.com/ws/market"
    user_stream: str = "wss://ws-subscriptions-clob.polymarket.com/ws/user"
    activity_stream: str = "wss://ws-live-data.polymarket.com"
    price_stream: str = "wss://ws-live-v2.polymarket.com/ws"
    sports_stream: str = "wss://sports-api.polymarket.com/ws"


PRODUCTION = Hosts()


def single_host(url: str, *, stream_url: str) -> Hosts:
    """All services behind one server, such as the simulator's: their paths do not clash.

    >>> single_host("http://127.0.0.1:8080", stream_url="ws://127.0.0.1:8080").user_stream
    'ws://127.0.0.1:8080/ws/user'
    """
    return Hosts(
        clob=url,
        gamma=url,
        data=url,
        relayer=url,
        rpc=f"{url}/rpc",
        geoblock=f"{url}/api/geoblock",
        market_stream=f"{stream_url}/ws/market",
        user_stream=f"{stream_url}/ws/user",
        activity_stream=f"{stream_url}/rtds",
        price_stream=f"{stream_url}/bolt",
        sports_stream=f"{stream_url}/sports",
    )
