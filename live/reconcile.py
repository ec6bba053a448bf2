"""Our books against the venue's: orders, fills, money and shares; what is ours is adopted, what is not is named.

A read that fails proves nothing: the verdict is then "failed", and whatever stood before stands.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

import msgspec
from msgspec import Struct

from clock import NS_PER_S, Scheduler
from domain.errors import VenueReadError
from domain.identifiers import InstrumentId, OrderId
from domain.instrument import assets_of
from domain.ledger import AccountKind
from domain.messages import Fill, Filled
from domain.money import PUSD, ZERO, is_share, unit_of
from domain.order import OrderStatus
from domain.records import ReconciliationRecord
from engine import Engine
from executor import Executor
from state.portfolio import Portfolio
from venues.base import Venue, VenueBalance, VenueOrder

OVERLAP_S = 3_600
"""Fills are read from so long before the newest that we have: venues show some of them late."""

VISIBILITY_LAG_S = 5
"""An order that was acknowledged so lately may be missing from the venue's list."""

DUST = Decimal("0.01")
"""Less than the smallest lot, in shares or pUSD: rounding of fees leaves it, and nothing can trade it."""

ROUNDED_UNITS_MAX = 1_000
"""What an exchange's rounding may leave in its assets: a unit for each trade of a pair with a finer grid than ours."""

RESTING = (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)
LINES_SHOWN_MAX = 200
NOT_LISTED = "order not listed"


class Finding(Struct, frozen=True, kw_only=True):
    """One difference, in words; `blocks` where it keeps the trading gate closed until a person has looked."""

    kind: str
    text: str
    blocks: bool


class Report(Struct, frozen=True, kw_only=True):
    """What one comparison looked at and found. `verdict` is clean, drift or failed."""

    time_ns: int
    cause: str
    verdict: str
    orders: int
    fills: int
    balances: int
    findings: tuple[Finding, ...]

    @property
    def reason(self) -> str:
        """Why the gate stays closed; empty where nothing keeps it so."""
        blocking = [f"{finding.kind}: {finding.text}" for finding in self.findings if finding.blocks]
        more = f" (and {len(blocking) - 1} more)" if len(blocking) > 1 else ""
        return f"{blocking[0]}{more}" if blocking else ""

    def lines(self) -> list[str]:
        """The report for a person."""
        counts = f"{self.orders} orders, {self.fills} fills, {self.balances} balances"
        head = f"reconciliation ({self.cause}): {self.verdict}; {counts}"
        shown = [f"  {f.kind}{' (blocks)' if f.blocks else ''}: {f.text}" for f in self.findings]
        more = len(shown) - LINES_SHOWN_MAX
        return [head, *shown[:LINES_SHOWN_MAX], *([f"  and {more} more"] if more > 0 else [])]

    def record(self) -> ReconciliationRecord:
        """The report as it is stored."""
        report = msgspec.json.encode(self.findings).decode()
        return ReconciliationRecord(
            time_ns=self.time_ns, cause=self.cause, verdict=self.verdict, report=report
        )


class Reconciler:
    """Compares one session with one venue, again and again; `baseline` is what the account held before it began."""

    def __init__(self, *, engine: Engine, executor: Executor, venue: Venue, scheduler: Scheduler) -> None:
        self.baseline: dict[str, Decimal] = {}
        self.is_known: Callable[[str], bool] = lambda _: False
        """Whether the store knows an order of ours by the venue's id: those of long ago are not in memory."""
        self._engine = engine
        self._executor = executor
        self._venue = venue
        self._scheduler = scheduler
        self._opened_ns = self._since_ns = scheduler.now_ns()

    def begin(self, *, opened_ns: int, since_ns: int, baseline: Mapping[str, Decimal]) -> None:
        """Say when the account's story began and what it held then that is not ours; fills up to `since_ns` are known.

        Venues tell the times of fills in whole seconds.
        """
        self._opened_ns, self._since_ns = opened_ns // NS_PER_S * NS_PER_S, since_ns
        self.baseline = dict(baseline)

    def _is_over(self, asset: str) -> bool:
        return self._engine.market.payout(InstrumentId(asset)) is not None

    async def reconcile(self, cause: str) -> Report:
        """Compare everything, adopt what is ours, store the report."""
        time_ns = self._scheduler.now_ns()
        try:
            fills = await self._venue.fills_since(max(0, self._since_ns - OVERLAP_S * NS_PER_S))
            working = await self._venue.open_orders()
            balances = await self._venue.balances()
        except VenueReadError as error:
            finding = Finding(kind="read failed", text=str(error), blocks=False)
            return self._keep(self._report(time_ns, cause, "failed", (0, 0, 0), (finding,)))
        findings = (
            *self._adopt_fills(fills),
            *self._compare_orders(working, time_ns),
            *compare_balances(self._engine.orders.portfolio, balances, self.baseline, is_over=self._is_over),
        )
        self._since_ns = max((fill.time_ns for fill in fills), default=self._since_ns)
        verdict = "drift" if any(finding.blocks for finding in findings) else "clean"
        counts = len(working), len(fills), len(balances)
        return self._keep(self._report(time_ns, cause, verdict, counts, findings))

    def _adopt_fills(self, fills: tuple[Fill, ...]) -> Iterator[Finding]:
        """Post what the streams have missed; a fill of an order that is not ours is named."""
        orders = self._engine.orders
        for fill in fills:
            if orders.order(fill.order_id) is None:
                if fill.time_ns >= self._opened_ns and not self.is_known(fill.order_id):
                    text = f"{fill.side} {fill.quantity} {fill.instrument_id} at {fill.price}, order {fill.order_id}"
                    yield Finding(kind="foreign fill", text=text, blocks=True)
            elif not orders.portfolio.has_seen(fill):
                self._executor.report(Filled(fill=fill, time_ns=self._scheduler.now_ns()))
                text = f"{fill.side} {fill.quantity} at {fill.price}, trade {fill.trade_id}, order {fill.order_id}"
                yield Finding(kind="fill adopted", text=text, blocks=False)

    def _compare_orders(self, working: tuple[VenueOrder, ...], time_ns: int) -> Iterator[Finding]:
        """Name orders that are not ours, and ask about ours that the venue does not list (any more)."""
        orders = self._engine.orders
        listed: set[OrderId] = set()
        for seen in working:
            listed.add(seen.order_id)
            ours = orders.order(seen.order_id)
            if ours is None:
                text = f"order {seen.order_id} rests at the venue and is not of this session"
                yield Finding(kind="foreign order", text=text, blocks=True)
            elif ours.is_done:
                text = f"order {ours.id} is {ours.status} here and rests at the venue"
                yield Finding(kind="order rests", text=text, blocks=True)
        for order in list(orders.live):
            is_settled = time_ns - order.updated_ns > VISIBILITY_LAG_S * NS_PER_S
            if order.status in RESTING and order.id not in listed and is_settled:
                self._executor.doubt(order.id)
                text = f"order {order.id} is {order.status} here and not listed there: asked about"
                yield Finding(kind=NOT_LISTED, text=text, blocks=False)

    def _report(
        self,
        time_ns: int,
        cause: str,
        verdict: str,
        counts: tuple[int, int, int],
        findings: tuple[Finding, ...],
    ) -> Report:
        orders, fills, balances = counts
        return Report(
            time_ns=time_ns,
            cause=cause,
            verdict=verdict,
            orders=orders,
            fills=fills,
            balances=balances,
            findings=findings,
        )

    def _keep(self, report: Report) -> Report:
        self._executor.take(self._engine.keep(report.record()))
        return report


def compare_balances(
    portfolio: Portfolio,
    balances: tuple[VenueBalance, ...],
    baseline: Mapping[str, Decimal],
    *,
    is_over: Callable[[str], bool] = lambda _: False,
) -> Iterator[Finding]:
    """Name each asset of which the venue holds another amount than ours and the baseline explain.

    A fill that is matched and not final may have moved the venue's balance already, or not yet: both are right. What an
    exchange holds of assets that we have nothing of is the owner's business: named, and no reason to stop. Nor are
    shares of a market that is over: worthless ones stay in the wallet, and what others redeem shows in the money.
    """
    theirs = {balance.asset: balance.total for balance in balances}
    ours = settled(portfolio)
    for asset in sorted({*theirs, *ours}):
        if asset not in theirs and is_share(asset):
            continue  # not asked about: the venue lists what it holds, and shares of nothing may be left out
        low, high = pending(portfolio, asset)
        dust = _dust(asset)
        expected = ours.get(asset, ZERO) + baseline.get(asset, ZERO)
        have = theirs.get(asset, ZERO)
        if expected + low - dust <= have <= expected + high + dust:
            continue
        least, most = f"{(expected + low).normalize():f}", f"{(expected + high).normalize():f}"
        between = least if low == high else f"{least} to {most}"
        text = (
            f"the venue holds {have.normalize():f} {asset}, our books and what was there before say {between}"
        )
        is_concern = asset == portfolio.cash_asset or is_share(asset) or ours.get(asset, ZERO) > 0
        yield Finding(kind="balance", text=text, blocks=is_concern and not is_over(asset))


def settled(portfolio: Portfolio) -> dict[str, Decimal]:
    """What the ledger says is ours and final, by asset: free or set aside; negative for fees in a third asset, which
    came out of what the account held before us."""
    totals: dict[str, Decimal] = {}
    for account, asset, balance in portfolio.ledger.balances():
        is_money = asset == portfolio.cash_asset
        kinds = MONEY if is_money else THINGS
        if account.kind in kinds and (not is_money or account.owner == portfolio.wallet):
            totals[asset] = totals.get(asset, ZERO) + balance
    return totals


MONEY = (AccountKind.CASH, AccountKind.RESERVED)
THINGS = (AccountKind.INVENTORY, AccountKind.RESERVED, AccountKind.EXTERNAL)


def pending(portfolio: Portfolio, asset: str) -> tuple[Decimal, Decimal]:
    """By how much the venue's balance may lie below and above ours for fills that are not final.

    A purchase has left our cash already and may not have left theirs; its shares may be there and are not ours yet.
    """
    low = high = ZERO
    for booked in portfolio.unsettled.values():
        thing, money = assets_of(booked.fill.instrument_id)
        if asset == money:
            high += booked.money
        elif asset == thing:
            high += booked.quantity
    return low, high


def _dust(asset: str) -> Decimal:
    return DUST if asset == PUSD or is_share(asset) else ROUNDED_UNITS_MAX * unit_of(asset)
