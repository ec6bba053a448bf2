"""The outcomes that the sniper is shipped with, added up; run as a module it prints their report."""

from decimal import Decimal

from strategies.sniping.calibration import Tally, calibrate, render

D = Decimal

SHIPPED = (
    # The embedded recording: ten BTC 15-minute markets of 2026-09-28, each side's first ask in the bucket while
    # its market ran. The top bucket stops at 0.985, which is the most that the sniper pays.
    Tally("crypto", D("0.80"), D("0.90"), n=10, won=8, paid=D("8.03")),
    Tally("crypto", D("0.90"), D("0.95"), n=10, won=10, paid=D("9.09")),
    Tally("crypto", D("0.95"), D("1.00"), n=10, won=10, paid=D("9.50")),
    # Published measurements of 121 BTC 5-minute markets, 2026-07-26 and 27: the first ask in the bucket, looked
    # at 120, 90, 60, 45, 30, 20 and 10 seconds before the end, and the winner.
    Tally("crypto", D("0.80"), D("0.90"), n=53, won=44, paid=D("45.03")),
    Tally("crypto", D("0.90"), D("0.95"), n=49, won=47, paid=D("45.129")),
    Tally("crypto", D("0.95"), D("1.00"), n=72, won=71, paid=D("69.77")),
    # Counter-Strike 2 matches from 2025-09 on: favourites at 0.95 or more when the match began, at 98 % on average.
    Tally("esports", D("0.95"), D("1.00"), n=61, won=54, paid=D("59.78")),
)
"""One outcome a market and bucket; sums only, so that nobody's recording is passed on."""

if __name__ == "__main__":
    print("\n".join(render(calibrate(SHIPPED))))
