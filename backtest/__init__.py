"""Recordings, and the lockstep driver that plays them through the same core as live data."""
