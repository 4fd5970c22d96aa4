"""Printing slips at the desk: the files of a printing wait in a batch until the officer has fetched them."""

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from survey.database import transaction
from survey.errors import NotFound, SurveyError
from survey.extensions import db
from survey.models.campaigns import Campaign
from survey.models.jobs import Job
from survey.queries.campaigns import group_rows
from survey.services import audit, slips, voiding
from survey.services.batches import Batches
from survey.services.first_printings import STATE, finish, is_printing, print_first
from survey.services.print_files import make_durable
from survey.services.sheets import Progress
from survey.services.slip_files import write_slips
from survey.services.slips import IssuedGroup, Keep, code_hmac

EVERY_GROUP = "*"
# So long a first printing works before the worker mixes and closes what is due; then it goes on.
SLICE_SECONDS = 60
# Beside a batch of paper in place of tokens, until it is fetched: whose it is, and its codes' HMACs.
PAPER_NOTE = "paper.json"
BATCHES = Batches(kind="slips")


def print_slips(arguments: Mapping[str, Any], *, actor: str, progress: Progress) -> dict[str, Any] | None:
    """Make slips as `arguments` say and leave their files in a batch for the officer; return what a page shows of it.

    campaign: its id. group: None for the first slips of all groups, a group's code to replace its unused ones, or `*`
    to replace those of every group. add: a number of extra slips for the group instead. void: a unit (`voiding.Unit`)
    that is voided first and gets new slips, none after the close. reason: for the audit log.
    Returns None if a first printing is not through after a while: call again (`print_first`).
    """
    forget_old()
    if is_first(arguments):
        return _print_first(arguments["campaign"], actor=actor, progress=progress)
    folder = BATCHES.add()

    def keep(groups: Sequence[IssuedGroup]) -> None:
        files = write_slips(groups, campaign_id=arguments["campaign"], directory=folder, progress=progress)
        _pack(folder, files)
        for path in files:
            path.unlink()
        _note_paper(groups, arguments["campaign"], folder)

    try:
        issued = _issue(arguments, actor=actor, keep=keep)
    except BaseException:
        forget_batch(folder.name)
        raise
    if not issued:
        BATCHES.forget(folder.name)
    count = sum(len(group.codes) for group in issued)
    return {"campaign": arguments["campaign"], "batch": folder.name, "slips": count, "groups": len(issued)}


def is_first(arguments: Mapping[str, Any]) -> bool:
    """Tell whether a job's arguments ask for the first slips of all groups, which go on after a stop."""
    return "void" not in arguments and arguments.get("group") is None


def _print_first(campaign_id: int, *, actor: str, progress: Progress) -> dict[str, Any] | None:
    done = _done_batches()
    begun = (each for each in BATCHES.all() if is_printing(each, campaign_id) and each.name not in done)
    folder = next(begun, None) or BATCHES.add()
    try:
        # Nobody was given a file of a batch that is not finished, so what was lost may be replaced.
        printed = print_first(
            campaign_id, folder, actor=actor, replace_lost=True, seconds=SLICE_SECONDS, progress=progress
        )
    except SurveyError:
        if not is_printing(folder, campaign_id):
            forget_batch(folder.name)
        raise
    if printed is None:
        return None
    if not has_batch(folder.name):
        _pack(folder, printed.files)
    finish(campaign_id, folder, printed, actor=actor)
    for path in printed.files:
        path.unlink(missing_ok=True)
    return {"campaign": campaign_id, "batch": folder.name, "slips": printed.slips, "groups": printed.groups}


def _issue(arguments: Mapping[str, Any], *, actor: str, keep: Keep) -> Sequence[IssuedGroup]:
    campaign, group, reason = arguments["campaign"], str(arguments.get("group")), arguments["reason"]
    if "void" not in arguments and arguments["add"] is not None:
        return [slips.add_slips(campaign, group, arguments["add"], reason=reason, actor=actor, keep=keep)]
    issued: Sequence[IssuedGroup]
    if "void" in arguments:
        issued = voiding.void_unit(campaign, voiding.Unit(**arguments["void"]), reason=reason, actor=actor).issued
    else:
        codes = [row.code for row in group_rows(campaign) if row.kind == "slip"] if group == EVERY_GROUP else [group]
        issued = [slips.reissue_slips(campaign, code, actor=actor, reason=reason) for code in codes]
    if issued:
        keep(issued)
    return issued


def _pack(folder: Path, files: Sequence[Path]) -> None:
    """Put the files of a batch into one zip, which appears whole; they are deleted when nothing needs them any more."""
    draft = folder / "slips.part"
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as packed:
        for path in files:
            packed.write(path, path.name)
    make_durable(draft)
    draft.replace(folder / "slips.zip")
    make_durable(folder / "slips.zip")


def _note_paper(groups: Sequence[IssuedGroup], campaign_id: int, folder: Path) -> None:
    """Note whose paper a batch is, so that nobody loses a vote by a batch that nobody fetched."""
    for group in groups:
        if group.staff:
            keys = sorted(code_hmac(code).hex() for code in group.codes)
            note = {"campaign": campaign_id, "group": group.group_id, "keys": keys, "staff": group.staff}
            path = folder / PAPER_NOTE
            path.touch(mode=0o600)
            path.write_text(json.dumps(note), encoding="utf-8")
            make_durable(path)


def _read_note(folder: Path) -> dict[str, Any] | None:
    """Return the note of a batch; None if it holds no paper, was fetched, or was never finished."""
    try:
        note: dict[str, Any] = json.loads((folder / PAPER_NOTE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return note


def forget_names(campaign_id: int) -> None:
    """Forget whose paper the batches of a campaign are: after its close nobody waits for any."""
    for folder in BATCHES.all():
        note = _read_note(folder)
        if note is not None and note["campaign"] == campaign_id:
            (folder / PAPER_NOTE).write_bytes(b"")
            make_durable(folder / PAPER_NOTE)


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


def has_batch(name: str) -> bool:
    """Tell whether the files of a batch are still there."""
    return _package(name) is not None


def _package(name: str) -> Path | None:
    folder = BATCHES.find(name)
    return folder / "slips.zip" if folder and (folder / "slips.zip").is_file() else None


def fetch_batch(name: str, *, campaign_id: int, actor: str) -> Path:
    """Return the zip of a batch and put the fetching into the audit log; raises NotFound when it was deleted."""
    path = _package(name)
    if path is None:
        raise NotFound(_("The files were deleted. Replace the slips that have not been used if they are lost."))
    with transaction() as session:
        session.get(Campaign, campaign_id, with_for_update=True)
        if not path.is_file():
            raise NotFound(_("The files were deleted. Replace the slips that have not been used if they are lost."))
        note = path.with_name(PAPER_NOTE)
        if note.exists():
            # From here on the officer has the paper. Emptied, not deleted: the age of the folder stays.
            note.write_bytes(b"")
            make_durable(note)
        audit.record(session, actor=actor, action="slips.fetch", subject=f"campaign {campaign_id}")
    return path


def forget_batch(name: str) -> None:
    """Delete a batch: codes stand in the clear only there and on paper.

    Paper in place of tokens that nobody fetched is taken back first; until that is done the batch stays.
    """
    folder = BATCHES.find(name)
    if folder and _return_paper(folder):
        BATCHES.forget(name)


def forget_unfinished() -> None:
    """Delete batches that a stopped worker left: half-written, or whole but of a job that was not done.

    The first printing of a campaign stays: it goes on where it was stopped.
    """
    done = _done_batches()
    for folder in BATCHES.all():
        unfinished = folder.name not in done or not (folder / "slips.zip").is_file()
        if unfinished and not (folder / STATE).is_dir():
            forget_batch(folder.name)


def _done_batches() -> set[str]:
    results = db.session.scalars(select(Job.result).where(Job.state == "done", Job.result.is_not(None))).all()
    db.session.rollback()
    return {result["batch"] for result in results if result and "batch" in result}


def forget_old() -> None:
    """Delete the batches that have lain for a day."""
    for folder in BATCHES.old():
        forget_batch(folder.name)
