"""The first printing of a campaign: one file of sheets after another, so that a stop at any moment loses nothing.

A file's codes are made and written down before they are worth anything; then one short transaction makes them slips.
Whoever stops and begins again finds a file whose codes are the group's slips (done), or makes the file anew. Only when
the folder of an earlier attempt is lost are its unused slips made void: nobody was given them.
"""

import csv
import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from survey.database import transaction
from survey.errors import Conflict
from survey.extensions import db
from survey.models.ballots import slip
from survey.models.campaigns import Campaign, RaterGroup
from survey.queries.campaigns import GroupRow, group_rows
from survey.services import audit
from survey.services.handouts import write_handout
from survey.services.print_files import make_durable, write_private
from survey.services.sheets import Progress, SheetText, by_file, write_sheet
from survey.services.slip_files import (
    csv_rows,
    handouts_of,
    prepare_directory,
    school_names,
    set_aside,
    sheet_group,
    sheet_text,
    write_table,
)
from survey.services.slips import (
    IssuedGroup,
    campaign_for_slips,
    code_hmac,
    count_unused,
    issue_codes,
    new_code,
    void_unused,
)

# Inside the folder of a printing until it is finished: whose it is, and the rows of `slips.csv` file by file.
STATE = ".first"
NOTE = "campaign.json"


@dataclass(frozen=True, kw_only=True)
class Printed:
    """A finished first printing: slips and groups, and the files written."""

    slips: int
    groups: int
    files: tuple[Path, ...]


@dataclass(frozen=True, kw_only=True)
class _Part:
    """The groups whose sheets share a file, without codes yet."""

    name: str
    groups: tuple[IssuedGroup, ...]
    sizes: tuple[int, ...]

    @property
    def slips(self) -> int:
        return sum(self.sizes)


def is_printing(directory: Path, campaign_id: int) -> bool:
    """Tell whether a folder is that of the first printing of a campaign, until `forget_progress`."""
    return bool(_note(directory).get("campaign") == campaign_id)


def print_first(
    campaign_id: int,
    directory: Path,
    *,
    actor: str,
    replace_lost: bool = False,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> Printed | None:
    """Make and print the slips of all groups into `directory`, or go on where an earlier call for it was stopped.

    Returns None when `seconds` are over and files are left: call again. replace_lost: make the slips void whose files
    another, unfinished printing wrote elsewhere. Raises NotFound, Conflict (wrong state; made before; files elsewhere),
    BadInput (the folder cannot be written). Call `finish` when the files are where they are meant to be.
    """
    if finished := _finished(directory, campaign_id):
        return finished
    end = None if seconds is None else time.monotonic() + seconds
    parts, text = _begin(campaign_id, directory), sheet_text(campaign_id)
    total, done = sum(part.slips for part in parts), 0
    for part in parts:
        if not _is_done(part, directory):
            if end is not None and time.monotonic() > end:
                return None
            if progress:
                progress(done, total)
            _make(part, directory, campaign_id, text=text, actor=actor, replace_lost=replace_lost)
        done += part.slips
    if progress:
        progress(done, total)
    files = _last_files(campaign_id, parts, directory)
    return Printed(slips=total, groups=len(group_rows(campaign_id)), files=tuple(files))


def finish(campaign_id: int, directory: Path, printed: Printed, *, actor: str) -> None:
    """Note that the slips of a campaign are made, and delete the rows of each file; a second call changes nothing."""
    names = [path.name for path in printed.files]
    _write_note(directory, {"campaign": campaign_id, "slips": printed.slips, "groups": printed.groups, "files": names})
    with transaction() as session:
        campaign = session.get_one(Campaign, campaign_id, with_for_update=True, populate_existing=True)
        if not campaign.slips_made:
            campaign.slips_made = True
            audit.record(session, actor=actor, action="slips.issue", subject=f"campaign {campaign_id}")
    for table in (directory / STATE).glob("*.csv"):
        table.unlink()


def forget_progress(directory: Path) -> None:
    """Delete what a printing keeps for going on; its files stay."""
    shutil.rmtree(directory / STATE, ignore_errors=True)


def _finished(directory: Path, campaign_id: int) -> Printed | None:
    """Return what an earlier call finished here for the campaign, if it did."""
    note, made = _note(directory), _slips_made(campaign_id)
    if not made or note.get("campaign") != campaign_id or "files" not in note:
        return None
    files = tuple(directory / name for name in note["files"])
    return Printed(slips=note["slips"], groups=note["groups"], files=files)


def _slips_made(campaign_id: int) -> bool:
    made = db.session.scalar(select(Campaign.slips_made).where(Campaign.id == campaign_id))
    db.session.rollback()
    return bool(made)


def _note(directory: Path) -> dict[str, Any]:
    try:
        note: dict[str, Any] = json.loads((directory / STATE / NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note


def _write_note(directory: Path, note: Mapping[str, Any]) -> None:
    path = write_private(directory / STATE / NOTE, [json.dumps(note, ensure_ascii=False).encode()])
    make_durable(path)


def _begin(campaign_id: int, directory: Path) -> list[_Part]:
    """Check that the slips may be made here, mark the folder, and return the files to make, in order."""
    under_way = is_printing(directory, campaign_id)
    with transaction() as session:
        if campaign_for_slips(session, campaign_id).slips_made:
            raise Conflict(_("The slips of this campaign were made before. Reissue a group, or add slips to it."))
    prepare_directory(directory)
    if not under_way:
        set_aside(directory)
        forget_progress(directory)
        (directory / STATE).mkdir(mode=0o700)
        _write_note(directory, {"campaign": campaign_id})
    return _parts([group for group in group_rows(campaign_id) if group.kind == "slip" and group.enrolled])


def _parts(rows: Sequence[GroupRow]) -> list[_Part]:
    groups = {(row.relation, row.code): _without_codes(row) for row in rows}
    sizes = {(row.relation, row.code): row.enrolled for row in rows}
    schools = school_names()
    files = by_file([sheet_group(group, schools) for group in groups.values()])
    keys = {name: [(member.relation, member.code) for member in members] for name, members in files.items()}
    return [
        _Part(name=name, groups=tuple(groups[key] for key in own), sizes=tuple(sizes[key] for key in own))
        for name, own in keys.items()
    ]


def _without_codes(row: GroupRow) -> IssuedGroup:
    return IssuedGroup(
        relation=row.relation,
        group_id=row.id,
        group=row.code,
        name=row.name,
        school_code=row.school_code,
        kind=row.kind,
        codes=(),
    )


def _table(part: _Part, directory: Path) -> Path:
    return directory / STATE / f"{part.name}.csv"


def _is_done(part: _Part, directory: Path) -> bool:
    """Tell whether the file of a part is there and its codes are slips: the table is written after the sheets."""
    first = next(_rows(_table(part, directory)), None)
    if first is None or not (directory / f"{part.name}.html").is_file():
        return False
    # A part's codes become slips all at once, so one of them tells.
    found = db.session.scalar(select(func.count()).select_from(slip).where(slip.c.hmac == code_hmac(first[3])))
    db.session.rollback()
    return bool(found)


def _rows(table: Path) -> Iterator[list[str]]:
    if table.is_file():
        with table.open(encoding="utf-8-sig", newline="") as file:
            yield from islice(csv.reader(file), 1, None)


def _make(part: _Part, directory: Path, campaign_id: int, *, text: SheetText, actor: str, replace_lost: bool) -> None:
    """Write the sheets of a part with new codes, and then make the codes slips."""
    unused = _unused_of_lost(part)
    if unused and not replace_lost:
        raise Conflict(
            _("A printing of this campaign was cut short elsewhere. Go on in its folder, or ask to replace its slips.")
        )
    made = [
        replace(group, codes=tuple(new_code() for _number in range(unused.get(group.group_id, size))))
        for group, size in zip(part.groups, part.sizes, strict=True)
    ]
    schools = school_names()
    _table(part, directory).unlink(missing_ok=True)
    write_sheet(part.name, [sheet_group(group, schools) for group in made], directory, text=text)
    make_durable(directory / f"{part.name}.html")
    make_durable(write_table(_table(part, directory), (row for group in made for row in csv_rows(group))))
    with transaction() as session:
        campaign_for_slips(session, campaign_id)
        _adopt(session, made, unused, campaign_id=campaign_id, actor=actor)


def _unused_of_lost(part: _Part) -> dict[int, int]:
    """Return, for the groups whose slips were made already (their files are not here), how many nobody has begun."""
    ids = [group.group_id for group in part.groups]
    issued = db.session.scalars(select(RaterGroup.id).where(RaterGroup.id.in_(ids), RaterGroup.issued > 0)).all()
    unused = {number: count_unused(db.session(), number) for number in issued}
    db.session.rollback()
    return unused


def _adopt(
    session: Session, made: Sequence[IssuedGroup], unused: Mapping[int, int], *, campaign_id: int, actor: str
) -> None:
    """Make written codes slips; those of an attempt whose files are lost become void. Raises Conflict if others did."""
    for one in made:
        group = session.get_one(RaterGroup, one.group_id, populate_existing=True)
        lost = one.group_id in unused
        if bool(group.issued) != lost or (lost and void_unused(session, group.id) != unused[group.id]):
            raise Conflict(_("Another printing of this campaign is under way."))
        issue_codes(session, group, one.codes)
        if lost:
            detail = {"voided": unused[group.id], "reason": _("the printing was cut short and its files are lost")}
            audit.record(
                session, actor=actor, action="slips.reissue", subject=f"{campaign_id}/{one.group}", detail=detail
            )


def _last_files(campaign_id: int, parts: Sequence[_Part], directory: Path) -> list[Path]:
    """Write `slips.csv` from the parts' rows, and the handouts; return all files in order."""
    opened = [_without_codes(row) for row in group_rows(campaign_id) if row.kind == "open"]
    rows = (row for part in parts for row in _rows(_table(part, directory)))
    links = (row for group in opened for row in csv_rows(group))
    table = write_table(directory / "slips.csv", chain(rows, links))
    sheets = [directory / f"{part.name}.{kind}" for part in parts for kind in ("html", "pdf")]
    handouts = [path for handout in handouts_of(campaign_id) for path in write_handout(handout, directory)]
    return [table, *(path for path in sheets if path.is_file()), *handouts]
