"""The stage with the real engine: raw `pulumi` commands, a folder as the backend."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from .base import SIGNATURE, STACK, StageResult, find_resource, full_key, judged, write_project
from .cli import DEFAULT_SECONDS, Command, clean_environment
from .events import diagnostics_of, read_events, steps_of

# Commands that take a stack as an argument, or none at all.
WITHOUT_STACK = {"cancel", "install", "package", "plugin"}


class EngineStage:
    """A throwaway project on the real Pulumi engine. `env` is laid over a clean environment, for every command.

    PULUMI_HOME is the stage's own, so that no test meets another's receipts. The stack is made at the first command.
    """

    kind = "engine"

    def __init__(self, folder: Path) -> None:
        self.project_dir, self.home, self.backend = folder / "project", folder / "home", folder / "backend"
        self._folder = folder
        self.backend.mkdir(parents=True)
        self.env: dict[str, str] = {}
        self._commands: list[Command] = []
        self._is_made = False
        self.stack = STACK
        write_project(self.project_dir, "")

    def write_program(self, source: str) -> None:
        """Replaces the program."""
        write_project(self.project_dir, source)

    def config(self, **values: str | None) -> None:
        """Sets plain config values (None removes one), by writing the stack's settings file."""
        self._make_stack()
        settings = yaml.safe_load(self._settings.read_text(encoding="utf-8")) or {}
        config = settings.setdefault("config", {})
        for key, value in values.items():
            config.pop(full_key(key), None)
            if value is not None:
                config[full_key(key)] = value
        self._settings.write_text(yaml.safe_dump(settings), encoding="utf-8")

    def set_secret(self, key: str, value: str) -> None:
        """`pulumi config set --secret`, with the value on standard input, where no process list shows it."""
        self._make_stack()
        self.run("config", "set", "--secret", full_key(key), stdin=value)

    def up(
        self,
        *,
        refresh: bool = False,
        replace_urn: str | None = None,
        expect_failure: bool = False,
        flags: Sequence[str] = (),
    ) -> StageResult:
        """`pulumi up --skip-preview --yes`."""
        extra = [*(["--refresh"] if refresh else []), *(["--replace", replace_urn] if replace_urn else []), *flags]
        return self._operate("up", extra, expect_failure=expect_failure)

    def preview(self, *, expect_failure: bool = False, flags: Sequence[str] = ()) -> StageResult:
        """`pulumi preview`; the steps are those planned, and `changes` is empty when there is nothing to do."""
        return self._operate("preview", flags, expect_failure=expect_failure)

    def refresh(self, *, expect_failure: bool = False, flags: Sequence[str] = ()) -> StageResult:
        """`pulumi refresh --skip-preview --yes`."""
        return self._operate("refresh", flags, expect_failure=expect_failure)

    def destroy(self, *, expect_failure: bool = False, flags: Sequence[str] = ()) -> StageResult:
        """`pulumi destroy --skip-preview --yes`."""
        return self._operate("destroy", flags, expect_failure=expect_failure)

    def cancel(self) -> None:
        """`pulumi cancel --yes`: lifts the lock that a killed run left."""
        self.run("cancel", "--yes", self.stack)

    def start_up(self, flags: Sequence[str] = ()) -> Command:
        """Starts an `up` and returns at once, for Ctrl-C and kill tests. Hand the command to `finished` at the end."""
        return self._start("up", [*_confirmed("up"), *flags])

    def finished(self, command: Command, seconds: float = DEFAULT_SECONDS) -> StageResult:
        """Waits for a started command. Its result, failed or not."""
        code = command.wait(seconds)
        return self._result(command, failed=code != 0)

    def outputs(self) -> dict[str, Any]:
        """`pulumi stack output --json --show-secrets`."""
        printed: dict[str, Any] = json.loads(self.run("stack", "output", "--json", "--show-secrets"))
        return printed

    def export(self, *, show_secrets: bool = False) -> dict[str, Any]:
        """`pulumi stack export`: the deployment, secrets encrypted unless shown."""
        flags = ["--show-secrets"] if show_secrets else []
        exported: dict[str, Any] = json.loads(self.run("stack", "export", *flags))
        return exported

    def resource_outputs(self, name: str) -> dict[str, Any]:
        """The outputs of the one resource of this name, secrets shown."""
        outputs: dict[str, Any] = _shown(find_resource(self.export(show_secrets=True), name)["outputs"])
        return outputs

    def urn(self, name: str) -> str:
        """The URN of the one resource of this name."""
        return str(find_resource(self.export(), name)["urn"])

    def run(self, *args: str, stdin: str = "", seconds: float = DEFAULT_SECONDS) -> str:
        """Any `pulumi` command on this stack; what it printed. An AssertionError with that, when it fails."""
        command = self._start_raw([*args, *([] if args[0] in WITHOUT_STACK else ["--stack", self.stack])], stdin)
        if command.wait(seconds) != 0:
            raise AssertionError(f"pulumi {' '.join(args)} failed:\n{command.text}")
        return command.text

    def close(self) -> None:
        """Ends every process that is left of any command."""
        for command in self._commands:
            command.kill_all()

    @property
    def _settings(self) -> Path:
        return self.project_dir / f"Pulumi.{self.stack}.yaml"

    def _make_stack(self) -> None:
        if not self._is_made:
            self._is_made = True
            command = self._start_raw(["stack", "init", self.stack], "")
            if command.wait() != 0:
                raise AssertionError(f"pulumi stack init failed:\n{command.text}")

    def _operate(self, verb: str, flags: Sequence[str], *, expect_failure: bool) -> StageResult:
        command = self._start(verb, [*_confirmed(verb), *flags])
        result = self._result(command, failed=command.wait() != 0)
        return judged(result, f"pulumi {verb}", expect_failure=expect_failure)

    def _start(self, verb: str, flags: Sequence[str]) -> Command:
        self._make_stack()
        event_log = self._folder / f"{len(self._commands)}.events"
        return self._start_raw([verb, *flags, "--stack", self.stack, "--event-log", str(event_log)], "")

    def _start_raw(self, args: Sequence[str], stdin: str) -> Command:
        env = clean_environment(self.home, self.backend) | self.env
        output = self._folder / f"{len(self._commands)}.txt"
        self._commands.append(Command(args, cwd=self.project_dir, env=env, output=output, stdin=stdin))
        return self._commands[-1]

    def _result(self, command: Command, *, failed: bool) -> StageResult:
        events = read_events(self._folder / f"{self._commands.index(command)}.events")
        return StageResult(
            failed=failed,
            text=command.text,
            read_outputs=lambda: self._outputs_after(command),
            steps=steps_of(events, preview=command.args[0] == "preview"),
            diagnostics=diagnostics_of(events, ephemeral=False),
            status=diagnostics_of(events, ephemeral=True),
        )

    def _outputs_after(self, command: Command) -> dict[str, Any]:
        later = [one.args[0] for one in self._commands[self._commands.index(command) + 1 :]]
        if {"up", "refresh", "destroy"} & set(later):
            raise AssertionError(f"outputs of pulumi {command.args[0]} were asked for after {later}")
        return self.outputs()


def _confirmed(verb: str) -> list[str]:
    return [] if verb == "preview" else ["--skip-preview", "--yes"]


def _shown(value: Any) -> Any:
    """The value with every secret in it replaced by its plain text."""
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if isinstance(value, dict):
        return json.loads(value["plaintext"]) if SIGNATURE in value else {k: _shown(v) for k, v in value.items()}
    return value
