"""Sentences made from findings (`analysis/findings.py`): what further tests say, and what they do not prove."""

from collections.abc import Mapping
from typing import Any

from survey.analysis.sentences import ALPHA, CHINESE, ENGLISH, p_text

Record = Mapping[str, Any]

_WORDS: dict[str, dict[str, str]] = {
    CHINESE: {
        "howell": "事后两两比较（Games–Howell 法，共 {planned} 对，区间同时成立）：{flagged} "
        "对差异显著且超过事先规定的界限；"
        "按名次检验（Dunn 法，Holm 校正）：{ranked} 对差异显著",
        "effect": "单位之间的差别占全部名次差别的 {share:.1f}%（ε²）",
        "funnel": "漏斗图检验：{targets} 个对象中，只按抽样误差计算有 {chance} 个超出 95% 界限；"
        "计入对象之间的普遍差异后有 {outside} 个，只有这些值得单独关注",
        "below": "低于 {threshold:g} 分标准（Holm 校正，共 {size} 项判断）：{stated} 个对象可以认定，其余不足以认定；"
        "另有 {untested} 个对象班级或答卷太少，不作判断",
        "below_none": "低于 {threshold:g} 分标准：没有可供判断的对象",
        "no_flags": "没有发现疑似随意作答的答卷",
        "flags": "疑似随意作答的答卷 {ballots} 份（占 {share:.1f}%）：全部计入为 {score:.1f} 分，不计入为 "
        "{without:.1f} 分；"
        "正式结果始终全部计入",
        "flags_hidden": "疑似随意作答的答卷 {ballots} 份（占 {share:.1f}%），正式结果全部计入；"
        "不计入时的得分不予显示，否则可推算出个别答卷",
        "even": "各班组回收是否均衡：R 指标 {r:.3f}（1 为完全均衡）；"
        "就班组之间的回收差别而言，未答者使平均分偏离至多 {bias:.2f} 个标准差",
        "rising": "年级越高得分越高，趋势显著（Jonckheere 检验，{classes} 个班，{p}）",
        "falling": "年级越高得分越低，趋势显著（Jonckheere 检验，{classes} 个班，{p}）",
        "grades_unclear": "得分是否随年级升降，不足以判断（Jonckheere 检验，{classes} 个班，{p}）",
        "grades_untested": "得分是否随年级升降：没有变异可供检验（{classes} 个班）",
        "inside": "未超出漏斗图界限：在各对象之间的通常差异以内（不等于没有差别）",
        "above": "高于漏斗图的 {limit:g}% 界限（已计入对象之间的普遍差异）",
        "beneath": "低于漏斗图的 {limit:g}% 界限（已计入对象之间的普遍差异）",
        "chance": "长期水平低于标准的概率{chance}",
        "low_chance": "小于 1%",
        "some_chance": "约为 {percent:.0f}%",
        "high_chance": "大于 99%",
        "rank": "可能的名次为第 {low} 至第 {high} 名（共 {of} 个），不宜写成一个名次",
        "sure_rank": "名次几乎可以确定为第 {low} 名（共 {of} 个）",
        "bounds": "假如未答者全部给最低分或最高分，得分在 {low:.1f} 至 {high:.1f} 之间",
        "weighted": "按各班人数加权为 {score:.1f} 分（设计效应 {deff:.2f}）",
        "benchmark": "面对同样年级的其他对象平均为 {expected:.1f} 分，本对象与之相差 {difference:+.1f} 分"
        "（95% 区间 {low:.1f} 至 {high:.1f}）",
        "unflagged": "不计入 {flagged} 份疑似随意作答的答卷为 {score:.1f} 分",
        "agreement": "答卷的一致程度 r_wg = {value:.2f}（1 为完全一致）",
        "alpha": "量表信度 α = {alpha:.3f}（95% 区间 {low:.3f}–{high:.3f}，完整答卷 {n} 份）",
        "omega": "ω = {omega:.3f}",
        "no_alpha": "题目太少或没有变异，无法计算量表信度",
        "comma": "，",
        "stop": "。",
    },
    ENGLISH: {
        "howell": "All pairs afterwards (Games–Howell, {planned} pairs, intervals hold together): {flagged} are "
        "significant "
        "and above the margin fixed beforehand; by ranks (Dunn, Holm): {ranked} are significant",
        "effect": "units account for {share:.1f}% of the spread of ranks (ε²)",
        "funnel": "Funnel: of {targets} targets {chance} lie outside the 95% limits of chance alone; with the "
        "spread that "
        "all targets share, {outside} do, and only these deserve a look of their own",
        "below": "Below the standard of {threshold:g} points (Holm over {size} statements): it can be stated of "
        "{stated} targets, for the others the evidence does not suffice; {untested} more have too few classes or "
        "ballots to be judged",
        "below_none": "Below the standard of {threshold:g} points: there is no target to judge",
        "no_flags": "No ballot looks carelessly filled in",
        "flags": "{ballots} ballots look carelessly filled in ({share:.1f}%): {score:.1f} points with all, "
        "{without:.1f} "
        "without them; the official result always counts all",
        "flags_hidden": "{ballots} ballots look carelessly filled in ({share:.1f}%), and the official result "
        "counts them; "
        "the score without them is withheld, for single ballots could be derived",
        "even": "Evenness of response: R-indicator {r:.3f} (1 is even); as far as groups differ in response, "
        "those who did "
        "not answer shift the mean by at most {bias:.2f} standard deviations",
        "rising": "Scores rise with the grade, a significant trend (Jonckheere, {classes} classes, {p})",
        "falling": "Scores fall with the grade, a significant trend (Jonckheere, {classes} classes, {p})",
        "grades_unclear": "Whether scores rise or fall with the grade: not enough evidence (Jonckheere, "
        "{classes} classes, {p})",
        "grades_untested": "Whether scores rise or fall with the grade: nothing varies that could be tested "
        "({classes} classes)",
        "inside": "Within the funnel's limits, the usual spread between targets; that is no proof of no difference",
        "above": "Above the funnel's {limit:g}% limit (with the spread that all targets share)",
        "beneath": "Below the funnel's {limit:g}% limit (with the spread that all targets share)",
        "chance": "The chance that the lasting level is below the standard is {chance}",
        "low_chance": "below 1%",
        "some_chance": "about {percent:.0f}%",
        "high_chance": "above 99%",
        "rank": "Its rank may be anything from {low} to {high} of {of}; it should not be written as one rank",
        "sure_rank": "Its rank is almost surely {low} of {of}",
        "bounds": "Had all who did not answer given the lowest or the highest marks, the score would lie "
        "between {low:.1f} "
        "and {high:.1f}",
        "weighted": "Weighted to the size of each class: {score:.1f} points (design effect {deff:.2f})",
        "benchmark": "Others before the same grades have {expected:.1f} points on average; this one differs by "
        "{difference:+.1f} (95% interval {low:.1f} to {high:.1f})",
        "unflagged": "Without {flagged} ballots that look carelessly filled in: {score:.1f} points",
        "agreement": "Agreement of the ballots r_wg = {value:.2f} (1 is full agreement)",
        "alpha": "Reliability of the scale α = {alpha:.3f} (95% interval {low:.3f}–{high:.3f}, {n} complete ballots)",
        "omega": "ω = {omega:.3f}",
        "no_alpha": "Too few items, or none that varies: the reliability of the scale cannot be computed",
        "comma": ", ",
        "stop": ".",
    },
}
_LIMITS = {1: 95.0, 2: 99.8}


def evaluation_lines(findings: Record, scale: Record | None, *, language: str = CHINESE) -> list[str]:
    """Say what the findings of an evaluation are; `scale` is its `scale_quality`. Unknown parts are passed over."""
    words = _WORDS[language]
    lines = [
        *_units_lines(findings["units"], words),
        *_funnel_lines(findings["funnel"], words),
        *_below_lines(findings["below"], words),
        *_flags_lines(findings["flagged"], words),
        *_even_lines(findings["nonresponse"], words),
        *_grades_lines(findings["grades"], words),
        *_scale_lines(scale, words),
    ]
    return [line + words["stop"] for line in lines]


def target_lines(findings: Record, *, language: str = CHINESE) -> list[str]:
    """Say what the findings of one shown target are."""
    words = _WORDS[language]
    lines = [_funnel_of_target(findings, words)]
    if findings["below_chance"] is not None:
        lines.append(words["chance"].format(chance=_chance_text(findings["below_chance"], words)))
    if findings["rank"] is not None:
        low, high = (round(end) for end in findings["rank"]["ci"])
        lines.append(words["rank" if low < high else "sure_rank"].format(low=low, high=high, of=findings["rank"]["of"]))
    if findings["bounds"] is not None:
        lines.append(words["bounds"].format(low=findings["bounds"][0], high=findings["bounds"][1]))
    if findings["weighted"] is not None:
        lines.append(words["weighted"].format(**findings["weighted"]))
    if findings["benchmark"] is not None:
        lines.append(_benchmark_line(findings["benchmark"], words))
    if findings["without_flagged"] is not None:
        lines.append(words["unflagged"].format(**findings["without_flagged"]))
    if findings["agreement"] is not None:
        lines.append(words["agreement"].format(value=findings["agreement"]))
    return [line + words["stop"] for line in lines if line]


def _chance_text(chance: float, words: Mapping[str, str]) -> str:
    """Write a chance as whole percent, never as the certainty that it is not."""
    size = "low_chance" if chance < 0.01 else "high_chance" if chance > 0.99 else "some_chance"
    return words[size].format(percent=100.0 * chance)


def _funnel_of_target(findings: Record, words: Mapping[str, str]) -> str:
    if findings["funnel_z"] is None:
        return ""
    side = findings["funnel"]
    if side == 0:
        return words["inside"]
    return words["above" if side > 0 else "beneath"].format(limit=_LIMITS[abs(side)])


def _benchmark_line(record: Record, words: Mapping[str, str]) -> str:
    low, high = record["ci"] or (float("nan"), float("nan"))
    return words["benchmark"].format(expected=record["expected"], difference=record["difference"], low=low, high=high)


def _units_lines(units: Record | None, words: Mapping[str, str]) -> list[str]:
    if units is None:
        return []
    flagged = sum(pair["flag"] for pair in units["pairs"])
    ranked = sum(pair["dunn_p"] is not None and pair["dunn_p"] < ALPHA for pair in units["pairs"])
    line = words["howell"].format(planned=units["family"]["planned"], flagged=flagged, ranked=ranked)
    share = units["epsilon_squared"]
    return [line if share is None else line + words["comma"] + words["effect"].format(share=100.0 * share)]


def _funnel_lines(funnel: Record | None, words: Mapping[str, str]) -> list[str]:
    if funnel is None or funnel["phi"] is None:
        return []
    values = {"targets": funnel["targets"], "chance": funnel["outside_chance"], "outside": funnel["outside"]}
    return [words["funnel"].format(**values)]


def _below_lines(below: Record, words: Mapping[str, str]) -> list[str]:
    return [words["below" if below["size"] else "below_none"].format(**below)]


def _flags_lines(flagged: Record | None, words: Mapping[str, str]) -> list[str]:
    if flagged is None or flagged["score"] is None:
        return []
    if flagged["ballots"] == 0:
        return [words["no_flags"]]
    values = {"ballots": flagged["ballots"], "share": 100.0 * flagged["share"], "score": flagged["score"]}
    if flagged["score_without"] is None:
        return [words["flags_hidden"].format(**values)]
    return [words["flags"].format(**values, without=flagged["score_without"])]


def _even_lines(nonresponse: Record | None, words: Mapping[str, str]) -> list[str]:
    if nonresponse is None or nonresponse["r"] is None or nonresponse["max_bias"] is None:
        return []
    return [words["even"].format(r=nonresponse["r"], bias=nonresponse["max_bias"])]


def _grades_lines(grades: Record | None, words: Mapping[str, str]) -> list[str]:
    if grades is None:
        return []
    if grades["p"] is None:
        return [words["grades_untested"].format(classes=grades["classes"])]
    key = "grades_unclear" if grades["p"] >= ALPHA else "rising" if grades["z"] > 0.0 else "falling"
    return [words[key].format(classes=grades["classes"], p=p_text(grades["p"]))]


def _scale_lines(scale: Record | None, words: Mapping[str, str]) -> list[str]:
    if scale is None:
        return []
    if scale["alpha"] is None or scale["alpha_ci"] is None:
        return [words["no_alpha"]]
    low, high = scale["alpha_ci"]
    line = words["alpha"].format(alpha=scale["alpha"], low=low, high=high, n=scale["n"])
    if scale["omega"] is not None:
        line += words["comma"] + words["omega"].format(omega=scale["omega"])
    return [line]
