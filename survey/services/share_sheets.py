"""Sheets of shares for the trustees: three HTML files for the printer, and reading a share back from one.

The console writes them where it is told to, mode 0600 and never into the instance folder: what backs up the ballots
must not back up their key.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from flask import current_app
from flask_babel import get_locale, lazy_gettext
from flask_babel import gettext as _

from survey.errors import BadInput, NotFound
from survey.services.qr_codes import qr_svg_path
from survey.services.sealed_boxes import NewKey, make_shares
from survey.services.shares import SHARES, Share, share_in_file
from survey.services.slip_files import prepare_directory

CSS = Path(__file__).parents[1] / "static" / "share.css"
MOST_BYTES = 1024 * 1024
# Who keeps share 1, 2 and 3.
TRUSTEES = (
    lazy_gettext("discipline inspection"),
    lazy_gettext("trade union"),
    lazy_gettext("teachers' representative"),
)


@dataclass(frozen=True, kw_only=True)
class ShareView:
    """A share as a page or sheet shows it: whose it is, five typed lines, and its QR code (side in modules, path)."""

    number: int
    trustee: str
    lines: tuple[str, ...]
    size: int
    path: str


@dataclass(frozen=True, kw_only=True)
class WrittenShares:
    """The fingerprint of a new key, and the sheets of its shares."""

    fingerprint: str
    files: tuple[Path, ...]


def share_view(share: Share) -> ShareView:
    """Return what is printed of a share."""
    size, path = qr_svg_path(share.letters)
    return ShareView(number=share.number, trustee=trustee(share.number), lines=share.lines, size=size, path=path)


def trustee(number: int) -> str:
    """Return who keeps a share, in the language of the page."""
    return str(TRUSTEES[number - 1])


def prepare_folder(folder: Path) -> None:
    """Make a folder for the sheets and try a file in it, before a key is made.

    Raises BadInput: it cannot be written, it is part of the instance, or it holds sheets already.
    """
    instance = Path(current_app.config["WUPING"].instance).resolve()
    if folder.resolve() == instance or instance in folder.resolve().parents:
        raise BadInput(
            _("%(folder)s: shares are not kept in the instance, whose backups hold the ballots.", folder=folder)
        )
    prepare_directory(folder)
    if any(_sheet_path(folder, number).exists() for number in range(1, SHARES + 1)):
        raise BadInput(_("%(folder)s: there are shares already; nothing is written over them.", folder=folder))


def write_shares(campaign_id: int, folder: Path, *, actor: str) -> WrittenShares:
    """Make the key of a sealed draft and write its three sheets into `folder` (see `prepare_folder`).

    Raises NotFound, Conflict. If writing fails the key is of no use: call it again.
    """
    made = make_shares(campaign_id, actor=actor)
    files = tuple(_write(_sheet_path(folder, share.number), _sheet(made, share)) for share in made.shares)
    return WrittenShares(fingerprint=made.fingerprint, files=files)


def read_share_file(path: Path) -> Share:
    """Return the share in a sheet, or in a text file that holds its five lines; raises NotFound, BadInput."""
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES).decode("utf-8", errors="replace")
    except OSError as error:
        raise NotFound(_("%(file)s cannot be read.", file=path)) from error
    try:
        return share_in_file(text)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error


def _sheet_path(folder: Path, number: int) -> Path:
    return folder / f"share-{number}.html"


def _sheet(made: NewKey, share: Share) -> Iterable[str]:
    locale = get_locale()
    return current_app.jinja_env.get_template("sealed_boxes/sheet.html").generate(
        share=share_view(share),
        fingerprint=made.fingerprint,
        campaign_id=made.campaign_id,
        campaign_name=made.campaign_name,
        bureau=current_app.config["WUPING"].bureau,
        css=CSS.read_text(encoding="utf-8"),
        lang=str(locale).replace("_", "-") if locale else "zh-Hans-CN",
        direction=locale.text_direction if locale else "ltr",
    )


def _write(path: Path, pieces: Iterable[str]) -> Path:
    """Write a new file of mode 0600."""
    path.touch(mode=0o600, exist_ok=False)
    with path.open("w", encoding="utf-8", errors="replace", newline="\n") as file:
        file.writelines(pieces)
    return path
