"""An attacker for the tests: knows every published figure and how each is computed, and looks for the withheld means.

It shares no code with the audit: it solves the published equations numerically from many starts and calls a mean found
if all solutions agree on it.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from survey.analysis.results import EvaluationResult

Floats = NDArray[np.float64]
STARTS = 24
ENOUGH = 5
SOLVED = 1e-9


class Attacker:
    """Reads one evaluation's records."""

    def __init__(self, result: EvaluationResult) -> None:
        self.result = result
        self.n = np.array([record["valid"] for record in result.targets], dtype=np.float64)
        self.unit = [record["unit"] for record in result.targets]
        self.known = np.array(
            [np.nan if record["mean"] is None else record["mean"] for record in result.targets], dtype=np.float64
        )
        self.hidden = np.flatnonzero(np.isnan(self.known) & (self.n > 0))
        self.rated = self.n > 0

    def found(self, *, levels: tuple[float, float] = (1.0, 5.0), seed: int = 1) -> dict[str, float]:
        """Return the withheld targets whose mean all solutions agree on, within one level of one ballot, and the mean.

        A few solutions that happen to lie together are no agreement.
        """
        if not len(self.hidden):
            return {}
        solutions = self._solutions(levels, np.random.default_rng(seed))
        if len(solutions) < ENOUGH:
            return {}
        width = np.ptp(solutions, axis=0)
        sure = width * self.n[self.hidden] < 1.0 - 1e-6
        names = [self.result.targets[row]["target"] for row in self.hidden]
        return {name: float(v) for name, v, s in zip(names, solutions.mean(axis=0), sure, strict=True) if s}

    def _solutions(self, levels: tuple[float, float], chance: np.random.Generator) -> Floats:
        found = []
        for _start in range(STARTS):
            start = chance.uniform(levels[0] + 0.01, levels[1] - 0.01, len(self.hidden))
            run = least_squares(self._misfit, start, bounds=levels, xtol=1e-15, ftol=1e-15, gtol=1e-15)
            if np.abs(run.fun).max(initial=0.0) < SOLVED:
                found.append(run.x)
        return np.array(found)

    def _misfit(self, guess: Floats) -> Floats:
        means = self.known.copy()
        means[self.hidden] = guess
        gaps: list[float] = []
        for record in self.result.units:
            inside = np.array([unit == record["unit"] for unit in self.unit]) & self.rated
            gaps += self._sum_gaps(record, means, inside)
        gaps += self._sum_gaps(self.result.overall, means, self.rated)
        gaps += self._fit_gaps(means)
        return np.array(gaps or [0.0])

    def _sum_gaps(self, record: dict[str, Any], means: Floats, inside: NDArray[np.bool_]) -> list[float]:
        m, n, gaps = means[inside], self.n[inside], []
        if record["mean"] is not None:
            gaps.append(m.mean() - record["mean"])
        if record["mean_se"] is not None:
            gaps.append(m.var(ddof=1) / len(m) - record["mean_se"] ** 2)
        if record["pooled_mean"] is not None:
            pooled = (n * m).sum() / n.sum()
            gaps.append(pooled - record["pooled_mean"])
            if record.get("pooled_mean_se_cluster") is not None:
                clusters = self.rated.sum()
                squares = ((n * (m - pooled)) ** 2).sum() / n.sum() ** 2
                gaps.append(clusters / (clusters - 1) * squares - record["pooled_mean_se_cluster"] ** 2)
        return gaps

    def _fit_gaps(self, means: Floats) -> list[float]:
        """Use the conditions of the fit, if it is one over all targets: over shown ones it says nothing new."""
        fit = self.result.reliability
        if fit["mu"] is None or not fit["tau2"] or not fit["sigma2"]:
            return []
        weight = self.n / (1.0 + self.n * fit["tau2"] / fit["sigma2"])
        shown = self.rated & ~np.isnan(self.known)
        if abs((weight * self.known)[shown].sum() / weight[shown].sum() - fit["mu"]) < 1e-12:
            return []
        w, m = weight[self.rated], means[self.rated]
        slope = (w**2 * (m - fit["mu"]) ** 2).sum() / fit["sigma2"] - w.sum() + (w**2).sum() / w.sum()
        # The fit's own optimum is exact to a few digits less than the sums are.
        return [(w * m).sum() / w.sum() - fit["mu"], 1e-4 * slope]
