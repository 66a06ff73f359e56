"""`pulumi-anchorbrowser doctor`: whether everything is there that a run needs, and what to do where it is not."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from pulumi_anchorbrowser.cli.exits import ExitCode, end
from pulumi_anchorbrowser.cli.printing import json_option, print_json, print_table

if TYPE_CHECKING:
    from pulumi_anchorbrowser.cli.examinations import Finding


@click.command(short_help="Check Python, Pulumi, the key, the API and the receipts.")
@json_option
def doctor(as_json: bool) -> None:
    """Check Python, Pulumi, the key, the API and the receipts, and say what to do. The key is never shown.

    Ends with 0 where there is no problem.
    """
    from pulumi_anchorbrowser.cli.examinations import examine

    findings = examine()
    is_well = all(finding.state != "problem" for finding in findings)
    if as_json:
        print_json("doctor", ok=is_well, checks=[asdict(finding) for finding in findings])
    else:
        _print(findings)
    end(ExitCode.OK if is_well else ExitCode.FAILED)


def _print(findings: list[Finding]) -> None:
    print_table(("CHECK", "STATE", "FOUND"), [(one.check, one.state, one.found) for one in findings])
    for one in findings:
        if one.advice:
            click.echo(f"{one.check}: {one.advice}")
