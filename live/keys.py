"""The keys a venue is traded with, found in the environment, in .env or in a keystore, and looked at before use."""

import re
from pathlib import Path

from msgspec import Struct

from domain.errors import ConfigurationError
from live.keystore import KEYSTORE, opened, owner_of, password_for
from live.terminal import Terminal
from settings import Secret, Settings
from venue_settings import WalletType
from venues.polymarket.signing import Credentials, OrderSigner, RequestSigner, Wallet, WalletKind, checksummed

PRIVATE_KEY = "POLYMARKET_PRIVATE_KEY"
API_NAMES = ("POLYMARKET_API_KEY", "POLYMARKET_API_SECRET", "POLYMARKET_API_PASSPHRASE")
API_SECRET = re.compile(r"[A-Za-z0-9_-]{8,200}={0,2}")
RELAYER_KEY, RELAYER_ADDRESS = "POLYMARKET_RELAYER_KEY", "POLYMARKET_RELAYER_ADDRESS"
KINDS = {
    WalletType.EOA: WalletKind.EOA,
    WalletType.PROXY: WalletKind.PROXY,
    WalletType.SAFE: WalletKind.SAFE,
    WalletType.DEPOSIT: WalletKind.DEPOSIT,
}


class PolymarketKeys(Struct, frozen=True, kw_only=True):
    """Key and wallet; API credentials where they were given, else they are derived from the key; the relayer's key
    pays for transactions of a deposit wallet."""

    key: Secret
    owner: str
    wallet: Wallet
    credentials: Credentials | None = None
    relayer_key: Secret | None = None
    relayer_address: str = ""

    def __repr__(self) -> str:
        return f"PolymarketKeys(owner={self.owner}, wallet={self.wallet.address})"

    @property
    def last_four(self) -> str:
        """What a person types to show that this wallet is meant."""
        return self.wallet.address[-4:]


class ExchangeKeys(Struct, frozen=True, kw_only=True):
    """What an exchange hands out; some ask for a password (or passphrase) besides."""

    api_key: Secret
    secret: Secret
    password: Secret | None = None

    @property
    def last_four(self) -> str:
        """What a person types to show that this account is meant: the end of the key, which is no secret."""
        return self.api_key.reveal()[-4:]


Keys = PolymarketKeys | ExchangeKeys


def hidden_values(keys: Keys) -> tuple[str, ...]:
    """All that a log must not show of these keys, those from a keystore too: for the redactor, and nothing else."""
    match keys:
        case PolymarketKeys():
            digits = keys.key.reveal().removeprefix("0x")
            given = keys.credentials
            api = (given.key, given.secret.reveal(), given.passphrase.reveal()) if given else ()
            relayer = (keys.relayer_key.reveal(),) if keys.relayer_key else ()
            return (digits, f"0x{digits}", *api, *relayer)
        case ExchangeKeys():
            password = (keys.password.reveal(),) if keys.password else ()
            return (keys.api_key.reveal(), keys.secret.reveal(), *password)


def find_keys(settings: Settings, terminal: Terminal) -> Keys:
    """Find the keys of the configured venue; may ask for a keystore's password.

    Raises ConfigurationError, never with a part of a key in it, where one is missing, twice there or malformed.
    """
    if settings.venue.is_polymarket:
        return polymarket_keys(settings, terminal)
    return exchange_keys(settings)


def polymarket_keys(settings: Settings, terminal: Terminal) -> PolymarketKeys:
    """Key, wallet and API credentials for Polymarket; see `find_keys`."""
    key = _private_key(settings, terminal)
    owner = _named(PRIVATE_KEY, key)
    wallet = _wallet(settings, owner)
    OrderSigner(key=key, wallet=wallet)
    relayer = settings.environment.get(RELAYER_ADDRESS)
    return PolymarketKeys(
        key=key,
        owner=owner,
        wallet=wallet,
        credentials=_credentials(settings),
        relayer_key=settings.environment.get(RELAYER_KEY),
        relayer_address=relayer.reveal() if relayer else owner,
    )


def exchange_keys(settings: Settings) -> ExchangeKeys:
    """API key and secret of the configured exchange; see `find_keys`."""
    prefix = settings.venue.key_prefix
    found = {
        ending: settings.environment.get(prefix + ending) for ending in ("API_KEY", "SECRET", "PASSWORD")
    }
    api_key, secret = found["API_KEY"], found["SECRET"]
    if api_key is None or secret is None:
        missing = prefix + ("SECRET" if api_key else "API_KEY")
        raise ConfigurationError(
            f"{missing} is missing; put it into .env (chmod 600 .env): a key that may trade and not withdraw"
        )
    for ending in ("API_KEY", "PASSWORD"):
        value = found[ending]
        if value is not None and not _is_one_word(value):
            raise ConfigurationError(
                f"{prefix}{ending} has blanks or other characters that no key has; copy it anew"
            )
    return ExchangeKeys(api_key=api_key, secret=secret, password=found["PASSWORD"])


def _private_key(settings: Settings, terminal: Terminal) -> Secret:
    given, keystore = settings.environment.get(PRIVATE_KEY), settings.environment.get(KEYSTORE)
    if given is not None and keystore is not None:
        raise ConfigurationError(
            f"{PRIVATE_KEY} and {KEYSTORE} are both there; take one out, the keystore is safer"
        )
    if given is not None:
        return Secret(given.reveal().strip())
    if keystore is not None:
        path = Path(keystore.reveal())
        return opened(path, password_for(path, settings, terminal))
    raise ConfigurationError(
        f"{PRIVATE_KEY} is missing; put it into .env (chmod 600 .env), or behind a password: "
        "python orchestrator.py keystore FILE"
    )


def _named(name: str, key: Secret) -> str:
    try:
        return owner_of(key)
    except ConfigurationError as error:
        raise ConfigurationError(f"{name}: {error}; copy it anew from the wallet's export") from None


def _wallet(settings: Settings, owner: str) -> Wallet:
    """Whose money: the address given, checked letter by letter where it is written with both cases."""
    venue = settings.venue
    address = venue.wallet or owner
    spelled = checksummed(bytes.fromhex(address.removeprefix("0x")))
    digits = address.removeprefix("0x")
    if digits not in (digits.lower(), digits.upper()) and spelled != address:
        raise ConfigurationError(
            f"wallet {address}: a digit or the case of a letter is wrong (it would be {spelled}); copy it anew"
        )
    is_own = spelled == owner
    if venue.wallet_type is WalletType.AUTO:
        return Wallet(spelled, WalletKind.EOA if is_own else WalletKind.DEPOSIT)
    kind = KINDS[venue.wallet_type]
    if is_own and kind is not WalletKind.EOA:
        raise ConfigurationError(
            f"venue.wallet_type {venue.wallet_type}: {spelled} is the key's own address; set POLYMARKET_WALLET"
        )
    return Wallet(spelled, kind)


def _credentials(settings: Settings) -> Credentials | None:
    found = {name: settings.environment.get(name) for name in API_NAMES}
    key, secret, passphrase = found.values()
    if key is None and secret is None and passphrase is None:
        return None
    if key is None or secret is None or passphrase is None:
        missing = ", ".join(name for name, value in found.items() if value is None)
        raise ConfigurationError(
            f"{missing} missing: the three belong together; add it, or take the others out and they are derived"
        )
    if not API_SECRET.fullmatch(secret.reveal()):
        raise ConfigurationError(
            f"{API_NAMES[1]} is not url-safe base64; copy it anew, or have the three derived"
        )
    credentials = Credentials(key=key.reveal(), secret=secret, passphrase=passphrase)
    RequestSigner(credentials)
    return credentials


def _is_one_word(secret: Secret) -> bool:
    text = secret.reveal()
    return text.isascii() and text.isprintable() and " " not in text
