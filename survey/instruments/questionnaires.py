"""The questionnaire as a value (测评表): texts in two languages, read from the ready data files and checked."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from survey.instruments.source_tables import SourceTable

RELATIONS = ("student_teacher", "teacher_principal", "principal_department", "parent_school", "public_education")
COMMENTS = ("chips", "text", "none")
NO_OPINION = 0  # 不了解, outside every denominator
MOST_CHILD_ITEMS = 5  # PRODUCT §4: what a nine-year-old answers with care
MOST_ITEMS = {"student_teacher": 8, "principal_department": 3}  # PRODUCT §4; all departments stand on one page

# OWN1, OWN2 are the codes of schools' own items (校本题目).
_ITEM_CODE = re.compile(r"(?!OWN\d)[A-Z][A-Z0-9]{1,7}")


@dataclass(frozen=True, kw_only=True)
class Text:
    """One wording in Chinese and in English."""

    zh: str
    en: str

    def in_(self, language: str) -> str:
        """Return the wording for a locale such as ``zh_Hans_CN``; English for every locale that is not Chinese."""
        return self.zh if language.startswith("zh") else self.en


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """A heading under which items stand (维度)."""

    code: str
    text: Text


@dataclass(frozen=True, kw_only=True)
class Item:
    """One rated item (测评项目); `dimension` is the code of its heading."""

    code: str
    dimension: str
    text: Text


@dataclass(frozen=True, kw_only=True)
class Chip:
    """A ready remark or topic to tap instead of, or beside, writing."""

    code: str
    text: Text


@dataclass(frozen=True, kw_only=True)
class Level:
    """One option of the scale; `child_text` and `face` (one emoji) are for variants with faces."""

    value: int
    text: Text
    child_text: Text
    face: str


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A rewording for some readers: `items` maps the codes it asks to their wording, the others are left out.

    `title`, `intro` and `target_noun` are None where the questionnaire's own apply.
    """

    code: str
    title: Text | None
    faces: bool
    comment: str
    items: Mapping[str, Text] = field(hash=False)
    intro: Text | None = None
    target_noun: Text | None = None


@dataclass(frozen=True, kw_only=True)
class Questionnaire:
    """One version of a questionnaire. `variants[""]` is the full one; `levels` run from high to low, without 不了解.

    `relation` is "" for an instrument without a fixed relation. `minutes` is the time for one page. `comment` says
    whether a free text is asked ("text"); chips are offered unless it is "none".
    """

    code: str
    version: int
    relation: str
    scale: str
    scheme: str
    comment: str
    minutes: int
    title: Text
    intro: Text
    target_noun: Text
    dimensions: tuple[Dimension, ...]
    items: tuple[Item, ...]
    variants: Mapping[str, Variant] = field(hash=False)
    chips: tuple[Chip, ...]
    levels: tuple[Level, ...]
    no_opinion: Level

    @property
    def item_codes(self) -> tuple[str, ...]:
        """Codes of all items in the order in which a ballot packs them, whatever the variant."""
        return tuple(item.code for item in self.items)

    def variant_items(self, variant: str) -> tuple[tuple[Dimension, tuple[Item, ...]], ...]:
        """Return the items a variant asks, in its wording, under their dimensions; empty dimensions are left out.

        Raises ValueError for a variant the questionnaire does not have.
        """
        if variant not in self.variants:
            raise ValueError(f"questionnaire {self.code} has no variant {variant!r}")
        texts = self.variants[variant].items
        grouped = (
            (
                dimension,
                tuple(
                    Item(code=item.code, dimension=item.dimension, text=texts[item.code])
                    for item in self.items
                    if item.dimension == dimension.code and item.code in texts
                ),
            )
            for dimension in self.dimensions
        )
        return tuple((dimension, items) for dimension, items in grouped if items)


def parse_questionnaire(data: Mapping[str, object], scale: Mapping[str, object]) -> Questionnaire:
    """Build and check a questionnaire from the tables of its data file and of its scale's.

    Raises ValueError with a sentence that names the questionnaire, the field and the code.
    """
    questionnaire = _build(data, scale)
    _check_limits(questionnaire)
    return questionnaire


@cache
def ready_questionnaires() -> tuple[Questionnaire, ...]:
    """Read all questionnaires that come with the product, in the order of their file names.

    Raises ValueError, with the file's name, for a file that cannot be used.
    """
    folder = files("survey") / "data"
    scales = {file.name.removesuffix(".toml"): _load(file) for file in _toml_files(folder / "scales")}
    return tuple(_read(file, scales) for file in _toml_files(folder / "instruments"))


def questionnaire_to_json(questionnaire: Questionnaire) -> dict[str, object]:
    """Return a plain JSON object that holds everything, the scale too; order stands in lists only.

    A database may sort the keys of a JSON object, so no order may depend on them.
    """
    return {"questionnaire": _as_data(questionnaire), "scale": _scale_as_data(questionnaire)}


def questionnaire_from_json(frozen: Mapping[str, object]) -> Questionnaire:
    """Return the questionnaire frozen by `questionnaire_to_json`.

    The limits on the number of items are not checked again: a rule tightened later must not close an old campaign.
    Raises ValueError if the object is not a frozen questionnaire.
    """
    source = SourceTable(where="frozen questionnaire", values=frozen)
    return _build(source.table("questionnaire").values, source.table("scale").values)


def _toml_files(folder: Traversable) -> list[Traversable]:
    return sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)


def _load(file: Traversable) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file.name}: {error}") from error


def _read(file: Traversable, scales: Mapping[str, Mapping[str, object]]) -> Questionnaire:
    data = _load(file)
    scale = scales.get(str(data.get("scale")))
    if scale is None:
        raise ValueError(f"{file.name}: there is no scale {data.get('scale')!r}")
    try:
        questionnaire = parse_questionnaire(data, scale)
    except ValueError as error:
        raise ValueError(f"{file.name}: {error}") from error
    if f"{questionnaire.code}.toml" != file.name:
        raise ValueError(f"{file.name}: 'id' is {questionnaire.code!r}; the file must be named after it")
    return questionnaire


_FIELDS = "id version relation scale scheme comment minutes title intro target_noun dimensions items variants chips"


def _build(data: Mapping[str, object], scale: Mapping[str, object]) -> Questionnaire:
    source = SourceTable(where=f"questionnaire {data.get('id', '(no id)')}", values=data)
    source.only(*_FIELDS.split())
    dimensions = tuple(_dimension(row) for row in source.rows("dimensions"))
    items = tuple(_item(row, dimensions) for row in source.rows("items"))
    levels = _levels(SourceTable(where=f"scale {scale.get('id', '(no id)')}", values=scale))
    questionnaire = Questionnaire(
        code=source.word("id"),
        version=source.whole("version", least=1),
        relation=source.choice("relation", (*RELATIONS, "")),
        scale=source.choice("scale", (str(scale.get("id")),)),
        scheme=source.word("scheme"),
        comment=source.choice("comment", COMMENTS),
        minutes=source.whole("minutes", least=1),
        title=_text_in(source, "title"),
        intro=_text_in(source, "intro"),
        target_noun=_text_in(source, "target_noun"),
        dimensions=dimensions,
        items=items,
        variants=_variants(source, items),
        chips=tuple(_chip(row) for row in source.rows("chips")),
        levels=levels[:-1],
        no_opinion=levels[-1],
    )
    _check_whole(questionnaire, source.where)
    return questionnaire


def _text(source: SourceTable) -> Text:
    return Text(zh=source.string("zh"), en=source.string("en"))


def _text_in(source: SourceTable, key: str) -> Text:
    inner = source.table(key)
    inner.only("zh", "en")
    return _text(inner)


def _text_if_any(source: SourceTable, key: str) -> Text | None:
    return _text_in(source, key) if key in source.values else None


def _dimension(row: SourceTable) -> Dimension:
    row.only("code", "zh", "en")
    return Dimension(code=row.word("code"), text=_text(row))


def _item(row: SourceTable, dimensions: tuple[Dimension, ...]) -> Item:
    row.only("code", "dimension", "zh", "en")
    code = row.string("code")
    dimension = row.string("dimension")
    if dimension not in {known.code for known in dimensions}:
        raise ValueError(f"{row.where}: there is no dimension {dimension!r}")
    return Item(code=code, dimension=dimension, text=_text(row))


def _chip(row: SourceTable) -> Chip:
    row.only("code", "zh", "en")
    return Chip(code=row.word("code"), text=_text(row))


def _variants(source: SourceTable, items: tuple[Item, ...]) -> dict[str, Variant]:
    comment = source.choice("comment", COMMENTS)
    full = Variant(code="", title=None, faces=False, comment=comment, items={item.code: item.text for item in items})
    others = (_variant(row, full) for row in source.rows("variants"))
    return {variant.code: variant for variant in (full, *others)}


def _variant(row: SourceTable, full: Variant) -> Variant:
    row.only("code", "title", "intro", "target_noun", "faces", "comment", "items")
    wordings = row.table("items")
    for code in wordings.values:
        if code not in full.items:
            raise ValueError(f"{wordings.where}: the questionnaire has no item {code!r}")
    if not wordings.values:
        raise ValueError(f"{wordings.where}: a variant needs at least one item")
    return Variant(
        code=row.word("code"),
        title=_text_if_any(row, "title"),
        intro=_text_if_any(row, "intro"),
        target_noun=_text_if_any(row, "target_noun"),
        faces=row.flag("faces"),
        comment=row.choice("comment", COMMENTS) if "comment" in row.values else full.comment,
        items={code: _text_in(wordings, code) for code in wordings.values},
    )


def _levels(scale: SourceTable) -> tuple[Level, ...]:
    """Return the options from the highest level down to 不了解, which is the last."""
    scale.only("id", "version", "levels", "child")
    child = scale.table("child")
    levels = tuple(_level(row, child) for row in scale.rows("levels", name="value"))
    values = [level.value for level in levels]
    if len(values) < 3 or values != list(range(len(values) - 1, NO_OPINION - 1, -1)):
        raise ValueError(f"{scale.where}: the levels must run from the highest down to 1, then 0; they are {values}")
    return levels


def _level(row: SourceTable, child: SourceTable) -> Level:
    row.only("value", "zh", "en")
    value = row.whole("value", least=NO_OPINION)
    short = child.table(str(value))
    short.only("zh", "en", "face")
    return Level(value=value, text=_text(row), child_text=_text(short), face=short.string("face"))


def _check_whole(questionnaire: Questionnaire, where: str) -> None:
    used = {item.dimension for item in questionnaire.items}
    for dimension in questionnaire.dimensions:
        if dimension.code not in used:
            raise ValueError(f"{where}: the dimension {dimension.code!r} has no item")
    if not questionnaire.items and questionnaire.comment != "text":
        raise ValueError(f"{where}: without items 'comment' must be 'text', or nothing is asked")
    comments = {variant.comment for variant in questionnaire.variants.values()}
    if "chips" in comments and not questionnaire.chips:
        raise ValueError(f"{where}: 'comment' is 'chips' and there are no chips")


def _check_limits(questionnaire: Questionnaire) -> None:
    for item in questionnaire.items:
        if not _ITEM_CODE.fullmatch(item.code):
            raise ValueError(f"questionnaire {questionnaire.code}, items: {item.code!r} is no code such as T01")
    most = MOST_ITEMS.get(questionnaire.relation)
    if most is not None and len(questionnaire.items) > most:
        raise ValueError(
            f"questionnaire {questionnaire.code}, items: {len(questionnaire.items)} are given,"
            f" at most {most} are allowed for {questionnaire.relation}"
        )
    for variant in questionnaire.variants.values():
        if (variant.faces or variant.code == "child") and len(variant.items) > MOST_CHILD_ITEMS:
            raise ValueError(
                f"questionnaire {questionnaire.code}, variants {variant.code}: {len(variant.items)} items are given,"
                f" at most {MOST_CHILD_ITEMS} are allowed for children"
            )


def _pair(text: Text) -> dict[str, object]:
    return {"zh": text.zh, "en": text.en}


def _as_data(questionnaire: Questionnaire) -> dict[str, object]:
    return {
        "id": questionnaire.code,
        "version": questionnaire.version,
        "relation": questionnaire.relation,
        "scale": questionnaire.scale,
        "scheme": questionnaire.scheme,
        "comment": questionnaire.comment,
        "minutes": questionnaire.minutes,
        "title": _pair(questionnaire.title),
        "intro": _pair(questionnaire.intro),
        "target_noun": _pair(questionnaire.target_noun),
        "dimensions": [{"code": row.code, **_pair(row.text)} for row in questionnaire.dimensions],
        "items": [{"code": row.code, "dimension": row.dimension, **_pair(row.text)} for row in questionnaire.items],
        "variants": [_variant_as_data(variant) for variant in questionnaire.variants.values() if variant.code],
        "chips": [{"code": row.code, **_pair(row.text)} for row in questionnaire.chips],
    }


def _variant_as_data(variant: Variant) -> dict[str, object]:
    texts = {"title": variant.title, "intro": variant.intro, "target_noun": variant.target_noun}
    return {
        "code": variant.code,
        "faces": variant.faces,
        "comment": variant.comment,
        "items": {code: _pair(text) for code, text in variant.items.items()},
        **{key: _pair(text) for key, text in texts.items() if text is not None},
    }


def _scale_as_data(questionnaire: Questionnaire) -> dict[str, object]:
    levels = (*questionnaire.levels, questionnaire.no_opinion)
    return {
        "id": questionnaire.scale,
        "levels": [{"value": level.value, **_pair(level.text)} for level in levels],
        "child": {str(level.value): {**_pair(level.child_text), "face": level.face} for level in levels},
    }
