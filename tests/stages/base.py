"""What a scenario sees of a stage, whichever it runs on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

PROJECT = "demo"
STACK = "dev"
ORGANIZATION = "organization"

# The wire format's own marks, by which a secret is known in an exported state.
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"


class Step(NamedTuple):
    """One operation on one resource.

    `kind` is create, update, replace, delete-replaced, delete or same; of a refresh: read (unchanged), update, delete.
    The stack itself and provider resources are left out.
    """

    kind: str
    urn: str


class Diagnostic(NamedTuple):
    """One message: severity `info`, `info#err` (a provider's stderr), `warning` or `error`, and the URN it is on."""

    severity: str
    message: str
    urn: str = ""


@dataclass
class StageResult:
    """The result of one command; `status` are the passing status lines."""

    failed: bool
    text: str
    read_outputs: Callable[[], dict[str, Any]]
    steps: list[Step] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    status: list[Diagnostic] = field(default_factory=list)

    @cached_property
    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, secrets shown. They are read when they are first asked for, before the next command."""
        return self.read_outputs()

    @property
    def operations(self) -> Counter[str]:
        """How many steps of each kind; 0 for a kind that did not occur."""
        return Counter(step.kind for step in self.steps)

    @property
    def changes(self) -> dict[str, int]:
        """The operations that change something; empty when nothing does."""
        return {kind: count for kind, count in self.operations.items() if kind not in {"same", "read"}}

    def messages(self, *severities: str) -> list[str]:
        """The messages of these severities; of all, where none is named."""
        return [line.message for line in self.diagnostics if not severities or line.severity in severities]


class Stage(Protocol):
    """A throwaway project with one stack: write a program, configure it, and run the commands a user would run.

    A failed command raises AssertionError with everything it printed, unless `expect_failure`; then success does.
    """

    kind: str
    project_dir: Path
    env: dict[str, str]

    def write_program(self, source: str) -> None: ...

    def config(self, **values: str | None) -> None: ...

    def set_secret(self, key: str, value: str) -> None: ...

    def up(
        self, *, refresh: bool = False, replace_urn: str | None = None, expect_failure: bool = False
    ) -> StageResult: ...

    def refresh(self, *, expect_failure: bool = False) -> StageResult: ...

    def destroy(self, *, expect_failure: bool = False) -> StageResult: ...

    def export(self, *, show_secrets: bool = False) -> dict[str, Any]: ...

    def resource_outputs(self, name: str) -> dict[str, Any]: ...

    def urn(self, name: str) -> str: ...

    def close(self) -> None: ...


def write_project(folder: Path, source: str) -> None:
    """A project folder as a user has it: Pulumi.yaml and the program."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n", encoding="utf-8")
    (folder / "__main__.py").write_text(source, encoding="utf-8")


def full_key(key: str) -> str:
    """A config key with its namespace: the project's, where none is given."""
    return key if ":" in key else f"{PROJECT}:{key}"


def judged(result: StageResult, what: str, *, expect_failure: bool) -> StageResult:
    """The result, if it is the one that was expected; else an AssertionError with everything that was printed."""
    if result.failed != expect_failure:
        verdict = "succeeded, which was not expected" if expect_failure else "failed"
        raise AssertionError(f"{what} {verdict}:\n{result.text}")
    return result


def find_resource(deployment: dict[str, Any], name: str) -> dict[str, Any]:
    """The one live resource of this name in an exported deployment."""
    resources = deployment["deployment"].get("resources") or []
    found = [r for r in resources if r["urn"].split("::")[-1] == name and not r.get("delete")]
    if len(found) != 1:
        raise AssertionError(f"{len(found)} resources are named {name!r}: {[r['urn'] for r in resources]}")
    resource: dict[str, Any] = found[0]
    return resource
