"""The command line, `pulumi-anchorbrowser`. Each command has a file, and imports what only it needs when it runs."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line. Exits with one line where its extra is not installed."""
    try:
        from pulumi_anchorbrowser.cli.app import app
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        sys.exit("Error: the command line needs the extra `cli`: pip install 'pulumi-anchorbrowser[cli]'")
    app(prog_name="pulumi-anchorbrowser")
