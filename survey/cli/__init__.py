"""The console command `survey`: thin wrappers around services, for the machine's owner."""

import os
import sys

import click

from survey import __version__
from survey.cli import accounts, analyses, campaigns, exports, instances, reports, rosters
from survey.cli.api_tokens import token
from survey.cli.console import usage_sentence


def run() -> None:
    """Run the command line; what of it cannot be understood is said in one sentence, as every other refusal."""
    try:
        code = main(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        sys.exit(2)
    except click.UsageError as error:
        click.echo(usage_sentence(error), err=True)
        sys.exit(2)
    except click.ClickException as error:
        click.echo(error.format_message(), err=True)
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """五评 wuping: satisfaction surveys for an education bureau."""
    # Whatever is written, database, slips or secrets, is the owner's alone.
    os.umask(0o077)


for command in (
    instances.init,
    accounts.account,
    instances.serve,
    instances.demo,
    instances.worker,
    rosters.roster,
    campaigns.campaign,
    campaigns.slips,
    campaigns.results,
    exports.export,
    reports.reports,
    analyses.analyse,
    analyses.import_ballots,
    instances.backup,
    instances.restore,
    instances.check,
):
    main.add_command(command)
accounts.account.add_command(token)
