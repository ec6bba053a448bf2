"""What the Polymarket adapter is opened with: hosts and account, from the settings and the keys that were found."""

from live.keys import PolymarketKeys
from live.private_files import credentials_path, store_credentials, stored_credentials
from settings import Settings
from venue_settings import VenueSettings
from venues.polymarket.account import Account, Owner
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


async def open_account(keys: PolymarketKeys, settings: Settings) -> Account:
    """Open the official client with the credentials given, or kept, or else derived and kept from now on.

    Raises ConfigurationError where the venue refuses key or wallet, VenueReadError where it cannot be reached.
    """
    path = credentials_path(settings.db, keys.owner)
    kept = keys.credentials or stored_credentials(path)
    owner = Owner(
        key=keys.key,
        wallet=keys.wallet,
        credentials=kept,
        relayer_key=keys.relayer_key,
        relayer_address=keys.relayer_address,
    )
    account = await Account.open(owner, hosts=hosts_of(settings.venue))
    if keys.credentials is None and (kept is None or kept.key != account.credentials.key):
        store_credentials(path, account.credentials)
    return account
