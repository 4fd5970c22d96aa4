"""Commands for somebody else's ballots."""

import json
from pathlib import Path
from typing import Any

import click

from survey.cli.console import ACTOR, as_json, inside, refusing, say


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--target", required=True, metavar="COL")
@click.option("--items", required=True, metavar="COL,COL,…")
@click.option("--levels", required=True, metavar="LOW-HIGH")
@click.option("--unit", metavar="COL")
@click.option("--class", "group", metavar="COL")
@as_json
@refusing
def analyse(file: Path, as_json: bool, **columns: Any) -> None:
    """Compute a release's figures from somebody else's table; nothing is stored, all floors are off."""
    from survey.services.analyses import analyse_table

    document = analyse_table(file, **columns)
    click.echo(json.dumps(document, ensure_ascii=False, indent=None if as_json else 2))


@click.command("import-ballots")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--campaign-name", required=True)
@click.option("--relation", required=True)
@click.option("--target", required=True, metavar="COL")
@click.option("--unit", metavar="COL")
@click.option("--items", required=True, metavar="COL,COL,…")
@click.option("--levels", required=True, metavar="LOW-HIGH")
@click.option("--year", type=int, default=None, help="Year of the campaign; this year if left out.")
@as_json
@inside
def import_ballots(file: Path, as_json: bool, **options: Any) -> None:
    """Load foreign ballots as a released campaign."""
    from survey.services.foreign_ballots import import_foreign_ballots

    document = import_foreign_ballots(file, actor=ACTOR, **options)
    say(document, as_json=as_json)
