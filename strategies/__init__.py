"""Strategies, one small file each; `strategies.loader` finds them by the name of the file."""
