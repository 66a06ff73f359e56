"""`pulumi-anchorbrowser completion`: the script with which a shell completes commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_SHELLS = ("bash", "zsh", "fish")


@click.command(short_help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    bash and zsh: eval "$(pulumi-anchorbrowser completion bash)". fish: pulumi-anchorbrowser completion fish | source.
    """
    root = ctx.find_root()
    name = root.info_name or "pulumi-anchorbrowser"
    variable = f"_{name.replace('-', '_').upper()}_COMPLETE"
    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"click has no completion for {shell}.")
    click.echo(made(root.command, {}, name, variable).source())
