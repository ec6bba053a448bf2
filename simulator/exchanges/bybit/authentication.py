"""Who sent a request to Bybit: key, time window and HMAC over the text that was really sent."""

import hashlib
import hmac

from simulator.exchanges.accounts import Account
from simulator.exchanges.bybit.errors import BybitError
from simulator.exchanges.exchange import SpotExchange
from simulator.exchanges.fault_gate import Call

AHEAD_MS_MAX = 1_000
RECV_WINDOW_MS = 5_000
REALTIME = "GET/realtime"


def verified(exchange: SpotExchange, call: Call) -> Account:
    """Check a REST request; raises BybitError 10003, 10002 or 10004, and nothing was done."""
    account = exchange.account(call.headers.get("X-BAPI-API-KEY", ""))
    if account is None:
        raise BybitError(10003, "API key is invalid.")
    timestamp, window = call.headers.get("X-BAPI-TIMESTAMP", ""), call.headers.get("X-BAPI-RECV-WINDOW", "")
    _check_time(exchange, timestamp, window or str(RECV_WINDOW_MS))
    text = timestamp + account.api_key + window + (call.body if call.method == "POST" else call.query)
    if not hmac.compare_digest(_signature(account, text), call.headers.get("X-BAPI-SIGN", "")):
        raise BybitError(10004, "error sign! please check your signature generation algorithm.")
    return account


def verified_stream(exchange: SpotExchange, arguments: list[object]) -> Account:
    """Check what a private stream logs in with: key, end of validity in milliseconds, signature."""
    if len(arguments) != len(("key", "expires", "signature")):
        raise BybitError(10001, "Params Error")
    api_key, expires, signature = (str(argument) for argument in arguments)
    account = exchange.account(api_key)
    if account is None:
        raise BybitError(10003, "API key is invalid.")
    if not expires.isdigit() or int(expires) <= exchange.clock.now_ms():
        raise BybitError(10002, "Request expired.")
    if not hmac.compare_digest(_signature(account, REALTIME + expires), signature):
        raise BybitError(10004, "error sign!")
    return account


def _check_time(exchange: SpotExchange, timestamp: str, window: str) -> None:
    now_ms = exchange.clock.now_ms()
    if not (timestamp.isdigit() and window.isdigit()):
        raise BybitError(10001, "timestamp or recv_window is not a number.")
    if not now_ms - int(window) <= int(timestamp) < now_ms + AHEAD_MS_MAX:
        text = f"invalid request, please check your server timestamp or recv_window param. server_timestamp[{now_ms}]"
        raise BybitError(10002, text)


def _signature(account: Account, text: str) -> str:
    return hmac.new(account.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
