"""Identifiers: equal causes give equal names, other causes other names."""

from hypothesis import given
from hypothesis import strategies as st

from domain.identifiers import IntentId, SessionId, StrategyName, correlation_id, digest, intent_id, order_id

S1, S2 = SessionId("s1"), SessionId("s2")
ALPHA = StrategyName("alpha")
PARTS = st.lists(
    st.text(st.characters(exclude_characters="\x1f", exclude_categories=["Cs"]), max_size=5), max_size=4
)


@given(PARTS, PARTS)
def test_digests_are_equal_for_equal_parts_only(one: list[str], other: list[str]) -> None:
    same = "\x1f".join(one) == "\x1f".join(other)  # no parts and one empty part read alike

    assert (digest(*one) == digest(*other)) is same


def test_a_digest_does_not_run_its_parts_together() -> None:
    assert digest("ab", "c") != digest("a", "bc")


def test_a_digest_is_what_it_always_was() -> None:
    # printf 'a\x1fb' | sha256sum
    assert digest("a", "b") == "f04cdced9736a69d"


def test_an_intent_is_named_by_session_strategy_signal_and_leg() -> None:
    names = {
        intent_id(session=session, strategy=StrategyName(strategy), signal_key=key, leg=leg)
        for session in (S1, S2)
        for strategy in ("alpha", "beta")
        for key in ("k", "l")
        for leg in (0, 1)
    }

    assert len(names) == 16
    assert "s1/alpha/k/0" in names


def test_an_order_id_differs_by_session_seed_intent_and_generation() -> None:
    ids = {
        order_id(session=session, seed=seed, intent=IntentId(intent), generation=generation)
        for session in (S1, S2)
        for seed in (1, 2)
        for intent in ("i", "j")
        for generation in (1, 2)
    }

    assert len(ids) == 16
    assert len({name.partition("-")[2] for name in ids}) == 8  # the session stands before the digest


def test_the_legs_of_a_signal_share_its_correlation_id() -> None:
    chain = correlation_id(session=S1, strategy=ALPHA, signal_key="k")

    assert chain == correlation_id(session=S1, strategy=ALPHA, signal_key="k")
    assert chain.startswith("s1-c")
    assert chain != correlation_id(session=S1, strategy=StrategyName("beta"), signal_key="k")
