"""A program that is found as the Pulumi CLI, prints a state, and notes that it was run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pulumi_anchorbrowser.exports import FILE_VARIABLE

SCRIPT = """#!/bin/sh
echo "$PULUMI_SKIP_UPDATE_CHECK $*" >> "{calls}"
{body}
"""


class FakeCli:
    """A `pulumi` that is first on the PATH. `body` is what it does, as lines of a shell script."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._calls, self._program = folder / "calls", folder / "pulumi"
        self.does("""echo '{"deployment": {}}'""")
        monkeypatch.setenv("PATH", os.pathsep.join([str(folder), os.environ["PATH"]]))
        monkeypatch.delenv(FILE_VARIABLE, raising=False)

    def does(self, body: str) -> None:
        """From now on the program does this."""
        self._program.write_text(SCRIPT.format(calls=self._calls, body=body), encoding="utf-8")
        self._program.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        """How it was run, each time, after the value of PULUMI_SKIP_UPDATE_CHECK."""
        return self._calls.read_text(encoding="utf-8").splitlines() if self._calls.exists() else []
