"""The stage without an engine: the same project folder, rehearsed."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pulumi_anchorbrowser.rehearsal import LogLine, Rehearsal, RehearsalError, Result

from .base import (
    ORGANIZATION,
    STACK,
    Diagnostic,
    StageResult,
    Step,
    find_resource,
    full_key,
    judged,
    write_project,
)
from .cli import is_foreign

# What the host prints comes from the engine as info, its standard error as info#err.
_SEVERITIES = {"stdout": "info", "stderr": "info#err"}


class RehearsalStage:
    """A throwaway project on the rehearsal, with the same clean environment as an engine's stage and its own home."""

    kind = "rehearsal"

    def __init__(self, folder: Path) -> None:
        self.project_dir, self.home = folder / "project", folder / "home"
        self.home.mkdir(parents=True)
        self.env: dict[str, str] = {}
        write_project(self.project_dir, "")
        self.rehearsal = Rehearsal(self.project_dir, stack=STACK, organization=ORGANIZATION)

    def write_program(self, source: str) -> None:
        """Replaces the program."""
        write_project(self.project_dir, source)

    def config(self, **values: str | None) -> None:
        """Sets plain config values; None removes one."""
        for key, value in values.items():
            self.rehearsal.secret_config.pop(full_key(key), None)
            self.rehearsal.config.pop(full_key(key), None)
            if value is not None:
                self.rehearsal.config[full_key(key)] = value

    def set_secret(self, key: str, value: str) -> None:
        """Sets a secret config value."""
        self.rehearsal.config.pop(full_key(key), None)
        self.rehearsal.secret_config[full_key(key)] = value

    def up(self, *, refresh: bool = False, replace_urn: str | None = None, expect_failure: bool = False) -> StageResult:
        """Runs the program and brings the stack to it."""
        urns = [replace_urn] if replace_urn else []
        return self._run("up", lambda: self.rehearsal.up(refresh=refresh, replace=urns), expect_failure)

    def refresh(self, *, expect_failure: bool = False) -> StageResult:
        """Reads every resource."""
        return self._run("refresh", self.rehearsal.refresh, expect_failure)

    def destroy(self, *, expect_failure: bool = False) -> StageResult:
        """Deletes every resource."""
        return self._run("destroy", self.rehearsal.destroy, expect_failure)

    def export(self, *, show_secrets: bool = False) -> dict[str, Any]:
        """Return the state as `pulumi stack export` prints it; secrets are marked as whole properties."""
        return self.rehearsal.export(show_secrets=show_secrets)

    def resource_outputs(self, name: str) -> dict[str, Any]:
        """The outputs of the one resource of this name, secrets shown."""
        return self.rehearsal.resources[self.urn(name)].outputs

    def urn(self, name: str) -> str:
        """The URN of the one resource of this name."""
        return str(find_resource(self.export(), name)["urn"])

    def close(self) -> None:
        """Ends the host."""
        self.rehearsal.close()

    def _run(self, what: str, run: Callable[[], Result], expect_failure: bool) -> StageResult:
        hidden: dict[str, str | None] = {name: None for name in os.environ if is_foreign(name)}
        self.rehearsal.env = {**hidden, "PULUMI_HOME": str(self.home), **self.env}
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            try:
                result, failed = run(), False
            except RehearsalError as error:
                result, failed = error.result, True
        return judged(_staged(result, printed.getvalue(), failed), what, expect_failure=expect_failure)


def _staged(result: Result, printed: str, failed: bool) -> StageResult:
    diagnostics = [_diagnostic(line) for line in result.log if not line.ephemeral]
    text = "\n".join([printed, *(f"{line.severity}: {line.message}" for line in diagnostics)])
    return StageResult(
        failed=failed,
        text=text,
        read_outputs=lambda: result.outputs,
        steps=[Step(*one) for one in result.operations if "::pulumi:providers:" not in one.urn],
        diagnostics=diagnostics,
        status=[_diagnostic(line) for line in result.log if line.ephemeral],
    )


def _diagnostic(line: LogLine) -> Diagnostic:
    return Diagnostic(_SEVERITIES.get(line.severity, line.severity), line.message, line.urn)
