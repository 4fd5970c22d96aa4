"""Which figures are withheld (不予显示): the floors, and sums from which a withheld target could be derived.

The complementary rule here is the plain one: a sum is withheld itself. It never hides a further target.
"""

import numpy as np

from survey.analysis.arrays import Bools, Floats, Ints
from survey.analysis.population import Population
from survey.analysis.scoring import Floors

BALLOTS = "ballots_below_floor"
RESPONSE = "response_below_floor"
DERIVABLE = "derivable"


def withheld_targets(*, valid: Ints, rate: Floats, floors: Floors, population: Population) -> tuple[str | None, ...]:
    """Return the reason per target (n_targets,), None where its figures may be shown.

    Valid ballots are counted, for it is their answers that a score could give away; rate is NaN without a roster.
    """
    least = population.response_floor if floors.response > 0.0 else 0.0
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


def _reason(few: bool, low: bool) -> str | None:
    if few:
        return BALLOTS
    return RESPONSE if low else None
