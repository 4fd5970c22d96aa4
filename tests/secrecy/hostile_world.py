"""A county whose every text is hostile, on its way through roster, questionnaires, campaign, votes and release."""

import io
import random
from collections.abc import Callable, Iterator
from typing import Any

import xlsxwriter
from flask.testing import FlaskClient

from survey.extensions import db
from survey.models.instruments import QuestionnaireVersion
from survey.services import mixing
from survey.services.ballots import BLANK, Electorate, Holder, Page, cast_slips, pack_payload
from survey.services.campaigns import create_campaign, move_campaign
from survey.services.instruments import find_questionnaire
from survey.services.slips import IssuedGroup, issue_slips

Text = Callable[[int], str]
SCHOOLS, DEPARTMENTS, TEACHERS = 12, 12, 80


def roster(text: Text, *, codes: Text) -> io.BytesIO:
    """Return a workbook of schools, departments, classes and teachers; `text` and `codes` make a cell of a length."""
    schools = [codes(40) for _number in range(SCHOOLS)]
    grades, subjects = ("三年级", "七年级"), [text(100) for _number in range(3)]
    classes = {grade: codes(30) for grade in grades}
    staff = [codes(40) for _number in range(TEACHERS)]
    districts = [text(100), text(100)]
    sheets: dict[str, list[tuple[object, ...]]] = {
        "学校": [("学校代码", "学校名称", "学区", "学段", "性质", "校长", "地址")],
        "科室": [("科室代码", "科室名称", "负责人")],
        "班级": [("学校代码", "年级", "班级", "在籍人数", "班主任工号")],
        "教师": [("工号", "姓名", "性别", "学校代码", "职务", "任教学科", "手机")],
        "任课": [("学校代码", "年级", "班级", "学科", "工号")],
    }
    for place, code in enumerate(schools):
        row = (code, text(200), districts[place % 2], "小学", text(40), text(100), text(300))
        sheets["学校"].append(row)
        sheets["教师"].append((codes(40), text(100), text(10), code, "校长", text(100), text(40)))
    sheets["科室"] += [(codes(40), text(200), text(100)) for _number in range(DEPARTMENTS)]
    sheets["教师"] += [(c, text(100), "", schools[n % 2], "教师", text(100), text(40)) for n, c in enumerate(staff)]
    for place, school in enumerate(schools[:2]):
        for grade, name in classes.items():
            sheets["班级"].append((school, grade, name, 24, staff[place]))
            sheets["任课"] += [(school, grade, name, subjects[n], staff[2 * n + place]) for n in range(3)]
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    target.seek(0)
    return target


def spoiled(text: Text) -> io.BytesIO:
    """Return a workbook that cannot be imported: wrong cells, headers and sheets, each with a hostile text."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        rows = [
            ("学校代码", "学校名称", "学区", "学段", text(40)),
            ("1", text(300), text(150), text(80)),
            ("1", "", "", ""),
        ]
        for number, row in enumerate(rows):
            book.add_worksheet("学校").write_row(number, 0, row) if not number else book.worksheets()[0].write_row(
                number, 0, row
            )
        for name, head in (("科室", ("科室代码", "科室名称")), ("班级", ("学校代码", "年级", "班级", "在籍人数"))):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, head)
            for number in range(1, 20):
                sheet.write_row(number, 0, [text(60) for _column in head])
        sheet = book.add_worksheet("教师")
        sheet.write_row(0, 0, ("工号", "姓名", "学校代码", "职务", "任教学科", "手机", "学生姓名"))
        for number in range(1, 20):
            sheet.write_row(number, 0, [text(60) for _column in range(7)])
        sheet = book.add_worksheet("任课")
        sheet.write_row(0, 0, ("学校代码", "年级", "班级", "学科", "工号"))
        for number in range(1, 20):
            sheet.write_row(number, 0, [text(60) for _column in range(5)])
    target.seek(0)
    return target


def import_by_web(officer: FlaskClient, work: Callable[[], None], file: io.BytesIO, name: str) -> str:
    """Upload, review and import a workbook; return the address of the review."""
    job = officer.post("/rosters/upload", data={"file": (file, name)}).location
    work()
    review = job.replace("/jobs/", "/rosters/imports/")
    second = officer.post(review)
    work()
    return review if second.status_code != 303 else second.location.replace("/jobs/", "/rosters/imports/")


def reword(text: Text) -> None:
    """Give every questionnaire that is not in use hostile texts; codes and values stay."""
    for row in db.session.query(QuestionnaireVersion).filter_by(frozen=False):
        row.document = _reworded(row.document, text)
    db.session.commit()


def _reworded(value: Any, text: Text) -> Any:
    if isinstance(value, dict):
        return {k: text(60) if k in ("zh", "en") else _reworded(v, text) for k, v in value.items()}
    return [_reworded(entry, text) for entry in value] if isinstance(value, list) else value


def hold(name: str, year: int, text: Text) -> tuple[int, tuple[IssuedGroup, ...]]:
    """Hold a whole campaign, votes and hostile comments included, up to its release."""
    number, groups = begin(name, year)
    chance = random.Random(year)

    def fill(electorate: Electorate, page: Page) -> bytes:
        questionnaire = find_questionnaire(electorate.questionnaire_id)
        asked = questionnaire.variants[electorate.variant].items
        targets = [code for code, _name in electorate.targets] or [page.code]
        levels = bytes(
            chance.choice((5, 5, 4, 3, 2)) if item in asked else BLANK
            for _target in targets
            for item in questionnaire.item_codes
        )
        return pack_payload(levels, text=text(200))

    cast_slips([(Holder(code=code, group_id=g.group_id), fill) for g in groups for code in g.codes[:-1]])
    db.session.rollback()
    mixing.mix()
    for state in ("closed", "tallied", "released"):
        move_campaign(number, state, actor="test")
    return number, groups


def begin(name: str, year: int) -> tuple[int, tuple[IssuedGroup, ...]]:
    """Make an open campaign and its slips."""
    made = create_campaign(name=name, year=year, template="five", first_day=None, last_day=None, actor="test")[0]
    for state in ("ready", "open"):
        move_campaign(made, state, actor="test")
    return made, issue_slips(made, actor="test")


def stored_texts() -> Iterator[str]:
    """Yield every text that the database holds, in whatever column."""
    from survey.extensions import Base

    for table in Base.metadata.sorted_tables:
        for row in db.session.execute(table.select()):
            yield from (value for value in row if isinstance(value, str))
