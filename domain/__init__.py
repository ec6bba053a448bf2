"""The vocabulary of the trade: immutable values with no clock, no loop and no I/O."""
