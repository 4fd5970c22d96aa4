"""Tiers of units that the data do not tell apart."""

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
