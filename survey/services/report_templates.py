"""Templates of circular (情况通报) and bulletin (简报): ours, or the bureau's own once it is checked."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import current_app
from flask_babel import gettext as _

from survey.database import transaction
from survey.errors import NotFound
from survey.services import audit
from survey.services.template_packages import MOST_BYTES, check_package
from survey.services.template_trials import PICTURE, TEXT, Shape, fill_apart

NAMES = ("notice", "briefing")
READY = Path(__file__).parents[1] / "data" / "reports"
FOLDER = "report_templates"
_UNIT: Shape = dict.fromkeys(("name", "targets", "ballots", "score", "interval"), TEXT)
_EVALUATION: Shape = {
    **dict.fromkeys(
        ("name", "targets", "shown", "withheld", "issued", "ballots", "valid", "response", "score", "interval"), TEXT
    ),
    **dict.fromkeys(("satisfied", "definition", "summary", "change", "undecided"), TEXT),
    **{key: [TEXT] for key in ("better", "worse", "between", "strong_items", "weak_items", "doubts", "tests")},
    "units": [_UNIT],
    "picture": PICTURE,
}
PLACEHOLDERS: Shape = {
    **dict.fromkeys(("bureau", "campaign", "year", "first_day", "last_day", "made_on", "made_year"), TEXT),
    **{key: [TEXT] for key in ("better", "worse", "changes", "doubts", "method")},
    "evaluations": [_EVALUATION],
    "reference": [_EVALUATION],
}
"""What a template may ask for: texts, pictures, lists with the shape of one member."""

# Of one pixel: a trial needs a picture, not a chart.
_DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c63f80f00010101005ab4ea5b0000000049454e44ae426082"
)


def fill_bulletin(name: str, texts: Mapping[str, Any]) -> bytes:
    """Return the bulletin filled from the template in force; raises BadInput if the bureau's own is unfit."""
    own = _own(name)
    if own.is_file():
        return fill_apart(own.read_bytes(), texts, PLACEHOLDERS)
    from survey.services.word_documents import fill_word

    return fill_word((READY / f"{name}.docx").read_bytes(), texts)


def is_own(name: str) -> bool:
    """Tell whether the bureau's own template is in force."""
    return _own(name).is_file()


def template_in_force(name: str) -> bytes:
    """Return the template that is in force; raises NotFound for a name that there is not."""
    return (_own(name) if is_own(name) else READY / f"{name}.docx").read_bytes()


def keep_template(name: str, content: bytes, *, actor: str) -> None:
    """Check a template, fill it once on trial, and put it in force; raises BadInput saying what is wrong with it."""
    place = _own(name)
    check_package(content)
    fill_apart(content, sample(PLACEHOLDERS), PLACEHOLDERS)
    place.parent.mkdir(mode=0o700, exist_ok=True)
    draft = place.with_name(f".{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    draft.replace(place)
    _note("results.template", name, actor)


def reset_template(name: str, *, actor: str) -> None:
    """Put the ready template back in force."""
    _own(name).unlink(missing_ok=True)
    _note("results.template_reset", name, actor)


def _note(action: str, name: str, actor: str) -> None:
    with transaction() as session:
        audit.record(session, actor=actor, action=action, subject=f"template {name}")


def _own(name: str) -> Path:
    if name not in NAMES:
        raise NotFound(_("This page does not exist."))
    return Path(current_app.config["WUPING"].instance) / FOLDER / f"{name}.docx"


def sample(shape: Shape) -> Any:
    """Return invented texts of a shape: two members of every list, for a trial."""
    if isinstance(shape, Mapping):
        return {name: sample(part) for name, part in shape.items()}
    if isinstance(shape, list):
        return [sample(shape[0]), sample(shape[0])]
    return _DOT if shape == PICTURE else "示例 <&> {{ 1 }}"


def placeholder_names(shape: Shape = None) -> list[str]:
    """Return all placeholders as a template writes them, `[]` after a list."""
    return sorted(_names(PLACEHOLDERS if shape is None else shape))


def _names(shape: Mapping[str, Shape]) -> list[str]:
    found: list[str] = []
    for name, part in shape.items():
        inner = part[0] if isinstance(part, list) else part
        mark = f"{name}[]" if isinstance(part, list) else name
        found += [f"{mark}.{more}" for more in _names(inner)] if isinstance(inner, Mapping) else [mark]
    return found


__all__ = [
    "MOST_BYTES",
    "NAMES",
    "PLACEHOLDERS",
    "fill_bulletin",
    "is_own",
    "keep_template",
    "placeholder_names",
    "reset_template",
    "sample",
    "template_in_force",
]
