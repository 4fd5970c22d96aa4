"""Commands of the roster."""

import json
from pathlib import Path
from typing import Any

import click
from flask_babel import gettext as _

from survey.cli.console import ACTOR, as_json, inside, plain, say
from survey.errors import BadInput


@click.group()
def roster() -> None:
    """The roster of schools, departments, classes, teachers and teaching."""


@roster.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--whole-city", is_flag=True, help="Allow a workbook of a whole city (up to 256 MiB unpacked).")
@as_json
@inside
def roster_import(file: Path, dry_run: bool, whole_city: bool, as_json: bool) -> None:
    """Import an Excel roster: all or nothing."""
    from survey.services.rosters import import_roster
    from survey.services.xlsx_parts import UPLOAD, WHOLE_CITY

    limits = WHOLE_CITY if whole_city else UPLOAD
    try:
        report = import_roster(file, actor=ACTOR, dry_run=dry_run, file_name=file.name, limits=limits)
    except BadInput as error:
        if as_json:
            click.echo(json.dumps(_unreadable(error), ensure_ascii=False))
        raise
    document = report.to_json()
    say(document, as_json=as_json, text=plain({k: v for k, v in document.items() if k != "problems"}))
    for problem in document["problems"]:
        click.echo(f"{problem['severity']}: {problem['sheet']} {problem['cell']}: {problem['message']}", err=True)
    if not report.ok:
        raise BadInput(_("The roster has errors; nothing was written."))


def _unreadable(error: BadInput) -> dict[str, Any]:
    """Return the document of a file of which nothing could be counted."""
    counts = dict.fromkeys(("schools", "departments", "classes", "pupils", "teachers", "teaching"), 0)
    changes = dict.fromkeys(("added", "changed", "unchanged", "removed"), 0)
    problem = {"sheet": "", "cell": "", "value": "", "message": error.sentence(_), "severity": "error"}
    return {**counts, "changes": changes, "problems": [problem]}


@roster.command("template")
@click.argument("file", type=click.Path(path_type=Path))
@inside
def roster_template(file: Path) -> None:
    """Write an empty roster workbook to fill in."""
    from survey.services.roster_sheets import write_template

    write_template(file)
