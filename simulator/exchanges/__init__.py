"""Simulated spot exchanges: one matching core, and a server for each exchange's own protocol around it."""
