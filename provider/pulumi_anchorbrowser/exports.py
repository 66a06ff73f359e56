"""`pulumi stack export`, which a provider host can begin before it imports the rest of this package."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from threading import Thread

# Where the state is read from in place of the CLI, as the rehearsal does, which has no CLI.
FILE_VARIABLE = "ANCHORBROWSER_STATE_FILE"
EXPORT_SECONDS = 60
# The engine of this run may be writing the state, of which the CLI then finds a part, or nothing.
_TRIES, _PAUSE_SECONDS = 3, 0.5
_URN_PARTS = 4
_PROCESSES = Path("/proc")
# The CLI that started this process has looked for updates itself. The garbage collector takes a quarter of an export.
_SETTINGS = {"PULUMI_SKIP_UPDATE_CHECK": "true", "GOGC": "400"}

Exported = subprocess.CompletedProcess[str]
_begun: dict[str, Future[Exported]] = {}


def begin(stack: str, environ: Mapping[str, str] = os.environ) -> None:
    """Begin to export a stack in the background, for `export_begun`."""
    if not environ.get(FILE_VARIABLE):
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
        exported = _export(stack, cwd)
        if exported.returncode == 0:
            return exported
        time.sleep(_PAUSE_SECONDS)
    return _export(stack, cwd)


def _export(stack: str | None, cwd: Path | None) -> Exported:
    command = [_cli(), "stack", "export", "--non-interactive", *(["--stack", stack] if stack else [])]
    return subprocess.run(  # noqa: S603  # a command of our own making
        command,
        cwd=cwd,
        env={**os.environ, **_SETTINGS},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=EXPORT_SECONDS,
    )


def stack_of_urn(urn: str, organization: str) -> str | None:
    """Return `organization/project/stack` of a resource; None for a text that is no URN."""
    stack = project_and_stack(urn)
    return f"{organization}/{stack}" if stack else None


def project_and_stack(urn: str) -> str | None:
    """Return `project/stack` of a resource; None for a text that is no URN."""
    parts = urn.removeprefix("urn:pulumi:").split("::")
    return f"{parts[1]}/{parts[0]}" if len(parts) >= _URN_PARTS else None


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
            program = str((_PROCESSES / str(process) / "exe").readlink())
            status = (_PROCESSES / str(process) / "stat").read_text(encoding="utf-8")
        except OSError:
            return None
        if Path(program).name == "pulumi":
            return program
        # The name of the program, in brackets, may hold anything.
        process = int(status.rpartition(")")[2].split()[1])
    return None
