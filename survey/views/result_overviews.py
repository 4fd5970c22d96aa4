"""The page of the bureau's head (局领导): where we stand, what is better or worse, doubtful, overdue."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from survey.access import may
from survey.queries import findings, results, target_lists, unit_lists
from survey.queries.findings import Parts
from survey.queries.integrity import monitored_evaluations
from survey.queries.results import EvaluationHead, Record
from survey.queries.unit_lists import Edge
from survey.queries.voiding import voidings
from survey.services.figure_texts import signed, signed_interval, whole_share
from survey.services.result_words import ALPHA, relation_name, worded
from survey.views import result_charts, result_words
from survey.views.words import thousands

REFERENCE_ONLY = "public_education"
MOST_NAMES = 3
# Items to begin with, over all evaluations.
MOST_ITEMS = 3
# A change that is significant but within the margin fixed beforehand is no rise and no fall.
TURNOUT_DOUBTFUL = 0.7
# Below that an interval of a change is so wide that it tells a hurried reader nothing; its page has it.
FEW_TARGETS = 5


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One sentence of the page and where it is shown in full; better: True, False, or None; gap: points, of an item."""

    text: str
    address: str
    better: bool | None = None
    gap: float = 0.0


def overview(heads: Sequence[EvaluationHead]) -> dict[str, Any]:
    """Return what the page shows of a released campaign."""
    judged = [head for head in heads if head.relation != REFERENCE_ONLY]
    shown = [head for head in judged if head.overall["score"] is not None]
    parts = findings.all_parts(shown)
    said = _said(shown, parts)
    return {
        "campaign": heads[0].campaign,
        "cards": [_card(head) for head in heads],
        "first": _weak_items(shown, parts),
        "better": [part for part in said if part.better],
        "worse": [part for part in said if part.better is False],
        "doubts": [*_turnout_doubts(judged), *_integrity_doubts(heads[0].campaign.id)],
        "checked": may("integrity.read"),
    }


def _card(head: EvaluationHead) -> dict[str, Any]:
    change = head.change if head.overall["score"] is not None else None
    return {
        "head": head,
        "ring": result_charts.ring(head.overall, relation_name(head.relation)),
        "change": change,
        "verdict": _verdict(change, head.scheme.margin),
        "reference": head.relation == REFERENCE_ONLY,
    }


def _verdict(change: Record | None, margin: float) -> str:
    """Return risen, fallen, small (significant, within the margin), unclear, few (targets in both years), or none."""
    if change is None:
        return "none"
    if change["n"] < FEW_TARGETS:
        return "few"
    if change["p"] is None or change["p"] >= ALPHA:
        return "unclear"
    if abs(change["difference"]) <= margin:
        return "small"
    return "risen" if change["difference"] > 0 else "fallen"


def _said(heads: Sequence[EvaluationHead], parts: Mapping[int, Parts]) -> list[Statement]:
    edges = unit_lists.edges(heads, most=MOST_NAMES)
    outside = target_lists.outside_funnels(heads)
    said: list[Statement] = []
    for head in heads:
        said += _of_the_year(head)
        said += _of_units(head, edges.get(head.id, ()))
        said += _of_targets(head, parts[head.id].years)
        said += _of_the_funnel(head, parts[head.id].funnel, outside)
    return said


def _weak_items(heads: Sequence[EvaluationHead], parts: Mapping[int, Parts]) -> list[Statement]:
    """Return the items to begin with: those that lie furthest below the others of their questionnaire.

    A gap is taken inside a questionnaire, so gaps may stand side by side where scores may not.
    """
    texts = results.questionnaires(heads)
    said: list[Statement] = []
    for head in heads:
        wording = texts.get(head.questionnaire_id)
        names = {item.code: worded(item.text) for item in wording.items} if wording else {}
        said += _of_items(head, parts[head.id], names)
    return sorted(said, key=lambda one: one.gap)[:MOST_ITEMS]


def _address(head: EvaluationHead, endpoint: str, **more: Any) -> str:
    return url_for(endpoint, campaign_id=head.campaign.id, relation=head.relation, **more)


def _of_the_year(head: EvaluationHead) -> Iterator[Statement]:
    verdict = _verdict(head.change, head.scheme.margin)
    if verdict in {"risen", "fallen"}:
        sentence = result_words.change_sentence(head.change, head.campaign.year)
        text = _("%(relation)s: %(sentence)s", relation=relation_name(head.relation), sentence=sentence)
        yield Statement(text=text, address=_address(head, "results.years"), better=verdict == "risen")


def _of_units(head: EvaluationHead, edges: Iterable[Edge]) -> Iterator[Statement]:
    """Name the groups at both ends where units can be told apart."""
    for edge in edges:
        named = {"relation": relation_name(head.relation), "names": _named(edge.names, edge.number)}
        text = (
            _("%(relation)s, in the group that stands highest: %(names)s.", **named)
            if edge.best
            else _("%(relation)s, in the group that stands lowest: %(names)s.", **named)
        )
        yield Statement(text=text, address=_address(head, "results.evaluation"), better=edge.best)


def _named(names: Sequence[str], number: int) -> str:
    listed = str(_(", ")).join(names)
    if number == len(names):
        return listed
    return str(_("%(names)s and others, %(number)s in all", names=listed, number=number))


def _of_targets(head: EvaluationHead, years: Record | None) -> Iterator[Statement]:
    """Count the targets that rose or fell."""
    for only in ("risen", "fallen") if years else ():
        counted = {"number": years["targets"][only], "tested": years["targets"]["tested"]} if years else {}
        if counted["number"]:
            words = {"relation": relation_name(head.relation), **counted}
            text = (
                _("%(relation)s: %(number)s of %(tested)s tested rose against last year.", **words)
                if only == "risen"
                else _("%(relation)s: %(number)s of %(tested)s tested fell against last year.", **words)
            )
            yield Statement(text=text, address=_address(head, "results.targets", only=only), better=only == "risen")


def _of_the_funnel(
    head: EvaluationHead, funnel: Record | None, outside: Mapping[tuple[int, str], int]
) -> Iterator[Statement]:
    """Count the targets beyond the outer limits of the funnel."""
    for only in ("above", "below"):
        number = outside.get((head.id, only), 0)
        if number and funnel:
            words = {"relation": relation_name(head.relation), "number": number, "tested": funnel["targets"]}
            if only == "above":
                text = _(
                    "%(relation)s: %(number)s of %(tested)s lie above what chance and usual spread explain.", **words
                )
            else:
                text = _(
                    "%(relation)s: %(number)s of %(tested)s lie below what chance and usual spread explain.", **words
                )
            yield Statement(text=text, address=_address(head, "results.funnel", only=only), better=only == "above")


def _of_items(head: EvaluationHead, parts: Parts, texts: Mapping[str, str]) -> Iterator[Statement]:
    """Name the items that stand furthest below the others, as far as that is significant."""
    weak = sorted((row for row in parts.items if row["gap_flag"] and row["gap"] < 0), key=lambda row: row["gap"])
    for row in weak[:MOST_ITEMS]:
        text = _(
            "%(relation)s, “%(item)s”: %(gap)s points against the other items "
            "(95%% interval %(ends)s, n = %(n)s answers).",
            relation=relation_name(head.relation),
            item=texts.get(row["item"], row["item"]),
            gap=signed(row["gap"]),
            ends=signed_interval(row["gap_ci"]),
            n=thousands(row["answers"]),
        )
        address = _address(head, "results.item", item=row["item"])
        yield Statement(text=text, address=address, better=False, gap=row["gap"])


def _turnout_doubts(heads: Sequence[EvaluationHead]) -> Iterator[Statement]:
    for head in heads:
        rate, relation = head.overall["response_rate"], relation_name(head.relation)
        low = rate is not None and rate < TURNOUT_DOUBTFUL
        if low or head.withheld:
            words = {
                "relation": relation,
                "rate": whole_share(rate),
                "n": thousands(head.overall["ballots"]),
                "withheld": head.withheld,
                "targets": head.targets,
            }
            if not head.withheld:
                text = _("%(relation)s: response %(rate)s (n = %(n)s).", **words)
                yield Statement(text=text, address=url_for("results.response", campaign_id=head.campaign.id))
                continue
            text = (
                _("%(relation)s: response %(rate)s (n = %(n)s); %(withheld)s of %(targets)s withheld.", **words)
                if rate is not None
                else _("%(relation)s: %(withheld)s of %(targets)s withheld.", **words)
            )
            yield Statement(text=text, address=_address(head, "results.targets", only="withheld"))


def _integrity_doubts(campaign_id: int) -> Iterator[Statement]:
    """Say what the integrity monitor found, to those who may see it, and which units were voided."""
    if may("integrity.read"):
        address = url_for("integrity.page", campaign_id=campaign_id)
        for found in monitored_evaluations(campaign_id):
            alarms, judged = (
                found.groups.alarms + found.schools.alarms,
                found.groups.judged + found.schools.judged,
            )
            if alarms:
                words = {"relation": relation_name(found.relation), "alarms": alarms, "judged": judged}
                text = _("%(relation)s: %(alarms)s of %(judged)s classes and schools look unusual.", **words)
                yield Statement(text=text, address=address)
    for row in voidings(campaign_id):
        text = _("%(relation)s: %(name)s was voided.", relation=relation_name(row.relation), name=row.name)
        yield Statement(text=text, address=url_for("methods.campaign", campaign_id=campaign_id))
