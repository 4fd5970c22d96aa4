"""What every command needs: refusals as one sentence, the application of the instance, documents on standard output."""

import gettext
import json
import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click
from sqlalchemy.exc import OperationalError

from survey import create_app
from survey.errors import N_, SurveyError

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
            click.echo(error.sentence(translation().gettext), err=True)
            raise SystemExit(error.exit_code) from None
        except (click.ClickException, click.exceptions.Exit):
            raise
        except OperationalError:
            if "SURVEY_DEBUG" in os.environ:
                raise
            click.echo(translation().gettext(N_("The database cannot be reached.")), err=True)
            raise SystemExit(1) from None
        except Exception as error:
            if "SURVEY_DEBUG" in os.environ:
                raise
            click.echo(f"the program failed ({type(error).__name__}: {error}); SURVEY_DEBUG=1 shows where", err=True)
            raise SystemExit(1) from None

    return guarded


def translation() -> gettext.NullTranslations:
    """Return the catalogue of the console: the setting may itself be what is wrong, so only the variable is asked."""
    language = os.environ.get("SURVEY_LANGUAGE", "zh_Hans_CN")
    folder = Path(__file__).parents[1] / "translations"
    return gettext.translation("messages", localedir=folder, languages=[language], fallback=True)


def inside(command: Callable[..., Any]) -> Callable[..., Any]:
    """Run a command inside the application of the instance, and turn refusals into sentences."""

    @wraps(command)
    @refusing
    def run(*args: Any, **kwargs: Any) -> Any:
        from survey.services.connections import disconnect

        with create_app().app_context():
            try:
                return command(*args, **kwargs)
            finally:
                # The process may go on: a command leaves no connection behind.
                disconnect()

    return run


def say(document: dict[str, Any], *, as_json: bool, text: str = "") -> None:
    """Print the document as JSON, or the text for a person."""
    click.echo(json.dumps(document, ensure_ascii=False) if as_json else text or plain(document))


def plain(document: dict[str, Any]) -> str:
    """Write a document for a person, one value a line."""
    return "\n".join(f"{name}: {value}" for name, value in document.items())


def usage_sentence(error: click.UsageError) -> str:
    """Say in the console's language what of a command line cannot be understood, and how to see what can."""
    say_in = translation().gettext
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
