"""Floors and derivable sums."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.analysis.scoring import Floors
from survey.analysis.suppression import derivable_sums

CELLS = st.lists(st.tuples(st.integers(-1, 2), st.booleans(), st.integers(0, 12)), max_size=15)


@given(CELLS)
@settings(max_examples=100, deadline=None)
def test_a_shown_sum_hides_none_or_two_targets_with_the_floor_together(cells):
    part_of = np.array([cell[0] for cell in cells], dtype=np.int64)
    hidden = np.array([cell[1] for cell in cells], dtype=np.bool_)
    valid = np.array([cell[2] for cell in cells], dtype=np.int64)
    unsafe = derivable_sums(hidden=hidden, valid=valid, part_of=part_of, size=3, floors=Floors())
    for place in range(3):
        inside = valid[hidden & (part_of == place) & (valid > 0)]
        assert unsafe[place] != (len(inside) == 0 or (len(inside) >= 2 and inside.sum() >= 10))
