"""Places: a search by name or code, the response by district, and one district with its schools."""

from flask import Blueprint, render_template
from flask_babel import gettext as _

from survey.access import own_school, requires
from survey.errors import NotFound
from survey.queries import districts, results
from survey.queries.districts import SchoolLine, Turnout
from survey.queries.result_searches import search
from survey.queries.results import EvaluationHead
from survey.views import result_charts
from survey.views.result_lists import cut, seen, sought

ROWS = 100
# Lower limits of the shades of the response map, from the darkest.
SHADES = ((0.9, "t4"), (0.7, "t3"), (0.5, "t2"), (0.2, "t1"))


@requires("results.read")
def find(campaign_id: int) -> str:
    """List what is named or coded as the address asks."""
    heads = results.evaluation_heads(campaign_id)
    wanted = sought()
    found = search(heads, wanted, school=own_school()) if wanted else None
    targets = found.targets if found else ()
    rows = seen([row for _head, row in targets])
    return render_template(
        "results/find.html",
        campaign=heads[0].campaign,
        sought=wanted,
        found=found,
        targets=[(head, row) for (head, _row), row in zip(targets, rows, strict=True)],
    )


@requires("results.read")
def response(campaign_id: int) -> str:
    """Show how many answered, by district and evaluation."""
    heads = _bureau_heads(campaign_id)
    found = districts.district_turnout(heads)
    shown = [head for head in heads if any(head.relation in row for row in found.values())]
    page, pages, names = cut(list(found), ROWS)
    return render_template(
        "results/response.html",
        campaign=heads[0].campaign,
        heads=shown,
        tiles=[(name, [(head, found[name].get(head.relation)) for head in shown]) for name in names],
        shade=response_shade,
        page=page,
        pages=pages,
    )


def response_shade(turnout: Turnout | None) -> str:
    """Return the class of a tile: t4 from 90 %, t3 from 70 %, t2 from 50 %, t1 from 20 %, t0 below, none unknown."""
    if turnout is None or turnout.rate is None:
        return "none"
    rate = turnout.rate
    return next((name for limit, name in SHADES if rate >= limit), "t0")


@requires("results.read")
def district(campaign_id: int, name: str) -> str:
    """Show one district: its own figures, and its schools with theirs."""
    heads = _bureau_heads(campaign_id)
    schools = districts.district_schools(heads, name)
    wanted = sought()
    page, pages, lines = cut([line for line in schools if _fits(line, wanted)], ROWS)
    units = districts.district_units(heads, name)
    return render_template(
        "results/district.html",
        campaign=heads[0].campaign,
        heads={head.relation: head for head in heads},
        name=name,
        cards=[
            (head, units[head.relation], result_charts.ring(units[head.relation].record, name))
            for head in heads
            if head.relation in units
        ],
        turnout=districts.district_turnout(heads).get(name, {}),
        lines=lines,
        sought=wanted,
        total=len(schools),
        page=page,
        pages=pages,
    )


def _fits(line: SchoolLine, wanted: str) -> bool:
    return wanted.lower() in line.name.lower() or line.code.lower().startswith(wanted.lower())


def _bureau_heads(campaign_id: int) -> list[EvaluationHead]:
    if own_school() is not None:
        raise NotFound(_("This page does not exist."))
    return results.evaluation_heads(campaign_id)


ADDRESS = "/results/<int(max=2147483647):campaign_id>"


def register(blueprint: Blueprint) -> None:
    """Add these pages to those of results."""
    for rule, view in (("/find", find), ("/response", response), ("/district/<path:name>", district)):
        blueprint.add_url_rule(ADDRESS + rule, view_func=view)
