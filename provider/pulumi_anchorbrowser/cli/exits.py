"""How a command ends: its exit code, and one line on stderr for every failure that can be expected."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Any, NoReturn

import click

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


class ExitCode(IntEnum):
    """The exit codes, documented in docs/cli.md: a contract with scripts."""

    OK = 0
    FAILED = 1
    USAGE = 2
    PLANNED_ONLY = 3
    SOME_FAILED = 4
    REFUSED = 5
    ORPHANS_FOUND = 6
    INTERRUPTED = 130


class Failed(click.ClickException):
    """A command that could not do what it was asked for: one line, whatever the text came from."""

    exit_code = ExitCode.FAILED

    def __init__(self, message: str) -> None:
        super().__init__(plain(message))


class Refused(Failed):
    """A command that would do too much."""

    exit_code = ExitCode.REFUSED


class Commands(click.Group):
    """The group of all commands. What the rooms below expect to go wrong is one line, and never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.ClickException):
            raise
        except (click.Abort, KeyboardInterrupt, EOFError):
            click.echo("\nInterrupted.", err=True)
            end(ExitCode.INTERRUPTED)
        except Exception as error:
            if _is_expected(error):
                raise Failed(_told(error)) from None
            raise


def end(code: ExitCode) -> NoReturn:
    """End the command with this exit code."""
    raise click.exceptions.Exit(code)


def plain(text: str) -> str:
    """The text on one line, and without what a terminal would obey: it may come from a server."""
    return _CONTROL.sub(" ", text)


def _told(error: Exception) -> str:
    from pulumi_anchorbrowser.lifecycle.advice import told

    return told(error)


def _is_expected(error: Exception) -> bool:
    # Imported only now, so that `--help` and the shell's completion stay quick.
    from pulumi_anchorbrowser.api import ApiError
    from pulumi_anchorbrowser.lifecycle import LifecycleError
    from pulumi_anchorbrowser.receipts import ReceiptsUnavailable

    return isinstance(error, (ApiError, LifecycleError, ReceiptsUnavailable))
