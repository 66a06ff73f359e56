"""A stack's state as `pulumi stack export` gives it: the batches it knows, and the creates it never saw the end of."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi_anchorbrowser.cli.exits import Failed

_EXPORT_SECONDS = 120
_URN_PARTS = 4


@dataclass(frozen=True)
class PendingCreate:
    """A create that the engine wrote down before it called, and never learnt the end of."""

    claim: str
    owner: str
    urn: str


@dataclass(frozen=True)
class StackState:
    """What a state says of batches. `stack` is its `project/stack`; None where it holds no resource at all."""

    batch_ids: frozenset[str]
    owners: frozenset[str]
    pending: tuple[PendingCreate, ...]
    stack: str | None = None

    @classmethod
    def of(cls, exported: Any) -> StackState:
        """The state in an exported document, or in the file of a DIY backend. Raises ValueError on anything else."""
        deployment = _deployment(exported)
        resources = [one for one in deployment.get("resources") or [] if isinstance(one, dict)]
        operations = [one for one in deployment.get("pending_operations") or [] if isinstance(one, dict)]
        pending = tuple(_pending(operations))
        named = [*resources, *(one.get("resource") or {} for one in operations)]
        owners = {str(one["inputs"]["owner"]) for one in named if _is_ours(one)}
        stacks = filter(None, (_stack_of(str(one.get("urn", ""))) for one in named))
        ids = frozenset(batch_id for one in resources for batch_id in _ids(one))
        return cls(ids, frozenset(filter(None, owners)), pending, next(stacks, None))


def read_file(path: Path) -> StackState:
    """The state in a file. Raises Failed where there is none."""
    try:
        return StackState.of(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise Failed(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise Failed(f"{path} is not an exported state ({error}): write one with `pulumi stack export`.") from None


def export(stack: str | None, cwd: Path | None) -> StackState:
    """The state as the Pulumi CLI exports it. Raises Failed where it does not."""
    command = ["pulumi", "stack", "export", "--non-interactive", *(["--stack", stack] if stack else [])]
    advice = "Name the stack with --stack and its project's folder with --cwd, or give an exported state with --state."
    try:
        done = subprocess.run(  # noqa: S603  # a command of our own making
            command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_EXPORT_SECONDS
        )
    except FileNotFoundError:
        raise Failed(f"There is no Pulumi CLI on the PATH to read the state with. {advice}") from None
    except subprocess.TimeoutExpired:
        raise Failed(f"`pulumi stack export` did not end within {_EXPORT_SECONDS} s. {advice}") from None
    if done.returncode:
        said = (done.stderr.strip() or "it printed no reason").splitlines()[-1]
        raise Failed(f"`pulumi stack export` failed: {said.removeprefix('error: ')}. {advice}")
    try:
        return StackState.of(json.loads(done.stdout))
    except ValueError as error:
        raise Failed(f"`pulumi stack export` printed no state ({error}). {advice}") from None


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
        if operation.get("type") == "creating" and _is_ours(resource):
            inputs = resource["inputs"]
            yield PendingCreate(str(inputs["claim"]), str(inputs["owner"]), str(resource.get("urn", "")))


def _is_ours(resource: dict[str, Any]) -> bool:
    inputs = resource.get("inputs")
    return isinstance(inputs, dict) and bool(inputs.get("claim")) and "owner" in inputs


def _ids(resource: dict[str, Any]) -> Iterator[str]:
    # Of every resource, not of batches alone: whatever names a batch knows it.
    yield str(resource.get("id", ""))
    for properties in (resource.get("inputs"), resource.get("outputs")):
        if isinstance(properties, dict) and isinstance(properties.get("batch_id"), str):
            yield properties["batch_id"]


def _stack_of(urn: str) -> str | None:
    parts = urn.removeprefix("urn:pulumi:").split("::")
    return f"{parts[1]}/{parts[0]}" if len(parts) >= _URN_PARTS else None
