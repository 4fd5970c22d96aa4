"""Template filters: figures and days as `services.figure_texts` writes them, for pages and documents alike."""

from flask import Flask

from survey.services.figure_texts import (
    code_groups,
    dateformat,
    day,
    interval,
    item_rate,
    item_rate_interval,
    level_interval,
    level_units,
    p_value,
    p_written,
    points,
    reliability,
    round_up,
    share,
    share_interval,
    signed,
    signed_interval,
    signed_levels,
    whole,
    whole_share,
)
from survey.services.punctuation import bracketed

__all__ = [
    "bracketed",
    "code_groups",
    "dateformat",
    "day",
    "interval",
    "item_rate",
    "item_rate_interval",
    "level_interval",
    "level_units",
    "p_value",
    "p_written",
    "points",
    "register",
    "reliability",
    "round_up",
    "share",
    "share_interval",
    "signed",
    "signed_interval",
    "signed_levels",
    "whole",
    "whole_share",
]


def register(app: Flask) -> None:
    """Make the filters known to the templates."""
    for function in (
        points,
        share,
        interval,
        item_rate,
        item_rate_interval,
        share_interval,
        signed,
        p_value,
        level_units,
        whole,
        round_up,
        whole_share,
        p_written,
        reliability,
        signed_interval,
        signed_levels,
        level_interval,
        day,
        code_groups,
        dateformat,
        bracketed,
    ):
        app.add_template_filter(function)
