"""Binance spot over loopback: REST, market streams and the websocket API, as its documents of 2026-07 have them."""
