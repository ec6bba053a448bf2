"""Where Polymarket's services are, as the settings say."""

from venue_settings import VenueSettings
from venues.polymarket.hosts import Hosts


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
