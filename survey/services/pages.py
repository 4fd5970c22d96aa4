"""What a ballot page asks and what a posted one says: questionnaire and form fields in, packed answers out."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from survey.instruments.questionnaires import Questionnaire, Text
from survey.services.ballots import BLANK, Electorate, pack_payload
from survey.services.punctuation import COLON

LONGEST_COMMENT = 500
# PostgreSQL cannot hold NUL, and nobody types the others.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, kw_only=True)
class Missing:
    """An item without a usable answer: its form field and how it is called on the page."""

    field: str
    label: str


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A posted page: the payload when complete, else what is missing; `answers` keeps what was chosen."""

    payload: bytes
    missing: tuple[Missing, ...]
    answers: Mapping[str, int]


def field_name(item: str, target: str) -> str:
    """Return the name of an item's radios; on the page of all targets the target's code stands in it."""
    return f"a.{target}.{item}" if target else f"a.{item}"


def page_view(questionnaire: Questionnaire, electorate: Electorate, language: str, direction: str) -> dict[str, Any]:
    """Return what the page template needs, in one language: texts, dimensions, levels, chips, targets."""
    variant = questionnaire.variants[electorate.variant]
    faces = variant.faces
    return {
        "relation": electorate.relation,
        "variant": electorate.variant,
        "lang": language.replace("_", "-"),
        "direction": direction,
        "title": (variant.title or questionnaire.title).in_(language),
        "intro": (variant.intro or questionnaire.intro).in_(language),
        "faces": faces,
        "comment": variant.comment,
        "dimensions": [
            {
                "name": "" if faces else dimension.text.in_(language),
                "items": [{"code": item.code, "text": item.text.in_(language)} for item in items],
            }
            for dimension, items in questionnaire.variant_items(electorate.variant)
        ],
        "levels": [_level(level, language, faces=faces) for level in questionnaire.levels],
        "no_opinion": _level(questionnaire.no_opinion, language, faces=faces),
        "own_items": [{"code": item.code, "text": item.text.in_(language)} for item in electorate.own_items],
        "chips": [{"code": chip.code, "label": chip.text.in_(language)} for chip in questionnaire.chips],
        "targets": [{"code": code, "name": name} for code, name in electorate.targets] or None,
    }


def target_noun(questionnaire: Questionnaire, variant: str, language: str) -> str:
    """Return what a target is called on the page, such as 老师 or 幼儿园."""
    return (questionnaire.variants[variant].target_noun or questionnaire.target_noun).in_(language)


def _level(level: Any, language: str, *, faces: bool) -> dict[str, Any]:
    text = level.child_text if faces else level.text
    return {"value": level.value, "label": text.in_(language), "face": level.face}


def read_page(
    questionnaire: Questionnaire,
    electorate: Electorate,
    fields: Mapping[str, str],
    *,
    chips: Sequence[str],
    language: str,
) -> Reading:
    """Check a posted page against its questionnaire: every asked item needs one known level, or 不了解.

    The school's own items follow the questionnaire's. Items that the variant does not ask are packed as blank. Unknown
    chips are passed over; a comment is cut at 500 characters, as the page says.
    """
    variant = questionnaire.variants[electorate.variant]
    asked = variant.items
    targets = electorate.targets or (("", ""),)
    known = {str(level.value): level.value for level in (*questionnaire.levels, questionnaire.no_opinion)}
    answers: dict[str, int] = {}
    missing = []
    packed = bytearray()
    number = 0
    for target, name in targets:
        number = 0
        for code in questionnaire.item_codes:
            field = field_name(code, target)
            value = fields.get(field, "")
            number += code in asked
            if code not in asked:
                packed.append(BLANK)
            elif value in known:
                answers[field] = known[value]
                packed.append(known[value])
            else:
                missing.append(Missing(field=field, label=_label(number, asked[code], name, language)))
    own = bytearray()
    for place, item in enumerate(electorate.own_items, start=number + 1):
        field = field_name(item.code, "")
        value = fields.get(field, "")
        if value in known:
            answers[field] = known[value]
            own.append(known[value])
        else:
            missing.append(Missing(field=field, label=_label(place, item.text, "", language)))
    text = _CONTROL.sub("", fields.get("comment", "")).strip()[:LONGEST_COMMENT] if variant.comment == "text" else ""
    offered = {chip.code for chip in questionnaire.chips} if variant.comment != "none" else set()
    said = [chip for chip in dict.fromkeys(chips) if chip in offered]
    payload = pack_payload(bytes(packed), own=bytes(own), chips=said, text=text)
    return Reading(payload=payload, missing=tuple(missing), answers=answers)


def _label(number: int, wording: Text, target_name: str, language: str) -> str:
    asked = _("Question %(number)s: %(text)s", number=number, text=wording.in_(language))
    return f"{target_name}{COLON}{asked}" if target_name else str(asked)
