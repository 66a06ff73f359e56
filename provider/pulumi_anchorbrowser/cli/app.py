"""The group that holds the commands."""

from __future__ import annotations

import click

from pulumi_anchorbrowser._version import __version__
from pulumi_anchorbrowser.cli.simulate import simulate


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="pulumi-anchorbrowser")
def app() -> None:
    """AnchorBrowser batch sessions, beside Pulumi."""


app.add_command(simulate)
