"""The console command `survey`: thin wrappers around services, for the machine's owner."""

import gettext
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click
from flask_babel import gettext as _
from sqlalchemy.exc import OperationalError

from survey import __version__, create_app
from survey.config import load_config
from survey.errors import N_, BadInput, SurveyError

ACTOR = "console"
FOLDER = click.Path(path_type=Path, file_okay=False)
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output.")


def refusing(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turn refusals into one sentence on standard error and the exit code of the error tree."""

    @wraps(command)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except SurveyError as error:
            click.echo(error.sentence(_translation().gettext), err=True)
            raise SystemExit(error.exit_code) from None
        except (click.ClickException, click.exceptions.Exit):
            raise
        except OperationalError:
            if "SURVEY_DEBUG" in os.environ:
                raise
            click.echo(_translation().gettext(N_("The database cannot be reached.")), err=True)
            raise SystemExit(1) from None
        except Exception as error:
            if "SURVEY_DEBUG" in os.environ:
                raise
            click.echo(f"the program failed ({type(error).__name__}: {error}); SURVEY_DEBUG=1 shows where", err=True)
            raise SystemExit(1) from None

    return guarded


def _translation() -> gettext.NullTranslations:
    """Return the catalogue of the console: the setting may itself be what is wrong, so only the variable is asked."""
    language = os.environ.get("SURVEY_LANGUAGE", "zh_Hans_CN")
    folder = Path(__file__).parent / "translations"
    return gettext.translation("messages", localedir=folder, languages=[language], fallback=True)


def inside(command: Callable[..., Any]) -> Callable[..., Any]:
    """Run a command inside the application of the instance, and turn refusals into sentences."""

    @wraps(command)
    @refusing
    def run(*args: Any, **kwargs: Any) -> Any:
        with create_app().app_context():
            return command(*args, **kwargs)

    return run


def say(document: dict[str, Any], *, as_json: bool, text: str = "") -> None:
    """Print the document as JSON, or the text for a person."""
    click.echo(json.dumps(document, ensure_ascii=False) if as_json else text or _plain(document))


def _plain(document: dict[str, Any]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in document.items())


def run() -> None:
    """Run the command line; what of it cannot be understood is said in one sentence, as every other refusal."""
    try:
        code = main(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        sys.exit(2)
    except click.UsageError as error:
        click.echo(_usage_sentence(error), err=True)
        sys.exit(2)
    except click.ClickException as error:
        click.echo(error.format_message(), err=True)
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def _usage_sentence(error: click.UsageError) -> str:
    """Say in the console's language what of a command line cannot be understood, and how to see what can."""
    say_in = _translation().gettext
    command = error.ctx.command_path if error.ctx else "survey"
    if isinstance(error, click.NoSuchOption):
        text = say_in(N_("%(command)s knows no option %(name)s; --help lists what it knows."))
        return text % {"command": command, "name": error.option_name}
    if isinstance(error, click.MissingParameter) and error.param:
        text = say_in(N_("%(command)s needs %(name)s; --help tells what it is."))
        return text % {"command": command, "name": error.param.get_error_hint(error.ctx).strip("'")}
    if isinstance(error, click.BadParameter) and error.param:
        text = say_in(N_("%(command)s: %(name)s has a value that cannot be used: %(why)s"))
        hint = error.param.get_error_hint(error.ctx).strip("'")
        return text % {"command": command, "name": hint, "why": error.message}
    return say_in(N_("%(command)s cannot be understood: %(why)s")) % {"command": command, "why": error.format_message()}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """五评 wuping: satisfaction surveys for an education bureau."""
    # Whatever is written, database, slips or secrets, is the owner's alone.
    os.umask(0o077)


@main.command()
@click.option("--admin", required=True, help="Name of the first officer's account.")
@as_json
@refusing
def init(admin: str, as_json: bool) -> None:
    """Make an instance: secrets, database, questionnaires, first officer."""
    from survey.services import instances

    config = load_config()
    instances.prepare_folder(config)
    try:
        with create_app(config).app_context():
            made = instances.init_instance(admin)
    except BaseException:
        (config.instance / "secret.key").unlink(missing_ok=True)
        raise
    document = {"admin": made.account, "first_password": made.first_password}
    say(document, as_json=as_json, text=f"{made.account}  {made.first_password}")


@main.group()
def account() -> None:
    """Accounts of the desk."""


@account.command("add")
@click.argument("name")
@click.option("--role", required=True, help="officer, school, viewer, teacher …")
@click.option("--school", default=None, help="School code, for role school.")
@click.option("--staff", default=None, help="Staff code of the roster, for role teacher.")
@as_json
@inside
def account_add(name: str, role: str, school: str | None, staff: str | None, as_json: bool) -> None:
    """Add an account and print its one-time first password."""
    from survey.services.accounts import add_account
    from survey.services.staff_accounts import add_staff_account

    if (role == "teacher") != (staff is not None):
        raise BadInput(_("A teacher's account needs --staff, and only a teacher's account has it."))
    if staff is not None:
        made = add_staff_account(name, staff_code=staff, actor=ACTOR)
    else:
        made = add_account(name, role=role, school_code=school, actor=ACTOR)
    say({"account": made.account, "first_password": made.first_password}, as_json=as_json)


@account.command("staff")
@click.argument("school")
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Excel of first passwords.")
@as_json
@inside
def account_staff(school: str, out: Path, as_json: bool) -> None:
    """Add an account for every teacher of a school without one, and write their one-time passwords to a new file."""
    from survey.services.first_passwords import password_workbook
    from survey.services.printing import prepare_directory
    from survey.services.staff_accounts import add_staff_accounts

    if out.exists():
        raise BadInput(_("%(file)s is there already.", file=out))
    prepare_directory(out.parent)
    made = add_staff_accounts(school, actor=ACTOR)
    out.touch(mode=0o600)
    out.write_bytes(password_workbook(made))
    say({"accounts": len(made), "file": str(out)}, as_json=as_json)


@account.command("reset")
@click.argument("name")
@click.option("--second-factor", is_flag=True, help="Remove the second factor too: phone and recovery codes are lost.")
@as_json
@inside
def account_reset(name: str, second_factor: bool, as_json: bool) -> None:
    """Give an account a new first password; its sessions end."""
    from survey.services.accounts import remove_second_factor, reset_password

    if second_factor:
        remove_second_factor(name, actor=ACTOR)
    made = reset_password(name, actor=ACTOR)
    say({"account": made.account, "first_password": made.first_password}, as_json=as_json)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--workers", default=2, show_default=True, help="Web processes; the one worker process comes on top.")
@refusing
def serve(host: str, port: int, workers: int) -> None:
    """Run the production server until it is told to end."""
    from survey.serve import serve as run
    from survey.services.instances import require_database

    with create_app().app_context():
        require_database()
    raise SystemExit(run(host, port, workers=workers, say=click.echo))


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--no-serve", is_flag=True, help="Only fill the instance.")
@refusing
def demo(host: str, port: int, no_serve: bool) -> None:
    """Fill a fresh instance with a demonstration county and serve it; an existing instance is only served."""
    from survey.serve import serve as run

    os.environ.setdefault("SURVEY_PUBLIC_BASE_URL", f"http://{host}:{port}")
    config = load_config()
    if (config.instance / "secret.key").exists():
        click.echo(f"{config.instance} holds an instance already: it is served as it is.")
        lines = ["Officer's password lost? .venv/bin/survey account reset officer"]
    else:
        lines = _seed(f"http://{host}:{port}")
    if no_serve:
        click.echo("\n".join(lines))
        return
    raise SystemExit(run(host, port, workers=2, say=lambda text: click.echo("\n".join([*lines, text]))))


def _seed(address: str) -> list[str]:
    """Make and fill the instance; return what a visitor needs to know."""
    from survey.services import instances
    from survey.services.demo import seed_demo

    config = load_config()
    instances.prepare_folder(config)
    with create_app(config).app_context():
        officer = instances.init_instance("officer")
        made = seed_demo(lambda text: click.echo(f"  {text} …"))
    slips = [f"  {relation:22}{code}" for relation, code in made.slips.items()]
    return [
        "",
        f"Desk (行评办)        {address}/login",
        f"  account             {officer.account}",
        f"  one-time password   {officer.first_password}",
        f"Vote (投票)           {address}/v   with one of these slips:",
        *slips,
        f"Public link (社会评)  {made.public_link}",
        f"Results (结果)        {address}/results/{made.released}   (log in first)",
        "",
    ]


@main.command()
@refusing
def worker() -> None:
    """Run the worker process alone (`serve` starts it by itself)."""
    from survey.worker import run_worker

    run_worker(create_app())


@main.group()
def roster() -> None:
    """The roster of schools, departments, classes, teachers and teaching."""


@roster.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--whole-city", is_flag=True, help="Allow a workbook of a whole city (up to 256 MiB unpacked).")
@as_json
@inside
def roster_import(file: Path, dry_run: bool, whole_city: bool, as_json: bool) -> None:
    """Import an Excel roster: all or nothing."""
    from survey.services.rosters import import_roster
    from survey.services.xlsx_parts import UPLOAD, WHOLE_CITY

    limits = WHOLE_CITY if whole_city else UPLOAD
    try:
        report = import_roster(file, actor=ACTOR, dry_run=dry_run, file_name=file.name, limits=limits)
    except BadInput as error:
        if as_json:
            click.echo(json.dumps(_unreadable(error), ensure_ascii=False))
        raise
    document = report.to_json()
    say(document, as_json=as_json, text=_plain({k: v for k, v in document.items() if k != "problems"}))
    for problem in document["problems"]:
        click.echo(f"{problem['severity']}: {problem['sheet']} {problem['cell']}: {problem['message']}", err=True)
    if not report.ok:
        raise BadInput(_("The roster has errors; nothing was written."))


def _unreadable(error: BadInput) -> dict[str, Any]:
    """Return the document of a file of which nothing could be counted."""
    counts = dict.fromkeys(("schools", "departments", "classes", "pupils", "teachers", "teaching"), 0)
    changes = dict.fromkeys(("added", "changed", "unchanged", "removed"), 0)
    problem = {"sheet": "", "cell": "", "value": "", "message": error.sentence(_), "severity": "error"}
    return {**counts, "changes": changes, "problems": [problem]}


@roster.command("template")
@click.argument("file", type=click.Path(path_type=Path))
@inside
def roster_template(file: Path) -> None:
    """Write an empty roster workbook to fill in."""
    from survey.services.roster_sheets import write_template

    write_template(file)


@main.group()
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
    from survey.services.printing import prepare_directory, write_slips
    from survey.services.voiding import Unit, void_unit, votes_again

    if out is not None:
        prepare_directory(out)
    elif votes_again(campaign_id):
        raise BadInput(_("The campaign is open, so new slips are made: say with --out where they are written."))
    done = void_unit(campaign_id, Unit(**what), reason=reason, actor=ACTOR)
    files = write_slips(done.issued, campaign_id=campaign_id, directory=out) if out and done.issued else []
    names = [str(path.relative_to(out)) for path in files if out]
    made = sum(len(group.codes) for group in done.issued)
    counts = {"pages": done.pages, "voided": done.slips, "slips": made}
    say({"campaign": campaign_id, "unit": done.name, **counts, "files": names}, as_json=as_json)


@main.command()
@click.argument("campaign_id", metavar="ID", type=int)
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder for the files.")
@click.option("--reissue", metavar="GROUP", help="Void the group's unused slips and make as many new ones.")
@click.option("--add", nargs=2, metavar="GROUP N", help="Make N extra slips for a group.")
@click.option("--reason", default="", help="Why extra slips are made (audit log).")
@as_json
@inside
def slips(campaign_id: int, out: Path, as_json: bool, **what: Any) -> None:
    """Make the slips of a campaign and print them; codes are shown this once."""
    from survey.services.printing import prepare_directory, write_slips

    prepare_directory(out)
    issued = _issue(campaign_id, **what)
    files = write_slips(issued, campaign_id=campaign_id, directory=out)
    number = sum(len(group.codes) for group in issued)
    names = [str(path.relative_to(out)) for path in files]
    say({"slips": number, "files": names}, as_json=as_json, text=f"{number} slips in {out}")


def _issue(campaign_id: int, *, reissue: str | None, add: tuple[str, str] | None, reason: str) -> Any:
    from survey.services.slips import add_slips, issue_slips, reissue_slips

    if reissue and add:
        raise BadInput(_("Choose either --reissue or --add."))
    if reissue:
        return (reissue_slips(campaign_id, reissue, actor=ACTOR),)
    if add:
        group, count = add
        if not count.isdecimal():
            raise BadInput(_("--add needs a group and a whole number, not %(value)s.", value=count))
        return (add_slips(campaign_id, group, int(count), reason=reason or "console", actor=ACTOR),)
    return issue_slips(campaign_id, actor=ACTOR)


@main.command()
@click.argument("campaign_id", metavar="ID", type=int)
@as_json
@inside
def results(campaign_id: int, as_json: bool) -> None:
    """Print the bureau's released view of a campaign."""
    from survey.queries.cubes import released_results

    document = released_results(campaign_id)
    click.echo(json.dumps(document, ensure_ascii=False, indent=None if as_json else 2))


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--target", required=True, metavar="COL")
@click.option("--items", required=True, metavar="COL,COL,…")
@click.option("--levels", required=True, metavar="LOW-HIGH")
@click.option("--unit", metavar="COL")
@click.option("--class", "group", metavar="COL")
@as_json
@refusing
def analyse(file: Path, as_json: bool, **columns: Any) -> None:
    """Compute a release's figures from somebody else's table; nothing is stored, all floors are off."""
    from survey.services.analyses import analyse_table

    document = analyse_table(file, **columns)
    click.echo(json.dumps(document, ensure_ascii=False, indent=None if as_json else 2))


@main.command("import-ballots")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--campaign-name", required=True)
@click.option("--relation", required=True)
@click.option("--target", required=True, metavar="COL")
@click.option("--unit", metavar="COL")
@click.option("--items", required=True, metavar="COL,COL,…")
@click.option("--levels", required=True, metavar="LOW-HIGH")
@click.option("--year", type=int, default=None, help="Year of the campaign; this year if left out.")
@as_json
@inside
def import_ballots(file: Path, as_json: bool, **options: Any) -> None:
    """Load foreign ballots as a released campaign."""
    from survey.services.foreign_ballots import import_foreign_ballots

    document = import_foreign_ballots(file, actor=ACTOR, **options)
    say(document, as_json=as_json)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@as_json
@inside
def backup(file: Path, as_json: bool) -> None:
    """Write the whole instance, its secrets too, to one new file; the server may be running."""
    from survey.services.backups import write_backup

    made = write_backup(file)
    say({"file": str(file), "bytes": made.size, "rows": sum(made.rows.values())}, as_json=as_json)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@as_json
@refusing
def restore(file: Path, as_json: bool) -> None:
    """Make a new instance from a backup, on the database of the settings; writes over nothing."""
    from survey.services import backups, instances

    with backups.open_backup(file) as archive:
        backups.restore_files(archive, load_config().instance)
        try:
            with create_app(load_config()).app_context():
                rows = backups.restore_tables(archive, instances.upgrade_schema)
        except BaseException:
            (load_config().instance / "secret.key").unlink(missing_ok=True)
            raise
    say({"restored": str(file), "rows": sum(rows.values())}, as_json=as_json)


@main.command()
@as_json
@refusing
def check(as_json: bool) -> None:
    """Check configuration, secrets, database, balance and audit log."""
    from survey.services.instances import Check, run_checks

    try:
        with create_app().app_context():
            checks = run_checks()
    except SurveyError as error:
        # What keeps the program from starting is a finding too.
        why = error.sentence(_translation().gettext)
        checks = [Check(name="configuration", ok=False, level="error", detail=why)]
    ok = all(found.ok or found.level == "warning" for found in checks)
    lines = [f"{'ok' if c.ok else c.level:8}{c.name:15}{c.detail}" for c in checks]
    say({"ok": ok, "checks": [asdict(found) for found in checks]}, as_json=as_json, text="\n".join(lines))
    if not ok:
        raise SystemExit(1)


if __name__ == "__main__":
    run()
