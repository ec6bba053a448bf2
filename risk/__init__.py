"""Controls: what an intent must pass, each a pure function, all in one tuple."""
