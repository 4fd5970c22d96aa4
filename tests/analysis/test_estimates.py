"""A figure carries what it is of, who answered, how it was made and what may be concluded."""

from survey.analysis.estimates import Identity, comparisons, estimate
from survey.analysis.scoring import load_scheme

SCHEME = load_scheme("five_step")
IDENTITY = Identity(
    campaign="2026 五评",
    year=2026,
    relation="student_teacher",
    questionnaire="student_teacher",
    questionnaire_version=1,
    scheme="five_step",
    scheme_version=1,
    roster_version=2,
    last_day="2026-06-30",
    software="0.1.0",
)
RECORD = {
    "target": "T1",
    "issued": 60,
    "ballots": 50,
    "valid": 48,
    "flagged": 1,
    "response_rate": 50 / 60,
    "withheld": None,
    "score": 86.4,
    "score_se": 1.2,
    "score_ci": [84.0, 88.8],
    "score_ci_roster": [85.4, 87.4],
    "score_ci_class": [83.0, 89.8],
    "reliability": 0.79,
    "verdict": "met",
}
PAIR = {"a": "u", "b": "v", "difference": -0.4, "ci": [-0.6, -0.2], "p": 0.001, "p_adjusted": 0.01, "hedges_g": -0.9}


def test_questions_a_and_b_are_kept_apart() -> None:
    found = estimate(RECORD, identity=IDENTITY, scheme=SCHEME, classes=6)
    kept = [(s.question, s.df, s.unit_of_analysis, s.fpc) for s in found.spreads]
    assert kept == [("A", 42, "ballot", True), ("B", 5, "class", False), ("ballots", 47, "ballot", False)]
    assert found.reliability_class == "medium"
    assert found.verdict is not None
    assert (found.verdict.value, found.verdict.threshold) == ("met", 60.0)


def test_a_withheld_figure_has_its_reason_and_nothing_else() -> None:
    hidden = {**dict.fromkeys(RECORD), "target": "T1", "issued": 9, "ballots": 4, "valid": 4, "flagged": 0}
    found = estimate({**hidden, "withheld": "ballots_below_floor"}, identity=IDENTITY, scheme=SCHEME, classes=1)
    assert not found.response.quorum
    assert (found.score, found.spreads, found.verdict, found.reliability_class) == (None, (), None, None)


def test_a_comparison_names_its_family_and_claims_only_what_is_flagged() -> None:
    untested = {**PAIR, "p": None, "p_adjusted": None, "flag": False}
    pairs = [{**PAIR, "flag": True}, {**PAIR, "flag": False}, untested, {**untested, "difference": None, "ci": None}]
    found = comparisons({"pairs": pairs}, identity=IDENTITY, scheme=SCHEME)
    assert [one.finding for one in found] == ["lower", "undecided", "undecided", "withheld"]
    assert {(one.family, one.family_size, one.unit_of_analysis, one.margin) for one in found} == {
        ("pairs_of_units", 2, "target", 2.5)
    }
