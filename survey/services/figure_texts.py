"""How figures and days are written: the only place where they are rounded, for pages and documents alike."""

from collections.abc import Mapping
from datetime import date
from math import ceil
from typing import Any

from flask_babel import format_date
from flask_babel import gettext as _

NONE = "–"


def points(value: float | None) -> str:
    """Write a score 0–100 with one decimal."""
    return NONE if value is None else f"{value:.1f}"


def share(value: float | None) -> str:
    """Write a share of [0, 1] as a percentage with one decimal."""
    return NONE if value is None else f"{100 * value:.1f}%"


def interval(value: Any) -> str:
    """Write an interval of a score; its ends are written as 0 and 100 where the method leads beyond them."""
    return NONE if not value else f"{max(value[0], 0.0):.1f}–{min(value[1], 100.0):.1f}"


def share_interval(value: Any) -> str:
    """Write an interval of shares as percentages."""
    return NONE if not value else f"{100 * value[0]:.1f}%–{100 * value[1]:.1f}%"


def item_rate(item: Mapping[str, Any]) -> str:
    """Write the satisfaction rate of an item; without counts, as `queries/outside.py` leaves it, in whole percent."""
    return (share if item["counts"] else whole_share)(item["satisfied_rate"])


def item_rate_interval(item: Mapping[str, Any]) -> str:
    """Write the interval of an item's satisfaction rate, as exact as `item_rate`."""
    ends = item["satisfied_ci"]
    if item["counts"] or not ends:
        return share_interval(ends)
    return "–".join(whole_share(end) for end in ends)


def signed(value: float | None) -> str:
    """Write a difference in points with its sign."""
    return NONE if value is None else f"{value:+.1f}".replace("-", "−")


def p_value(value: float | None) -> str:
    """Write a p value: three decimals, or that it is smaller; rounding never hides that it is below 0.05."""
    if value is None:
        return NONE
    return "<0.001" if value < 0.001 else "<0.05" if 0.0495 <= value < 0.05 else f"{value:.3f}"


def level_units(value: float | None) -> str:
    """Write a mean in level units with two decimals."""
    return NONE if value is None else f"{value:.2f}"


def whole(value: float | None) -> str:
    """Write a figure without decimals."""
    return NONE if value is None else f"{value:.0f}"


def round_up(value: float | None) -> str:
    """Write how many whole things a need comes to."""
    return NONE if value is None else str(ceil(value))


def whole_share(value: float | None) -> str:
    """Write a share of [0, 1] as a whole percentage."""
    return NONE if value is None else f"{100 * value:.0f}%"


def p_written(value: float | None) -> str:
    """Write a p value after the letter p: "= 0.012" or "< 0.001"."""
    text = p_value(value)
    return f"< {text[1:]}" if text.startswith("<") else f"= {text}"


def reliability(value: float | None) -> str:
    """Write a reliability with two decimals, never as the 1 that it cannot be."""
    return NONE if value is None else ">0.99" if value > 0.99 else f"{value:.2f}"


def signed_levels(value: float | None) -> str:
    """Write a difference in level units with its sign."""
    return NONE if value is None else f"{value:+.2f}".replace("-", "−")


def level_interval(value: Any) -> str:
    """Write an interval of a difference in level units."""
    if not value:
        return NONE
    return str(_("%(low)s to %(high)s", low=signed_levels(value[0]), high=signed_levels(value[1])))


def signed_interval(value: Any) -> str:
    """Write an interval of a difference in points."""
    if not value:
        return NONE
    return str(_("%(low)s to %(high)s", low=signed(value[0]), high=signed(value[1])))


def day(value: date) -> str:
    """Write a day in the reader's language."""
    return str(format_date(value, "long"))


def code_groups(value: str) -> str:
    """Write a slip code in four groups of four."""
    return " ".join(value[start : start + 4] for start in range(0, len(value), 4))


def dateformat(value: date, style: str = "long") -> str:
    """Write a day in the reader's language and a style of CLDR."""
    return str(format_date(value, style))
