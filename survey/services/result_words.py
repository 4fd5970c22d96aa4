"""Words for what a result record knows by a code, and the sentences made from records, for pages and documents."""

from collections.abc import Mapping
from typing import Any

from flask_babel import get_locale, lazy_gettext
from flask_babel import gettext as _

from survey.analysis.scoring import Scheme
from survey.queries.results import EvaluationHead, Record, Row, Wording
from survey.services.figure_texts import NONE, share
from survey.services.punctuation import speaks_chinese
from survey.services.sheets import RELATION_TITLES

BANDS = {
    "excellent": lazy_gettext("Excellent"),
    "good": lazy_gettext("Good"),
    "pass": lazy_gettext("Pass"),
    "fail": lazy_gettext("Fail"),
    "satisfied": lazy_gettext("Satisfied"),
    "fairly_satisfied": lazy_gettext("Fairly satisfied"),
    "basically_satisfied": lazy_gettext("Basically satisfied"),
    "dissatisfied": lazy_gettext("Dissatisfied"),
}
VERDICTS = {
    "met": lazy_gettext("Standard met"),
    "not_met": lazy_gettext("Standard not met"),
    "undecided": lazy_gettext("Not enough evidence"),
    "improvement_only": lazy_gettext("For improvement only"),
}
RELIABILITY = {
    "low": lazy_gettext("low"),
    "medium": lazy_gettext("medium"),
    "high": lazy_gettext("high"),
}
# In English a scheme goes by its id.
SCHEMES = {
    "five_step": lazy_gettext("five_step"),
    "five_step_85": lazy_gettext("five_step_85"),
    "five_step_linear": lazy_gettext("five_step_linear"),
    "five_step_top1": lazy_gettext("five_step_top1"),
    "five_step_top3": lazy_gettext("five_step_top3"),
    "four_step": lazy_gettext("four_step"),
    "seven_step": lazy_gettext("seven_step"),
    "three_step_70_30": lazy_gettext("three_step_70_30"),
    "three_step_75_55": lazy_gettext("three_step_75_55"),
}
DEFINITIONS = {
    "top_level": lazy_gettext("the top level"),
    "top_two": lazy_gettext("the two top levels"),
    "top_three": lazy_gettext("the three top levels"),
}
UNIT_KINDS = {
    "school": lazy_gettext("School"),
    "district": lazy_gettext("School district"),
    "bureau": lazy_gettext("Bureau"),
}
TARGET_KINDS = {
    "student_teacher": lazy_gettext("Teacher"),
    "teacher_principal": lazy_gettext("Principal"),
    "principal_department": lazy_gettext("Department"),
    "parent_school": lazy_gettext("School"),
    "public_education": lazy_gettext("Bureau"),
}
# STATISTICS §1: a reliability of .7 serves for groups, .8 is the least for statements about one target.
_MEDIUM, _HIGH = 0.7, 0.8
ALPHA = 0.05


def relation_name(code: str) -> str:
    """Write a relation."""
    return str(RELATION_TITLES.get(code, code))


def worded(text: Mapping[str, str] | Any) -> str:
    """Write a text that has both languages: `{"zh": …, "en": …}` or a `Text`."""
    language = str(get_locale() or "zh")
    if isinstance(text, Mapping):
        return text["zh"] if language.startswith("zh") else text["en"]
    return str(text.in_(language))


def score_band(code: str | None) -> str:
    """Write a band of the scheme; a code that is the bureau's own stands as it is."""
    return str(BANDS.get(code or "", code or _("below all bands")))


def band_told(record: Record) -> str:
    """Write a target's band, or none where its figures are for improvement only: a band is a verdict, too."""
    return NONE if record["verdict"] == "improvement_only" else score_band(record["band"])


def change_told(change: Record) -> str:
    """Write what may be said of a tested change (`flag`, `p_adjusted`): no rise or fall that is not established."""
    if change["flag"]:
        return str(_("risen") if change["difference"] > 0 else _("fallen"))
    return str(_("significant but small") if change["p_adjusted"] < ALPHA else _("not enough evidence"))


def verdict_name(code: str) -> str:
    """Write a verdict."""
    return str(VERDICTS.get(code, code))


def unit_kind(level: str) -> str:
    """Write what a unit is."""
    return str(UNIT_KINDS.get(level, level))


def response_told(rate: float | None) -> str:
    """Write a response rate with its name, or why there is none."""
    return str(_("no roster, so no response rate") if rate is None else _("response rate %(rate)s", rate=share(rate)))


def target_kind(relation: str) -> str:
    """Write what a relation rates."""
    return str(TARGET_KINDS.get(relation, _("Target")))


def reliability_class(share: float | None) -> str:
    """Write the class of a reliability in [0, 1]: low below .7, high from .8."""
    if share is None:
        return str(_("unknown"))
    return str(RELIABILITY["low" if share < _MEDIUM else "medium" if share < _HIGH else "high"])


def full_name(head: EvaluationHead, row: Row) -> str:
    """Name a target with who rates it, as sentences begin."""
    return str(_("%(name)s (%(relation)s)", name=row.name, relation=relation_name(head.relation)))


def target_sentence(head: EvaluationHead, row: Row) -> str:
    """Return the sentence about a target that an officer may paste."""
    from survey.analysis.sentences import target_sentence as write

    return write(row.record, name=full_name(head, row), threshold=head.scheme.threshold, language=_language())


def change_sentence(change: Record | None, year: int) -> str:
    """Return the sentence about the change of a campaign of `year` against an earlier one, "" without one."""
    from survey.analysis.sentences import change_sentence as write
    from survey.analysis.trends import Change

    if change is None:
        return ""
    value = Change(**{key: change[key] for key in ("difference", "ci", "p", "n", "method")})
    before = None if change["year"] == year - 1 else change["year"]
    items = None if change["all_items"] else change["items"]
    return write(value, year=before, items=items, language=_language())


def course_sentence(course: Record | None) -> str:
    """Return the sentence about three campaigns or more, "" without them."""
    from survey.analysis.sentences import course_sentence as write
    from survey.analysis.trends import Course

    return "" if course is None else write(Course(**course), language=_language())


def evaluation_lines(findings: Record | None, scale: Record | None) -> list[str]:
    """Return the sentences about the further tests of an evaluation."""
    from survey.analysis.finding_sentences import evaluation_lines as write

    return [] if findings is None else write(findings, scale, language=_language())


def target_lines(findings: Record | None) -> list[str]:
    """Return the sentences about the further tests of a target."""
    from survey.analysis.finding_sentences import target_lines as write

    return [] if findings is None else write(findings, language=_language())


def pair_sentence(pair: Record, names: Mapping[str, str]) -> str:
    """Return the sentence about two units or targets."""
    from survey.analysis.sentences import pair_sentence as write

    name_a, name_b = (side_name(pair[side], names) for side in ("a", "b"))
    return write(pair, name_a=name_a, name_b=name_b, language=_language())


def side_name(code: str, names: Mapping[str, str]) -> str:
    """Name one side of a pair; "*" stands for all other units."""
    return str(_("all others")) if code == "*" else names.get(code, code)


def definition_name(code: str) -> str:
    """Write which levels from the top a definition of the satisfaction rate takes."""
    return str(DEFINITIONS.get(code, _("levels of its own")))


def scheme_name(code: str) -> str:
    """Write a scheme; the bureau's own goes by its id."""
    return str(SCHEMES.get(code, code))


def scheme_line(scheme: Scheme) -> str:
    """Write a scheme on one line: its points and bands from the best down, and what counts as satisfied."""
    return str(
        _(
            "%(id)s (version %(version)s): points %(points)s; bands from %(bands)s; satisfied: %(satisfied)s",
            id=scheme_name(scheme.id),
            version=scheme.version,
            points="/".join(f"{scheme.points[level]:.3g}" for level in reversed(scheme.levels)),
            bands="/".join(f"{band.floor:g}" for band in scheme.bands[:-1]),
            satisfied=definition_name(scheme.definition),
        )
    )


def satisfied_definition(head: EvaluationHead, questionnaire: Wording | None) -> str:
    """Name the levels that count as satisfied."""
    texts = level_names(head, questionnaire)
    return str(_(" + ")).join(texts[level] for level in sorted(head.scheme.satisfied, reverse=True))


def level_names(head: EvaluationHead, questionnaire: Wording | None) -> dict[int, str]:
    """Name the levels of a scheme, from best to worst; a number where the questionnaire has no word for it."""
    known = {level.value: worded(level.text) for level in questionnaire.levels} if questionnaire else {}
    return {level: known.get(level, str(level)) for level in reversed(head.scheme.levels)}


def _language() -> str:
    from survey.analysis.sentences import CHINESE, ENGLISH

    return CHINESE if speaks_chinese() else ENGLISH
