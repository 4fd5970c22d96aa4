"""Pages of a list."""

import pytest

from survey.queries.paging import find_place


@pytest.mark.parametrize(
    ("total", "asked", "found"),
    [(0, 1, (1, 1, 0)), (100, 2, (1, 1, 0)), (101, 2, (2, 2, 100)), (101, 10**30, (2, 2, 100)), (101, -5, (1, 2, 0))],
)
def test_a_page_outside_the_list_is_brought_inside(total: int, asked: int, found: tuple[int, int, int]) -> None:
    """Also for an empty list, a full page, and a number that no database could take."""
    place = find_place(total, page=asked, size=100)
    assert (place.page, place.pages, place.start) == found
