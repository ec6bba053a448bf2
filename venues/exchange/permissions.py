"""What a key may do: one that can withdraw is refused, since a thief of this machine would have it too."""

from typing import Any

from domain.errors import ConfigurationError
from venues.exchange.connection import Connection
from venues.exchange.reads import row_of

ENDPOINTS = {
    "binance": "sapi_get_account_apirestrictions",
    "bybit": "private_get_v5_user_query_api",
    "okx": "private_get_account_config",
}
"""ccxt's methods that tell the rights of the key that asks."""


async def can_withdraw(connection: Connection) -> bool | None:
    """Whether the key in use may withdraw; None where the exchange does not tell, or ccxt does not know how to ask.

    Raises VenueReadError where the question failed.
    """
    exchange = connection.settings.exchange
    method = getattr(connection.data, ENDPOINTS.get(exchange, ""), None)
    if method is None:
        return None
    return _may_withdraw(exchange, await row_of(method, "rights of the key"))


async def refuse_withdrawal_keys(connection: Connection) -> bool:
    """Raise ConfigurationError where the key may withdraw; False where that could not be found out.

    Raises VenueReadError where the exchange could not be asked.
    """
    answer = await can_withdraw(connection)
    if answer:
        exchange = connection.settings.exchange
        raise ConfigurationError(
            f"the key of {exchange} may withdraw; make one that may only read and trade, and delete this one"
        )
    return answer is not None


def _may_withdraw(exchange: str, answer: dict[str, Any]) -> bool | None:
    match exchange:
        case "binance":
            told = answer.get("enableWithdrawals")
            return told if isinstance(told, bool) else None
        case "bybit":
            wallet = ((answer.get("result") or {}).get("permissions") or {}).get("Wallet")
            return "Withdraw" in wallet if isinstance(wallet, list) else None
        case "okx":
            rows = answer.get("data") or [{}]
            rights = rows[0].get("perm")
            return "withdraw" in rights.split(",") if isinstance(rights, str) else None
        case _:
            return None
