"""Source files as syntax trees, each parsed once: a dozen rules look at every file."""

import ast
from functools import lru_cache


@lru_cache(maxsize=2_000)
def parsed(source: str) -> ast.Module:
    """The tree of a file; whoever gets it must not change it."""
    return ast.parse(source)
