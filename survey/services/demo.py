"""The demonstration: a county, last year's campaign released, this year's open; all through the same services."""

import random
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from flask import current_app

from survey.extensions import db
from survey.models.campaigns import Campaign
from survey.services import mixing
from survey.services.ballots import BLANK, Electorate, Holder, Page, cast_slips, pack_payload, today
from survey.services.campaigns import create_campaign, move_campaign
from survey.services.demo_comments import invent_comment, reply_demo, review_demo
from survey.services.demo_county import SCHOOLS, SEED, write_demo_roster
from survey.services.instruments import find_questionnaire
from survey.services.publications import prepare_publication, publish, write_feedback
from survey.services.rosters import import_roster
from survey.services.slip_files import open_url
from survey.services.slips import IssuedGroup, issue_slips

ACTOR = "demo"
CHUNK = 200
A_YEAR = timedelta(days=364)
PUBLIC_BALLOTS = 130
# This class ticks the best level everywhere: what an integrity check should find.
STRAIGHT_LINE = "S-330202-八年级1班"
LAST_YEAR_RESPONSE = {"S": 0.9, "P": 0.62, "T": 0.88, "H": 1.0}
THIS_YEAR_RESPONSE = {"S": 0.55, "P": 0.31, "T": 0.5, "H": 0.85}
FEEDBACK = (
    "感谢全县学生、家长、教师和校长参加测评。得分较低的项目已列入整改：\n"
    "一、食堂与后勤：各校公布每周菜谱，县教育局每月抽查。\n"
    "二、家校沟通：每学期至少召开两次家长会，家长意见十个工作日内答复。\n"
    "整改情况将在下一次测评前公布，并再次听取大家的意见。"
)
LIKELY = (0.03, 0.07, 0.2, 0.35, 0.35)


@dataclass(frozen=True, kw_only=True)
class DemoSlips:
    """One unused slip each to try, the public link, and the two campaigns."""

    slips: dict[str, str]
    public_link: str
    released: int
    open: int


def seed_demo(say: Callable[[str], None]) -> DemoSlips:
    """Fill a fresh instance; deterministic but for codes and keys. `say` reports each step."""
    say("roster")
    path = current_app.config["WUPING"].instance / "demo-roster.xlsx"
    write_demo_roster(path)
    import_roster(path, actor=ACTOR)
    year = today().year
    say(f"campaign {year - 1}")
    released, _groups = _campaign(f"{year - 1} 年度五评", year - 1, LAST_YEAR_RESPONSE, shift=-0.15)
    for state in ("closed", "tallied", "released"):
        move_campaign(released, state, actor=ACTOR)
    _date_back(released)
    review_demo(released)
    reply_demo(released)
    prepare_publication(released, actor=ACTOR)
    write_feedback(released, FEEDBACK, actor=ACTOR)
    publish(released, actor=ACTOR)
    say(f"campaign {year}")
    number, groups = _campaign(f"{year} 年度五评", year, THIS_YEAR_RESPONSE, shift=0.0)
    return DemoSlips(
        slips={relation: _unused(groups, relation) for relation in _SHOWN},
        public_link=next(open_url(group.group_id) for group in groups if group.kind == "open"),
        released=released,
        open=number,
    )


_SHOWN = ("student_teacher", "parent_school", "teacher_principal", "principal_department")


def _unused(groups: Iterable[IssuedGroup], relation: str) -> str:
    """Return the last code of the relation's first group: the demonstration leaves it to the visitor."""
    return next(group.codes[-1] for group in groups if group.relation == relation and group.codes)


def _campaign(name: str, year: int, response: dict[str, float], *, shift: float) -> tuple[int, tuple[IssuedGroup, ...]]:
    number, _made = create_campaign(name=name, year=year, template="five", first_day=None, last_day=None, actor=ACTOR)
    for state in ("ready", "open"):
        move_campaign(number, state, actor=ACTOR)
    groups = issue_slips(number, actor=ACTOR)
    chance = random.Random(SEED + year)
    voters = [
        (holder, _Voter(chance, group, shift).fill) for group in groups for holder in _turnout(chance, group, response)
    ]
    for start in range(0, len(voters), CHUNK):
        cast_slips(voters[start : start + CHUNK])
        db.session.rollback()
        mixing.mix()
    return number, groups


def _date_back(number: int) -> None:
    """Give last year's campaign days of last year; it was held just now, for nothing can be cast on a day gone by."""
    campaign = db.session.get_one(Campaign, number)
    campaign.first_day -= A_YEAR
    campaign.last_day -= A_YEAR
    db.session.commit()


def _turnout(chance: random.Random, group: IssuedGroup, response: dict[str, float]) -> list[Holder]:
    if group.kind == "open":
        return [
            Holder(code=secrets.token_hex(16), group_id=group.group_id, is_open=True)
            for _number in range(PUBLIC_BALLOTS)
        ]
    share = min(1.0, max(0.05, chance.gauss(response[group.group[0]], 0.1)))
    return [Holder(code=code, group_id=group.group_id) for code in group.codes[:-1] if chance.random() < share]


class _Voter:
    """Invents one person's answers: the school's quality, the target's own, the person's mood, chance."""

    def __init__(self, chance: random.Random, group: IssuedGroup, shift: float) -> None:
        self.chance = chance
        self.straight = group.group == STRAIGHT_LINE
        quality = {school.code: school.quality for school in SCHOOLS}.get(group.school_code, 0.0)
        self.mood = quality + shift + chance.gauss(0.0, 0.5)
        # Of their own, so that what is written changes no answer.
        self.remarks = random.Random(self.mood)

    def fill(self, electorate: Electorate, page: Page) -> bytes:
        """Return the packed answers of one page."""
        questionnaire = find_questionnaire(electorate.questionnaire_id)
        asked = questionnaire.variants[electorate.variant].items
        targets = [code for code, _name in electorate.targets] or [page.code]
        answers = bytes(
            self._level(target, item) if item in asked else BLANK
            for target in targets
            for item in questionnaire.item_codes
        )
        own = bytes(self._level(page.code, item.code) for item in electorate.own_items)
        chips, text = invent_comment(self.remarks, questionnaire, electorate.variant)
        return pack_payload(answers, own=own, chips=chips, text=text)

    def _level(self, target: str, item: str) -> int:
        if self.straight:
            return 5
        if self.chance.random() < 0.04:
            return 0
        tilt = 2.0 ** (self.mood + _trait(target, 0.45) + _trait(item, 0.25))
        weights = [weight * tilt**step for step, weight in enumerate(LIKELY, start=-2)]
        return self.chance.choices((1, 2, 3, 4, 5), weights)[0]


def _trait(code: str, spread: float) -> float:
    return random.Random(code).gauss(0.0, spread)  # the same target is as good in both years
