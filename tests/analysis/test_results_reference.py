"""Whole evaluations against R, on invented ballots and on the published ratings."""

import pytest

from survey.analysis.results import evaluate


@pytest.fixture
def open_scheme(scheme):
    return scheme.without_floors()


def test_insteval_counts(insteval, open_scheme):
    found = evaluate(*insteval, open_scheme)
    assert found.overall["valid"] == 73421
    assert found.overall["pooled_mean"] == pytest.approx(3.205744950354803, abs=1e-14)
    assert (len(found.targets), len(found.units), len(found.comparison["pairs"])) == (1128, 14, 91)


def test_insteval_equals_r(insteval, insteval_expected, open_scheme):
    found = evaluate(*insteval, open_scheme)
    for name in ("icc", "tau2", "sigma2", "mu"):
        assert found.reliability[name] == pytest.approx(insteval_expected["reml", name], rel=1e-6)
    assert found.reliability["icc"] == pytest.approx(0.1529, abs=5e-5)
    assert [round(needed) for needed in found.reliability["ballots_for"].values()] == [13, 22, 50]
    for test, keys in (("welch_anova", ("f", "df1", "df2", "p")), ("kruskal", ("h", "df", "p"))):
        expected = {key: insteval_expected[test.removesuffix("_anova"), key] for key in keys}
        assert found.comparison[test] == pytest.approx(expected)


def test_no_insteval_department_is_told_apart(insteval, insteval_expected, open_scheme):
    pairs = evaluate(*insteval, open_scheme).comparison["pairs"]
    assert not any(pair["flag"] for pair in pairs)
    least = min(pair["p_adjusted"] for pair in pairs)
    assert least == pytest.approx(insteval_expected["pairs", "least_adjusted"])


def test_targets_and_units_equal_r(reference_ballots, expected, open_scheme):
    found = evaluate(*reference_ballots, open_scheme)
    for record in found.targets:
        assert record["mean"] == pytest.approx(expected["mean", record["target"]])
        if ("score_ci_low", record["target"]) in expected:
            ends = [expected[f"score_ci_{end}", record["target"]] for end in ("low", "high")]
            assert record["score_ci"] == pytest.approx(ends)
    for record in found.units:
        unit = record["unit"]
        assert record["mean"] == pytest.approx(expected["unit_mean", unit])
        assert record["mean_se"] == pytest.approx(expected["unit_mean_se", unit])
        assert record["pooled_mean"] == pytest.approx(expected["pooled_mean", unit])
        assert record["pooled_mean_se_cluster"] == pytest.approx(expected["pooled_mean_se", unit])
        ends = [expected["unit_score_low", unit], expected["unit_score_high", unit]]
        assert record["score_ci"] == pytest.approx(ends)


def test_comparison_equals_r(reference_ballots, expected, open_scheme):
    found = evaluate(*reference_ballots, open_scheme).comparison
    assert found["welch_anova"] == pytest.approx({key: expected["welch", key] for key in ("f", "df1", "df2", "p")})
    assert found["kruskal"] == pytest.approx({key: expected["kruskal", key] for key in ("h", "df", "p")})
    names = {"difference": "difference", "t": "t", "df": "df", "p": "p", "adjusted": "p_adjusted", "g": "hedges_g"}
    for pair in by_units(found["pairs"]):
        key = f"{pair['a']} {pair['b']}"
        for figure, name in names.items():
            assert pair[name] == pytest.approx(expected[f"pair_{figure}", key]), name
        assert pair["ci"] == pytest.approx([expected["pair_low", key], expected["pair_high", key]])


def by_units(pairs):
    for pair in pairs:
        assert pair["a"] < pair["b"]
    return pairs


def test_items_equal_r(tally, reference_ballots, expected, population, open_scheme):
    cells, _ = reference_ballots
    together = cells.counts.sum(axis=0)
    rows = [
        ("all", "g", [255] * place + [level] + [255] * (3 - place))
        for place in range(4)
        for level in range(6)
        for _ in range(together[place, level])
    ]
    one = tally(*rows)
    for item, record in evaluate(one, population(one), open_scheme).targets[0]["items"].items():
        assert record["mean"] == pytest.approx(expected["item_mean", item])
        assert record["sd"] == pytest.approx(expected["item_sd", item])
        assert record["score_se"] == pytest.approx(expected["item_score_se", item])
        assert record["satisfied_ci"] == pytest.approx([expected["item_low", item], expected["item_high", item]])
