"""Polymarket: orders, account and market data of the central limit order book, spoken by ourselves."""
