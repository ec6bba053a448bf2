"""Live trading in one process with the simulated venue: copying, the feed's hooks, reconciliation, budget, one order.

Each part runs on a loop, a database and a venue of its own, and alone too: `python -m bench.live_copying`.
"""

import os

from bench import live_budget, live_copying, live_feed, live_order, live_reconcile

PARTS = (
    live_order.main,
    live_copying.main,
    live_feed.main,
    live_budget.main,
    live_reconcile.main,
)


def main() -> None:
    """Print all five in some three minutes, each after how busy the machine was by then."""
    for part in PARTS:
        part()
        load, cores = os.getloadavg()[0], os.cpu_count()
        print(f"  load of the last minute: {load:.1f} on {cores} cores; above that, tails are the machine's")


if __name__ == "__main__":
    main()
