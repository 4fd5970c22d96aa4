"""Commands of accounts."""

from pathlib import Path

import click
from flask_babel import gettext as _

from survey.cli.console import ACTOR, as_json, inside, say
from survey.errors import BadInput


@click.group()
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
    from survey.services.slip_files import prepare_directory
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
