"""A stack's state, as `pulumi stack export` prints it: the batches it has, and the creates that no run has finished."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi_anchorbrowser.lifecycle.errors import LifecycleError

# Where the state is read from in place of the CLI, as the rehearsal does, which has no CLI.
FILE_VARIABLE = "ANCHORBROWSER_STATE_FILE"
_EXPORT_SECONDS = 60
_URN_PARTS = 4
_PROCESSES = Path("/proc")


class StateUnreadable(LifecycleError):
    """The stack's state could not be read."""

    anchor = "state-unreadable"


@dataclass(frozen=True)
class PendingCreate:
    """A create that the engine wrote down before it called the provider, and that no run has finished."""

    claim: str
    owner: str
    urn: str
    count: int | None = None


@dataclass(frozen=True)
class StackState:
    """What a state says of batches. `stack` is its `project/stack`; None where it has no resource at all.

    `batch_ids` and `claims` are those that any resource of the state names. A pending create is not among them.
    """

    batch_ids: frozenset[str] = frozenset()
    claims: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()
    pending: tuple[PendingCreate, ...] = ()
    stack: str | None = None

    @classmethod
    def of(cls, exported: Any) -> StackState:
        """Return the state in an exported document, or in the file of a DIY backend. Raises ValueError."""
        deployment = _deployment(exported)
        resources = [one for one in deployment.get("resources") or [] if isinstance(one, dict)]
        operations = [one for one in deployment.get("pending_operations") or [] if isinstance(one, dict)]
        named = [*resources, *(one.get("resource") or {} for one in operations)]
        owners = {str(one["inputs"]["owner"]) for one in named if _is_ours(one)}
        stacks = filter(None, (_stack_of(str(one.get("urn", ""))) for one in named))
        return cls(
            batch_ids=frozenset([*(id_ for one in resources for id_ in _ids(one)), *_being_adopted(operations)]),
            claims=frozenset(claim for one in resources for claim in _strings(one, "claim")),
            owners=frozenset(filter(None, owners)),
            pending=tuple(_pending(operations)),
            stack=next(stacks, None),
        )


def stack_of_urn(urn: str, organization: str) -> str | None:
    """Return `organization/project/stack` of a resource; None for a text that is no URN."""
    stack = _stack_of(urn)
    return f"{organization}/{stack}" if stack else None


def read_state(stack: str, environ: Mapping[str, str] = os.environ) -> StackState:
    """Return the state of a stack while a run of the engine is under way. Takes no lock. Raises StateUnreadable."""
    place = environ.get(FILE_VARIABLE)
    return read_file(Path(place)) if place else export(stack, None)


def read_file(place: Path) -> StackState:
    """Return the state in a file. Raises StateUnreadable."""
    try:
        return StackState.of(json.loads(place.read_text(encoding="utf-8")))
    except OSError as error:
        raise StateUnreadable(f"Could not read the state in {place}: {error.strerror}") from None
    except ValueError as error:
        advice = "Write one with `pulumi stack export`."
        raise StateUnreadable(f"{place} is not an exported state: {error}", advice) from None


def export(stack: str | None, cwd: Path | None) -> StackState:
    """Return the state as the Pulumi CLI exports it. Raises StateUnreadable."""
    command = [_cli(), "stack", "export", "--non-interactive", *(["--stack", stack] if stack else [])]
    try:
        done = subprocess.run(  # noqa: S603  # a command of our own making
            command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_EXPORT_SECONDS
        )
        if done.returncode:
            said = (done.stderr.strip() or "no reason was printed").splitlines()[-1].removeprefix("error: ")
            raise StateUnreadable(f"`pulumi stack export` failed: {said}")
        return StackState.of(json.loads(done.stdout))
    except OSError as error:
        raise StateUnreadable(f"Could not run the Pulumi CLI to read the state: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise StateUnreadable(f"`pulumi stack export` timed out after {_EXPORT_SECONDS} s") from None
    except ValueError as error:
        raise StateUnreadable(f"`pulumi stack export` printed no state: {error}") from None


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


def _deployment(exported: Any) -> dict[str, Any]:
    if isinstance(exported, dict):
        latest = (exported.get("checkpoint") or {}).get("latest") if "checkpoint" in exported else None
        deployment = exported.get("deployment", latest)
        if isinstance(deployment, dict):
            return deployment
        if "checkpoint" in exported or "deployment" in exported:
            return {}
    raise ValueError("it has no deployment")


def _pending(operations: list[dict[str, Any]]) -> Iterator[PendingCreate]:
    for operation in operations:
        resource = operation.get("resource") or {}
        # One that adopts a batch starts none.
        if operation.get("type") == "creating" and _is_ours(resource) and not resource["inputs"].get("batch_id"):
            inputs = resource["inputs"]
            count = inputs.get("count")
            known = int(count) if isinstance(count, (int, float)) else None
            yield PendingCreate(str(inputs["claim"]), str(inputs["owner"]), str(resource.get("urn", "")), known)


def _being_adopted(operations: list[dict[str, Any]]) -> Iterator[str]:
    for operation in operations:
        yield from _strings(operation.get("resource") or {}, "batch_id")


def _is_ours(resource: dict[str, Any]) -> bool:
    inputs = resource.get("inputs")
    return isinstance(inputs, dict) and bool(inputs.get("claim")) and "owner" in inputs


def _ids(resource: dict[str, Any]) -> Iterator[str]:
    # Of every resource, not of batches alone: whatever names a batch knows it.
    yield str(resource.get("id", ""))
    yield from _strings(resource, "batch_id")


def _strings(resource: dict[str, Any], name: str) -> Iterator[str]:
    for properties in (resource.get("inputs"), resource.get("outputs")):
        if isinstance(properties, dict) and isinstance(properties.get(name), str):
            yield properties[name]


def _stack_of(urn: str) -> str | None:
    parts = urn.removeprefix("urn:pulumi:").split("::")
    return f"{parts[1]}/{parts[0]}" if len(parts) >= _URN_PARTS else None
