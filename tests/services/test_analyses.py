"""`survey analyse` against R on whole tables: invented ballots, 49 companies' leadership, the published ratings."""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from survey.services.analyses import analyse_table
from tests.analysis.conftest import REFERENCE, rows_of

OUTSIDE = Path(os.environ.get("SURVEY_REFERENCE_DATA", Path(__file__).parents[3] / "shared" / "data"))
TABLES = {
    "scale_ballots": (REFERENCE / "scale_ballots.csv", "target", "unit", [f"q{n:02}" for n in range(1, 12)]),
    "lq2002": (OUTSIDE / "lq2002.csv", "target", "unit", [f"LEAD{n:02}" for n in range(1, 12)]),
    "insteval": (OUTSIDE / "insteval_ratings.csv", "d", "dept", ["y"]),
}
Figures = dict[str, dict[str, float]]


@cache
def analysed(name: str) -> dict[str, Any]:
    file, target, unit, items = TABLES[name]
    if not file.is_file():
        pytest.skip(f"no {file.name}: set SURVEY_REFERENCE_DATA to a folder that holds it (see tests/reference)")
    document = analyse_table(file, target=target, items=",".join(items), levels="1-5", unit=unit)
    evaluation: dict[str, Any] = document["evaluations"][0]
    return evaluation


@cache
def by_r(name: str) -> Figures:
    figures: Figures = {}
    for row in rows_of(REFERENCE / "scales.csv"):
        if row["data"] == name:
            figures.setdefault(row["figure"], {})[row["key"]] = float(row["value"])
    return figures


def assert_column(records: dict[str, Any], expected: dict[str, float], read: Callable[[Any], Any], rel: float) -> None:
    assert expected
    for key, value in expected.items():
        assert read(records[key]) == pytest.approx(value, rel=rel, abs=rel), key


ONE_TABLE = pytest.mark.parametrize("name", list(TABLES))
SCALES = pytest.mark.parametrize("name", ["scale_ballots", "lq2002"])


@ONE_TABLE
def test_targets_equal_r(name: str) -> None:
    found, expected = {record["target"]: record for record in analysed(name)["targets"]}, by_r(name)
    assert_column(found, expected["ballots"], lambda record: record["valid"], 0)
    for figure in ("mean", "score"):
        assert_column(found, expected[figure], lambda record, figure=figure: record[figure], 1e-9)
    assert_column(found, expected["score_low"], lambda record: record["score_ci"][0], 1e-9)
    assert_column(found, expected["score_high"], lambda record: record["score_ci"][1], 1e-9)
    assert_column(found, expected["shrunken_mean"], lambda record: record["shrunken_mean"], 1e-5)


@ONE_TABLE
def test_units_equal_r(name: str) -> None:
    found, expected = {record["unit"]: record for record in analysed(name)["units"]}, by_r(name)
    assert len(found) == len(expected["unit_mean"])
    for figure in ("mean", "mean_se", "score"):
        assert_column(found, expected[f"unit_{figure}"], lambda record, figure=figure: record[figure], 1e-9)
    assert_column(found, expected["pooled_mean"], lambda record: record["pooled_mean"], 1e-9)


@ONE_TABLE
def test_all_pairs_equal_r(name: str) -> None:
    comparison, expected = analysed(name)["comparison"], by_r(name)
    found = {}
    for pair in comparison["pairs"]:
        found[f"{pair['a']} {pair['b']}"] = pair | {"sign": 1, "low": pair["ci"][0], "high": pair["ci"][1]}
        low, high = sorted(-end for end in pair["ci"])
        found[f"{pair['b']} {pair['a']}"] = pair | {"sign": -1, "low": low, "high": high}
    assert len(comparison["pairs"]) == len(expected["pair_p"])
    for figure, name_of in (("df", "df"), ("low", "low"), ("high", "high"), ("p", "p"), ("adjusted", "p_adjusted")):
        assert_column(found, expected[f"pair_{figure}"], lambda pair, name_of=name_of: pair[name_of], 1e-9)
    assert_column(found, expected["pair_difference"], lambda pair: pair["sign"] * pair["difference"], 1e-9)
    assert comparison["welch_anova"] == pytest.approx(expected["welch"], rel=1e-9)


@ONE_TABLE
def test_reliability_equals_r(name: str) -> None:
    for figure in ("icc", "tau2", "sigma2", "mu"):
        assert analysed(name)["reliability"][figure] == pytest.approx(by_r(name)[figure][""], rel=1e-5)


@SCALES
def test_scale_quality_equals_r(name: str) -> None:
    found, expected = analysed(name)["scale_quality"], by_r(name)
    assert found["n"] == expected["complete"][""]
    assert found["alpha"] == pytest.approx(expected["alpha"][""], rel=1e-9)
    ends = [expected["alpha_low"][""], expected["alpha_high"][""]]
    assert found["alpha_ci"] == pytest.approx(ends, rel=1e-9)
    assert found["omega"] == pytest.approx(expected["omega"][""], rel=1e-5)
    for figure in ("item_total", "alpha_without"):
        assert_column(found["items"], expected[figure], lambda item, figure=figure: item[figure], 1e-9)


def test_one_item_is_no_scale() -> None:
    assert analysed("insteval")["scale_quality"] is None


def test_without_a_unit_nothing_is_compared() -> None:
    file, target, _unit, items = TABLES["scale_ballots"]
    evaluation = analyse_table(file, target=target, items=",".join(items), levels="1-5")["evaluations"][0]
    assert (evaluation["units"], evaluation["comparison"]) == ([], None)
    means = [record["mean"] for record in evaluation["targets"]]
    assert means == [record["mean"] for record in analysed("scale_ballots")["targets"]]
