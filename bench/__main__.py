"""`make bench`: every benchmark, one after the other; `make bench ARGS=orders` runs one."""

import sys

from bench import (
    exchange_orders,
    feed,
    live,
    orders,
    polymarket_orders,
    replay,
    scale,
    storage_commit,
    supervision,
)
from session import tune_interpreter

ALL = {
    "storage": storage_commit.main,
    "orders": orders.main,
    "replay": replay.main,
    "scale": scale.main,
    "supervision": supervision.main,
    "feed": feed.main,
    "exchange_orders": exchange_orders.main,
    "polymarket_orders": polymarket_orders.main,
    "live": live.main,
}


def main() -> int:
    """Run the named benchmarks, or all of them."""
    tune_interpreter()  # as the daemon does
    names = sys.argv[1:] or list(ALL)
    for name in names:
        if name not in ALL:
            print(f"no benchmark {name!r}; there are: {', '.join(ALL)}", file=sys.stderr)
            return 2
        ALL[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
