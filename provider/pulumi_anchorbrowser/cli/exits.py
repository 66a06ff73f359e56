"""How a command ends: its exit code, and one line on stderr for every failure that can be expected."""

from __future__ import annotations

import errno
import io
import os
import re
import sys
from enum import IntEnum
from typing import Any, NoReturn

import click

from pulumi_anchorbrowser.clock import Interrupted
from pulumi_anchorbrowser.errors import ExpectedError, printed

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_STREAMS = (("stdin", os.O_RDONLY), ("stdout", os.O_RDONLY), ("stderr", os.O_WRONLY))


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


class CommandRefused(Failed):
    """A command that would do too much."""

    exit_code = ExitCode.REFUSED


class Commands(click.Group):
    """The group of all commands. An expected error is one line, and never a traceback."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the command line, and exit."""
        _open_closed_streams()
        for stream in (sys.stdout, sys.stderr):
            # What an encoding lacks (a redirect on Windows has a narrow one) must not end a command after its work.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        try:
            return super().main(*args, **options)
        except OSError as error:
            _end_without_output(error)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except (click.Abort, KeyboardInterrupt, EOFError, Interrupted):
            click.echo("\nInterrupted.", err=True)
            end(ExitCode.INTERRUPTED)
        except ExpectedError as error:
            raise Failed(printed(error)) from None


def end(code: ExitCode) -> NoReturn:
    """End the command with this exit code."""
    raise click.exceptions.Exit(code)


def plain(text: str) -> str:
    """Return the text on one line, and without what a terminal would obey: it may come from a server."""
    return _CONTROL.sub(" ", text)


def _open_closed_streams() -> None:
    """Open the standard streams that are closed, as by `list >&-`.

    The next file to be opened would get their numbers, and what is printed would be written into that file. A stdout
    that was closed is one that cannot be written, so that the caller gets an error and not just no output.
    """
    for number, (name, mode) in enumerate(_STREAMS):
        try:
            os.fstat(number)
        except OSError:
            # Gets the lowest free number, which is this one.
            os.open(os.devnull, mode)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "r" if name == "stdin" else "w", encoding="utf-8", closefd=False))  # noqa: SIM115


def _end_without_output(error: OSError) -> NoReturn:
    """Exit after a write to stdout that failed: it was closed, or its disk is full. Raises any other error again."""
    if error.errno not in {errno.EBADF, errno.ENOSPC}:
        raise error
    # Python writes what is left at its end, which would fail again, with a traceback.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    reason = "stdout is closed" if error.errno == errno.EBADF else error.strerror
    click.echo(f"Error: could not write the output: {reason}.", err=True)
    sys.exit(ExitCode.FAILED)
