"""From a user's name to the one address that trades under it: pinned where it is clear, refused where it is not."""

import re
from typing import NamedTuple

import msgspec
from msgspec import Struct

from domain.errors import ConfigurationError
from venues.polymarket.public_reads import PublicReads, decoded

ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
PAGE_SIZE, PAGES_MAX = 50, 5
CANDIDATES_SHOWN_MAX = 8


Candidates = dict[str, tuple[str, ...]]
"""Name and pseudonym by address."""


class FollowedWallet(NamedTuple):
    """Whom we follow: the proxy or deposit wallet in lower case, and the name it was found under."""

    address: str
    name: str


class ProfileWire(Struct, frozen=True, rename="camel"):
    """A user as the search lists one; any of it may be missing."""

    proxy_wallet: str | None = None
    name: str | None = None
    pseudonym: str | None = None


class _Pagination(Struct, frozen=True, rename="camel"):
    has_more: bool = False


class _Search(Struct, frozen=True):
    profiles: list[ProfileWire | None] | None = None
    pagination: _Pagination | None = None


async def find_wallet(text: str, reads: PublicReads) -> FollowedWallet:
    """Take an address as it is, and look a name up: exactly one wallet must carry it, upper and lower case alike.

    Raises ConfigurationError with the candidates where none or several do: names are not unique, and copying a
    namesake costs money. Raises VenueReadError where the search itself failed.
    """
    wanted = text.strip()
    if ADDRESS.fullmatch(wanted):
        return FollowedWallet(wanted.lower(), "")
    if wanted.lower().startswith("0x") or not wanted:
        raise ConfigurationError(f"wallet {wanted[:60]!r} is no address; give 0x and 40 digits, or a name")
    profiles = await _search(wanted, reads)
    exact = {
        address: names
        for address, names in profiles.items()
        if wanted.casefold() in (name.casefold() for name in names)
    }
    if len(exact) == 1:
        address, names = next(iter(exact.items()))
        return FollowedWallet(address, names[0])
    what = f"{len(exact)} wallets carry the name" if exact else "nobody carries the name"
    raise ConfigurationError(f"{what} {wanted[:60]!r}; give an address: {_listed(exact or profiles)}")


async def _search(name: str, reads: PublicReads) -> Candidates:
    """All profiles that the search brings."""
    decoder = msgspec.json.Decoder(_Search)
    found: Candidates = {}
    for page in range(1, PAGES_MAX + 1):
        question = [("q", name), ("search_profiles", "true"), ("page", str(page))]
        raw = await reads.gamma("/public-search", [*question, ("limit_per_type", str(PAGE_SIZE))])
        answer = decoded(decoder, raw, what="/public-search") or _Search()
        profiles = [profile for profile in answer.profiles or () if profile is not None]
        new = {
            profile.proxy_wallet.lower(): _names(profile)
            for profile in profiles
            if profile.proxy_wallet and ADDRESS.fullmatch(profile.proxy_wallet)
        }
        is_more = len(profiles) >= PAGE_SIZE or bool(answer.pagination and answer.pagination.has_more)
        if not (new.keys() - found.keys()) or not is_more:
            return found | new
        found |= new
    return found


def _names(profile: ProfileWire) -> tuple[str, ...]:
    return tuple(name for name in (profile.name, profile.pseudonym) if name) or ("",)


def _listed(candidates: Candidates) -> str:
    shown = [
        f"{address} ({' / '.join(names)})"
        for address, names in list(candidates.items())[:CANDIDATES_SHOWN_MAX]
    ]
    more = len(candidates) - len(shown)
    return (
        ", ".join(shown) + (f" and {more} more" if more > 0 else "") if shown else "there are no candidates"
    )
