"""The words of results (`services.result_words`) as template filters."""

from typing import Any

from flask import Blueprint

from survey.queries.outside import item_reason
from survey.services.result_words import (
    band_told,
    change_sentence,
    change_told,
    course_sentence,
    definition_name,
    evaluation_lines,
    full_name,
    level_names,
    pair_sentence,
    reliability_class,
    response_told,
    satisfied_definition,
    scheme_line,
    score_band,
    side_name,
    target_kind,
    target_lines,
    target_sentence,
    unit_kind,
    verdict_name,
)

__all__ = [
    "band_told",
    "change_sentence",
    "change_told",
    "course_sentence",
    "definition_name",
    "evaluation_lines",
    "full_name",
    "level_names",
    "pair_sentence",
    "register",
    "reliability_class",
    "response_told",
    "satisfied_definition",
    "scheme_line",
    "score_band",
    "side_name",
    "target_kind",
    "target_lines",
    "target_sentence",
    "unit_kind",
    "verdict_name",
]


def register(blueprint: Blueprint) -> None:
    """Make the words known to the templates of results."""
    filters: tuple[Any, ...] = (
        band_told,
        change_told,
        score_band,
        verdict_name,
        unit_kind,
        target_kind,
        reliability_class,
        item_reason,
        response_told,
    )
    for function in filters:
        blueprint.add_app_template_filter(function)
