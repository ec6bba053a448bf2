"""Adapters to venues, all behind the protocol of `venues.base`."""
