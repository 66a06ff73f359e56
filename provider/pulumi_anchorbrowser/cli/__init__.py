"""The command line, `pulumi-anchorbrowser`: one file for each command, in which its rooms are imported when it runs."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line. Says in one line what to install where its extra is missing."""
    try:
        from pulumi_anchorbrowser.cli.app import app
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        sys.exit("Error: the command line needs the extra `cli`: pip install 'pulumi-anchorbrowser[cli]'")
    app(prog_name="pulumi-anchorbrowser")
