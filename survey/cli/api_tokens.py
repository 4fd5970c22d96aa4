"""Commands of the read interface's tokens, under `survey account token`."""

from dataclasses import asdict
from typing import Any

import click

from survey.cli.console import ACTOR, as_json, inside, say


@click.group()
def token() -> None:
    """Tokens of the read interface (API)."""


@token.command("add")
@click.argument("name")
@click.option("--view", default="bureau", show_default=True, help="bureau, school or public.")
@click.option("--school", "school_code", default=None, help="School code, for view school.")
@click.option("--campaign", "campaigns", multiple=True, type=int, metavar="ID", help="Limit it to this one (repeat).")
@click.option("--days", default=365, show_default=True, type=int, help="How long it holds.")
@as_json
@inside
def token_add(name: str, as_json: bool, **what: Any) -> None:
    """Make a token and print it, this once."""
    from survey.services.api_tokens import add_token

    made = add_token(name, **what, actor=ACTOR)
    say(asdict(made), as_json=as_json)


@token.command("revoke")
@click.argument("name")
@as_json
@inside
def token_revoke(name: str, as_json: bool) -> None:
    """Revoke a token at once."""
    from survey.services.api_tokens import end_token

    end_token(name, actor=ACTOR)
    say({"name": name}, as_json=as_json)


@token.command("list")
@as_json
@inside
def token_list(as_json: bool) -> None:
    """List the tokens, without what opens anything."""
    from survey.queries.api_tokens import list_grants

    grants = [asdict(grant) for grant in list_grants()]
    lines = "\n".join(f"{row['name']}: {row['view']}, {row['last_day']}" for row in grants)
    say({"tokens": grants}, as_json=as_json, text=lines or "–")
