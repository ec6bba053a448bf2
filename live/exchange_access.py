"""What the adapter of an exchange is opened with, from the settings and the keys that were found."""

from live.keys import ExchangeKeys
from live.private_files import install_id
from settings import Settings
from venues.exchange.connection import ExchangeSettings


def exchange_settings(settings: Settings, keys: ExchangeKeys | None) -> ExchangeSettings:
    """The exchange as the settings name it; without keys it is good for public data only."""
    venue = settings.venue
    overrides: dict[str, object] = {"urls": venue.urls} if venue.urls else {}
    if venue.options:
        overrides["options"] = venue.options
    return ExchangeSettings(
        exchange=venue.name,
        symbols=venue.symbols,
        install_id=install_id(settings),
        api_key=keys.api_key if keys else None,
        secret=keys.secret if keys else None,
        password=keys.password if keys else None,
        is_sandbox=venue.sandbox,
        overrides=overrides,
    )
