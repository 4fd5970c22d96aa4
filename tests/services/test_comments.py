"""Comments go through two hands; the original is seen by these alone and is gone once the comment is settled."""

import json

import pytest
from sqlalchemy import func, inspect, select, update

from survey.database import is_sqlite
from survey.errors import BadInput, Conflict, Forbidden, NotFound
from survey.extensions import db
from survey.models.audit import AuditEntry
from survey.models.ballots import comment
from survey.models.campaigns import Campaign, Target
from survey.models.comments import ChipCount, CommentReview, comment_member
from survey.queries.comment_themes import list_themes
from survey.services import comments
from survey.services.campaigns import move_campaign
from survey.services.comment_themes import add_theme, add_usual_themes, change_theme, suggest_themes
from survey.services.comments import Decision, audiences_for
from survey.services.voiding import Unit, void_unit
from tests.commented import count, review, rows, settle, settle_all, write, written
from tests.conftest import stage

Codes = dict[str, tuple[str, ...]]
SECRET = "我是王小明的妈妈,电话13812345678,饭菜凉了"
MASKED = "我是某的妈妈,电话〔电话〕,饭菜凉了"


@pytest.fixture
def counted(codes: Codes, campaign: int) -> int:
    """A counted campaign with three wordings about one school."""
    return stage("comments", lambda: _make_counted(codes, campaign))


def _make_counted(codes: Codes, campaign: int) -> int:
    write(codes, "101", [SECRET, "作业太多,孩子睡得晚了", "作业太多,孩子睡得晚了。", "教师101很好"])
    count(campaign)
    return campaign


def key_of(campaign: int, part: str) -> bytes:
    return bytes.fromhex(next(row.key for row in rows(campaign) if part in row.text))


def decision(text: str = "好", audience: str = "school", **more: object) -> Decision:
    return Decision(text=text, audience=audience, **more)  # type: ignore[arg-type]


def two_persons(campaign: int) -> None:
    db.session.execute(update(Campaign).where(Campaign.id == campaign).values(two_person=True))
    db.session.commit()


def test_before_the_count_there_is_nothing_to_review(codes: Codes, campaign: int) -> None:
    write(codes, "101", ["饭菜凉了"])
    for state in ("open", "closed"):
        assert rows(campaign) == []
        with pytest.raises(Conflict):
            comments.take_next(campaign, "li", checking=False)
        if state == "open":
            move_campaign(campaign, "closed", actor="test")


def test_the_count_masks_groups_and_counts(counted: int) -> None:
    found = {row.text: row.count for row in rows(counted)}
    assert found == {MASKED: 1, "作业太多,孩子睡得晚了。": 2, "某人很好": 1}
    target = db.session.scalar(select(Target.id).where(Target.code == "101", Target.unit != "101"))
    chips = db.session.execute(select(ChipCount.chip, ChipCount.ballots).where(ChipCount.target_id == target)).all()
    assert [tuple(row) for row in chips] == [("food", 15)]


def test_no_review_tells_a_time_or_an_order(counted: int) -> None:
    kinds = {str(c["type"]).split("(")[0] for c in inspect(db.engine).get_columns("comment_review")}
    assert kinds <= {"BLOB", "BYTEA", "INTEGER", "BOOLEAN", "VARCHAR", "TEXT"}
    keys = [bytes(key) for key in db.session.scalars(select(CommentReview.id))]
    assert len({key[:2] for key in keys}) == len(keys)
    originals = set(db.session.scalars(select(comment.c.id)))
    assert not originals & set(keys)
    if is_sqlite():
        sql = db.session.connection().exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = 'comment_review'")
        assert "WITHOUT ROWID" in sql.scalar_one()


def test_two_hands_settle_a_comment_and_the_original_is_gone(counted: int) -> None:
    settle(counted, key_of(counted, "〔电话〕").hex(), "school", text="饭菜凉了")
    assert SECRET not in written()
    assert len(written()) == 3
    row = review(key_of(counted, "饭菜凉了").hex())
    assert (row.state, row.audience, row.reviewer, row.checker, row.text) == (
        "settled",
        "school",
        "li",
        "wang",
        "饭菜凉了",
    )
    members = db.session.scalar(select(func.count()).where(comment_member.c.review_id == row.id))
    assert members == 0


def test_a_comment_with_phrases_keeps_these_when_its_words_go(counted: int) -> None:
    before = db.session.scalar(select(func.count()).select_from(comment).where(comment.c.chips != ""))
    settle_all(counted)
    assert written() == []
    assert db.session.scalar(select(func.count()).select_from(comment).where(comment.c.chips != "")) == before


def test_only_who_has_taken_it_sees_what_was_written(counted: int) -> None:
    key = key_of(counted, "〔电话〕")
    assert comments.written_words(counted, key, "li") == []
    comments.take(counted, key, "li")
    (seen,) = comments.written_words(counted, key, "li")
    assert "".join(piece.text for piece in seen.pieces) == SECRET
    assert {piece.kind for piece in seen.pieces} == {"", "child", "telephone"}
    assert comments.written_words(counted, key, "wang") == []
    comments.decide(counted, key, decision(), "li")
    assert comments.written_words(counted, key, "li") == []
    comments.take(counted, key, "wang")
    assert len(comments.written_words(counted, key, "wang")) == 1
    assert comments.written_words(counted, key, "li") == []
    comments.confirm(counted, key, "wang")
    assert comments.written_words(counted, key, "wang") == []


def test_nobody_else_decides_or_confirms(counted: int) -> None:
    key = key_of(counted, "〔电话〕")
    with pytest.raises(Conflict):
        comments.decide(counted, key, decision(), "li")
    comments.take(counted, key, "li")
    with pytest.raises(Conflict):
        comments.take(counted, key, "wang")
    with pytest.raises(Conflict):
        comments.decide(counted, key, decision(), "wang")
    with pytest.raises(Conflict):
        comments.confirm(counted, key, "li")
    comments.decide(counted, key, decision(), "li")
    with pytest.raises(Conflict):
        comments.confirm(counted, key, "wang")


def test_in_a_campaign_of_two_persons_another_account_confirms(counted: int) -> None:
    two_persons(counted)
    key = key_of(counted, "〔电话〕")
    comments.take(counted, key, "li")
    comments.decide(counted, key, decision(), "li")
    with pytest.raises(Forbidden):
        comments.take(counted, key, "li")
    assert comments.take_next(counted, "li", checking=True) is None
    assert comments.take_next(counted, "wang", checking=True) == key
    comments.confirm(counted, key, "wang")


def test_elsewhere_the_same_account_may_confirm(counted: int) -> None:
    key = key_of(counted, "〔电话〕")
    comments.take(counted, key, "li")
    comments.decide(counted, key, decision(), "li")
    assert comments.take_next(counted, "li", checking=True) == key
    comments.confirm(counted, key, "li")
    assert review(key.hex()).state == "settled"


def test_the_next_one_is_first_what_one_holds(counted: int) -> None:
    first = comments.take_next(counted, "li", checking=False)
    assert comments.take_next(counted, "li", checking=False) == first
    others = {comments.take_next(counted, name, checking=False) for name in ("a", "b")}
    assert first not in others
    assert len(others) == 2
    assert comments.take_next(counted, "c", checking=False) is None


def test_a_comment_given_back_waits_again(counted: int) -> None:
    key = key_of(counted, "〔电话〕")
    comments.take(counted, key, "li")
    comments.give_back(counted, key, "wang")
    assert (review(key.hex()).state, review(key.hex()).reviewer) == ("waiting", "")
    with pytest.raises(Conflict):
        comments.give_back(counted, key, "wang")


def test_sent_back_it_is_reviewed_once_more_and_the_original_is_still_there(counted: int) -> None:
    key = key_of(counted, "〔电话〕")
    comments.take(counted, key, "li")
    comments.decide(counted, key, decision("饭菜", "public"), "li")
    comments.take(counted, key, "wang")
    comments.send_back(counted, key, "wang")
    row = review(key.hex())
    assert (row.state, row.audience, row.reviewer, row.checker) == ("waiting", "", "", "")
    assert SECRET in written()


@pytest.mark.parametrize(
    "wrong",
    [
        decision(""),
        decision("长" * 1001),
        decision("请打13812345678"),
        decision("好", "person"),
        decision("好", ""),
        decision("好", "none"),
        decision("好", "none", reason="because"),
    ],
)
def test_a_decision_that_cannot_stand_is_refused(counted: int, wrong: Decision) -> None:
    key = key_of(counted, "〔电话〕")
    comments.take(counted, key, "li")
    with pytest.raises(BadInput):
        comments.decide(counted, key, wrong, "li")
    assert review(key.hex()).state == "taken"


def test_schools_and_persons_read_only_where_there_are_any() -> None:
    assert audiences_for("parent_school") == ("bureau", "school", "public")
    assert audiences_for("student_teacher") == ("bureau", "school", "person", "public")
    assert audiences_for("public_education") == ("bureau", "public")


def test_one_comment_is_taken_out_of_its_group(counted: int) -> None:
    key = key_of(counted, "作业")
    comments.take(counted, key, "li")
    one, other = comments.written_words(counted, key, "li")
    comments.split(counted, key, other.key, "li")
    assert review(key.hex()).count == 1
    assert sorted(row.count for row in rows(counted)) == [1, 1, 1, 1]
    assert (one.times, other.times) == (1, 1)
    assert [entry.key for entry in comments.written_words(counted, key, "li")] == [one.key]
    for strange in (one.key, other.key, "zz", ""):
        with pytest.raises(NotFound):
            comments.split(counted, key, strange, "li")


def test_equal_words_leave_their_group_together(codes: Codes, campaign: int) -> None:
    near = ["食堂的菜希望能再热一点,冬天孩子吃到时已经凉了"] * 3 + ["食堂的菜希望能再热一些,冬天孩子吃到时已经凉了"] * 2
    write(codes, "101", near)
    count(campaign)
    key = key_of(campaign, "食堂")
    comments.take(campaign, key, "li")
    first, second = comments.written_words(campaign, key, "li")
    assert (first.times, second.times) == (3, 2)
    comments.split(campaign, key, second.key, "li")
    assert sorted(row.count for row in rows(campaign)) == [2, 3]
    # What is left is one wording: it cannot be split from itself.
    with pytest.raises(NotFound):
        comments.split(campaign, key, first.key, "li")


def test_a_settled_comment_goes_back_into_the_bureau_at_once(counted: int) -> None:
    key = key_of(counted, "作业")
    with pytest.raises(Conflict):
        comments.keep_inside(counted, key, "li")
    settle(counted, key.hex(), "public")
    comments.keep_inside(counted, key, "li")
    assert review(key.hex()).audience == "bureau"


def test_the_audit_log_holds_decisions_and_no_word(counted: int) -> None:
    settle_all(counted)
    db.session.rollback()
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.action.like("comment.%"))).all()
    assert {entry.action for entry in entries} == {"comment.reviewed", "comment.confirmed"}
    told = json.dumps([entry.detail for entry in entries], ensure_ascii=False)
    assert "作业" not in told
    assert "饭菜" not in told
    assert set(entries[0].detail) == {"comment", "comments", "audience", "reason"}


def test_another_campaigns_comment_is_not_there(counted: int) -> None:
    key = key_of(counted, "作业")
    for number, wrong in ((counted, bytes(16)), (99, key)):
        with pytest.raises(NotFound):
            comments.take(number, wrong, "li")


def test_after_the_archive_nothing_changes(counted: int) -> None:
    key = key_of(counted, "作业")
    for state in ("released", "archived"):
        move_campaign(counted, state, actor="test")
    with pytest.raises(Conflict):
        comments.take(counted, key, "li")


def test_the_archive_keeps_no_word_that_two_persons_have_not_settled(counted: int) -> None:
    settled = key_of(counted, "作业")
    settle(counted, settled.hex(), "school")
    comments.take(counted, key_of(counted, "〔电话〕"), "li")
    for state in ("released", "archived"):
        move_campaign(counted, state, actor="test")
    assert written() == []
    assert [row.id for row in db.session.scalars(select(CommentReview))] == [settled]
    assert db.session.scalar(select(func.count()).select_from(comment_member)) == 0


def test_a_unit_voided_after_the_count_moves_comments_to_a_larger_circle(codes: Codes, campaign: int) -> None:
    write(codes, "101", ["饭菜凉了"], ballots=20)
    write(codes, "102", ["作业太多"], ballots=36)
    count(campaign)
    settle(campaign, next(row.key for row in rows(campaign) if row.text == "饭菜凉了"), "school")
    assert {row.place for row in rows(campaign)} == {"target"}
    void_unit(campaign, Unit(group="P-101-一年级1班"), reason="有人要求统一填写", actor="zhang")
    move_campaign(campaign, "tallied", actor="test")
    # Nine are left about the one school: its comments are now about one of two.
    found = {row.text: (row.place, row.state) for row in rows(campaign)}
    assert found == {"饭菜凉了": ("evaluation", "settled"), "作业太多": ("evaluation", "waiting")}


def test_comments_of_a_circle_too_small_are_read_by_nobody(codes: Codes, campaign: int) -> None:
    write(codes, "101", ["饭菜凉了"], ballots=9)
    count(campaign)
    assert rows(campaign) == []
    assert comments.take_next(campaign, "li", checking=False) is None


def test_who_hides_a_small_target_is_not_given_away_outside(codes: Codes, campaign: int) -> None:
    write(codes, "101", ["饭菜凉了"], ballots=9)
    write(codes, "102", ["作业太多"], ballots=36)
    count(campaign)
    settle_all(campaign)
    assert [(row.place, row.outside, row.target, row.unit) for row in rows(campaign)] == [
        ("evaluation", False, "", "")
    ] * 2


def test_labels_are_the_bureaus_own(app: object) -> None:
    add_usual_themes(actor="li")
    add_usual_themes(actor="li")
    themes = list_themes()
    assert len({theme.name for theme in themes}) == len(themes) == 10
    canteen = themes[0]
    assert suggest_themes("伙食一般,收费不清", themes) == {canteen.id, themes[2].id}
    change_theme(canteen.id, name="食堂与伙食", words=" 饭  菜 ", active=False, actor="li")
    assert next((t.name, t.words, t.active) for t in list_themes()) == ("食堂与伙食", "饭 菜", False)
    with pytest.raises(Conflict):
        add_theme("作业", "", actor="li")
    for name, words in (("", ""), ("长" * 41, ""), ("新", "词" * 301)):
        with pytest.raises(BadInput):
            add_theme(name, words, actor="li")
    with pytest.raises(NotFound):
        change_theme(99, name="x", words="", active=True, actor="li")
