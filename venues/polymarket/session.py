"""One account's session: connections, credentials, limits, the dead-man's switch, and what stands against trading."""

import json
import logging
from collections.abc import Callable, Iterable

from msgspec import Struct

from clock import monotonic_s, wall_ns
from domain.errors import ConfigurationError
from domain.identifiers import VenueName
from telemetry import fields
from venues.base import VenueBalance
from venues.polymarket import sdk
from venues.polymarket.account import Account, Owner
from venues.polymarket.budget import Budget
from venues.polymarket.chain import Chain
from venues.polymarket.clob import Clob
from venues.polymarket.connection import Connection
from venues.polymarket.gate import Gate
from venues.polymarket.heartbeat import Heartbeat
from venues.polymarket.history import History
from venues.polymarket.holdings import Holdings
from venues.polymarket.hosts import PRODUCTION, Hosts
from venues.polymarket.outcomes import Restriction, Verdict
from venues.polymarket.payload import PayloadMaker
from venues.polymarket.signing import Credentials, OrderSigner, RequestSigner
from venues.polymarket.terms import TermsBook
from venues.polymarket.tracking import Tracker

PROTOCOL_VERSION = "2"
LISTING_KEPT_S = 2.0
"""What is free may be told by open orders read so lately: a list of ten thousand is a hundred reads."""

log = logging.getLogger(__name__)


class SessionOptions(Struct, frozen=True, kw_only=True):
    """Who trades where. `install_id` makes our salts ours; `tier` is the signer's, None in a rehearsal without
    limits; without the heartbeat orders outlive the daemon."""

    owner: Owner
    install_id: str
    hosts: Hosts = PRODUCTION
    tier: str | None = "standard"
    has_heartbeat: bool = True


class Session:
    """Made without a connection; `open` makes one, after which everything here works."""

    def __init__(self, options: SessionOptions) -> None:
        owner = options.owner
        self.terms = TermsBook()
        self.budget = Budget(monotonic_s=monotonic_s, tier=options.tier)
        self.signer = OrderSigner(key=owner.key, wallet=owner.wallet)
        self.on_expired: Callable[[str], None] = lambda _: None
        self._options = options
        self._gate = Gate(monotonic_s=monotonic_s)
        self._connection = Connection(options.hosts.clob, owner=self.signer.owner, wall_ns=wall_ns)
        self._data = Connection(options.hosts.data, owner=self.signer.owner, wall_ns=wall_ns)
        self.clob = Clob(self._connection, budget=self.budget, signature_type=int(owner.wallet.kind))
        self._holdings = Holdings(clob=self.clob, data=self._data, wallet=self.signer.maker, terms=self.terms)
        self.chain = Chain(account=self.account, holdings=self._holdings)
        self.heartbeat = Heartbeat(self.clob.beat, monotonic_s=monotonic_s, on_expired=self._tell_expired)
        self._account: Account | None = None
        self._credentials: Credentials | None = None
        self._payloads: PayloadMaker | None = None

    @property
    def credentials(self) -> Credentials:
        """The API credentials in use, also for the user stream."""
        assert self._credentials is not None, "the session is not open"
        return self._credentials

    @property
    def payloads(self) -> PayloadMaker:
        """Signs orders under these credentials."""
        assert self._payloads is not None, "the session is not open"
        return self._payloads

    async def open(self) -> None:
        """Check our signing, get credentials, check the protocol, arm the switch; see `PolymarketVenue.open`."""
        options = self._options
        sdk.self_check(self.signer, key=options.owner.key)
        credentials = options.owner.credentials
        if credentials is None:
            credentials = (await self.account()).credentials
        self._credentials = credentials
        self._connection.authenticate(RequestSigner(credentials))
        self._payloads = PayloadMaker(
            signer=self.signer, api_key=credentials.key, install_id=options.install_id
        )
        await self._check_version()
        if options.has_heartbeat and not await self.heartbeat.beat():
            log.warning(
                "the dead-man's switch is not armed yet", extra=fields(reason=self.heartbeat.reason())
            )

    async def close(self) -> None:
        """Close all connections."""
        self._connection.close()
        self._data.close()
        if self._account:
            await self._account.close()

    async def account(self) -> Account:
        """The account in the official client, connected at first use; raises as `Account.open` does."""
        if self._account is None:
            self._account = await Account.open(self._options.owner, hosts=self._options.hosts)
        return self._account

    async def run_heartbeat(self) -> None:
        """Send signs of life for ever, where they are wanted."""
        if self._options.has_heartbeat:
            await self.heartbeat.run()

    async def keep_warm(self) -> None:
        """Keep connections from being closed for idleness, for ever."""
        await self._connection.keep_warm()

    async def balances(self, traded: Iterable[str]) -> tuple[VenueBalance, ...]:
        """What the account owns, with what its open orders hold taken from what is free."""
        orders = await self.clob.open_orders(age_s_max=LISTING_KEPT_S)
        return await self._holdings.read(traded, orders)

    def history(self, tracker: Tracker, *, venue: VenueName, now_ns: Callable[[], int]) -> History:
        """Reads of this account for what a tracker tracks."""
        return History(
            self.clob, tracker=tracker, terms=self.terms, venue=venue, owns=self._is_ours, now_ns=now_ns
        )

    def reason(self) -> str | None:
        """Why nothing may be opened now; None where nothing is known against it."""
        if self._payloads is None:
            return "the session is not open"
        if reason := self._gate.reason():
            return reason
        return self.heartbeat.reason() if self._options.has_heartbeat else None

    def note(self, verdict: Verdict) -> None:
        """Learn from an order's outcome what stands against the next ones."""
        pause_s = self._gate.note(verdict)
        if verdict.restriction is Restriction.RATE_LIMITED:
            self.budget.pause_orders(pause_s)
        if verdict.restriction:
            log.warning(
                "the venue restricts trading", extra=fields(reason=self._gate.reason(), pause_s=pause_s)
            )

    def _tell_expired(self, reason: str) -> None:
        self.on_expired(reason)

    async def _check_version(self) -> None:
        text = await self.clob.version()
        try:
            told = json.loads(text)
        except ValueError:
            told = text
        version = told.get("version") if isinstance(told, dict) else told
        if str(version) != PROTOCOL_VERSION:
            raise ConfigurationError(
                f"the venue speaks protocol version {str(version)[:40]!r}, we sign for {PROTOCOL_VERSION!r}; "
                "update the adapter before trading"
            )

    def _is_ours(self, name: str) -> bool:
        """Say whether an API key or an address is this account's."""
        ours = (self.credentials.key, self.signer.maker, self.signer.owner)
        return name.lower() in {each.lower() for each in ours}
