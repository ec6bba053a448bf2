"""The store: one SQLite file that one thread writes and everybody may read."""
