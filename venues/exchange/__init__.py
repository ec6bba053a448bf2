"""Any exchange that ccxt knows, behind the `Venue` protocol: spot pairs, limit orders."""
