"""The variables of exported tables: names for programs, headings for people, what they mean, where they stand."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import lazy_gettext as _

from survey.services.result_words import BANDS, UNIT_KINDS, VERDICTS
from survey.services.sheets import RELATION_TITLES

TEXT, COUNT, POINTS, LEVELS, SHARE, NUMBER, P_VALUE, FLAG = (
    "text",
    "count",
    "points",
    "levels",
    "share",
    "number",
    "p",
    "flag",
)
# Why a row or an item has no figures: what the release withholds, what a school is not shown, what is not there.
REASONS = {
    "ballots_below_floor": _("Withheld: too few valid ballots."),
    "response_below_floor": _("Withheld: too few of those asked have answered."),
    "derivable": _("Withheld: a figure withheld elsewhere could be worked out from it."),
    "partly": _("Partly withheld: with these figures, one withheld elsewhere could be worked out."),
    "item_below_floor": _("Withheld: too few answers to this item."),
    "nearly_all_agree": _("Nearly all agree, so nothing finer is shown."),
    "not_asked": _("Not asked here."),
    "no_levels": _("Nobody chose a level."),
}
NOT_WITHHELD = frozenset({"not_asked", "no_levels"})
# Never filled for a school (`queries.audiences`).
BUREAU_ONLY = frozenset(
    ("flagged", "score_se", "sd", "shrunken_sd", "mean_se", "pooled_mean", "pooled_mean_se_cluster")
)


class Withheld:
    """What stands in place of a figure that is not shown; never a number."""

    def __repr__(self) -> str:
        return "WITHHELD"


WITHHELD = Withheld()
Cell = str | int | float | bool | Withheld | None


@dataclass(frozen=True, kw_only=True)
class Column:
    """A variable: `name` is ASCII, `source` where its value stands in a row, `kind` one of the kinds above.

    words: of codes. figure: empty means withheld where the row has a reason; else it is simply not there.
    """

    name: str
    title: Any
    kind: str = TEXT
    source: tuple[str | int, ...] = ()
    words: Mapping[str, Any] = field(default_factory=dict)
    figure: bool = False
    meaning: Any = ""

    def value(self, row: Mapping[str, Any]) -> Cell:
        """Return the cell of a row: as the cube has it, `WITHHELD`, or None for what is not there."""
        found: Any = row
        for step in self.source or (self.name,):
            if found is None:
                break
            found = found.get(step) if isinstance(step, str) else found[step]
        if found is None and self.figure and row.get("withheld") and row["withheld"] not in NOT_WITHHELD:
            return WITHHELD
        return found if isinstance(found, str | int | float | None) else str(found)


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of an export; `rows` are read once, `part` is added to the title where a table is one of several."""

    key: str
    title: str
    columns: Sequence[Column]
    rows: Iterable[Mapping[str, Any]]
    fixed: int = 1


def interval(name: str, title: Any, kind: str, *, meaning: Any = "") -> tuple[Column, Column]:
    """Return the two ends of an interval that stands as a pair under `name`."""
    low, high = _("%(figure)s, lower end", figure=title), _("%(figure)s, upper end", figure=title)
    return (
        Column(name=f"{name}_low", title=low, kind=kind, source=(name, 0), figure=True, meaning=meaning),
        Column(name=f"{name}_high", title=high, kind=kind, source=(name, 1), figure=True, meaning=meaning),
    )


def _figure(name: str, title: Any, kind: str, *source: str, meaning: Any = "") -> Column:
    return Column(name=name, title=title, kind=kind, source=source, figure=True, meaning=meaning)


RELATION = Column(name="relation", title=_("Relation"), words=RELATION_TITLES)
REASON = Column(
    name="withheld",
    title=_("Why a figure is missing"),
    words=REASONS,
    meaning=_("Empty where all figures are shown."),
)
SCORE_CI = interval(
    "score_ci",
    _("95 per cent interval, ballots as independent"),
    POINTS,
    meaning=_("t with n − 1; not clipped to 0–100."),
)
TARGETS_CI = interval(
    "score_ci", _("95 per cent interval over targets"), POINTS, meaning=_("t over targets, each counting once.")
)
ROSTER_CI = interval(
    "score_ci_roster",
    _("95 per cent interval A, this roster"),
    POINTS,
    meaning=_("Finite roster, classes as strata: what all on this roster would say."),
)
CLASS_CI = interval(
    "score_ci_class",
    _("95 per cent interval B, performance"),
    POINTS,
    meaning=_("Clustered by class; empty below the floor of classes. The verdict rests on question B."),
)
RATE_CI = interval("satisfied_ci", _("95 per cent interval of the rate"), SHARE, meaning=_("Wilson."))
SCORE = _figure("score", _("Score"), POINTS, meaning=_("0–100, the mean of the ballots' points."))
SCORE_SE = _figure("score_se", _("Standard error of the score"), POINTS)
MEAN = _figure("mean", _("Mean in level units"), LEVELS, meaning=_("The mean of the ballots' means."))
RATE = _figure(
    "satisfied_rate", _("Satisfaction rate"), SHARE, meaning=_("Satisfied among those who chose a level, 0–1.")
)
BALLOTS = Column(name="ballots", title=_("Ballots"), kind=COUNT, meaning=_("Cast and not voided."))
VALID = Column(
    name="valid", title=_("Valid ballots"), kind=COUNT, meaning=_("At least one item answered with a level.")
)
RESPONSE = Column(
    name="response_rate",
    title=_("Response rate"),
    kind=SHARE,
    meaning=_("Ballots by slips that were not voided, 0–1; empty without a roster."),
)
ISSUED = Column(name="issued", title=_("Slips issued"), kind=COUNT, meaning=_("Every slip made, voided ones included."))
FLAGGED = Column(
    name="flagged",
    title=_("Flagged ballots"),
    kind=COUNT,
    meaning=_("Filled in carelessly by their pattern; counted in every figure. The bureau only."),
)

TARGET_HEAD = (
    RELATION,
    Column(name="target", title=_("Code of the target")),
    Column(name="name", title=_("Target")),
    Column(name="unit", title=_("Code of the unit")),
    Column(name="unit_name", title=_("Unit")),
)
TARGETS = (
    *TARGET_HEAD,
    ISSUED,
    BALLOTS,
    VALID,
    RESPONSE,
    FLAGGED,
    SCORE,
    *ROSTER_CI,
    *CLASS_CI,
    Column(
        name="band", title=_("Band"), words=BANDS, figure=True, meaning=_("Of the scheme; see the sheet on method.")
    ),
    Column(name="verdict", title=_("Verdict"), words=VERDICTS, figure=True),
    REASON,
    MEAN,
    SCORE_SE,
    *SCORE_CI,
    _figure("reliability", _("Reliability"), NUMBER, meaning=_("Of this target's mean, 0–1.")),
    _figure("shrunken_mean", _("Mean drawn towards all"), LEVELS, meaning=_("Empirical Bayes, level units.")),
    _figure("shrunken_sd", _("Its standard deviation"), LEVELS),
)
UNITS = (
    RELATION,
    Column(name="unit", title=_("Code of the unit")),
    Column(name="name", title=_("Unit")),
    Column(name="level", title=_("Kind of unit"), words=UNIT_KINDS),
    Column(name="targets", title=_("Targets"), kind=COUNT, meaning=_("Targets with a valid ballot.")),
    BALLOTS,
    SCORE,
    *TARGETS_CI,
    REASON,
    SCORE_SE,
    _figure("mean", _("Mean in level units"), LEVELS, meaning=_("The mean of its targets' means.")),
    _figure("mean_se", _("Standard error of the mean"), LEVELS),
    _figure("pooled_mean", _("Mean of its ballots"), LEVELS),
    _figure("pooled_mean_se_cluster", _("Its standard error, clustered by target"), LEVELS),
)
EVALUATIONS = (
    RELATION,
    Column(name="questionnaire", title=_("Questionnaire"), source=("questionnaire", "id")),
    Column(
        name="questionnaire_version",
        title=_("Version of the questionnaire"),
        kind=COUNT,
        source=("questionnaire", "version"),
    ),
    Column(name="scheme", title=_("Scheme"), source=("scheme", "id")),
    Column(name="scheme_version", title=_("Version of the scheme"), kind=COUNT, source=("scheme", "version")),
    Column(name="targets", title=_("Targets"), kind=COUNT),
    Column(name="rated", title=_("Targets with a valid ballot"), kind=COUNT),
    ISSUED,
    BALLOTS,
    VALID,
    RESPONSE,
    FLAGGED,
    _figure("score", _("Score"), POINTS, meaning=_("0–100, the mean of the targets, each counting once.")),
    *TARGETS_CI,
    RATE,
    *RATE_CI,
    REASON,
    SCORE_SE,
    _figure("mean", _("Mean in level units"), LEVELS),
    _figure("mean_se", _("Standard error of the mean"), LEVELS),
    _figure("pooled_mean", _("Mean of its ballots"), LEVELS),
)
TESTS = (
    RELATION,
    Column(name="margin", title=_("Margin in points"), kind=POINTS, source=("comparison", "margin")),
    Column(name="welch_f", title=_("Welch's F"), kind=NUMBER, source=("comparison", "welch_anova", "f")),
    Column(name="welch_df1", title=_("df 1"), kind=NUMBER, source=("comparison", "welch_anova", "df1")),
    Column(name="welch_df2", title=_("df 2"), kind=NUMBER, source=("comparison", "welch_anova", "df2")),
    Column(name="welch_p", title=_("p of Welch's F"), kind=P_VALUE, source=("comparison", "welch_anova", "p")),
    Column(name="kruskal_h", title=_("Kruskal–Wallis H"), kind=NUMBER, source=("comparison", "kruskal", "h")),
    Column(name="kruskal_df", title=_("df of H"), kind=NUMBER, source=("comparison", "kruskal", "df")),
    Column(name="kruskal_p", title=_("p of H"), kind=P_VALUE, source=("comparison", "kruskal", "p")),
    Column(name="friedman_q", title=_("Friedman's Q"), kind=NUMBER, source=("paired", "friedman", "q")),
    Column(name="friedman_df", title=_("df of Q"), kind=NUMBER, source=("paired", "friedman", "df")),
    Column(name="friedman_p", title=_("p of Q"), kind=P_VALUE, source=("paired", "friedman", "p")),
    Column(name="kendall_w", title=_("Kendall's W"), kind=NUMBER, source=("paired", "friedman", "kendall_w")),
)
_SIDES = (
    RELATION,
    Column(name="a", title=_("Code of A")),
    Column(name="name_a", title=_("A")),
    Column(name="b", title=_("Code of B"), meaning=_("* stands for all other units.")),
    Column(name="name_b", title=_("B")),
)
_DIFFERENCE = (
    Column(name="difference_points", title=_("Difference A − B in points"), kind=POINTS),
    Column(name="difference", title=_("Difference A − B"), kind=LEVELS, meaning=_("In level units.")),
    *(
        Column(name=f"ci_{end}", title=title, kind=LEVELS, source=("ci", place))
        for place, (end, title) in enumerate(
            (("low", _("95 per cent interval, lower end")), ("high", _("95 per cent interval, upper end")))
        )
    ),
)
_ADJUSTED = (
    Column(name="p", title=_("p"), kind=P_VALUE),
    Column(
        name="p_adjusted",
        title=_("p, adjusted"),
        kind=P_VALUE,
        meaning=_("Benjamini–Hochberg over all pairs of the evaluation."),
    ),
)
_FLAG = Column(
    name="flag",
    title=_("Established"),
    kind=FLAG,
    meaning=_("1 only if the adjusted p is below 0.05 and the difference in points exceeds the margin."),
)
PAIRS = (
    *_SIDES,
    *_DIFFERENCE,
    Column(name="t", title=_("t"), kind=NUMBER),
    Column(name="df", title=_("Degrees of freedom"), kind=NUMBER),
    *_ADJUSTED,
    Column(name="hedges_g", title=_("Hedges' g"), kind=NUMBER),
    _FLAG,
)
PAIRED = (*_SIDES, Column(name="n", title=_("Common ballots"), kind=COUNT), *_DIFFERENCE, *_ADJUSTED, _FLAG)
RELIABILITY = (
    RELATION,
    Column(name="icc", title=_("ICC"), kind=NUMBER, meaning=_("Share of the variance that lies between targets.")),
    Column(name="tau2", title=_("Variance between targets"), kind=NUMBER, meaning=_("REML, level units squared.")),
    Column(name="sigma2", title=_("Variance between ballots"), kind=NUMBER, meaning=_("REML, level units squared.")),
    Column(name="mu", title=_("Mean of all targets"), kind=LEVELS),
    *(
        Column(
            name=f"ballots_for_{share.replace('.', '')}",
            title=_("Ballots for a reliability of %(share)s", share=share),
            kind=NUMBER,
            source=("ballots_for", share),
        )
        for share in ("0.7", "0.8", "0.9")
    ),
)
SCALE = (
    RELATION,
    Column(name="n", title=_("Complete ballots"), kind=COUNT),
    Column(name="alpha", title=_("Cronbach's α"), kind=NUMBER),
    Column(name="alpha_low", title=_("α, lower end"), kind=NUMBER, source=("alpha_ci", 0)),
    Column(name="alpha_high", title=_("α, upper end"), kind=NUMBER, source=("alpha_ci", 1)),
    Column(name="omega", title=_("McDonald's ω"), kind=NUMBER),
)
METHOD = (
    Column(name="section", title=_("Section")),
    Column(name="entry", title=_("Entry")),
    Column(name="value", title=_("Value")),
)
CODEBOOK = (
    Column(name="table", title=_("Table")),
    Column(name="variable", title=_("Variable")),
    Column(name="label", title=_("Label")),
    Column(name="type", title=_("Type")),
    Column(name="codes", title=_("Codes")),
    Column(name="meaning", title=_("Meaning")),
    Column(name="missing", title=_("When empty")),
)
KIND_NAMES = {
    TEXT: _("text"),
    COUNT: _("whole number"),
    POINTS: _("points 0–100"),
    LEVELS: _("level units"),
    SHARE: _("share 0–1"),
    NUMBER: _("number"),
    P_VALUE: _("probability"),
    FLAG: _("1 yes, 0 no"),
}


def items_of(levels: Sequence[int], names: Mapping[int, str], *, exact: bool) -> tuple[Column, ...]:
    """Return the variables of items; outside the bureau shares of the levels stand in place of counts.

    levels: of the scheme, from the best down; names: what they are called.
    """
    distribution = (
        [_count(level, names[level]) for level in levels] + [_count(0, _("No opinion"))]
        if exact
        else [_share(level, names[level]) for level in levels]
    )
    return (
        *TARGET_HEAD,
        Column(name="item", title=_("Code of the item")),
        Column(name="dimension", title=_("Dimension")),
        Column(name="text", title=_("Item")),
        Column(name="n", title=_("Answers"), kind=COUNT, meaning=_("“No opinion” included.")),
        *item_figures(distribution),
        REASON,
    )


def item_figures(distribution: Sequence[Column]) -> tuple[Column, ...]:
    """Return the figures of an item with the variables of its distribution among them."""
    return (
        RATE,
        *RATE_CI,
        _figure("score", _("Score"), POINTS, meaning=_("0–100, of those who chose a level.")),
        *SCORE_CI,
        *distribution,
        _figure("mean", _("Mean in level units"), LEVELS),
        _figure("sd", _("Standard deviation"), LEVELS),
        SCORE_SE,
    )


def _count(level: int, name: Any) -> Column:
    return Column(name=f"count_{level}", title=name, kind=COUNT, source=("counts", str(level)), figure=True)


def _share(level: int, name: Any) -> Column:
    meaning = _("Share of those who chose a level, in whole per cent; from 30 answers on.")
    source = ("shares", str(level))
    return Column(name=f"share_{level}", title=name, kind=SHARE, source=source, figure=True, meaning=meaning)
