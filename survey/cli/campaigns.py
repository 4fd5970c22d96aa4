"""Commands of campaigns: states, boxes, slips, results."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
from flask_babel import gettext as _

from survey.cli.console import ACTOR, FOLDER, as_json, inside, say
from survey.errors import BadInput


@click.group()
def campaign() -> None:
    """Campaigns and their states."""


def _day(_context: object, _option: object, value: str | None) -> date | None:
    if value is None:
        return None
    try:
        return datetime.strptime(value, "%Y-%m-%d").date()
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a day like 2026-05-31") from None


@campaign.command("create")
@click.option("--name", required=True)
@click.option("--year", required=True, type=int)
@click.option("--template", required=True, help="five")
@click.option("--first-day", callback=_day, help="First day of voting, YYYY-MM-DD (Asia/Shanghai).")
@click.option("--last-day", callback=_day, help="Last day of voting; the worker closes after it.")
@click.option("--sealed", is_flag=True, help="Ballots stay encrypted until two of three trustees open the box.")
@click.option("--two-person", is_flag=True, help="At the desk, grave steps need the confirmation of a second account.")
@click.option("--tokens", is_flag=True, help="Teachers and principals vote by blind-signed tokens, not slips.")
@click.option("--shares", type=FOLDER, help="With --sealed: write the trustees' three shares there at once.")
@as_json
@inside
def campaign_create(as_json: bool, shares: Path | None, **what: Any) -> None:
    """Make a draft campaign from the roster."""
    from survey.services.campaigns import create_campaign
    from survey.services.share_sheets import prepare_folder, write_shares

    if shares is not None:
        if not what["sealed"]:
            raise BadInput(_("Only a campaign with --sealed has shares."))
        prepare_folder(shares)
    number, made = create_campaign(**what, actor=ACTOR)
    if shares is not None:
        write_shares(number, shares, actor=ACTOR)
    elif what["sealed"]:
        how = _("Hand over the shares at the desk, or by: survey campaign shares %(id)s --out DIR", id=number)
        click.echo(how, err=True)
    say({"campaign": number, "evaluations": [asdict(evaluation) for evaluation in made]}, as_json=as_json)


@campaign.command("shares")
@click.argument("campaign_id", metavar="ID", type=int)
@click.option("--out", required=True, type=FOLDER, help="Folder for the three sheets (mode 0600).")
@as_json
@inside
def campaign_shares(campaign_id: int, out: Path, as_json: bool) -> None:
    """Make the key of a sealed draft and write its three shares, each a sheet for one trustee."""
    from survey.services.share_sheets import prepare_folder, write_shares

    prepare_folder(out)
    made = write_shares(campaign_id, out, actor=ACTOR)
    names = [path.name for path in made.files]
    say({"campaign": campaign_id, "fingerprint": made.fingerprint, "files": names}, as_json=as_json)


@campaign.command("unseal")
@click.argument("campaign_id", metavar="ID", type=int)
@click.option("--share", "files", multiple=True, required=True, type=click.Path(path_type=Path), metavar="FILE")
@as_json
@inside
def campaign_unseal(campaign_id: int, files: tuple[Path, ...], as_json: bool) -> None:
    """Open the sealed box of a closed campaign with two shares (repeat --share), and mix its ballots."""
    from survey.services.openings import open_box
    from survey.services.share_sheets import read_share_file

    pages = open_box(campaign_id, [read_share_file(path) for path in files], actor=ACTOR)
    say({"campaign": campaign_id, "pages": pages}, as_json=as_json)


@campaign.command("move")
@click.argument("campaign_id", metavar="ID", type=int)
@click.argument("state")
@as_json
@inside
def campaign_move(campaign_id: int, state: str, as_json: bool) -> None:
    """Take the campaign one step on: ready, open, closed, tallied, released, archived."""
    from survey.services.campaigns import move_campaign, readiness

    move_campaign(campaign_id, state, actor=ACTOR)
    if state == "ready":
        for note in readiness(campaign_id).notes:
            click.echo(note, err=True)
    say({"campaign": campaign_id, "state": state}, as_json=as_json)


@campaign.command("void")
@click.argument("campaign_id", metavar="ID", type=int)
@click.option("--group", default="", metavar="GROUP", help="Void this class or group.")
@click.option("--relation", default="", help="With --school: void all groups of the school in this relation.")
@click.option("--school", default="", metavar="CODE")
@click.option("--reason", required=True, help="Why (audit log).")
@click.option("--out", type=FOLDER, help="Folder for the new slips; needed while the campaign is open.")
@as_json
@inside
def campaign_void(campaign_id: int, reason: str, out: Path | None, as_json: bool, **what: str) -> None:
    """Void a unit's pages and slips before the count; while the campaign is open it gets new slips."""
    from survey.services.slip_files import prepare_directory, write_slips
    from survey.services.voiding import Unit, needs_paper, void_unit

    if out is not None:
        prepare_directory(out)
    elif needs_paper(campaign_id, Unit(**what)):
        raise BadInput(_("The campaign is open, so new slips are made: say with --out where they are written."))
    done = void_unit(campaign_id, Unit(**what), reason=reason, actor=ACTOR)
    files = write_slips(done.issued, campaign_id=campaign_id, directory=out) if out and done.issued else []
    names = [str(path.relative_to(out)) for path in files if out]
    made = sum(len(group.codes) for group in done.issued)
    counts = {"pages": done.pages, "voided": done.slips, "slips": made}
    say({"campaign": campaign_id, "unit": done.name, **counts, "files": names}, as_json=as_json)


@campaign.command("correct")
@click.argument("campaign_id", metavar="ID", type=int)
@click.option("--note", required=True, help="What was corrected, for everybody.")
@click.option("--reason", required=True, help="Why (audit log).")
@click.option("--group", default="", metavar="GROUP", help="Void this class or group.")
@click.option("--relation", default="", help="With --school: void all groups of the school in this relation.")
@click.option("--school", default="", metavar="CODE")
@click.option("--rename", nargs=3, multiple=True, metavar="RELATION CODE NAME", help="Set a target's name right.")
@as_json
@inside
def campaign_correct(
    campaign_id: int, note: str, reason: str, rename: tuple[tuple[str, str, str], ...], as_json: bool, **unit: str
) -> None:
    """Take a release back to correct it; then move the campaign to tallied and released again."""
    from survey.services.corrections import Renamed, Wanted, begin_correction
    from survey.services.voiding import Unit

    names = tuple(Renamed(relation=relation, code=code, name=name) for relation, code, name in rename)
    wanted = Wanted(note=note, reason=reason, unit=Unit(**unit) if any(unit.values()) else None, names=names)
    begun = begin_correction(campaign_id, wanted, actor=ACTOR)
    say(
        {"campaign": campaign_id, "version": begun.version, "pages": begun.pages, "state": begun.state}, as_json=as_json
    )


@campaign.command("delete")
@click.argument("campaign_id", metavar="ID", type=int)
@click.option("--name", required=True, help="The campaign's name, typed in full.")
@click.option("--ballots", is_flag=True, help="Only ballots, slips, written comments and counts; results stay.")
@click.option("--reason", required=True, help="Why (audit log).")
@as_json
@inside
def campaign_delete(campaign_id: int, name: str, reason: str, ballots: bool, as_json: bool) -> None:
    """Delete a campaign that was never opened or is archived, or the ballots of an archived one. For good."""
    from survey.queries.deletions import BALLOTS, CAMPAIGN
    from survey.services.deletions import delete_campaign

    what = BALLOTS if ballots else CAMPAIGN
    done = delete_campaign(campaign_id, what=what, name=name, reason=reason, actor=ACTOR)
    say({"campaign": campaign_id, "deleted": what, "rows": done.rows}, as_json=as_json)


@click.command()
@click.argument("campaign_id", metavar="ID", type=int)
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder for the files.")
@click.option("--reissue", metavar="GROUP", help="Void the group's unused slips and make as many new ones.")
@click.option("--add", nargs=2, metavar="GROUP N", help="Make N extra slips for a group.")
@click.option("--reason", default="", help="Why extra slips are made (audit log).")
@click.option("--replace-lost", is_flag=True, help="Void what a printing that was cut short elsewhere had made.")
@as_json
@inside
def slips(campaign_id: int, out: Path, as_json: bool, **what: Any) -> None:
    """Make the slips of a campaign and print them; codes are shown this once. Cut short, it goes on if called again."""
    from survey.services.slip_files import prepare_directory, unprintable_names

    prepare_directory(out)
    for name in unprintable_names(campaign_id):
        where = f"{name.sheet}.html" if name.sheet else _("every sheet")
        text = _("No PDF, print the HTML file: the font lacks %(letters)s", letters=name.letters)
        click.echo(f"{text} ({where}: {name.name})", err=True)
    replaced = what.pop("replace_lost")
    if what["reissue"] or what["add"]:
        number, files = _more_slips(campaign_id, out, **what)
    else:
        number, files = _first_slips(campaign_id, out, replace_lost=replaced)
    names = [str(path.relative_to(out)) for path in files]
    say({"slips": number, "files": names}, as_json=as_json, text=f"{number} slips in {out}")


def _first_slips(campaign_id: int, out: Path, *, replace_lost: bool) -> tuple[int, Sequence[Path]]:
    from survey.services.first_printings import finish, forget_progress, print_first

    printed = print_first(campaign_id, out, actor=ACTOR, replace_lost=replace_lost)
    if printed is None:
        return 0, ()
    finish(campaign_id, out, printed, actor=ACTOR)
    forget_progress(out)
    return printed.slips, printed.files


def _more_slips(
    campaign_id: int, out: Path, *, reissue: str | None, add: tuple[str, str] | None, reason: str
) -> tuple[int, Sequence[Path]]:
    from survey.services.slip_files import write_slips
    from survey.services.slips import add_slips, reissue_slips

    files: list[Path] = []

    def keep(groups: Any) -> None:
        files.extend(write_slips(groups, campaign_id=campaign_id, directory=out))

    if reissue and add:
        raise BadInput(_("Choose either --reissue or --add."))
    if add:
        group, count = add
        if not count.isdecimal():
            raise BadInput(_("--add needs a group and a whole number, not %(value)s.", value=count))
        issued = add_slips(campaign_id, group, int(count), reason=reason or "console", actor=ACTOR, keep=keep)
    else:
        issued = reissue_slips(campaign_id, reissue or "", actor=ACTOR)
        keep([issued])
    return len(issued.codes), files


@click.command()
@click.argument("campaign_id", metavar="ID", type=int)
@as_json
@inside
def results(campaign_id: int, as_json: bool) -> None:
    """Print the bureau's released view of a campaign."""
    from survey.queries.cubes import released_results

    document = released_results(campaign_id)
    click.echo(json.dumps(document, ensure_ascii=False, indent=None if as_json else 2))
