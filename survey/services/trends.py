"""Year on year (同比): this release beside those of earlier years, on the items and targets that are the same."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from survey.extensions import db
from survey.models.campaigns import Campaign, Evaluation
from survey.models.results import CubeEvaluation, CubeTarget
from survey.services.instruments import find_questionnaire

if TYPE_CHECKING:
    from survey.analysis.scoring import Scheme
    from survey.analysis.trends import Matching

MOST_YEARS = 10
Record = Mapping[str, Any]


def compare_years(evaluation: Evaluation, scheme: "Scheme", targets: Sequence[Record]) -> dict[str, Any]:
    """Return `change`, against the last earlier year, and `course`, over three campaigns or more; None where there is
    nothing to compare.

    Only released campaigns of the same relation and template count, one a year, on the targets whose score is shown
    and on the items whose wording and points are the same everywhere.
    """
    from survey.analysis.trends import LEAST_CAMPAIGNS, change, course, samples

    before = earlier_releases(evaluation)
    if not before:
        return {"change": None, "course": None}
    newest = before[0]
    same = matching(evaluation, scheme, [newest])
    found = change(samples(targets, same), samples(_documents(newest), same))
    document = None
    if found is not None:
        document = {**asdict(found), "year": newest.campaign.year, "campaign": newest.campaign.id}
        document |= {"items": len(same.shares), "all_items": same.complete}
    if len(before) + 1 < LEAST_CAMPAIGNS:
        return {"change": document, "course": None}
    same = matching(evaluation, scheme, before)
    year = db.session.get_one(Campaign, evaluation.campaign_id).year
    campaigns = [samples(targets, same), *(samples(_documents(cube), same) for cube in before)]
    whole = course([year, *(cube.campaign.year for cube in before)], campaigns)
    return {"change": document, "course": None if whole is None else asdict(whole)}


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """A released evaluation of an earlier year with its campaign."""

    cube: CubeEvaluation
    campaign: Campaign


def earlier_releases(evaluation: Evaluation) -> list[Earlier]:
    """Return the newest release of each earlier year with this relation and template, the last year first."""
    campaign = db.session.get_one(Campaign, evaluation.campaign_id)
    rows = db.session.execute(
        select(CubeEvaluation, Campaign)
        .join(Campaign, Campaign.id == CubeEvaluation.campaign_id)
        .where(
            CubeEvaluation.relation == evaluation.relation,
            Campaign.template == campaign.template,
            Campaign.year < campaign.year,
        )
        .order_by(Campaign.year.desc(), Campaign.id.desc())
    )
    years: dict[int, Earlier] = {}
    for cube, its_campaign in rows:
        years.setdefault(its_campaign.year, Earlier(cube=cube, campaign=its_campaign))
    return list(years.values())[:MOST_YEARS]


def match_campaigns(evaluation_ids: Sequence[int]) -> "Matching":
    """Return the items that released evaluations share, by the shares of the first of them."""
    from survey.analysis.scoring import Scheme

    chosen = [_released(number) for number in evaluation_ids]
    evaluation = db.session.get_one(Evaluation, evaluation_ids[0])
    return matching(evaluation, Scheme.from_json(chosen[0].cube.document["scheme"]), chosen[1:])


def _released(evaluation_id: int) -> Earlier:
    cube = db.session.get_one(CubeEvaluation, evaluation_id)
    return Earlier(cube=cube, campaign=db.session.get_one(Campaign, cube.campaign_id))


def _documents(earlier: Earlier) -> list[Record]:
    mine = CubeTarget.evaluation_id == earlier.cube.evaluation_id
    return list(db.session.scalars(select(CubeTarget.document).where(mine)))


def matching(evaluation: Evaluation, scheme: "Scheme", before: Sequence[Earlier]) -> "Matching":
    """Return the items that this evaluation shares with all of the earlier ones."""
    from survey.analysis.scoring import Scheme
    from survey.analysis.trends import matched_items

    now = _versions(evaluation, scheme)
    shared, weights = dict(now), dict(scheme.item_weights)
    same = matched_items(now, now, weights=weights, last_weights=weights)
    complete = True
    for earlier in before:
        past_scheme = Scheme.from_json(earlier.cube.document["scheme"])
        past = _versions(db.session.get_one(Evaluation, earlier.cube.evaluation_id), past_scheme)
        complete &= matched_items(now, past, weights=weights, last_weights=past_scheme.item_weights).complete
        shared = {code: version for code, version in shared.items() if past.get(code) == version}
        same = matched_items(now, shared, weights=weights, last_weights=weights)
    return type(same)(shares=same.shares, complete=complete)


def _versions(evaluation: Evaluation, scheme: "Scheme") -> dict[str, str]:
    """Return what makes an item the same in another year: its wordings in all variants and the points of the levels."""
    questionnaire = find_questionnaire(evaluation.questionnaire_id)
    points = sorted(scheme.points.items())
    wordings = {
        item.code: [
            [code, variant.items[item.code].zh, variant.items[item.code].en]
            for code, variant in sorted(questionnaire.variants.items())
            if item.code in variant.items
        ]
        for item in questionnaire.items
    }
    return {code: json.dumps([texts, points], ensure_ascii=False) for code, texts in wordings.items()}
