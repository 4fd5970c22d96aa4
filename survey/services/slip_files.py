"""Files of slips: `slips.csv`, the sheets and handouts of a campaign; the only place where codes stand in the clear."""

import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select

from survey.errors import BadInput
from survey.extensions import db
from survey.models.campaigns import Campaign
from survey.models.organisations import School
from survey.queries.campaigns import group_rows
from survey.services.ballots import today
from survey.services.formula_guard import guarded
from survey.services.handouts import Handout, parents_letter, poster, write_handout
from survey.services.qr_codes import slip_url
from survey.services.sheets import Progress, SheetGroup, SheetText, Unprintable, unprintable, write_sheets
from survey.services.slips import IssuedGroup

CSV_COLUMNS = ("relation", "group", "group_name", "code", "url")


def open_url(group_id: int) -> str:
    """Return the address of an open link; the public QR holds it."""
    return f"{current_app.config['WUPING'].public_base_url}/o/{group_id}"


def shared_url() -> str:
    """Return the address to open on a device that goes from one respondent to the next."""
    return f"{current_app.config['WUPING'].public_base_url}/v?shared=1"


def write_slips(
    groups: Sequence[IssuedGroup], *, campaign_id: int, directory: Path, progress: Progress | None = None
) -> list[Path]:
    """Write `slips.csv` and the printable sheets of `groups` into `directory` (mode 0700, files 0600)."""
    prepare_directory(directory)
    set_aside(directory)
    table = _write_csv(groups, directory / "slips.csv")
    text = sheet_text(campaign_id)
    names = school_names()
    printed = [sheet_group(group, names) for group in groups if group.codes]
    sheets = write_sheets(printed, directory, text=text, progress=progress)
    handouts = _handouts([(group.relation, group.kind, group.group_id) for group in groups], text=text)
    return [table, *sheets, *(path for handout in handouts for path in write_handout(handout, directory))]


def handouts_of(campaign_id: int) -> list[Handout]:
    """Return the posters of a campaign's open links, and the letter if parents answer by slips."""
    groups = [(group.relation, group.kind, group.id) for group in group_rows(campaign_id)]
    return _handouts(groups, text=sheet_text(campaign_id))


def _handouts(groups: Iterable[tuple[str, str, int]], *, text: SheetText) -> list[Handout]:
    found = [poster(relation, open_url(number), text=text) for relation, kind, number in groups if kind == "open"]
    if any(relation == "parent_school" and kind == "slip" for relation, kind, _number in groups):
        found.append(parents_letter(text, written_on=today()))
    return found


def unprintable_names(campaign_id: int) -> tuple[Unprintable, ...]:
    """Return the names of a campaign that its PDFs cannot show, to be told before anything is printed."""
    names = school_names()
    groups = [row for row in group_rows(campaign_id) if row.kind == "slip"]
    sheets = [
        SheetGroup(
            code=row.code,
            name=row.name,
            relation=row.relation,
            school_code=row.school_code,
            school_name=names.get(row.school_code, ""),
        )
        for row in groups
    ]
    return unprintable(sheets, text=sheet_text(campaign_id))


def prepare_directory(directory: Path) -> None:
    """Make `directory` (mode 0700) and try a file in it; raise BadInput if that fails.

    Asked before slips are made: codes that cannot be written down would be lost.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        trial = directory / ".wuping"
        trial.touch(mode=0o600)
        trial.unlink()
    except OSError as error:
        raise BadInput(_("%(folder)s: files cannot be written there.", folder=directory)) from error


def set_aside(directory: Path) -> None:
    """Move what an earlier call wrote into a folder of its own: those codes stand nowhere else."""
    if not (directory / "slips.csv").exists():
        return
    number = 1 + sum(1 for _folder in directory.glob("earlier-*"))
    aside = directory / f"earlier-{number}"
    aside.mkdir(mode=0o700)
    for path in [path for kind in ("csv", "html", "pdf") for path in directory.glob(f"*.{kind}")]:
        path.rename(aside / path.name)


def _write_csv(groups: Iterable[IssuedGroup], path: Path) -> Path:
    return write_table(path, (row for group in groups for row in csv_rows(group)))


def write_table(path: Path, rows: Iterable[Sequence[str]]) -> Path:
    """Write `slips.csv`, which spreadsheets open as UTF-8, with mode 0600."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(CSV_COLUMNS)
        writer.writerows(rows)
    return path


def csv_rows(group: IssuedGroup) -> Iterator[tuple[str, ...]]:
    """Yield the rows of a group: one for each code, or one with the open link."""
    base = current_app.config["WUPING"].public_base_url
    head = (group.relation, group.group, guarded(group.name))
    for code in group.codes:
        yield (*head, code, slip_url(base, code))
    if group.kind == "open":
        yield (*head, "", open_url(group.group_id))


def school_names() -> dict[str, str]:
    """Return the name of every school by its code."""
    return {row.code: row.name for row in db.session.execute(select(School.code, School.name))}


def sheet_group(group: IssuedGroup, schools: dict[str, str]) -> SheetGroup:
    """Return a group as its sheets show it."""
    return SheetGroup(
        code=group.group,
        name=group.name,
        relation=group.relation,
        school_code=group.school_code,
        school_name=schools.get(group.school_code, ""),
        codes=group.codes,
    )


def sheet_text(campaign_id: int) -> SheetText:
    """Return what all slips of a campaign say."""
    config = current_app.config["WUPING"]
    campaign = db.session.get_one(Campaign, campaign_id)
    return SheetText(
        campaign=campaign.name,
        bureau=config.bureau,
        base_url=config.public_base_url,
        first_day=campaign.first_day,
        last_day=campaign.last_day,
        hotline=config.hotline,
    )
