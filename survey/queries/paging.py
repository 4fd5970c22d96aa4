"""How a list is cut into pages, the same for all lists."""

from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True, kw_only=True)
class Place:
    """One page of a list: its number from 1, of how many (at least 1), and the rows before it."""

    page: int
    pages: int
    start: int


def count_pages(total: int, size: int) -> int:
    """Return how many pages `total` rows make; a list without rows has one."""
    return max(1, ceil(total / size))


def find_place(total: int, *, page: int, size: int) -> Place:
    """Return the page asked for; a number outside is brought inside."""
    pages = count_pages(total, size)
    page = min(max(1, page), pages)
    return Place(page=page, pages=pages, start=size * (page - 1))
