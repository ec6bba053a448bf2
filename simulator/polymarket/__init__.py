"""Polymarket's protocols on loopback, in the state of November 2026."""
