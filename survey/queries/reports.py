"""Reads what documents of results (报告) are made of: the released cube of a target, a school, a whole campaign."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import select

from survey.extensions import db
from survey.models.results import CubeEvaluation, CubeTarget, CubeUnit
from survey.queries import findings, own_results, pairs, results
from survey.queries.comments import ChipLine, Quote, chip_lines, quotes
from survey.queries.outside import outside, outside_past
from survey.queries.own_results import FEWEST_COLLEAGUES, PERSONAL
from survey.queries.pairs import Compared
from survey.queries.results import EvaluationHead, PastTarget, Record, Row, Wording

SCHOOL = "school"
TARGET = "target"
PERSON = "person"
PARENTS, PRINCIPALS, TEACHERS = "parent_school", "teacher_principal", "student_teacher"
PUBLIC = "public_education"
# A city of 1,600 schools holds each against all others.
MOST_PAIRS = 10_000


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Whom a report is about; kind: school (all that a campaign says about it) or target (of one relation).

    shown: whether it has a figure that is not withheld; what has none gets no report in a batch.
    """

    kind: str
    relation: str
    code: str
    name: str
    school_code: str
    shown: bool


@dataclass(frozen=True, kw_only=True)
class TargetCube:
    """One target with what stands beside it: its unit, the year before, its findings, what was said, what it replied.

    unit: None also where, for a reader who knows one of a few, its mean would tell of the others.
    handed_out: all figures are as coarse as schools see them, for the document leaves the bureau. chips and quotes:
    in every copy what may leave it.
    """

    row: Row
    unit: Row | None
    past: PastTarget | None
    findings: Record | None
    reply: own_results.Reply | None
    handed_out: bool
    chips: Sequence[ChipLine] = ()
    quotes: Sequence[Quote] = ()


class EvaluationCube:
    """One released evaluation; its units and comparisons are read once, however many reports are made of it."""

    def __init__(self, head: EvaluationHead, wording: Wording | None) -> None:
        self.head = head
        self.wording = wording

    @cached_property
    def units(self) -> Mapping[str, Row]:
        """The units by code."""
        return {row.code: row for row in results.units(self.head)}

    @cached_property
    def software(self) -> str:
        """The version of the program that made the release, "" if it was not kept."""
        return findings.identity(self.head).software

    @cached_property
    def compared(self) -> Compared:
        """The tests of the evaluation, without their pairs."""
        return pairs.compared(self.head)

    @cached_property
    def findings(self) -> tuple[Record | None, Record | None]:
        """The findings of the evaluation and the quality of its scale."""
        return findings.evaluation_findings(self.head)

    def targets(self) -> Iterator[Row]:
        """Yield all targets in the order of codes."""
        query = select(CubeTarget).where(CubeTarget.evaluation_id == self.head.id).order_by(CubeTarget.code)
        return (results.target_row(target) for target in db.session.scalars(query))

    def pairs_of(self, code: str) -> list[Record]:
        """Return the pairs in which a unit, or a target of a common ballot, stands; flagged ones first."""
        if self.compared.paired:
            return [pair for pair in self.paired if code in (pair["a"], pair["b"])]
        return pairs.pairs_of(self.head, code) if self.compared.comparison and code in self.units else []

    @cached_property
    def paired(self) -> Sequence[Record]:
        """The pairs of targets on one ballot, flagged ones first."""
        return pairs.paired_rows(self.head)

    @cached_property
    def flagged_pairs(self) -> Sequence[Record]:
        """The pairs of units whose difference is established, at most `MOST_PAIRS`."""
        return pairs.flagged_pairs(self.head, self.compared, MOST_PAIRS)

    @cached_property
    def sides(self) -> Mapping[str, str]:
        """The names of what is compared, by code."""
        if self.compared.paired:
            return results.target_names(self.head)
        return {code: row.name for code, row in self.units.items()}

    def target(self, code: str, *, handed_out: bool, school: str | None = None) -> TargetCube:
        """Return one target with what stands beside it; of one school only if given. Raises NotFound."""
        row = results.find_target(self.head, code, school=school)
        # A report on a person is hers, whoever fetches it: comments for her school alone are not in it.
        reader = SCHOOL if self.head.relation == PARENTS else PERSON
        return self.beside(row, handed_out=handed_out, reader=reader, school=school)

    def beside(self, row: Row, *, handed_out: bool, reader: str, school: str | None = None) -> TargetCube:
        """Return what stands beside a target's row; for a school no reply, which is the bureau's and the person's.

        Nor a year in which the target was another school's, or the code another person's. reader: `queries.comments`.
        """
        past = results.last_year(self.head, row.code, school=school, name=row.name if handed_out else "")
        unit = self.units.get(row.unit)
        if unit and handed_out and self.head.relation in PERSONAL and unit.record["targets"] < FEWEST_COLLEAGUES:
            unit = None
        return TargetCube(
            row=outside(row) if handed_out else row,
            unit=outside(unit) if handed_out and unit else unit,
            reply=own_results.reply_of(self.head.campaign.id, self.head.id, row.code) if school is None else None,
            past=outside_past(past) if handed_out else past,
            findings=findings.target_findings(self.head, row.code),
            handed_out=handed_out,
            chips=chip_lines(self.head, row.code, row.record, outside=True),
            quotes=quotes(self.head.id, row.code, reader=reader),
        )


def evaluation_cubes(campaign_id: int) -> dict[str, EvaluationCube]:
    """Return the evaluations of a released campaign by relation; raises NotFound for one that is not released."""
    heads = results.evaluation_heads(campaign_id)
    texts = results.questionnaires(heads)
    return {head.relation: EvaluationCube(head, texts.get(head.questionnaire_id)) for head in heads}


def evaluation_cube(campaign_id: int, relation: str) -> EvaluationCube:
    """Return one evaluation; raises NotFound if the campaign is not released or has no such relation."""
    head = results.find_head(campaign_id, relation)
    return EvaluationCube(head, results.questionnaires([head]).get(head.questionnaire_id))


def subjects(campaign_id: int) -> list[Subject]:
    """Return everybody of whom a report can be made: the schools first, then targets, each in the order of codes.

    A school's parents' evaluation is in the school's own report; the public's is the bureau's.
    """
    query = (
        select(CubeEvaluation.relation, CubeTarget.code, CubeTarget.name, CubeTarget.school_code, CubeTarget.score)
        .join(CubeEvaluation, CubeEvaluation.evaluation_id == CubeTarget.evaluation_id)
        .where(CubeEvaluation.campaign_id == campaign_id)
        .order_by(CubeEvaluation.evaluation_id, CubeTarget.position)
    )
    rows = db.session.execute(query).all()
    targets = [
        Subject(
            kind=TARGET,
            relation=row.relation,
            code=row.code,
            name=row.name,
            school_code=row.school_code,
            shown=row.score is not None,
        )
        for row in rows
        if row.relation not in (PARENTS, PUBLIC)
    ]
    shown = {row.code: row.score is not None for row in rows if row.relation == PARENTS}
    names = {**_unit_names(campaign_id), **{row.code: row.name for row in rows if row.relation == PARENTS}}
    return [*_schools(targets, shown, names), *targets]


def _unit_names(campaign_id: int) -> dict[str, str]:
    """Return the names of the schools whose teachers are rated, by code."""
    query = (
        select(CubeUnit.code, CubeUnit.name)
        .join(CubeEvaluation, CubeEvaluation.evaluation_id == CubeUnit.evaluation_id)
        .where(CubeEvaluation.campaign_id == campaign_id, CubeEvaluation.relation == TEACHERS)
    )
    return {row.code: row.name for row in db.session.execute(query)}


def _schools(targets: Iterable[Subject], rated: Mapping[str, bool], names: Mapping[str, str]) -> list[Subject]:
    """Return the schools that parents rate (and whether they show it) or whose teachers or principal are rated."""
    shown = dict(rated)
    for target in targets:
        if target.school_code:
            shown[target.school_code] = shown.get(target.school_code, False) or target.shown
    return [
        Subject(
            kind=SCHOOL,
            relation="",
            code=code,
            name=names.get(code, code),
            school_code=code,
            shown=known,
        )
        for code, known in sorted(shown.items())
    ]


def school_rows(campaign_id: int, code: str) -> Mapping[str, Sequence[Row]]:
    """Return what a campaign says about a school, by relation; raises NotFound where it says nothing."""
    return results.school_rows(campaign_id, code)
