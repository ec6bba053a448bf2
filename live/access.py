"""What the Polymarket adapter is opened with: hosts and account, from the settings and the keys that were found."""

from live.hosts import hosts_of
from live.keys import PolymarketKeys
from live.private_files import credentials_path, store_credentials, stored_credentials
from settings import Settings
from venues.polymarket.account import Account, Owner


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
