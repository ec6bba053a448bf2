"""The parts of the expiration sniper: its two modes, the model of up/down markets, and what prices have been worth."""
