"""Invented comments of the demonstration, and their review by two invented persons, through the same services."""

import random
from collections.abc import Mapping, Sequence

from sqlalchemy import select

from survey.extensions import db
from survey.instruments.questionnaires import Questionnaire
from survey.models.results import CubeTarget
from survey.queries.comment_themes import list_themes
from survey.queries.comments import CommentRow, find_comment
from survey.queries.results import find_head
from survey.services import comments
from survey.services.comment_groups import says_nothing
from survey.services.comment_themes import add_usual_themes, suggest_themes
from survey.services.comments import Decision
from survey.services.target_replies import write_reply

REVIEWER, CHECKER = "demo-review", "demo-confirm"
LEFT_TO_THE_VISITOR = ("principal_department", "public_education")
WRITES = {"parent_school": 0.22, "teacher_principal": 0.3, "principal_department": 0.6, "public_education": 0.5}
TICKS = 0.45
TEXTS: Mapping[str, Sequence[str]] = {
    "parent_school": (
        "食堂的菜希望能再热一点，冬天孩子吃到时已经凉了。",
        "食堂的菜希望能再热一点，冬天孩子吃到时已经凉了",
        "食堂的菜希望能再热一些，冬天孩子吃到时都已经凉了。",
        "老师很负责任，孩子愿意上学，谢谢学校。",
        "老师很负责任，孩子很愿意上学，谢谢学校！",
        "作业有点多，孩子十点以后才能睡。",
        "作业有点多，孩子十点才能睡觉。",
        "校门口放学时堵车严重，希望安排专人疏导。",
        "课后服务希望多一些体育活动，不要只写作业。",
        "家长会能不能提前一周通知，我们上班要请假。",
        "校服和资料的收费希望写清楚明细。",
        "操场灯光暗，晚接孩子时看不清台阶，请注意安全。",
        "我是{child}的妈妈，有事请打电话{phone}，希望换个座位。",
        "三年级(2)班的班主任很有耐心，孩子进步很大。",
        "{teacher}老师上课认真，希望一直带下去。",
        "无",
        "没有意见",
    ),
    "teacher_principal": (
        "校长常到课堂来，评课很具体，对年轻老师帮助大。",
        "会议太多，希望把时间还给备课。",
        "会议有点多，希望把时间还给备课。",
        "评优的办法希望提前公布，过程公开。",
        "教师食堂和办公条件有改善，谢谢。",
        "各种检查和报表占了很多时间，请再减一些。",
        "希望多给外出培训的机会。",
        "无",
    ),
    "principal_department": (
        "希望减少重复填报的表格，数据一次采集多处使用。",
        "科室同志态度好，回复及时。",
        "下发通知与上报时间间隔太短，学校来不及组织。",
        "督导检查能否合并进行？",
    ),
    "public_education": (
        "近两年学校环境好了很多。",
        "希望城乡学校的师资再均衡一些。",
        "放学时段校门口交通要管一管。",
        "招生政策希望早点公布，讲得更清楚些。",
        "课外负担还是重，希望真正减下来。",
        "反映问题后有回复，点赞。",
    ),
}
REPLY = (
    "感谢同学们的评价。今年接手两个新班级，讲课速度快了一些，下学期准备在每节课留出五分钟答疑，"
    "并把作业分成必做和选做两部分。"
)
_CHILDREN = ("王小雨", "陈一诺", "刘子轩", "周思远")
_SURNAMES = "王李张刘陈"


def invent_comment(chance: random.Random, questionnaire: Questionnaire, variant: str) -> tuple[list[str], str]:
    """Return the phrases that somebody ticked and the text that she wrote, both mostly empty."""
    asked = questionnaire.variants[variant].comment
    offered = [chip.code for chip in questionnaire.chips] if asked != "none" else []
    # The first phrases praise: they are ticked more often.
    weights = [2.0 if place < len(offered) / 2 else 1.0 for place in range(len(offered))]
    many = chance.choice((1, 1, 2, 3)) if offered and chance.random() < TICKS else 0
    ticked = list(dict.fromkeys(chance.choices(offered, weights, k=many))) if many else []
    texts = TEXTS.get(questionnaire.relation, ())
    if asked != "text" or not texts or chance.random() >= WRITES[questionnaire.relation]:
        return ticked, ""
    return ticked, chance.choice(texts).format(
        child=chance.choice(_CHILDREN),
        phone=f"138{chance.randrange(10**8):08}",
        teacher=chance.choice(_SURNAMES),
    )


def review_demo(campaign_id: int) -> None:
    """Label and review the comments of a campaign; those about departments and the bureau wait for the visitor."""
    add_usual_themes(actor=REVIEWER)
    while (key := comments.take_next(campaign_id, REVIEWER, checking=False)) is not None:
        row = find_comment(campaign_id, key)
        comments.decide(campaign_id, key, _decision(row), REVIEWER)
        if row.relation not in LEFT_TO_THE_VISITOR:
            comments.take(campaign_id, key, CHECKER)
            comments.confirm(campaign_id, key, CHECKER)


def _decision(row: CommentRow) -> Decision:
    themes = tuple(suggest_themes(row.text, list_themes()))
    if says_nothing(row.text):
        return Decision(text=row.text, audience=comments.REJECTED, reason="nothing", themes=themes)
    if "某人" in row.text or "〔" in row.text:
        return Decision(text=row.text, audience=comments.BUREAU, themes=themes)
    audience = comments.PERSON if row.relation == "teacher_principal" else comments.PUBLIC
    return Decision(text=row.text, audience=audience, themes=themes)


def reply_demo(campaign_id: int) -> None:
    """Let the first teacher whose results are shown reply to them."""
    head = find_head(campaign_id, "student_teacher")
    shown = select(CubeTarget.code).where(CubeTarget.evaluation_id == head.id, CubeTarget.score.is_not(None))
    code = db.session.scalar(shown.order_by(CubeTarget.code).limit(1))
    if code:
        write_reply(code, campaign_id, head.relation, REPLY, actor=code)
