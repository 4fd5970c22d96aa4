"""Tiers of units that the data do not tell apart."""

from hypothesis import given
from hypothesis import strategies as st

from survey.analysis.groups import indistinguishable_groups


def units(**scores):
    return [{"unit": code, "score": score} for code, score in scores.items()]


def pair(a, b, flag=False, difference=1.0):
    return {"a": a, "b": b, "flag": flag, "difference": difference}


def test_without_flags_all_share_one_tier():
    found = indistinguishable_groups(units(a=70, b=90), [pair("a", "b")])
    assert found == (("b", "a"),)


def test_a_flag_against_any_member_opens_the_next_tier():
    pairs = [pair("a", "b"), pair("c", "a", flag=True), pair("b", "c")]
    assert indistinguishable_groups(units(a=90, b=85, c=70), pairs) == (("a", "b"), ("c",))


def test_withheld_and_uncompared_units_are_in_no_tier():
    assert indistinguishable_groups(units(a=90, b=85, c=None, d=60), [pair("a", "b"), pair("a", "c")]) == (("a", "b"),)


def test_nothing_compared():
    assert indistinguishable_groups(units(a=90), []) == ()


def test_many_units_are_tiered_against_the_rest():
    pairs = [pair("a", "*", flag=True), pair("b", "*"), pair("c", "*", flag=True, difference=-1.0), pair("a", "b")]
    assert indistinguishable_groups(units(a=90, b=80, c=60), pairs) == (("a",), ("b",), ("c",))


@given(
    st.lists(st.integers(50, 99), min_size=2, max_size=7, unique=True),
    st.sets(st.tuples(st.integers(0, 6), st.integers(0, 6))),
)
def test_every_compared_unit_is_in_one_tier_and_no_flag_within(scores, flagged):
    codes = [f"u{row}" for row in range(len(scores))]
    pairs = [pair(a, b, flag=(x, y) in flagged) for x, a in enumerate(codes) for y, b in enumerate(codes) if x < y]
    tiers = indistinguishable_groups(units(**dict(zip(codes, scores, strict=True))), pairs)
    assert sorted(code for tier in tiers for code in tier) == codes
    separated = {frozenset((row["a"], row["b"])) for row in pairs if row["flag"]}
    assert not [tier for tier in tiers for a in tier for b in tier if frozenset((a, b)) in separated]
