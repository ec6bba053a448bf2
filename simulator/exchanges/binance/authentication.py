"""Who sent a request: the key, the time window and the HMAC signature over the text that was really sent."""

import hashlib
import hmac
from collections.abc import Mapping

from simulator.exchanges.accounts import Account
from simulator.exchanges.binance.errors import BAD_KEY, BAD_KEY_FORMAT, BinanceError
from simulator.exchanges.binance.parameters import Parameters
from simulator.exchanges.exchange import SpotExchange

AHEAD_MS_MAX = 1_000
RECV_WINDOW_MS = 5_000
RECV_WINDOW_MS_MAX = 60_000
SIGNATURE_MARK = "&signature="


def verified(exchange: SpotExchange, *, api_key: str | None, signed_text: str) -> tuple[Account, Parameters]:
    """Check a REST request; `signed_text` is the raw query string and body, one after the other.

    Raises BinanceError -2014, -2015, -1102, -1021, -1131 or -1022: in none of these cases was anything done.
    """
    account = _account_of(exchange, api_key)
    text, _, signature = signed_text.rpartition(SIGNATURE_MARK)
    parameters = Parameters.parsed(text or signed_text)
    if not text:
        parameters.required("signature")
    _check_time(exchange, parameters)
    _check_signature(account, text, signature)
    return account, parameters


def verified_fields(exchange: SpotExchange, fields: Mapping[str, object]) -> tuple[Account, Parameters]:
    """Check a request of the websocket API, which signs its parameters sorted by name."""
    texts = {name: _text(value) for name, value in fields.items()}
    account = _account_of(exchange, texts.get("apiKey"))
    signature = texts.pop("signature", "")
    signed = "&".join(f"{name}={texts[name]}" for name in sorted(texts))
    parameters = Parameters(texts)
    parameters.allow("apiKey")
    if not signature:
        parameters.required("signature")
    _check_time(exchange, parameters)
    _check_signature(account, signed, signature)
    return account, parameters


def _account_of(exchange: SpotExchange, api_key: str | None) -> Account:
    if not api_key:
        raise BAD_KEY_FORMAT.error()
    account = exchange.account(api_key)
    if account is None:
        raise BAD_KEY.error()
    return account


def _check_time(exchange: SpotExchange, parameters: Parameters) -> None:
    timestamp_ms = int(parameters.required("timestamp", r"^[0-9]{1,20}$"))
    window_ms = parameters.whole("recvWindow") or RECV_WINDOW_MS
    now_ms = exchange.clock.now_ms()
    if window_ms > RECV_WINDOW_MS_MAX:
        raise BinanceError(-1131, f"recvWindow must be less than {RECV_WINDOW_MS_MAX}.")
    if timestamp_ms >= now_ms + AHEAD_MS_MAX:
        raise BinanceError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - timestamp_ms > window_ms:
        raise BinanceError(-1021, "Timestamp for this request is outside of the recvWindow.")


def _check_signature(account: Account, text: str, signature: str) -> None:
    expected = hmac.new(account.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature):
        raise BinanceError(-1022, "Signature for this request is not valid.")


def _text(value: object) -> str:
    """Write a JSON value as the client writes it into the text that it signs."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
