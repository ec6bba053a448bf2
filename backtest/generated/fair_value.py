"""The fair probability of an up/down market that settles on time-weighted averages: pure arithmetic."""

import math
from statistics import NormalDist

NORMAL = NormalDist()
ROOT_2 = math.sqrt(2.0)
RANK_EDGE = 1e-6

ASK_SHOWN = ((30.0, 0.0), (60.0, 0.33), (120.0, 0.78), (180.0, 0.92), (240.0, 1.0))
"""Share of markets whose favourite shows any ask, by seconds left: measured on 18 BTC 15-minute markets
(14/18 at 120 s, 6/18 at 60 s, 0/18 from 30 s on); the last two points continue the line."""

EXTREMITY_WEIGHT = 0.9
"""How far the emptying follows the lead of the favourite rather than luck: asks vanish where it is decided."""


def probability_up(*, lead: float, deviation: float) -> float:
    """Chance that the closing average ends at least at the opening one, now expected `lead` above it.

    >>> round(probability_up(lead=30.0, deviation=20.0), 4)  # 1.5 deviations
    0.9332
    """
    if deviation <= 0.0:
        return 1.0 if lead >= 0.0 else 0.0
    return 0.5 * math.erfc(-lead / (deviation * ROOT_2))


def variance_left_s(*, length_s: int, left_s: float, window_s: int) -> float:
    """Variance of closing less opening average that is still to come, in seconds of the price's own variance.

    Inside the closing window the past is fixed and s seconds weigh (s/W)² · s/3; before it s − 2W/3 are left;
    before the start the opening average moves along with the price.

    >>> variance_left_s(length_s=300, left_s=100, window_s=60)  # 100 - 2 * 60 / 3
    60.0
    >>> variance_left_s(length_s=300, left_s=30, window_s=60)  # (30 / 60)² * 30 / 3
    2.5
    >>> round(variance_left_s(length_s=300, left_s=500, window_s=60), 6)  # 300 - 60 / 3: nothing is known yet
    280.0
    """
    if left_s <= window_s:
        return (left_s / window_s) ** 2 * left_s / 3
    if left_s <= length_s:
        return left_s - 2 * window_s / 3
    share = min(1.0, (left_s - length_s) / window_s)
    return length_s - 2 * window_s / 3 + share * window_s * (1 - share + share * share / 3)


def share_with_ask(left_s: float) -> float:
    """Share of markets in which somebody still offers the favourite with so many seconds left.

    >>> share_with_ask(90)  # halfway between 0.33 and 0.78
    0.555
    """
    previous_s, previous = ASK_SHOWN[0]
    if left_s <= previous_s:
        return previous
    for knot_s, share in ASK_SHOWN[1:]:
        if left_s <= knot_s:
            return previous + (share - previous) * (left_s - previous_s) / (knot_s - previous_s)
        previous_s, previous = knot_s, share
    return 1.0


def emptiness_rank(*, surprise: float, luck: float) -> float:
    """Place of a market among all, 0 to 1, by how decided it is: it is empty where this exceeds the share shown.

    `surprise` is the lead in deviations of what could have happened so far, `luck` a normal number of the
    market's own. Both are normal over many markets, so the rank is uniform and the share comes out as measured.
    """
    decided = math.erf(abs(surprise) / ROOT_2)
    score = NORMAL.inv_cdf(min(max(decided, RANK_EDGE), 1.0 - RANK_EDGE))
    mixed = EXTREMITY_WEIGHT * score + math.sqrt(1.0 - EXTREMITY_WEIGHT**2) * luck
    return 0.5 * math.erfc(-mixed / ROOT_2)
