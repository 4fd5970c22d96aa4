"""Browsers of the desk, as the tests of the pages have them."""

from tests.views.conftest import browser, quick_hashes, work

__all__ = ["browser", "quick_hashes", "work"]
