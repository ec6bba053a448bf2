"""From a name to an address: clear, or refused with the candidates."""

import asyncio
from collections.abc import Sequence

import pytest

from domain.errors import ConfigurationError
from tests.venues.polymarket.loopback import Row, loopback_venue
from venues.polymarket.public_reads import PublicReads, new_session
from venues.polymarket.wallet_names import FollowedWallet, find_wallet

CAR, CAT, CART = ("0x" + two * 20 for two in ("a1", "b2", "c3"))


def find(text: str, profiles: Sequence[Row | None]) -> FollowedWallet:
    async def ask() -> FollowedWallet:
        async with loopback_venue() as venue, new_session() as session:
            venue.profiles = list(profiles)
            reads = PublicReads(venue.hosts)
            reads.use(session)
            return await find_wallet(text, reads)

    return asyncio.run(ask())


def profile(wallet: str, name: str | None, pseudonym: str | None = None) -> Row:
    return {"proxyWallet": wallet.upper().replace("0X", "0x"), "name": name, "pseudonym": pseudonym}


def test_a_name_that_one_wallet_carries_is_pinned_to_it() -> None:
    profiles: list[Row | None] = [
        None,
        profile(CART, "Cart"),
        profile(CAR, "Car", "Peppery-Capital"),
        {"name": "nobody"},
    ]

    assert find(" car ", profiles) == FollowedWallet(CAR, "Car")
    assert find("peppery-capital", profiles) == FollowedWallet(CAR, "Car")


def test_an_address_is_taken_as_it_is() -> None:
    assert find(CAR.upper().replace("0X", "0x"), []) == FollowedWallet(CAR, "")


def test_a_name_of_two_wallets_is_refused_and_both_are_listed() -> None:
    with pytest.raises(ConfigurationError, match="2 wallets carry") as refusal:
        find("Car", [profile(CAR, "Car"), profile(CAT, "CAR"), profile(CART, "Cart")])

    assert CAR in str(refusal.value)
    assert CAT in str(refusal.value)
    assert CART not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "profiles", "words"),
    [
        pytest.param("Car", [profile(CART, "Cart")], CART, id="only others: they are shown"),
        pytest.param("Car", [], "no candidates", id="nobody at all"),
        pytest.param("0x123", [], "40 digits", id="half an address"),
        pytest.param("  ", [], "40 digits", id="nothing"),
    ],
)
def test_what_is_not_clear_is_refused(text: str, profiles: list[Row | None], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        find(text, profiles)
