"""Where Polymarket's services are, as the settings say."""

import aiohttp

from domain.errors import UserError
from venue_settings import VenueSettings
from venues.polymarket.hosts import Hosts

REACH_S_MAX = 1.5
"""Seconds that the venue gets to answer the first question."""


def hosts_of(venue: VenueSettings) -> Hosts:
    """Polymarket's services as the settings name them."""
    return Hosts(
        clob=venue.clob_url,
        gamma=venue.gamma_url,
        data=venue.data_url,
        relayer=venue.relayer_url,
        rpc=venue.rpc_url,
        geoblock=venue.geoblock_url,
        market_stream=venue.market_ws_url,
        user_stream=venue.user_ws_url,
        activity_stream=venue.activity_ws_url,
        price_stream=venue.price_ws_url,
    )


async def reach(venue: VenueSettings) -> None:
    """A feed waits for ever for a venue that comes back; at the start, nobody waits for one that is not there.

    Raises UserError where Polymarket does not answer now.
    """
    url = f"{venue.clob_url}/time"
    try:
        timeout = aiohttp.ClientTimeout(total=REACH_S_MAX)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session, session.get(url):
            pass
    except (aiohttp.ClientError, TimeoutError) as error:
        remedy = "check the network and the hosts, or play a recording with --market replay"
        raise UserError(f"{url} cannot be reached ({str(error) or 'no answer'}); {remedy}") from error
