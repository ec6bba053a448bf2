"""Throwaway keys and an account of each kind, for the adapter's tests."""

from settings import Secret
from venues.polymarket.signing import OrderSigner, Wallet, WalletKind

KEY = Secret("0x" + "01" * 32)
OWNER = "0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1"
CONTRACT = "0xD0D0d0d0d0D0D0d0D0D0D0D0d0D0d0d0d0d0D0D0"


def signer_for(kind: WalletKind) -> OrderSigner:
    """A signer whose wallet is the key's own address, or a contract's."""
    return OrderSigner(key=KEY, wallet=Wallet(OWNER if kind is WalletKind.EOA else CONTRACT, kind))
