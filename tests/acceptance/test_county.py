"""The main job on a bureau's own workbook: every released count is what was cast over HTTP."""

import csv
import random
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import Console
from tests.acceptance.phone import Phone, open_link_path, random_levels

ROSTER = Path(__file__).parents[2].parent / "shared" / "data" / "county_roster.xlsx"
SCHOOL = "421009"
# Shares of a group that vote, by the first letter of its id: enough for the floors.
TURNOUT = {"S": 0.6, "P": 0.3, "T": 0.8, "H": 1.0, "O": 0.0}
Counts = dict[tuple[str, str, str], Counter[int]]


class Cast:
    """What phones have cast, counted beside the product."""

    def __init__(self) -> None:
        self.counts: Counts = defaultdict(Counter)
        self.ballots: Counter[tuple[str, str]] = Counter()
        self.receipts: list[str] = []

    def vote(self, phone: Phone, page: Any, relation: str, chance: random.Random) -> None:
        choose = random_levels(chance)

        def choose_and_count(target: str, item: str) -> int:
            level = choose(target, item)
            self.counts[relation, target, item][level] += 1
            return level

        while page.form is not None:
            assert page.form.relation == relation
            assert page.form.checked == 0
            assert len(page.form.submits) == 1
            for target in {target for target, _item in page.form.items}:
                self.ballots[relation, target] += 1
            page = phone.open(page.form.action, phone.fill(page.form, choose_and_count))
            assert page.status == 200
        assert page.receipt
        self.receipts.append(page.receipt)


def read_slips(directory: Path) -> dict[str, list[dict[str, str]]]:
    with (directory / "slips.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    groups = defaultdict(list)
    for row in rows:
        groups[row["group"]].append(row)
    return groups


def voters(groups: dict[str, list[dict[str, str]]]) -> list[dict[str, str]]:
    chosen = [
        row
        for group, rows in groups.items()
        if SCHOOL in group or group.startswith("H-")
        for row in rows[: round(len(rows) * TURNOUT[group[0]])]
    ]
    # Parents of one class stay away: the response rate must show it.
    return [row for row in chosen if row["group"] != f"P-{SCHOOL}-一年级1班"]


@pytest.mark.skipif(not ROSTER.exists(), reason="shared/data/county_roster.xlsx is not beside the repository")
def test_a_county_votes_and_every_count_comes_back(console: Console, tmp_path: Path) -> None:
    console.json("init", "--admin", "boss")
    assert console.run("init", "--admin", "boss", "--json").returncode == 2
    first = console.json("roster", "import", ROSTER)
    assert (first["schools"], first["classes"], first["pupils"], first["teachers"]) == (24, 426, 17795, 732)
    again = console.json("roster", "import", ROSTER)
    assert again["changes"] == {"added": 0, "changed": 0, "unchanged": first["changes"]["added"], "removed": 0}
    made = console.json("campaign", "create", "--name", "五评", "--year", "2026", "--template", "five")
    number = made["campaign"]
    console.json("campaign", "move", number, "ready")
    issued = console.json("slips", number, "--out", tmp_path / "slips")
    assert issued["slips"] == sum(evaluation["slips"] for evaluation in made["evaluations"])
    assert console.run("slips", number, "--out", tmp_path / "again", "--json").returncode == 2
    console.json("campaign", "move", number, "open")
    groups = read_slips(tmp_path / "slips")
    cast = Cast()
    with console.serving() as base:
        elect(base, groups, cast)
        assert console.run("results", number, "--json").returncode == 2
        for state in ("closed", "tallied", "released"):
            console.json("campaign", "move", number, state)
        check_closed(base, groups)
    check = console.json("check")
    assert check["ok"], check
    assert "balance" in {entry["name"] for entry in check["checks"]}
    compare(console.json("results", number), cast, groups)
    assert_no_code_is_kept(console.instance, groups)


def elect(base: str, groups: dict[str, list[dict[str, str]]], cast: Cast) -> None:
    chance = random.Random(7)
    rows = voters(groups)
    chance.shuffle(rows)
    link = next(row["url"] for rows in groups.values() for row in rows if not row["code"])
    with Phone(base) as phone:
        for row in rows:
            code = row["code"].lower() if chance.random() < 0.2 else row["code"]
            cast.vote(phone, phone.open("/v", {"code": code}), row["relation"], chance)
        for _number in range(15):
            cast.vote(phone, phone.open(open_link_path(link)), "public_education", chance)


def check_closed(base: str, groups: dict[str, list[dict[str, str]]]) -> None:
    late = groups[f"P-{SCHOOL}-一年级1班"][0]["code"]
    with Phone(base) as phone:
        assert phone.open("/v", {"code": late}).status == 410
        assert phone.open("/v", {"code": "AAAA-AAAA-AAAA-AAAA"}).status == 404
        used = phone.open("/V", {"code": groups[f"T-{SCHOOL}"][0]["code"]})
    assert used.status == 200
    assert used.form is None
    assert used.receipt


def compare(results: dict[str, Any], cast: Cast, groups: dict[str, list[dict[str, str]]]) -> None:
    shown = 0
    for evaluation in results["evaluations"]:
        relation = evaluation["relation"]
        for record in evaluation["targets"]:
            target = record["target"]
            assert record["ballots"] == cast.ballots[relation, target]
            if record["withheld"] is None:
                shown += 1
                for item, figures in record["items"].items():
                    counted = cast.counts[relation, target, item]
                    assert figures["n"] == counted.total()
                    if figures["n"] >= 20:
                        assert figures["counts"] == {str(level): counted[level] for level in (5, 4, 3, 2, 1, 0)}
            else:
                assert record["score"] is None
                assert not record["items"]
    # The school's 14 or more subject teachers, its principal, the school, 12 departments, the bureau.
    assert shown >= 28
    school = next(
        record
        for evaluation in results["evaluations"]
        if evaluation["relation"] == "parent_school"
        for record in evaluation["targets"]
        if record["target"] == SCHOOL
    )
    issued = sum(len(rows) for group, rows in groups.items() if group.startswith(f"P-{SCHOOL}"))
    assert school["issued"] == issued
    assert school["response_rate"] == school["ballots"] / issued


def assert_no_code_is_kept(instance: Path, groups: dict[str, list[dict[str, str]]]) -> None:
    codes = [row["code"].encode() for rows in groups.values() for row in rows if row["code"]][::200]
    for path in instance.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [code for code in codes if code in content], path
