"""`pulumi-anchorbrowser simulate`: the API as a server on this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pulumi_anchorbrowser.simulator import SimulatorSettings

_PORT = click.IntRange(0, 65535)
_FLOAT = click.FloatRange(min=0)
_INT = click.IntRange(min=0)
_TEAM = "simulated-team"


@click.command(short_help="Serve a simulated AnchorBrowser API.")
@click.option("--port", type=_PORT, default=0, metavar="PORT", help="Port to listen on.  [default: a free one]")
@click.option(
    "--key", "keys", multiple=True, metavar="KEY", help="API key of the one team; repeatable.  [default: simulated-key]"
)
@click.option("--creation-seconds", type=_FLOAT, default=0.0, metavar="S", help="Seconds until a batch is ready.")
@click.option("--failing-sessions", type=_INT, default=0, metavar="N", help="Sessions of a batch that fail to start.")
@click.option(
    "--failing-deletions",
    type=_INT,
    default=0,
    metavar="N",
    help="Sessions of a batch that a DELETE does not delete.",
)
@click.option("--latency", type=_FLOAT, default=0.0, metavar="S", help="Seconds before each request is handled.")
@click.option(
    "--credits",
    "credit",
    type=_FLOAT,
    default=None,
    metavar="N",
    help="Credits of the account; a session costs one.  [no limit]",
)
def simulate(
    port: int,
    keys: tuple[str, ...],
    creation_seconds: float,
    failing_sessions: int,
    failing_deletions: int,
    latency: float,
    credit: float | None,
) -> None:
    """Serve a simulated AnchorBrowser API on 127.0.0.1, until Ctrl-C.

    Prints its base URL when it is ready. Batches are kept in memory; no browser is started and no other server is
    called. Use it with `pulumi config set anchorbrowser:baseUrl` or ANCHORBROWSER_BASE_URL.
    """
    try:
        from pulumi_anchorbrowser.simulator import SimulatorSettings
    except ModuleNotFoundError as error:
        raise click.ClickException(str(error)) from None
    settings = SimulatorSettings(
        creation_seconds=creation_seconds,
        failing_sessions=failing_sessions,
        failing_deletions=failing_deletions,
        latency_seconds=latency,
        credits=credit,
    )
    _serve(port, keys, settings)


def _serve(port: int, keys: tuple[str, ...], settings: SimulatorSettings) -> None:
    from pulumi_anchorbrowser.simulator import DEFAULT_KEYS, serve

    # A key that was given is not printed: it could be a real one.
    shown = f"API key {next(iter(DEFAULT_KEYS))}" if not keys else "API key as given"
    api_keys = dict.fromkeys(keys, _TEAM) if keys else DEFAULT_KEYS
    try:
        serve(port, api_keys=api_keys, settings=settings, ready=lambda url: click.echo(f"Serving {url} ({shown})"))
    except OSError as error:
        raise click.ClickException(
            f"Could not listen on port {port}: {os.strerror(error.errno or 0)}. "
            "Choose another --port, or leave it out for a free one."
        ) from None
