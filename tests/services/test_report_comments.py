"""Comments in reports: what two persons released and for whom, the same words in Word and PDF."""

from collections.abc import Mapping, Sequence

import pytest
from flask import Flask

from survey.queries import reports as query
from survey.queries.results import find_target
from survey.services import report_comments, reports
from survey.services.campaigns import move_campaign
from tests.commented import count, rows, settle, write
from tests.services.test_reports import pdf_words, words_of

PUBLIC, SCHOOL, INSIDE = "操场的灯太暗了", "食堂的菜凉了", "收费要写清楚"


@pytest.fixture
def released(app: Flask, codes: Mapping[str, Sequence[str]], campaign: int) -> int:
    """Thirty-six parents of school 101 vote, three write; one comment each for the public, the school, the bureau."""
    write(codes, "101", [PUBLIC, SCHOOL, INSIDE], ballots=36)
    count(campaign)
    audiences = {PUBLIC: "public", SCHOOL: "school", INSIDE: "bureau"}
    for row in rows(campaign):
        settle(campaign, row.key, audiences[row.text])
    move_campaign(campaign, "released", actor="test")
    return campaign


@pytest.mark.parametrize("handed_out", [True, False])
def test_a_schools_report_quotes_what_it_may_read_and_no_more(released: int, handed_out: bool) -> None:
    for kind, read in ((reports.WORD, words_of), (reports.PDF, pdf_words)):
        text = read(reports.school_document(released, "101", kind=kind, handed_out=handed_out).content)
        assert PUBLIC in text
        assert SCHOOL in text
        assert INSIDE not in text
        # Half of them ticked it.
        assert "50%" in text


def test_a_persons_report_does_not_quote_what_is_for_her_school_alone(released: int) -> None:
    cube = query.evaluation_cube(released, query.PARENTS)
    row = find_target(cube.head, "101", school=None)
    readers = {
        reader: [quote.text for quote in cube.beside(row, handed_out=True, reader=reader).quotes]
        for reader in (query.SCHOOL, query.PERSON)
    }
    assert sorted(readers[query.SCHOOL]) == sorted([PUBLIC, SCHOOL])
    assert readers[query.PERSON] == [PUBLIC]


def test_of_very_many_wordings_a_report_says_how_many_it_leaves_out(
    released: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_comments, "MOST_QUOTES", 1)
    cube = query.evaluation_cube(released, query.PARENTS)
    parts = report_comments.comment_parts(cube, cube.target("101", handed_out=True))
    assert len(parts["quotes"]) == 1
    assert "1" in parts["quotes_left"]
