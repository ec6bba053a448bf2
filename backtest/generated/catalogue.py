"""Which markets a run lists, and when: known from its length alone, without playing it."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import count, takewhile
from typing import NamedTuple

from backtest.recorded_books import RESOLUTION_DELAY_NS, TAKER_FEE_RATES, VENUE
from clock import NS_PER_S, format_time
from domain.identifiers import InstrumentId, MarketId
from domain.instrument import CENT, Instrument, Market, UpDown

TWAP_S = 60
RESOLUTION_DELAY_S = RESOLUTION_DELAY_NS // NS_PER_S
SPOT_LOT = Decimal("0.00001")
LAST_CALL_S = 120
"""The event markets end at least so long before the run does, so that all of them resolve within it."""


class Plan(NamedTuple):
    """Beginning and end of a run in whole UTC seconds; every outcome market listed resolves within it."""

    start_s: int
    end_s: int

    def moment_s(self, share: float) -> int:
        """The second at which so much of the run has passed, early enough to resolve."""
        length_s = self.end_s - self.start_s
        return self.start_s + min(int(length_s * share), length_s - LAST_CALL_S)


class Series(NamedTuple):
    """Up/down markets that follow each other without a pause."""

    asset: str
    name: str
    label: str
    length_s: int


class Window(NamedTuple):
    """One market of a series."""

    series: Series
    start_s: int

    @property
    def end_s(self) -> int:
        """The closing average ends here; the next window starts."""
        return self.start_s + self.series.length_s

    @property
    def slug(self) -> str:
        """The venue's own pattern: asset, length and start in Unix seconds."""
        return f"{self.series.asset.lower()}-updown-{self.series.label}-{self.start_s}"


class Question(NamedTuple):
    """What a market asks; its instruments and its id follow from the slug."""

    slug: str
    text: str
    category: str
    event_id: str
    opens_s: int
    closes_s: int


SERIES = (
    Series("BTC", "Bitcoin", "5m", 300),
    Series("BTC", "Bitcoin", "15m", 900),
    Series("ETH", "Ethereum", "15m", 900),
)
UP_DOWN = ("UP", "DOWN")
YES_NO = ("YES", "NO")
EVENT_SHARE, CONTEST_SHARE = 0.8, 0.9
EVENT_PRIOR = 0.62
CONTESTANTS = (("alder", 0.46), ("birch", 0.26), ("cedar", 0.19), ("dogwood", 0.09))
"""The outcomes of the neg-risk event with what the world believes of each at the start; the sum is one."""


def windows(series: Series, plan: Plan) -> Iterator[Window]:
    """All windows whose opening average and resolution both lie within the run, in order."""
    length_s = series.length_s
    first_s = -(-(plan.start_s + TWAP_S) // length_s) * length_s
    last_s = plan.end_s - length_s - RESOLUTION_DELAY_S
    return (Window(series, s) for s in takewhile(lambda s: s <= last_s, count(first_s, length_s)))


def listed_s(window: Window, plan: Plan) -> int:
    """One interval before the start, or with the run where that is later."""
    return max(plan.start_s, window.start_s - window.series.length_s)


def up_down_market(window: Window) -> Market:
    """A market that settles on the 60-second averages of the asset's settlement feed."""
    series = window.series
    starts, ends = (format_time(second * NS_PER_S) for second in (window.start_s, window.end_s))
    question = Question(
        slug=window.slug,
        text=f"{series.name} Up or Down (generated) - {starts[:16]} to {ends[11:16]} UTC",
        category="crypto",
        event_id=window.slug,
        opens_s=window.start_s,
        closes_s=window.end_s,
    )
    up_down = UpDown(asset=series.asset, feed=f"chainlink:{series.asset}", twap_s=TWAP_S)
    return _market(question, UP_DOWN, up_down=up_down)


def event_market(plan: Plan) -> Market:
    """The one political question; it stands from the first event on."""
    return _market(
        Question(
            slug="harbour-bill-passes",
            text="Will the harbour bill pass? (generated)",
            category="politics",
            event_id="harbour-bill-passes",
            opens_s=plan.start_s,
            closes_s=plan.moment_s(EVENT_SHARE),
        ),
        YES_NO,
    )


def contest_markets(plan: Plan) -> tuple[Market, ...]:
    """The markets of the neg-risk event: they share its id, and exactly one YES pays."""
    return tuple(
        _market(
            Question(
                slug=f"lantern-prize-{name}",
                text=f"Will {name.title()} win the Lantern Prize? (generated)",
                category="culture",
                event_id="lantern-prize",
                opens_s=plan.start_s,
                closes_s=plan.moment_s(CONTEST_SHARE),
            ),
            YES_NO,
            is_neg_risk=True,
        )
        for name, _ in CONTESTANTS
    )


def spot_market(plan: Plan) -> Market:
    """The reference pair: it has books and prints, takes no orders and never resolves."""
    market_id = MarketId("gen-btc-usdt")
    pair = "BTC/USDT"
    instrument = Instrument(
        id=InstrumentId(f"{market_id}:{pair}"),
        market_id=market_id,
        venue=VENUE,
        outcome=pair,
        complement_id=None,
        tick_size=CENT,
        lot_size=SPOT_LOT,
        quantity_min=SPOT_LOT,
    )
    return Market(
        id=market_id,
        venue=VENUE,
        slug="btc-usdt",
        question="Bitcoin in USDT (generated)",
        category="reference",
        event_id="btc-usdt",
        opens_ns=plan.start_s * NS_PER_S,
        closes_ns=plan.end_s * NS_PER_S,
        instruments=(instrument,),
        is_reference=True,
    )


def instrument_ids(plan: Plan) -> Iterator[InstrumentId]:
    """Every instrument that the run will list."""
    for market in (spot_market(plan), event_market(plan), *contest_markets(plan)):
        yield from (instrument.id for instrument in market.instruments)
    for series in SERIES:
        for window in windows(series, plan):
            yield from (InstrumentId(f"gen-{window.slug}:{outcome}") for outcome in UP_DOWN)


def _market(
    question: Question,
    outcomes: tuple[str, str],
    *,
    up_down: UpDown | None = None,
    is_neg_risk: bool = False,
) -> Market:
    market_id = MarketId(f"gen-{question.slug}")
    ids = tuple(InstrumentId(f"{market_id}:{outcome}") for outcome in outcomes)
    instruments = tuple(
        Instrument(
            id=instrument_id,
            market_id=market_id,
            venue=VENUE,
            outcome=outcome,
            complement_id=complement_id,
            tick_size=CENT,
            fee_rate=TAKER_FEE_RATES[question.category],
        )
        for instrument_id, complement_id, outcome in zip(ids, ids[::-1], outcomes, strict=True)
    )
    return Market(
        id=market_id,
        venue=VENUE,
        slug=question.slug,
        question=question.text,
        category=question.category,
        event_id=question.event_id,
        opens_ns=question.opens_s * NS_PER_S,
        closes_ns=question.closes_s * NS_PER_S,
        instruments=instruments,
        up_down=up_down,
        is_neg_risk=is_neg_risk,
    )
