"""Which figures are withheld (不予显示): the floors, and everything from which a withheld target could be derived.

The tree of a relation is target -> unit -> overall. A target below a floor is withheld; its unit's mean still covers
it, so that figures above it are equations in what was withheld. Three things can be given up for its sake, and each is
chosen where it loses least:

1. Figures of the unit beyond its mean and score. Hidden targets stay hidden behind fewer independent equations than
   they are, so that a unit with two publishes mean and score; standard errors need three at least, the mean of all
   ballots four, its clustered error five, and each time other means that fit as well. This costs two to five numbers
   of one unit; one more hidden target would cost everything that is said about a teacher, some hundred numbers.
2. The smallest visible sibling, where the hidden targets are fewer than two or below the floor together, or so extreme
   that the bounds of the levels give them away. Only in a unit that keeps `LEAST_LEFT` shown targets: there a target
   is one of many, and the unit's mean says more than it.
3. The unit itself, where few shown targets would be left. They say nearly the same as its mean would.

Over all targets the same equations hold for what withheld units hide, and two more from the reliability fit. There the
overall figures give way in the same order, after other small units that hide something. The fit loses nothing: where
it could tell, it is fitted to shown targets.
"""

from dataclasses import dataclass

import numpy as np

from survey.analysis.arrays import Bools, Floats, Ints
from survey.analysis.bounds import Scale
from survey.analysis.disclosure import (
    NOWHERE,
    Extent,
    Hidden,
    Release,
    centres,
    pinned_by_all,
    pinned_in_unit,
)
from survey.analysis.moments import Moments
from survey.analysis.population import Population
from survey.analysis.reliability import Reliability
from survey.analysis.scoring import Floors

BALLOTS = "ballots_below_floor"
RESPONSE = "response_below_floor"
DERIVABLE = "derivable"

LEAST_LEFT = 3
"""Shown targets that must remain in a unit from which a sibling is withheld."""

MOST_SIBLINGS = 3
"""Siblings that a unit's figures may cost; where more are needed, the unit is withheld."""

# Overall extent, and whether the fit is on shown targets only: what is tried, from the least loss to the largest.
_ACROSS = (
    (Extent.POOLED, False),
    (Extent.SPREADS, False),
    (Extent.POOLED, True),
    (Extent.SPREADS, True),
    (Extent.MEANS, True),
    (Extent.NONE, True),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Tree:
    """One relation's targets (n_targets,) with true figures, and what the floors withhold.

    part_of: unit of each target, -1 for none; size: units. few_raters: the same few people rated every target, so that
    no sum of them holds more people than one target does.
    """

    mean: Moments
    score: Moments
    withheld: tuple[str | None, ...]
    part_of: Ints
    size: int
    few_raters: bool = False

    def secret(self) -> Bools:
        """Tell which targets with ballots are withheld."""
        return (self.mean.n > 0) & np.array([reason is not None for reason in self.withheld], dtype=np.bool_)

    def ballots(self) -> Floats:
        """Return the valid ballots of each unit (size,)."""
        inside = self.part_of >= 0
        return np.asarray(np.bincount(self.part_of[inside], weights=self.mean.n[inside], minlength=self.size))

    def chosen(self, rows: Ints | Bools) -> Hidden:
        """Return targets as an audit sees them."""
        unit = np.where(self.part_of >= 0, self.part_of, NOWHERE)
        return Hidden(n=self.mean.n, mean=self.mean.mean, score=self.score.mean, unit=unit).take(rows)


@dataclass(frozen=True, kw_only=True, eq=False)
class Protection:
    """What is withheld: reason per target (n_targets,), Extent per unit (n_units,) and of the overall figures.

    rates: the overall counts of answers may be told, as far as `overall` allows. fit_shown: the reliability must be
    fitted to shown targets only. few_raters: as in the tree. complementary: targets that no floor, but the others'
    secrecy withholds.
    """

    withheld: tuple[str | None, ...]
    units: Ints
    overall: Extent
    rates: bool
    fit_shown: bool
    few_raters: bool = False
    complementary: int = 0


def withheld_targets(*, valid: Ints, rate: Floats, floors: Floors, population: Population) -> tuple[str | None, ...]:
    """Return the reason per target (n_targets,), None where its figures may be shown.

    Valid ballots are counted, for it is their answers that a score could give away; rate is NaN without a roster.
    """
    least = floors.response_for(population.response_floor)
    few = valid < floors.ballots
    # A rate of exactly the floor passes, also when the division rounds down.
    low = ~np.isnan(rate) & (rate < least - 1e-12)
    return tuple(_reason(*pair) for pair in zip(few.tolist(), low.tolist(), strict=True))


def derivable_sums(*, hidden: Bools, valid: Ints, part_of: Ints, size: int, floors: Floors) -> Bools:
    """Tell which of `size` sums would give away the hidden targets they hold.

    A sum is safe if it holds no hidden target with ballots, or at least two with the floor's ballots together;
    part_of (n_targets,): the sum of each target, -1 for none.
    """
    counted = hidden & (valid > 0) & (part_of >= 0)
    targets = np.bincount(part_of[counted], minlength=size)
    ballots = np.bincount(part_of[counted], weights=valid[counted], minlength=size)
    return np.asarray((targets == 1) | ((targets > 1) & (ballots < floors.ballots)), dtype=np.bool_)


def protect(
    tree: Tree, *, counts: Ints, floors: Floors, scale: Scale, fit: Reliability, closed: Bools | None = None
) -> Protection:
    """Withhold until no withheld target is derivable; see the module's text for the order.

    counts (n_targets, n_items, 1 + n_levels): column 0 is 不了解. fit: over all targets. closed (n_units,): units that
    publish nothing in any case. It ends, because each step withholds more and a release of shown targets alone tells
    nothing about others: their ballots are no part of it.
    """
    secret = tree.secret()
    units = np.full(tree.size, int(Extent.NONE if tree.few_raters else Extent.ALL), dtype=np.int64)
    if closed is not None:
        units[closed] = int(Extent.NONE)
    units, siblings = _protect_units(tree, secret, units, floors=floors, scale=scale)
    withheld = list(tree.withheld)
    for row in siblings:
        withheld[row] = DERIVABLE
    secret[siblings] = True
    units, overall, fit_shown = _protect_sums(tree, secret, units, floors=floors, scale=scale, fit=fit)
    return Protection(
        withheld=tuple(withheld),
        units=units,
        overall=overall,
        rates=not _counts_tell(counts, secret, floors=floors),
        fit_shown=fit_shown,
        few_raters=tree.few_raters,
        complementary=len(siblings),
    )


def _protect_units(tree: Tree, secret: Bools, units: Ints, *, floors: Floors, scale: Scale) -> tuple[Ints, list[int]]:
    """Return the Extent of each unit and the siblings withheld for it."""
    middle = centres(tree.mean, tree.part_of, size=tree.size)
    siblings: list[int] = []
    order = np.argsort(tree.part_of, kind="stable")
    cuts = np.searchsorted(tree.part_of[order], np.arange(tree.size + 1))
    units = units.copy()
    touched = np.unique(tree.part_of[secret & (tree.part_of >= 0)])
    for unit in touched[units[touched] > Extent.NONE].tolist():
        inside = order[cuts[unit] : cuts[unit + 1]]
        shown = inside[~secret[inside] & (tree.mean.n[inside] > 0)]
        smallest = shown[np.argsort(tree.mean.n[shown], kind="stable")]
        extent, extra = _protect_unit(
            tree, inside[secret[inside]], smallest, floors=floors, scale=scale, centre=float(middle[unit])
        )
        units[unit] = extent
        siblings += extra
    return units, siblings


def _protect_unit(
    tree: Tree, hidden: Ints, smallest: Ints, *, floors: Floors, scale: Scale, centre: float
) -> tuple[Extent, list[int]]:
    """Return what one unit may publish and which of its shown targets, `smallest` first, are withheld for it."""
    most = min(MOST_SIBLINGS, len(smallest) - LEAST_LEFT)
    for extra in range(max(most, 0) + 1):
        together = np.sort(np.concatenate([hidden, smallest[:extra]]))
        if len(together) < 2 or int(tree.mean.n[together].sum()) < floors.ballots:
            continue
        extent = _largest_extent(tree.chosen(together), scale, centre=centre)
        if extent > Extent.NONE:
            return extent, smallest[:extra].tolist()
    return Extent.NONE, []


def _largest_extent(hidden: Hidden, scale: Scale, *, centre: float) -> Extent:
    extents = (Extent.ALL, Extent.POOLED, Extent.SPREADS, Extent.MEANS)
    safe = (extent for extent in extents if not pinned_in_unit(hidden, extent, scale, centre=centre).any())
    return next(safe, Extent.NONE)


def _protect_sums(
    tree: Tree, secret: Bools, units: Ints, *, floors: Floors, scale: Scale, fit: Reliability
) -> tuple[Ints, Extent, bool]:
    """Return units, the overall Extent and whether to fit to shown targets.

    Rather than the overall figures, the smallest units that hide something are withheld too, as siblings are.
    """
    overall, fit_shown = _protect_across(tree, secret, units, floors=floors, scale=scale, fit=fit)
    tried = units.copy()
    for _unit in range(0 if overall > Extent.NONE or tree.few_raters else MOST_SIBLINGS):
        hiding = np.bincount(tree.part_of[secret & (tree.part_of >= 0)], minlength=tree.size) > 0
        candidates = np.flatnonzero(hiding & (tried > Extent.NONE))
        if not len(candidates) or int((tried > Extent.NONE).sum()) <= LEAST_LEFT:
            break
        tried[candidates[np.argmin(tree.ballots()[candidates])]] = Extent.NONE
        found, shown_only = _protect_across(tree, secret, tried, floors=floors, scale=scale, fit=fit)
        if found > Extent.NONE:
            return tried, found, shown_only
    return units, overall, fit_shown


def _protect_across(
    tree: Tree, secret: Bools, units: Ints, *, floors: Floors, scale: Scale, fit: Reliability
) -> tuple[Extent, bool]:
    """Return the Extent of the overall figures and whether the fit must leave hidden targets out."""
    if int(tree.mean.n.sum()) < floors.ballots or tree.few_raters:
        return Extent.NONE, bool(secret.any())
    if not secret.any():
        return Extent.ALL, False
    hidden, middle = tree.chosen(secret), centres(tree.mean, tree.part_of, size=tree.size)
    closed = np.append(units, int(Extent.NONE))[hidden.unit] == Extent.NONE
    one = np.zeros(len(hidden.n), dtype=np.int64)
    unsafe_rest = derivable_sums(hidden=closed, valid=hidden.n, part_of=one, size=1, floors=floors)[0]
    unsafe_fit = len(hidden.n) < 2 or int(hidden.n.sum()) < floors.ballots
    for overall, fit_shown in _ACROSS:
        if (unsafe_rest and overall > Extent.NONE) or (unsafe_fit and not fit_shown):
            continue
        release = Release(units=units, centre=middle, overall=overall, fit=None if fit_shown else fit)
        if not pinned_by_all(hidden, release, scale).any():
            return overall, fit_shown
    return Extent.NONE, True


def _counts_tell(counts: Ints, secret: Bools, *, floors: Floors) -> bool:
    """Tell whether the overall counts of levels give away the answers to a withheld item.

    Subtracting all shown items leaves the sum of the withheld ones, those of withheld targets included. It is safe if
    there are two at least, with the floor's answers together, and not all answers are the same: then each could have
    more of one level and less of another.
    """
    answers = counts.sum(axis=-1)
    hidden = (answers > 0) & (secret[:, None] | (answers < floors.item))
    if not hidden.any():
        return False
    left = counts[hidden].sum(axis=0)
    return bool(hidden.sum() < 2 or left.sum() < floors.ballots or (left > 0).sum() < 2)


def _reason(few: bool, low: bool) -> str | None:
    if few:
        return BALLOTS
    return RESPONSE if low else None
