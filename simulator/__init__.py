"""Loopback venues that speak the real ones' protocols, strictly, with faults on demand: `python -m simulator`."""
