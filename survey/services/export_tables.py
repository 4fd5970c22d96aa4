"""The tables of an export (数据导出): released rows under the variables of `export_columns`, for every file format."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from survey.queries import results
from survey.queries.exports import PAIR_KINDS, Part
from survey.queries.outside import item_reason
from survey.services import export_columns as columns
from survey.services.export_columns import Column, Table
from survey.services.export_methods import method_rows
from survey.services.result_words import level_names, relation_name, side_name, worded

Row = Mapping[str, Any]
Step = Callable[[], None]
# What stands in a table's file name and sheet, in the order of the sheets.
TITLES = {
    "method": lazy_gettext("Method"),
    "evaluations": lazy_gettext("Evaluations"),
    "units": lazy_gettext("Units"),
    "targets": lazy_gettext("Targets"),
    "items": lazy_gettext("Items"),
    "pairs": lazy_gettext("Comparisons of units"),
    "paired": lazy_gettext("Comparisons on one ballot"),
    "tests": lazy_gettext("Tests"),
    "reliability": lazy_gettext("Reliability"),
    "scale_quality": lazy_gettext("Quality of the scale"),
    "codebook": lazy_gettext("Codebook"),
}


def release_tables(parts: Sequence[Part], *, step: Step = lambda: None) -> list[Table]:
    """Return all tables that an audience has a row of, the method first and the codebook last.

    step: called once for each target that is read, twice in all: for its figures and for its items.
    """
    seen = partial(visible, exact=parts[0].audience.exact)
    made = [
        _table("evaluations", columns.EVALUATIONS, _evaluation_rows(parts)),
        _table("units", seen(columns.UNITS), _unit_rows(parts)),
        _table("targets", seen(columns.TARGETS), _target_rows(parts, step), fixed=3),
        *(_items_table(part, step) for part in parts),
        *(_table(key, shape, _pair_rows(parts, kind), fixed=5) for key, shape, kind in _pairs()),
        _table("tests", columns.TESTS, _test_rows(parts)),
        _table("reliability", columns.RELIABILITY, _summary_rows(parts, "reliability")),
        _table("scale_quality", columns.SCALE, _summary_rows(parts, "scale_quality")),
    ]
    made = [table for table in made if _has_rows(table.key, parts)]
    method = _table("method", columns.METHOD, method_rows(parts))
    return [method, *made, _table("codebook", columns.CODEBOOK, codebook_rows(made))]


def visible(shape: Sequence[Column], *, exact: bool) -> tuple[Column, ...]:
    """Return the variables that an audience has: outside the bureau some are never filled."""
    return tuple(column for column in shape if exact or column.name not in columns.BUREAU_ONLY)


def _pairs() -> Iterator[tuple[str, Sequence[Column], str]]:
    shapes = (("pairs", columns.PAIRS), ("paired", columns.PAIRED))
    return ((key, shape, kind) for (key, shape), kind in zip(shapes, PAIR_KINDS, strict=True))


def _table(key: str, shape: Sequence[Column], rows: Iterable[Row], *, fixed: int = 1) -> Table:
    return Table(key=key, title=str(TITLES[key]), columns=shape, rows=rows, fixed=fixed)


def _has_rows(key: str, parts: Sequence[Part]) -> bool:
    """Tell whether an audience has rows of a table; asked before they are read."""
    exact = parts[0].audience.exact
    asked: dict[str, Callable[[], bool]] = {
        "evaluations": lambda: exact,
        "units": lambda: any(part.units() for part in parts),
        "pairs": lambda: any(part.count_pairs("comparison") for part in parts),
        "paired": lambda: any(part.count_pairs("paired") for part in parts),
        "tests": lambda: any(part.summary["comparison"] or part.summary["paired"] for part in parts),
        "reliability": lambda: exact,
        "scale_quality": lambda: any(part.summary["scale_quality"] for part in parts),
    }
    return asked.get(key, lambda: True)()


def _evaluation_rows(parts: Sequence[Part]) -> Iterator[Row]:
    for part in parts:
        if part.overall is not None:
            about = {"questionnaire": part.head.questionnaire, "scheme": vars(part.head.scheme)}
            yield _with_part(part.overall) | {"relation": part.head.relation} | about


def _with_part(record: Row) -> dict[str, Any]:
    """Return a record of a sum; where only some of its figures are withheld the reason says so."""
    partly = "partly" if record.get("partly_withheld") else None
    return {**record, "withheld": record["withheld"] or partly}


def _unit_rows(parts: Sequence[Part]) -> Iterator[Row]:
    for part in parts:
        for row in part.units():
            yield _with_part(row.record) | {"relation": part.head.relation, "name": row.name}


def _target_rows(parts: Sequence[Part], step: Step) -> Iterator[Row]:
    return chain.from_iterable(part_targets(part, step) for part in parts)


def part_targets(part: Part, step: Step = lambda: None) -> Iterator[Row]:
    """Yield the records of one evaluation's targets with their names and their unit's."""
    names = _unit_names(part)
    for row in part.targets():
        step()
        about = {"relation": part.head.relation, "name": row.name, "unit_name": names(row.unit)}
        yield {**row.record, **about, "items": row.record["items"]}


def _unit_names(part: Part) -> Callable[[str], str]:
    """Return what names a unit; a name is public, also where its figures are not for the audience."""
    known = {row.code: row.name for row in results.units(part.head)}
    return lambda code: known.get(code, code)


def _items_table(part: Part, step: Step) -> Table:
    names = level_names(part.head, part.questionnaire)
    exact = part.audience.exact
    shape = visible(columns.items_of(list(names), names, exact=exact), exact=exact)
    title = f"{_('Items')} {relation_name(part.head.relation)}"
    return Table(key=f"items_{part.head.relation}", title=title, columns=shape, rows=_item_rows(part, step), fixed=3)


def _item_rows(part: Part, step: Step) -> Iterator[Row]:
    texts = item_texts(part)
    for target in part_targets(part, step):
        about = {key: target[key] for key in ("relation", "target", "name", "unit", "unit_name")}
        for code in part.items:
            found = item_row(part, target, code)
            if found is not None:
                yield {**found, **about, "item": code, **texts[code]}


def item_row(part: Part, target: Row, code: str) -> Row | None:
    """Return an item of a target with the reason where it has no figures; None for an item it was not asked.

    A withheld target shows nothing of its items, so it has none.
    """
    item = target["items"].get(code)
    if item is None:
        return None
    return {**item, "withheld": item_reason(item)}


def item_texts(part: Part) -> dict[str, dict[str, str]]:
    """Return wording and dimension of each item, its code where the questionnaire has none."""
    known = part.questionnaire
    dimensions = {row.code: worded(row.text) for row in known.dimensions} if known else {}
    items = known.items if known else ()
    texts = {item.code: {"text": worded(item.text), "dimension": dimensions[item.dimension]} for item in items}
    return {code: texts.get(code, {"text": code, "dimension": ""}) for code in part.items}


def _pair_rows(parts: Sequence[Part], kind: str) -> Iterator[Row]:
    for part in parts:
        if part.count_pairs(kind):
            yield from map(partial(_pair_row, part, _side_names(part, kind)), part.pairs(kind))


def _side_names(part: Part, kind: str) -> dict[str, str]:
    paired = kind == "paired"
    return results.target_names(part.head) if paired else {row.code: row.name for row in part.units()}


def _pair_row(part: Part, names: Mapping[str, str], pair: Row) -> Row:
    named = {f"name_{side}": side_name(pair[side], names) for side in ("a", "b")}
    return {**pair, **named, "relation": part.head.relation}


def _test_rows(parts: Sequence[Part]) -> Iterator[Row]:
    for part in parts:
        if part.summary["comparison"] or part.summary["paired"]:
            yield {"relation": part.head.relation, **part.summary}


def _summary_rows(parts: Sequence[Part], key: str) -> Iterator[Row]:
    for part in parts:
        if part.summary[key]:
            yield {"relation": part.head.relation, **part.summary[key]}


def codebook_rows(tables: Iterable[Table]) -> Iterator[Row]:
    """Yield what each variable of the tables is."""
    for table in tables:
        for column in table.columns:
            codes = "; ".join(f"{code} = {word}" for code, word in column.words.items())
            yield {
                "table": table.key,
                "variable": column.name,
                "label": str(column.title),
                "type": str(columns.KIND_NAMES[column.kind]),
                "codes": codes,
                "meaning": str(column.meaning),
                "missing": str(_missing(column)),
            }


def _missing(column: Column) -> str:
    if column.figure:
        return str(_("Withheld where “withheld” gives a reason, else not defined."))
    return str(_("Does not apply.")) if column.kind != columns.TEXT else ""
