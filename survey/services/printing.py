"""Printing slips: `slips.csv` and the sheets of new slips, the only files in which codes stand in the clear."""

import csv
import os
import re
import secrets
import shutil
import time
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select

from survey.database import transaction
from survey.errors import BadInput, NotFound
from survey.extensions import db
from survey.models.campaigns import Campaign
from survey.models.organisations import School
from survey.queries.campaigns import group_rows
from survey.services import audit, slips, voiding
from survey.services.jobs import Progress
from survey.services.sheets import SheetGroup, SheetText, slip_url, write_sheets
from survey.services.slips import IssuedGroup

CSV_COLUMNS = ("relation", "group", "group_name", "code", "url")
EVERY_GROUP = "*"
# A batch that nobody fetched and deleted is deleted after this time.
KEPT_SECONDS = 24 * 3600
_BATCH = re.compile(r"[0-9a-f]{32}")


def open_url(group_id: int) -> str:
    """Return the address of an open link; the public QR holds it."""
    return f"{current_app.config['WUPING'].public_base_url}/o/{group_id}"


def write_slips(
    groups: Sequence[IssuedGroup], *, campaign_id: int, directory: Path, progress: Progress | None = None
) -> list[Path]:
    """Write `slips.csv` and the printable sheets of `groups` into `directory` (mode 0700, files 0600)."""
    prepare_directory(directory)
    _set_aside(directory)
    table = _write_csv(groups, directory / "slips.csv")
    links = [(group.relation, open_url(group.group_id)) for group in groups if group.kind == "open"]
    sheets = write_sheets(
        list(_sheet_groups(groups)), directory, text=_text(campaign_id), open_links=links, progress=progress
    )
    return [table, *sheets]


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


def _set_aside(directory: Path) -> None:
    """Move what an earlier call wrote into a folder of its own: those codes stand nowhere else."""
    if not (directory / "slips.csv").exists():
        return
    number = 1 + sum(1 for _folder in directory.glob("earlier-*"))
    aside = directory / f"earlier-{number}"
    aside.mkdir(mode=0o700)
    for path in [*directory.glob("*.csv"), *directory.glob("*.html")]:
        path.rename(aside / path.name)


def _text_cell(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    risky = text[:1] in ("\t", "\r") or unicodedata.normalize("NFKC", text).lstrip()[:1] in ("=", "+", "-", "@")
    return f"'{text}" if risky else text


def _write_csv(groups: Iterable[IssuedGroup], path: Path) -> Path:
    base = current_app.config["WUPING"].public_base_url
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(CSV_COLUMNS)
        for group in groups:
            head = (group.relation, group.group, _text_cell(group.name))
            for code in group.codes:
                writer.writerow((*head, code, slip_url(base, code)))
            if group.kind == "open":
                writer.writerow((*head, "", open_url(group.group_id)))
    return path


def _sheet_groups(groups: Iterable[IssuedGroup]) -> Iterator[SheetGroup]:
    names = {row.code: row.name for row in db.session.execute(select(School.code, School.name))}
    for group in groups:
        if group.codes:
            yield SheetGroup(
                code=group.group,
                name=group.name,
                relation=group.relation,
                school_code=group.school_code,
                school_name=names.get(group.school_code, ""),
                codes=group.codes,
            )


def _text(campaign_id: int) -> SheetText:
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


def print_slips(arguments: Mapping[str, Any], *, actor: str, progress: Progress) -> dict[str, Any]:
    """Make slips as `arguments` say and leave their files in a batch for the officer; return what a page shows of it.

    campaign: its id. group: None for the first slips of all groups, a group's code to replace its unused ones, or `*`
    to replace those of every group. add: a number of extra slips for the group instead. void: a unit (`voiding.Unit`)
    that is voided first and gets new slips, none after the close. reason: for the audit log.
    """
    forget_old()
    folder = _batches() / secrets.token_hex(16)
    folder.mkdir(mode=0o700)
    try:
        issued = _issue(arguments, actor=actor)
        if not issued:
            shutil.rmtree(folder)
            return {"campaign": arguments["campaign"], "batch": folder.name, "slips": 0, "groups": 0}
        write_slips(issued, campaign_id=arguments["campaign"], directory=folder, progress=progress)
        _pack(folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    count = sum(len(group.codes) for group in issued)
    return {"campaign": arguments["campaign"], "batch": folder.name, "slips": count, "groups": len(issued)}


def _issue(arguments: Mapping[str, Any], *, actor: str) -> Sequence[IssuedGroup]:
    campaign, group, reason = arguments["campaign"], arguments.get("group"), arguments["reason"]
    if "void" in arguments:
        return voiding.void_unit(campaign, voiding.Unit(**arguments["void"]), reason=reason, actor=actor).issued
    if group is None:
        return slips.issue_slips(campaign, actor=actor)
    if arguments["add"] is not None:
        return [slips.add_slips(campaign, group, arguments["add"], reason=reason, actor=actor)]
    codes = [row.code for row in group_rows(campaign) if row.kind == "slip"] if group == EVERY_GROUP else [group]
    return [slips.reissue_slips(campaign, code, actor=actor, reason=reason) for code in codes]


def _pack(folder: Path) -> None:
    """Replace the files of a batch by one zip: one download, and nothing else left to delete."""
    files = sorted(folder.iterdir())
    package = folder / "slips.zip"
    package.touch(mode=0o600)
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as packed:
        for path in files:
            packed.write(path, path.name)
            path.unlink()


def _batches() -> Path:
    folder = Path(current_app.config["WUPING"].instance) / "slips"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def has_batch(name: str) -> bool:
    """Tell whether the files of a batch are still there."""
    return bool(_BATCH.fullmatch(name)) and (_batches() / name / "slips.zip").is_file()


def fetch_batch(name: str, *, campaign_id: int, actor: str) -> Path:
    """Return the zip of a batch and put the fetching into the audit log; raises NotFound when it was deleted."""
    if not has_batch(name):
        raise NotFound(_("The files were deleted. Replace the slips that have not been used if they are lost."))
    with transaction() as session:
        audit.record(session, actor=actor, action="slips.fetch", subject=f"campaign {campaign_id}")
    return _batches() / name / "slips.zip"


def forget_batch(name: str) -> None:
    """Delete a batch: codes stand in the clear only there and on paper."""
    if _BATCH.fullmatch(name):
        shutil.rmtree(_batches() / name, ignore_errors=True)


def forget_unfinished() -> None:
    """Delete batches that a stopped worker left half-written."""
    for folder in _batches().iterdir():
        if not (folder / "slips.zip").is_file():
            shutil.rmtree(folder, ignore_errors=True)


def forget_old() -> None:
    """Delete the batches that have lain for a day."""
    for folder in _batches().iterdir():
        if folder.stat().st_mtime < time.time() - KEPT_SECONDS:
            forget_batch(folder.name)
