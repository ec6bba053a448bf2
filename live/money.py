"""What the money of a live session is."""

from config import Settings
from domain.errors import ConfigurationError
from domain.money import PUSD


def money_of(settings: Settings) -> str:
    """pUSD at Polymarket; at an exchange the one asset that all selected pairs are priced in.

    Raises ConfigurationError where no pair is selected, or pairs with several quotes.
    """
    venue = settings.venue
    if venue.is_polymarket:
        return PUSD
    if not venue.symbols:
        raise ConfigurationError(f"--venue {venue.name}: no pair is selected; give --select BTC/USDT")
    quotes = sorted({symbol.partition("/")[2].partition(":")[0] for symbol in venue.symbols})
    if len(quotes) > 1:
        raise ConfigurationError(
            f"--select {','.join(venue.symbols)}: priced in {' and '.join(quotes)}, and a session has one money; "
            "select pairs of one, and run the others on another --db"
        )
    return quotes[0]
