"""Every version of every client's order and every fill, so that a read can be answered as of an earlier moment."""

from simulator.exchanges.orders import SpotFill, SpotOrder

NOW_NS = 2**63 - 1
"""Later than any event: reads with it see everything."""


class OrderLog:
    """Orders and fills by owner; versions are appended and never changed."""

    def __init__(self) -> None:
        self._versions: dict[int, list[SpotOrder]] = {}
        self._by_owner: dict[str, list[int]] = {}
        self._by_client_id: dict[tuple[str, str], list[int]] = {}
        self._open: dict[str, dict[int, None]] = {}
        self._fills: dict[str, list[SpotFill]] = {}
        self._fills_by_order: dict[int, list[SpotFill]] = {}

    def note(self, order: SpotOrder) -> None:
        """Append a version; the first one of an order makes its client id used for ever."""
        versions = self._versions.setdefault(order.id, [])
        if not versions:
            self._by_owner.setdefault(order.owner, []).append(order.id)
            self._by_client_id.setdefault((order.owner, order.client_order_id), []).append(order.id)
        versions.append(order)
        open_ids = self._open.setdefault(order.owner, {})
        if order.state.is_open:
            open_ids[order.id] = None
        else:
            open_ids.pop(order.id, None)

    def note_fill(self, owner: str, fill: SpotFill) -> None:
        """Append an owner's part in a trade."""
        self._fills.setdefault(owner, []).append(fill)
        self._fills_by_order.setdefault(fill.order_id, []).append(fill)

    def order(self, order_id: int, *, as_of_ns: int = NOW_NS) -> SpotOrder | None:
        """The newest version by then; None where there was no such order yet."""
        versions = self._versions.get(order_id, ())
        return next((order for order in reversed(versions) if order.updated_ns <= as_of_ns), None)

    def orders_of(self, owner: str, *, symbol: str | None = None, as_of_ns: int = NOW_NS) -> list[SpotOrder]:
        """The owner's orders, oldest first, of one pair or of all."""
        found = (self.order(order_id, as_of_ns=as_of_ns) for order_id in self._by_owner.get(owner, ()))
        return [order for order in found if order and symbol in (None, order.form.pair.symbol)]

    def open_of(self, owner: str, *, symbol: str | None = None, as_of_ns: int = NOW_NS) -> list[SpotOrder]:
        """Those of the owner's orders that could still trade, oldest first."""
        if as_of_ns != NOW_NS:
            orders = self.orders_of(owner, symbol=symbol, as_of_ns=as_of_ns)
            return [order for order in orders if order.state.is_open]
        found = (self._versions[order_id][-1] for order_id in self._open.get(owner, ()))
        return [order for order in found if symbol in (None, order.form.pair.symbol)]

    def newest_by_client_id(self, owner: str, client_id: str, *, as_of_ns: int = NOW_NS) -> SpotOrder | None:
        """The owner's newest order under a client id: the same id may have named several, one after another."""
        ids = reversed(self._by_client_id.get((owner, client_id), []))
        found = (self.order(order_id, as_of_ns=as_of_ns) for order_id in ids)
        return next((order for order in found if order), None)

    def was_used(self, owner: str, client_id: str) -> bool:
        """Say whether any order of the owner, open or done, has ever had this client id."""
        return (owner, client_id) in self._by_client_id

    def fills_of_order(self, order_id: int) -> list[SpotFill]:
        """The parts of one order, oldest first."""
        return list(self._fills_by_order.get(order_id, ()))

    def fills_of(self, owner: str, *, symbol: str | None = None, as_of_ns: int = NOW_NS) -> list[SpotFill]:
        """The owner's parts in trades, oldest first."""
        return [
            fill
            for fill in self._fills.get(owner, ())
            if fill.trade.time_ns <= as_of_ns and symbol in (None, fill.trade.symbol)
        ]
