"""The bureau's own labels for comments (主题标签): made, renamed, put aside; words suggest them."""

from collections.abc import Iterable

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from survey.database import transaction
from survey.errors import BadInput, Conflict, NotFound
from survey.models.comments import CommentTheme
from survey.queries.comment_themes import Theme
from survey.services import audit

MOST_NAME, MOST_WORDS, MOST_THEMES = 40, 300, 60
# What bureaus sort parents' and teachers' comments into; offered once, then theirs to change.
USUAL = (
    ("食堂", "食堂 饭 菜 伙食 午餐 营养"),
    ("作业", "作业 试卷 负担 睡眠"),
    ("收费", "收费 费用 交钱 缴费 价格"),
    ("校园安全", "安全 门卫 欺凌 消防 保安"),
    ("师德师风", "师德 辱骂 体罚 耐心 公平 有偿补课"),
    ("教学质量", "教学 讲课 上课 课堂 成绩"),
    ("课后服务", "课后 社团 延时 托管"),
    ("家校沟通", "沟通 家长会 回复 通知 家访"),
    ("接送秩序", "接送 堵车 放学 校门 停车"),
    ("教师工作", "会议 检查 报表 职称 评优 培训 待遇"),
)


def add_theme(name: str, words: str, *, actor: str) -> None:
    """Add a label. Raises BadInput (no name, too long, too many), Conflict (the name is taken)."""
    with transaction() as session:
        _add(session, name, words)
        audit.record(session, actor=actor, action="theme.add")


def add_usual_themes(*, actor: str) -> None:
    """Add the usual labels that are not there yet."""
    with transaction() as session:
        known = set(session.scalars(select(CommentTheme.name)))
        for name, words in USUAL:
            if name not in known:
                _add(session, name, words)
        audit.record(session, actor=actor, action="theme.add")


def _add(session: Session, name: str, words: str) -> None:
    themes = session.scalars(select(CommentTheme)).all()
    if len(themes) >= MOST_THEMES:
        raise BadInput(_("There may be at most %(most)s labels.", most=MOST_THEMES))
    row = CommentTheme(active=True)
    _write(row, name, words, {theme.name for theme in themes})
    session.add(row)
    session.flush()


def change_theme(theme_id: int, *, name: str, words: str, active: bool, actor: str) -> None:
    """Rename a label or put it aside; comments keep it. Raises NotFound, BadInput, Conflict."""
    with transaction() as session:
        row = session.get(CommentTheme, theme_id)
        if row is None:
            raise NotFound(_("This page does not exist."))
        taken = set(session.scalars(select(CommentTheme.name).where(CommentTheme.id != theme_id)))
        _write(row, name, words, taken)
        row.active = active
        audit.record(session, actor=actor, action="theme.change", detail={"theme": theme_id, "active": active})


def _write(row: CommentTheme, name: str, words: str, taken: set[str]) -> None:
    name, words = name.strip(), " ".join(words.split())
    if not 0 < len(name) <= MOST_NAME or len(words) > MOST_WORDS:
        raise BadInput(
            _("A label needs a name of at most %(name)s characters.", name=MOST_NAME)
            if not 0 < len(name) <= MOST_NAME
            else _("The words of a label may have at most %(words)s characters.", words=MOST_WORDS)
        )
    if name in taken:
        raise Conflict(_("There is a label of this name already."))
    row.name, row.words = name, words


def suggest_themes(text: str, themes: Iterable[Theme]) -> frozenset[int]:
    """Return the labels one of whose words stands in a text."""
    return frozenset(theme.id for theme in themes if any(word in text for word in theme.words.split()))
