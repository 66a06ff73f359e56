"""`pulumi stack export`, which a provider host can begin before it imports the rest of this package; a stack's name."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from concurrent.futures import Future
from pathlib import Path
from threading import Thread

from pulumi_anchorbrowser.processes import fields_of

# Where the state is read from in place of the CLI, as the rehearsal does, which has no CLI.
FILE_VARIABLE = "ANCHORBROWSER_STATE_FILE"
EXPORT_SECONDS = 60
# The engine of this run may be writing the state, of which the CLI then finds a part, or nothing.
_TRIES, _PAUSE_SECONDS = 3, 0.5
# The place of the parent's number among the fields of a process.
_PARENT = 1
# The CLI that started this process has looked for updates itself. The garbage collector takes a quarter of an export.
_SETTINGS = {"PULUMI_SKIP_UPDATE_CHECK": "true", "GOGC": "400"}

Exported = subprocess.CompletedProcess[str]
_begun: dict[str, Future[Exported]] = {}


def begin(stack: str) -> None:
    """Begin to export a stack in the background, for `export_begun`."""
    if not os.environ.get(FILE_VARIABLE):
        exported: Future[Exported] = Future()
        _begun[stack] = exported
        Thread(target=_export_into, args=(exported, stack), name="export", daemon=True).start()


def export_begun(stack: str) -> Exported:
    """Return the export that was begun; a new one where none was, and the next time. Raises as `export` does."""
    begun = _begun.pop(stack, None)
    return begun.result() if begun else export(stack)


def export(stack: str | None, cwd: Path | None = None) -> Exported:
    """Return what `pulumi stack export` prints; it is run again where it fails.

    Raises OSError, subprocess.TimeoutExpired, UnicodeDecodeError.
    """
    for _ in range(_TRIES - 1):
        exported = _run(["export"], stack, cwd)
        if exported.returncode == 0:
            return exported
        time.sleep(_PAUSE_SECONDS)
    return _run(["export"], stack, cwd)


def full_name(stack: str | None, cwd: Path | None = None) -> str | None:
    """Return `organization/project/stack` of a stack, by default of the selected one; None where the CLI fails."""
    try:
        done = _run(["--show-name", "--fully-qualify-stack-names"], stack, cwd)
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _run(words: list[str], stack: str | None, cwd: Path | None) -> subprocess.CompletedProcess[str]:
    """Return what `pulumi stack` prints with these words."""
    command = [_cli(), "stack", *words, "--non-interactive", *(["--stack", stack] if stack else [])]
    return subprocess.run(  # noqa: S603  # a command of our own making
        command,
        cwd=cwd,
        env={**os.environ, **_SETTINGS},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        # The CLI prints UTF-8, whatever the locale says.
        encoding="utf-8",
        timeout=EXPORT_SECONDS,
    )


def _export_into(exported: Future[Exported], stack: str) -> None:
    try:
        exported.set_result(export(stack))
    except Exception as error:  # noqa: BLE001  # whoever takes the result gets it
        exported.set_exception(error)


def _cli() -> str:
    """The CLI that runs this process, where it can be told; else the one on the PATH. They may be two versions."""
    return _cli_above(os.getppid()) or shutil.which("pulumi") or "pulumi"


def _cli_above(process: int) -> str | None:
    while process > 1:
        try:
            program = Path(f"/proc/{process}/exe").readlink()
        except OSError:
            return None
        if program.name == "pulumi":
            return str(program)
        fields = fields_of(process)
        process = int(fields[_PARENT]) if fields else 0
    return None
