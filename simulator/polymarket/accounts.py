"""What each wallet owns, has promised to its open orders, and has allowed the exchanges to take."""

from collections import defaultdict

from msgspec import Struct, field

from simulator.polymarket.contracts import ALLOWANCE_MAX, EXCHANGE, EXCHANGE_V3, NEG_RISK_EXCHANGE
from simulator.polymarket.eip712 import checksummed
from simulator.polymarket.signatures import DEPOSIT_WALLET, EOA

HOUSE_ADDRESS = "0x1111111111111111111111111111111111111111"
HOUSE_UNITS = 10**18
EXCHANGES = (EXCHANGE, NEG_RISK_EXCHANGE, EXCHANGE_V3)
CASH = ""
"""Key of pUSD among the tokens of a wallet."""


class Wallet(Struct, kw_only=True, eq=False):
    """One address; amounts in base units, the empty token is pUSD."""

    address: str
    owner: str
    kind: int = EOA
    name: str = ""
    pseudonym: str = ""
    allowed: bool = True
    """Whether the venue takes orders of this maker at all."""
    banned: bool = False
    closed_only: bool = False
    tier: str = ""
    """Tier of its limits; empty for the venue's default."""
    balances: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    promised: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    """What open orders may take."""
    leaving: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    """What matched trades take once they are mined."""
    allowances: dict[str, int] = field(default_factory=dict)
    """pUSD that a contract may take, by its address."""
    operators: set[str] = field(default_factory=set)
    """Contracts that may move its outcome tokens."""

    def available(self, token: str) -> int:
        """What a new order could use."""
        return self.balances[token] - self.promised[token] - self.leaving[token]

    def approve_all(self, spenders: tuple[str, ...] = EXCHANGES) -> None:
        """Let the contracts take everything, as the venue's set-up of a wallet does."""
        self.allowances.update(dict.fromkeys(spenders, ALLOWANCE_MAX))
        self.operators.update(spenders)


class Accounts:
    """All wallets by address; the house is one of them and is never short of anything."""

    def __init__(self) -> None:
        self._wallets: dict[str, Wallet] = {}
        self.house = self.register(HOUSE_ADDRESS, owner=HOUSE_ADDRESS, kind=EOA)
        self.house.balances[CASH] = HOUSE_UNITS
        self.house.approve_all()

    def register(self, address: str, *, owner: str, kind: int) -> Wallet:
        """Make the wallet known, or change its owner and kind where it is."""
        address, owner = checksummed(address), checksummed(owner)
        wallet = self._wallets.get(address)
        if wallet is None:
            wallet = self._wallets[address] = Wallet(address=address, owner=owner, kind=kind)
        wallet.owner, wallet.kind = owner, kind
        return wallet

    def find(self, address: str) -> Wallet | None:
        """The wallet at this address in any spelling; None where the venue has never seen it."""
        try:
            return self._wallets.get(checksummed(address))
        except ValueError:
            return None

    def owner_of(self, address: str) -> str | None:
        """Who signs for the wallet; None where it is unknown."""
        wallet = self.find(address)
        return wallet.owner if wallet else None

    def all(self) -> list[Wallet]:
        """Every wallet in the order in which it became known, the house first."""
        return list(self._wallets.values())


def kind_name(kind: int) -> str:
    """EOA or WALLET, as the relayer calls them."""
    return "WALLET" if kind == DEPOSIT_WALLET else "EOA"
