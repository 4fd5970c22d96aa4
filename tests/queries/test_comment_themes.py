"""Counts of comments by label: no difference of two lines tells of a small circle."""

from types import SimpleNamespace as Row

from survey.queries.comment_themes import lines_of


def line(unit: str, place: str, comments: int) -> Row:
    return Row(unit=unit, unit_name=unit, place=place, comments=comments, theme_id=1)


def test_where_units_are_shown_the_whole_is_their_sum() -> None:
    rows = [line("东湖", "unit", 13), line("城关", "unit", 14), line("城关", "evaluation", 3)]
    whole, units = lines_of(rows, rows)
    assert [unit.comments for unit in units] == [13, 14]
    assert (whole.comments, whole.counts) == (27, {1: 27})


def test_where_no_unit_is_shown_the_whole_counts_everything() -> None:
    rows = [line("东湖", "evaluation", 13), line("城关", "evaluation", 3)]
    whole, units = lines_of(rows, rows)
    assert [unit.counts for unit in units] == [None, None]
    assert whole.comments == 16
