"""The group that holds the commands."""

from __future__ import annotations

import os

import click

from pulumi_anchorbrowser import logs
from pulumi_anchorbrowser._version import __version__
from pulumi_anchorbrowser.cli.completion import completion
from pulumi_anchorbrowser.cli.doctor import doctor
from pulumi_anchorbrowser.cli.exits import Commands
from pulumi_anchorbrowser.cli.explain import explain
from pulumi_anchorbrowser.cli.list_batches import list_batches
from pulumi_anchorbrowser.cli.orphans import orphans
from pulumi_anchorbrowser.cli.printing import Messages
from pulumi_anchorbrowser.cli.receipts import receipts
from pulumi_anchorbrowser.cli.show import show
from pulumi_anchorbrowser.cli.simulate import simulate
from pulumi_anchorbrowser.cli.stop import cancel, delete
from pulumi_anchorbrowser.cli.sweep import sweep


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="pulumi-anchorbrowser")
@click.option("--log", metavar="FILE", help="Append a debug log to this file, as ANCHORBROWSER_LOG does.")
@click.pass_context
def app(context: click.Context, log: str | None) -> None:
    """List and stop AnchorBrowser batches, whether Pulumi started them or not.

    The API key and the base URL come from the environment: ANCHORBROWSER_API_KEY, ANCHORBROWSER_BASE_URL.
    """
    place = logs.place_of({logs.VARIABLE: log} if log else os.environ)
    # A path on the command line is one from the folder of the command; the variable's serves Pulumi as well.
    logs.start(place.absolute() if log and place else place, Messages().warning)
    context.with_resource(logs.about(operation=context.invoked_subcommand))


for command in (cancel, completion, delete, doctor, explain, list_batches, orphans, receipts, show, simulate, sweep):
    app.add_command(command)
