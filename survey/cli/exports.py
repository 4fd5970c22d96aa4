"""The command that writes released results into files."""

from pathlib import Path

import click
from flask_babel import gettext as _

from survey.cli.console import ACTOR, FOLDER, as_json, inside, say


@click.command()
@click.argument("campaign_id", metavar="ID", type=int)
@click.option("--out", required=True, type=FOLDER, help="Folder for the files (mode 0600).")
@click.option("--format", "form", default="xlsx", show_default=True, help="xlsx, csv, sav or json.")
@as_json
@inside
def export(campaign_id: int, out: Path, form: str, as_json: bool) -> None:
    """Write the bureau's released view: Excel, CSV with codebook, SPSS, or the document of the result schema."""
    from survey.services.exports import export_to

    files = [path.name for path in export_to(out, campaign_id, form, actor=ACTOR)]
    text = _("%(number)s files in %(folder)s", number=len(files), folder=out)
    say({"campaign": campaign_id, "format": form, "files": files}, as_json=as_json, text=text)
