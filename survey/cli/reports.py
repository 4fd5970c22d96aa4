"""The command that writes reports as documents."""

from pathlib import Path

import click
from flask_babel import gettext as _

from survey.cli.console import ACTOR, FOLDER, as_json, inside, say


@click.command()
@click.argument("campaign_id", metavar="ID", type=int)
@click.option("--out", required=True, type=FOLDER, help="Folder for the files (mode 0600).")
@click.option("--kind", "kinds", multiple=True, help="word or pdf; both if left out.")
@click.option("--internal", is_flag=True, help="Exact figures for the bureau; without it as coarse as handed out.")
@as_json
@inside
def reports(campaign_id: int, out: Path, kinds: tuple[str, ...], internal: bool, as_json: bool) -> None:
    """Write a report on every school, department, principal and teacher whose figures may be shown."""
    from survey.services.report_batches import write_reports
    from survey.services.reports import KINDS
    from survey.services.typesetting import MISSING

    wanted = tuple(dict.fromkeys(kinds)) or KINDS
    made = write_reports(campaign_id, out, kinds=wanted, handed_out=not internal, actor=ACTOR, progress=_quiet)
    for name, letters in made.incomplete:
        click.echo(
            f"{_('In the PDF %(mark)s stands for: %(letters)s', mark=MISSING, letters=letters)} ({name})", err=True
        )
    text = _("%(number)s files in %(folder)s", number=made.documents, folder=out)
    say({"campaign": campaign_id, "kinds": list(wanted), **vars(made)}, as_json=as_json, text=text)


def _quiet(_done: int, _total: int) -> None:
    """Say nothing while it works: the output is one document."""
