"""Schemes (计分办法) of campaigns: the ready ones and the bureau's own, and freezing one into an evaluation."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import current_app
from flask_babel import gettext as _

from survey.analysis.scoring import Floors, Rounding, Scheme, load_scheme, parse_scheme, ready_schemes
from survey.errors import BadInput
from survey.extensions import db
from survey.instruments.questionnaires import RELATIONS, Questionnaire, questionnaire_from_json
from survey.services.instruments import newest_version

LEAST_FLOORS = Floors()
"""STATISTICS §5: a campaign may raise these, never lower them."""

SHOWN_ROUNDING = Rounding()
"""What the pages, sentences and charts write: one decimal, a half to the even digit."""

_SCHEME_ID = re.compile(r"[a-z0-9_]+")


@dataclass(frozen=True, kw_only=True)
class Choices:
    """The schemes that fit a questionnaire, its own first; problems: a sentence for each file that cannot be read."""

    schemes: tuple[Scheme, ...]
    problems: tuple[str, ...]


def freeze_scheme(scheme: Scheme, questionnaire: Questionnaire) -> dict[str, Any]:
    """Return the scheme as it is stored with an evaluation, with a weight for every item where it has weights.

    Raises BadInput if its levels or weights do not fit the questionnaire, a floor is below STATISTICS §5, or it asks
    for a rounding that no page can show.
    """
    _check_levels(scheme, questionnaire)
    _check_floors(scheme)
    if scheme.rounding != SHOWN_ROUNDING:
        raise BadInput(
            _("The scheme %(id)s: results are shown with one decimal, a half to the even digit.", id=scheme.id)
        )
    try:
        return scheme.fitted({item.code: item.dimension for item in questionnaire.items}).to_json()
    except ValueError as error:
        raise BadInput(_("The weights do not fit the questionnaire: %(reason)s", reason=error)) from error


def find_scheme(scheme_id: str) -> Scheme:
    """Return a ready scheme, or the bureau's own from the folder `schemes` of the instance; raises BadInput."""
    try:
        return load_scheme(scheme_id)
    except ValueError:
        path = _own_folder() / f"{scheme_id}.toml"
    if not _SCHEME_ID.fullmatch(scheme_id) or not path.is_file():
        raise BadInput(_("There is no scheme %(id)s.", id=scheme_id))
    return _read_own(path)


def scheme_choices(questionnaire: Questionnaire) -> Choices:
    """Return what an officer may choose for a questionnaire."""
    problems: list[str] = []
    found = {scheme.id: scheme for scheme in ready_schemes()}
    for path in sorted(_own_folder().glob("*.toml")):
        try:
            found.setdefault(path.stem, _read_own(path))
        except BadInput as problem:
            problems.append(str(problem))
    fitting = [scheme for scheme in found.values() if _fits(scheme, questionnaire)]
    fitting.sort(key=lambda scheme: (scheme.id != questionnaire.scheme, scheme.id))
    return Choices(schemes=tuple(fitting), problems=tuple(problems))


def relation_choices() -> dict[str, Choices]:
    """Return what may be chosen for each relation; its questionnaire is the newest that has its name."""
    versions = {relation: newest_version(db.session(), relation) for relation in RELATIONS}
    return {
        relation: scheme_choices(questionnaire_from_json(version.document))
        for relation, version in versions.items()
        if version is not None
    }


def _fits(scheme: Scheme, questionnaire: Questionnaire) -> bool:
    try:
        freeze_scheme(scheme, questionnaire)
    except BadInput:
        return False
    return True


def _check_levels(scheme: Scheme, questionnaire: Questionnaire) -> None:
    asked = sorted(level.value for level in questionnaire.levels)
    if list(scheme.levels) != asked:
        raise BadInput(
            _(
                "The scheme %(id)s has %(levels)s levels, the questionnaire has %(asked)s.",
                id=scheme.id,
                levels=len(scheme.levels),
                asked=len(asked),
            )
        )


def _check_floors(scheme: Scheme) -> None:
    lowered = scheme.floors.lowered(LEAST_FLOORS)
    if lowered:
        parts = (f"{name} {getattr(scheme.floors, name)} < {getattr(LEAST_FLOORS, name)}" for name in lowered)
        raise BadInput(
            _("The scheme %(id)s: floors may be raised, never lowered: %(parts)s", id=scheme.id, parts=", ".join(parts))
        )


def _own_folder() -> Path:
    folder: Path = current_app.config["WUPING"].instance / "schemes"
    return folder


def _read_own(path: Path) -> Scheme:
    try:
        return parse_scheme(path.read_text(encoding="utf-8"), name=path.stem)
    except (OSError, ValueError) as error:
        raise BadInput(
            _("The scheme file %(name)s cannot be used: %(reason)s", name=path.name, reason=error)
        ) from error
