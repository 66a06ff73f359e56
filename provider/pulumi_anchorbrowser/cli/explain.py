"""`pulumi-anchorbrowser explain`: what an error means, why it happens, and what to do."""

from __future__ import annotations

import difflib
import re

import click

from pulumi_anchorbrowser.cli.explanations import entries


@click.command(short_help="Explain an error.")
@click.argument("error", required=False)
def explain(error: str | None) -> None:
    """Explain the ERROR that an error line names at its end, or that whole line; without ERROR, list all errors."""
    known = entries()
    if error is None:
        click.echo("\n".join(known))
        return
    named = [word for word in re.findall(r"[a-z0-9-]+", error) if word in known]
    if named:
        click.echo(known[named[-1]])
    else:
        nearest = difflib.get_close_matches(error, known, n=1, cutoff=0.7)
        hint = f"Did you mean {nearest[0]!r}?" if nearest else "`pulumi-anchorbrowser explain` lists all errors."
        raise click.UsageError(f"There is no error {error!r}. {hint}")
