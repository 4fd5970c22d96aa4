"""What people write after a release, every text hostile: comments as they are passed on, replies, labels, notices."""

from collections.abc import Callable

from flask.testing import FlaskClient
from sqlalchemy import select

from survey.errors import Refused
from survey.extensions import db
from survey.models.results import CubeTarget
from survey.queries.comments import CommentFilter, list_comments
from survey.queries.results import find_head
from survey.services import api_tokens, comment_themes, comments, publications
from survey.services.comments import Decision
from survey.services.target_replies import write_reply

Text = Callable[[int], str]
LEFT = 3
"""Comments about schools that nobody settles: one is taken, others wait."""


def write_on(number: int, text: Text) -> None:
    """Settle comments, publish, reply, and name labels and tokens."""
    for _place in range(4):
        comment_themes.add_theme(text(40), text(60), actor="test")
        api_tokens.add_token(text(100), actor="test")
    settle(number, text)
    publications.prepare_publication(number, actor="test")
    publications.write_feedback(number, text(400), actor="test")
    publications.publish(number, actor="test")
    reply(number, text)


def settle(number: int, text: Text) -> None:
    """Pass on every comment but the last ones, each in a wording of its own."""
    themes = list(range(1, 5))
    rows = list_comments(number, CommentFilter()).rows
    for row in rows[:-LEFT]:
        key = bytes.fromhex(row.key)
        comments.take(number, key, "li")
        try:
            comments.decide(number, key, Decision(text=text(200), audience="public", themes=themes), "li")
        except Refused:
            # Digits that look like those of a telephone.
            db.session.rollback()
            comments.decide(number, key, Decision(text="<b>", audience="public", themes=themes), "li")
        comments.take(number, key, "wang")
        comments.confirm(number, key, "wang")


def reply(number: int, text: Text) -> None:
    """Let some of the rated say something to it."""
    head = find_head(number, "student_teacher")
    for code in db.session.scalars(select(CubeTarget.code).where(CubeTarget.evaluation_id == head.id).limit(6)).all():
        try:
            write_reply(code, number, head.relation, text(300), actor="test")
        except Refused:
            db.session.rollback()


def make_files(officer: FlaskClient, work: Callable[[], None], number: int) -> None:
    """Have every report made and take a comment, as the officer does."""
    assert officer.post(f"/results/{number}/reports", data={"pdf": "y"}).status_code == 303
    work()
    assert officer.post(f"/comments/{number}/next").status_code == 303
