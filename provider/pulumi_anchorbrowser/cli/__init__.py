"""The command line, `pulumi-anchorbrowser`. Each command has a file, and imports what only it needs when it runs."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line. Without its extra, only `explain` runs, since every error line names that command."""
    try:
        from pulumi_anchorbrowser.cli.app import app
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        if sys.argv[1:2] == ["explain"] and (text := _explained(*sys.argv[2:3])):
            print(text)  # noqa: T201  # there is no click to print it
            return
        # One command installs all that is missing.
        extra = "all" if "simulate" in sys.argv else "cli"
        sys.exit(f"Error: the command line needs the extra `{extra}`: pip install 'pulumi-anchorbrowser[{extra}]'")
    app(prog_name="pulumi-anchorbrowser")


def _explained(error: str = "") -> str | None:
    from pulumi_anchorbrowser.cli.explanations import entries

    return entries().get(error)
