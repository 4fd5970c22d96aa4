"""Walks along the surface of published figures."""

import numpy as np

from survey.analysis.alternatives import Equations, stuck


def squares(k):
    return Equations(rows=np.ones((1, k)), weights=np.ones((1, k)), centres=np.zeros(1))


def moved(equations, means, reach):
    return ~stuck(equations, np.asarray(means), reach=np.full(len(means), reach), lowest=1.0, highest=5.0)


def test_three_means_turn_on_their_circle_as_far_as_it_is_wide():
    # Sum 9 and sum of squares 29: a circle of radius sqrt(2), each mean within 3 -+ 2 sqrt(3) / 3.
    widest = 4 / np.sqrt(3)
    assert moved(squares(3), [2.0, 3.0, 4.0], 0.9 * widest / 2).all()
    assert not moved(squares(3), [2.0, 3.0, 4.0], 1.1 * widest).any()


def test_two_means_and_their_spread_cannot_move():
    assert not moved(squares(2), [2.0, 4.0], 0.01).any()


def test_equal_means_without_spread_cannot_move():
    assert not moved(squares(5), [3.0] * 5, 0.01).any()


def test_means_at_the_top_cannot_move():
    assert not moved(
        Equations(rows=np.ones((1, 3)), weights=np.zeros((0, 3)), centres=np.zeros(0)), [5.0] * 3, 0.1
    ).any()


def test_without_equations_every_mean_moves():
    free = Equations(rows=np.zeros((0, 3)), weights=np.zeros((0, 3)), centres=np.zeros(0))
    assert moved(free, [2.0, 3.0, 4.0], 0.5).all()
