"""Printing slips: `slips.csv` and the sheets of new slips, the only files in which codes stand in the clear."""

import csv
import json
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
from sqlalchemy.exc import SQLAlchemyError

from survey.database import transaction
from survey.errors import BadInput, NotFound, SurveyError
from survey.extensions import db
from survey.models.campaigns import Campaign
from survey.models.jobs import Job
from survey.models.organisations import School
from survey.queries.campaigns import group_rows
from survey.services import audit, slips, voiding
from survey.services.jobs import Progress
from survey.services.sheets import SheetGroup, SheetText, slip_url, write_sheets
from survey.services.slips import IssuedGroup, Keep, code_hmac

CSV_COLUMNS = ("relation", "group", "group_name", "code", "url")
EVERY_GROUP = "*"
# A batch that nobody fetched and deleted is deleted after this time.
KEPT_SECONDS = 24 * 3600
# Beside a batch of paper in place of tokens, until it is fetched: whose it is, and its codes' HMACs.
PAPER_NOTE = "paper.json"
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

    def keep(groups: Sequence[IssuedGroup]) -> None:
        write_slips(groups, campaign_id=arguments["campaign"], directory=folder, progress=progress)
        _pack(folder)
        _note_paper(groups, arguments["campaign"], folder)

    try:
        issued = _issue(arguments, actor=actor, keep=keep)
    except BaseException:
        forget_batch(folder.name)
        raise
    if not issued:
        shutil.rmtree(folder)
    count = sum(len(group.codes) for group in issued)
    return {"campaign": arguments["campaign"], "batch": folder.name, "slips": count, "groups": len(issued)}


def _issue(arguments: Mapping[str, Any], *, actor: str, keep: Keep) -> Sequence[IssuedGroup]:
    campaign, group, reason = arguments["campaign"], arguments.get("group"), arguments["reason"]
    if "void" not in arguments and group is not None and arguments["add"] is not None:
        return [slips.add_slips(campaign, group, arguments["add"], reason=reason, actor=actor, keep=keep)]
    issued: Sequence[IssuedGroup]
    if "void" in arguments:
        issued = voiding.void_unit(campaign, voiding.Unit(**arguments["void"]), reason=reason, actor=actor).issued
    elif group is None:
        issued = slips.issue_slips(campaign, actor=actor)
    else:
        codes = [row.code for row in group_rows(campaign) if row.kind == "slip"] if group == EVERY_GROUP else [group]
        issued = [slips.reissue_slips(campaign, code, actor=actor, reason=reason) for code in codes]
    if issued:
        keep(issued)
    return issued


def _pack(folder: Path) -> None:
    """Replace the files of a batch by one zip: one download, and nothing else left to delete."""
    files = sorted(folder.iterdir())
    package = folder / "slips.zip"
    package.touch(mode=0o600)
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as packed:
        for path in files:
            packed.write(path, path.name)
            path.unlink()
    _make_durable(package)


def _make_durable(path: Path) -> None:
    """Have a file and its name on the disk before anything in the database says that it is there."""
    for place in (path, path.parent):
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _note_paper(groups: Sequence[IssuedGroup], campaign_id: int, folder: Path) -> None:
    """Note whose paper a batch is, so that nobody loses a vote by a batch that nobody fetched."""
    for group in groups:
        if group.staff:
            keys = sorted(code_hmac(code).hex() for code in group.codes)
            note = {"campaign": campaign_id, "group": group.group_id, "keys": keys, "staff": group.staff}
            path = folder / PAPER_NOTE
            path.touch(mode=0o600)
            path.write_text(json.dumps(note), encoding="utf-8")
            _make_durable(path)


def _read_note(folder: Path) -> dict[str, Any] | None:
    """Return the note of a batch; None if it holds no paper, was fetched, or was never finished."""
    try:
        note: dict[str, Any] = json.loads((folder / PAPER_NOTE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return note


def _return_paper(folder: Path) -> bool:
    """Let those whose paper nobody fetched wait for it again; return False if the database cannot do it now."""
    note = _read_note(folder)
    if note is None:
        return True
    try:
        with transaction() as session:
            # A fetching waits for this row too: a batch is either fetched or taken back.
            session.get(Campaign, note["campaign"], with_for_update=True)
            if _read_note(folder) is not None:
                keys = [bytes.fromhex(key) for key in note["keys"]]
                if slips.take_back_paper(session, note["group"], keys, note["staff"]):
                    detail = {"number": len(keys)}
                    subject = f"campaign {note['campaign']}"
                    audit.record(session, actor="worker", action="slips.return", subject=subject, detail=detail)
                (folder / "slips.zip").unlink(missing_ok=True)
    except (SurveyError, SQLAlchemyError) as error:
        current_app.logger.warning("paper of batch %s is taken back later: %s", folder.name, type(error).__name__)
        return False
    return True


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
    path = _batches() / name / "slips.zip"
    with transaction() as session:
        session.get(Campaign, campaign_id, with_for_update=True)
        if not path.is_file():
            raise NotFound(_("The files were deleted. Replace the slips that have not been used if they are lost."))
        note = path.with_name(PAPER_NOTE)
        if note.exists():
            # From here on the officer has the paper. Emptied, not deleted: the age of the folder stays.
            note.write_bytes(b"")
            _make_durable(note)
        audit.record(session, actor=actor, action="slips.fetch", subject=f"campaign {campaign_id}")
    return path


def forget_batch(name: str) -> None:
    """Delete a batch: codes stand in the clear only there and on paper.

    Paper in place of tokens that nobody fetched is taken back first; until that is done the batch stays.
    """
    if _BATCH.fullmatch(name) and _return_paper(_batches() / name):
        shutil.rmtree(_batches() / name, ignore_errors=True)


def forget_unfinished() -> None:
    """Delete batches that a stopped worker left: half-written, or whole but of a job that was not done."""
    results = db.session.scalars(select(Job.result).where(Job.state == "done", Job.result.is_not(None))).all()
    done = {result.get("batch") for result in results if result}
    db.session.rollback()
    for folder in _batches().iterdir():
        if folder.name not in done or not (folder / "slips.zip").is_file():
            forget_batch(folder.name)


def forget_old() -> None:
    """Delete the batches that have lain for a day."""
    for folder in _batches().iterdir():
        if folder.stat().st_mtime < time.time() - KEPT_SECONDS:
            forget_batch(folder.name)
