"""From ballots to the cube: what is released is what was cast, and nothing else is shown."""

import random
import secrets
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from survey.errors import Conflict
from survey.extensions import db
from survey.models.results import CubeEvaluation, CubeTarget
from survey.queries.cubes import released_results
from survey.services import tallies
from survey.services.ballots import Electorate, Holder, Page, cast_slips, pack_payload
from survey.services.campaigns import create_campaign, move_campaign
from survey.services.foreign_ballots import import_foreign_ballots
from survey.services.instruments import find_questionnaire
from survey.services.slips import add_slips, issue_slips

INSTEVAL = Path(__file__).parents[2].parent / "shared" / "data" / "insteval_ratings.csv"
Counts = Counter[tuple[str, str, int]]


def vote_all(codes: dict[str, tuple[str, ...]], *, best: int = 5) -> Counts:
    """Let everybody vote at random; return how often each target got each level of each item."""
    chance, counts = random.Random(5), Counter[tuple[str, str, int]]()

    def fill(electorate: Electorate, page: Page) -> bytes:
        questionnaire = find_questionnaire(electorate.questionnaire_id)
        asked = questionnaire.variants[electorate.variant].items
        packed = bytearray()
        for target in [code for code, _name in electorate.targets] or [page.code]:
            for item in questionnaire.item_codes:
                level = chance.randint(0, best) if item in asked else 255
                counts[target, item, level] += 1
                packed.append(level)
        return pack_payload(bytes(packed))

    cast_slips((Holder(code=code), fill) for group in codes.values() for code in group)
    return counts


def release(campaign: int) -> dict[str, dict[str, Any]]:
    for state in ("closed", "tallied", "released"):
        move_campaign(campaign, state, actor="test")
    return {evaluation["relation"]: evaluation for evaluation in released_results(campaign)["evaluations"]}


def test_released_counts_are_the_cast_counts(codes: dict[str, tuple[str, ...]], campaign: int) -> None:
    counts = vote_all(codes)
    results = release(campaign)
    record = next(t for t in results["student_teacher"]["targets"] if t["target"] == "T100")
    assert (record["issued"], record["ballots"], record["response_rate"]) == (25, 25, 1.0)
    # T04 is asked of children and others, so that it has 25 answers; T08 only of the thirteen others.
    for item, figures in record["items"].items():
        given = {level: counts["T100", item, level] for level in (5, 4, 3, 2, 1, 0)}
        assert figures["n"] == sum(given.values())
        expected = {str(level): n for level, n in given.items()} if figures["n"] >= 20 else None
        assert figures["counts"] == expected


def test_departments_are_compared_in_pairs_of_one_ballot(codes: dict[str, tuple[str, ...]], campaign: int) -> None:
    vote_all(codes)
    evaluation = release(campaign)["principal_department"]
    assert [t["ballots"] for t in evaluation["targets"]] == [12, 12, 12]
    assert len(evaluation["paired"]["pairs"]) == 3
    assert evaluation["paired"]["friedman"]["df"] == 2


def test_a_low_response_is_withheld_completely(codes: dict[str, tuple[str, ...]], campaign: int) -> None:
    vote_all({group: some[: len(some) // 4] for group, some in codes.items()})
    results = release(campaign)
    for record in results["student_teacher"]["targets"]:
        assert record["withheld"]
        assert record["score"] is None
        assert not record["items"]
    assert not [r for r in db.session.scalars(select(CubeTarget.score)) if r is not None and r < 0]


def test_seven_principals_are_too_few_even_for_all_departments_together(
    codes: dict[str, tuple[str, ...]], campaign: int
) -> None:
    vote_all({"H-BUREAU": codes["H-BUREAU"][:7]})
    evaluation = release(campaign)["principal_department"]
    assert [unit["score"] for unit in evaluation["units"]] == [None]
    row = db.session.scalars(select(CubeEvaluation).filter_by(relation="principal_department")).one()
    assert row.document["overall"]["score"] is None


def test_extra_slips_enlarge_the_roster_of_their_class(codes: dict[str, tuple[str, ...]], campaign: int) -> None:
    group = "S-101-三年级1班"
    extra = add_slips(campaign, group, 10, reason="转入", actor="test").codes
    vote_all({group: codes[group] + extra[:8]})
    record = next(t for t in release(campaign)["student_teacher"]["targets"] if t["target"] == "T100")
    # 20 of 22 slips of the class: more ballots than pupils on the roster, and still not everybody.
    assert record["score_ci_roster"][0] < record["score"] < record["score_ci_roster"][1]


def test_results_before_the_release_are_refused(campaign: int) -> None:
    with pytest.raises(Conflict):
        released_results(campaign)


def test_an_empty_campaign_can_be_released(campaign: int) -> None:
    results = release(campaign)
    assert {t["score"] for e in results.values() for t in e["targets"]} == {None}


def test_stored_tallies_come_back_as_they_were(codes: dict[str, tuple[str, ...]], campaign: int) -> None:
    vote_all(codes)
    move_campaign(campaign, "closed", actor="test")
    counted = tallies.count_campaign(campaign)
    move_campaign(campaign, "tallied", actor="test")
    evaluation = db.session.get(tallies.Evaluation, counted[0].evaluation_id)
    assert evaluation is not None
    again = tallies.load_tally(evaluation).counts
    assert (again.counts == counted[0].counts.counts).all()
    assert (again.score_ss == counted[0].counts.score_ss).all()


def test_a_later_year_is_compared_with_the_earlier_one(codes: dict[str, tuple[str, ...]], campaign: int) -> None:
    vote_all(codes, best=3)
    release(campaign)
    later, _made = create_campaign(
        name="下一年", year=2027, template="five", first_day=None, last_day=None, actor="test"
    )
    for state in ("ready", "open"):
        move_campaign(later, state, actor="test")
    vote_all({group.group: group.codes for group in issue_slips(later, actor="test")})
    release(later)
    row = db.session.scalars(select(CubeEvaluation).filter_by(campaign_id=later, relation="student_teacher")).one()
    change = row.document["change"]
    assert (change["year"], change["n"], change["method"]) == (2026, 6, "paired_targets")
    assert change["difference"] > 10
    assert change["p"] < 0.001


def test_foreign_ballots_become_a_released_campaign(county: object, tmp_path: Path) -> None:
    rows = [f"{d},{d % 2},{secrets.randbelow(5) + 1},{'' if n % 7 == 0 else 3}" for d in range(4) for n in range(30)]
    path = tmp_path / "ratings.csv"
    path.write_text("lecturer,unit,a,b\n" + "\n".join(rows), encoding="gbk")
    made = import_foreign_ballots(
        path,
        campaign_name="外部",
        relation="student_teacher",
        target="lecturer",
        unit="unit",
        items="a,b",
        levels="1-5",
        actor="t",
    )
    assert {key: made[key] for key in ("ballots", "targets", "units")} == {"ballots": 120, "targets": 4, "units": 2}
    evaluation = released_results(made["campaign"])["evaluations"][0]
    assert evaluation["targets"][0]["items"]["b"]["n"] == 25
    assert evaluation["targets"][0]["response_rate"] is None


@pytest.mark.skipif(not INSTEVAL.exists(), reason="shared/data/insteval_ratings.csv is not beside the repository")
def test_no_department_of_insteval_differs(app: object) -> None:
    made = import_foreign_ballots(
        INSTEVAL,
        campaign_name="InstEval",
        relation="student_teacher",
        target="d",
        unit="dept",
        items="y",
        levels="1-5",
        actor="t",
    )
    assert {key: made[key] for key in ("ballots", "targets", "units")} == {
        "ballots": 73421,
        "targets": 1128,
        "units": 14,
    }
    evaluation = released_results(made["campaign"])["evaluations"][0]
    pairs = evaluation["comparison"]["pairs"]
    assert len(pairs) == 91
    assert not [pair for pair in pairs if pair["flag"]]
    assert evaluation["reliability"]["icc"] == pytest.approx(0.1529, abs=5e-5)
    assert db.session.scalar(select(func.count()).select_from(CubeTarget)) == 1128
