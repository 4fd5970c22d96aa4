"""Commands of an instance: making, running, checking, saving and restoring it."""

import os
from dataclasses import asdict
from pathlib import Path

import click

from survey import create_app
from survey.cli.console import as_json, inside, refusing, say, translation
from survey.config import load_config
from survey.errors import N_, SurveyError


@click.command()
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


@click.command()
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


@click.command()
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


@click.command()
@refusing
def worker() -> None:
    """Run the worker process alone (`serve` starts it by itself)."""
    from survey.worker import run_worker

    run_worker(create_app())


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@as_json
@inside
def backup(file: Path, as_json: bool) -> None:
    """Write the whole instance, its secrets too, to one new file; the server may be running."""
    from survey.services.backups import write_backup

    made = write_backup(file)
    say({"file": str(file), "bytes": made.size, "rows": sum(made.rows.values())}, as_json=as_json)


_ERASED = N_(
    "%(number)s keys that sign voting tokens were erased: whoever fetched a token after the backup would be given a "
    "second one. Tokens that were fetched still count; give paper to who has none: survey slips ID --add GROUP N "
    "--reason"
)


@click.command()
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
                restored = backups.restore_tables(archive, instances.upgrade_schema)
        except BaseException:
            (load_config().instance / "secret.key").unlink(missing_ok=True)
            raise
    erased = restored.token_keys_erased
    document = {"restored": str(file), "rows": sum(restored.rows.values()), "token_keys_erased": erased}
    say(document, as_json=as_json)
    if erased:
        click.echo(translation().gettext(_ERASED) % {"number": erased}, err=True)


@click.command()
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
        why = error.sentence(translation().gettext)
        checks = [Check(name="configuration", ok=False, level="error", detail=why)]
    ok = all(found.ok or found.level == "warning" for found in checks)
    lines = [f"{'ok' if c.ok else c.level:8}{c.name:15}{c.detail}" for c in checks]
    say({"ok": ok, "checks": [asdict(found) for found in checks]}, as_json=as_json, text="\n".join(lines))
    if not ok:
        raise SystemExit(1)
