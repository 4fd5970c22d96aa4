"""All reports of a campaign in one zip: made by a job, kept in the instance folder for a day, then forgotten."""

import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _

from survey.database import transaction
from survey.errors import BadInput, NotFound
from survey.queries import reports as query
from survey.queries.reports import SCHOOL, Subject
from survey.services import audit, report_words, reports
from survey.services.batches import Batches
from survey.services.formula_guard import csv_line
from survey.services.jobs import Progress
from survey.services.reports import KINDS, PDF
from survey.services.typesetting import missing_letters

JOB = "make_reports"
PACKAGE = "reports.zip"
BATCHES = Batches(kind="reports")


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a batch holds: subjects with documents, and those left out because nothing of them is shown.

    incomplete: code and name of the subjects whose PDFs lack characters, with these.
    """

    documents: int
    subjects: int
    left_out: int
    incomplete: tuple[tuple[str, str], ...] = ()


def make_reports(arguments: Mapping[str, Any], *, actor: str, progress: Progress) -> dict[str, Any]:
    """Do the work of a job; campaign: its id, kinds: of `KINDS`, handed_out: as coarse as schools see figures.

    A batch is all or nothing: one that a stopped worker left is deleted and begun anew.
    """
    BATCHES.forget_old()
    _forget_unfinished()
    folder = BATCHES.add()
    try:
        draft = folder / ".unfinished"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as package:
            # Word files and PDFs are compressed already.
            made = _write_in_language(package, arguments, progress)
        draft.rename(folder / PACKAGE)
        _note(arguments["campaign"], "results.reports", actor, handed_out=arguments["handed_out"])
    except BaseException:
        BATCHES.forget(folder.name)
        raise
    return {"campaign": arguments["campaign"], "batch": folder.name, **vars(made)}


def write_reports(
    campaign_id: int, folder: Path, *, kinds: Sequence[str], handed_out: bool, actor: str, progress: Progress
) -> Made:
    """Write all reports into a folder (mode 0700, files 0600); raises BadInput if it cannot be written."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = _write(_Folder(folder), campaign_id, kinds=kinds, handed_out=handed_out, progress=progress)
    except OSError as error:
        raise BadInput(_("%(folder)s: files cannot be written there.", folder=folder)) from error
    _note(campaign_id, "results.reports", actor, handed_out=handed_out)
    return made


def _write_in_language(package: zipfile.ZipFile, arguments: Mapping[str, Any], progress: Progress) -> Made:
    """Write a batch in the language of whoever asked for it."""
    kinds, handed_out = arguments["kinds"], arguments["handed_out"]
    with force_locale(arguments["language"]):
        return _write(package, arguments["campaign"], kinds=kinds, handed_out=handed_out, progress=progress)


class _Folder:
    """A folder that takes files as a zip does."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def writestr(self, name: str, content: bytes) -> None:
        """Write a file of mode 0600 under a relative name that this module made."""
        path = self.place / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)


def _write(
    place: zipfile.ZipFile | _Folder, campaign_id: int, *, kinds: Sequence[str], handed_out: bool, progress: Progress
) -> Made:
    if not kinds or not set(kinds) <= set(KINDS):
        raise BadInput(_("Choose Word, PDF or both."))
    cubes = query.evaluation_cubes(campaign_id)
    everybody = query.subjects(campaign_id)
    wanted = [subject for subject in everybody if subject.shown]
    incomplete = []
    progress(0, len(wanted))
    for number, (subject, name) in enumerate(_named(wanted), start=1):
        report = reports.subject_report(cubes, subject, handed_out=handed_out)
        for kind in kinds:
            place.writestr(f"{name}.{reports.SUFFIXES[kind]}", reports.write(report, kind))
        letters = missing_letters(report) if PDF in kinds else ""
        if letters:
            incomplete.append((f"{subject.code} {subject.name}", letters))
        progress(number, len(wanted))
    left_out = [subject for subject in everybody if not subject.shown]
    place.writestr(f"{_('Contents')}.csv", _contents(wanted, left_out))
    return Made(
        documents=len(wanted) * len(kinds),
        subjects=len(wanted),
        left_out=len(left_out),
        incomplete=tuple(incomplete),
    )


def _named(subjects: Sequence[Subject]) -> Iterator[tuple[Subject, str]]:
    """Yield each subject with the name of its file, sorted into folders; two never share one."""
    taken: set[str] = set()
    for subject in subjects:
        folder = reports.safe_name(_kind_name(subject))
        if subject.kind != SCHOOL and subject.school_code:
            folder = f"{folder}/{reports.safe_name(subject.school_code)}"
        stem = name = f"{folder}/{reports.safe_name(f'{subject.code} {subject.name}')}"
        number = 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem} ({number})"
        taken.add(name.casefold())
        yield subject, name


def _kind_name(subject: Subject) -> str:
    return report_words.report_title(subject.relation)


def _contents(wanted: Sequence[Subject], left_out: Sequence[Subject]) -> bytes:
    """Return the table of contents: who has a report, and who has none because nothing may be shown."""
    lines = [csv_line([_("Kind"), _("Code"), _("Name"), _("Report")])]
    for subject, word in [*((one, _("yes")) for one in wanted), *((one, _("Withheld")) for one in left_out)]:
        lines.append(csv_line([_kind_name(subject), subject.code, subject.name, word]))
    return "".join(lines).encode("utf-8-sig")


def _note(campaign_id: int, action: str, actor: str, **detail: Any) -> None:
    with transaction() as session:
        audit.record(session, actor=actor, action=action, subject=f"campaign {campaign_id}", detail=detail)


def has_batch(name: str) -> bool:
    """Tell whether the zip of a batch is still there."""
    return _package(name) is not None


def _package(name: str) -> Path | None:
    folder = BATCHES.find(name)
    return folder / PACKAGE if folder and (folder / PACKAGE).is_file() else None


def fetch_batch(name: str, *, campaign_id: int, actor: str) -> Path:
    """Return the zip of a batch and put the fetching into the audit log; raises NotFound when it was deleted."""
    path = _package(name)
    if path is None:
        raise NotFound(_("The files were deleted; make the reports again."))
    _note(campaign_id, "results.reports_fetch", actor)
    return path


def _forget_unfinished() -> None:
    """Delete what a stopped worker left: there is one worker, and it is about to begin."""
    for folder in BATCHES.all():
        if not (folder / PACKAGE).is_file():
            BATCHES.forget(folder.name)
