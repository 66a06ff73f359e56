"""A stack's state, as `pulumi stack export` prints it: the batches it has, and the creates that no run has finished."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi_anchorbrowser import exports
from pulumi_anchorbrowser.exports import FILE_VARIABLE
from pulumi_anchorbrowser.lifecycle.errors import LifecycleError
from pulumi_anchorbrowser.lifecycle.record import UNKNOWN_OUTCOME
from pulumi_anchorbrowser.urns import project_and_stack

DEFAULT_PROVIDER = "default"
# As the dynamic provider and the native plugin name it.
_BATCH_ID = ("batch_id", "batchId")


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
    provider: str = ""
    """The name of its provider in the program; `default` where it has none of its own."""


@dataclass(frozen=True)
class StackState:
    """What a state says of batches. `stack` is its `project/stack`; None where it has no resource at all.

    `batch_ids` and `claims` are those that any resource of the state names. A pending create is not among them, nor is
    one of unknown outcome, whose claim is in `unknown_claims`. `pending_ids` are named by a pending operation alone.
    `started_ids` are the ids of batches that a resource has started itself: their sessions carry its claim.
    `adoptions` are the ids of those that a resource adopts, or is about to, each with the claim of that resource.
    """

    batch_ids: frozenset[str] = frozenset()
    claims: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()
    pending: tuple[PendingCreate, ...] = ()
    stack: str | None = None
    started_ids: frozenset[str] = frozenset()
    adoptions: frozenset[tuple[str, str]] = frozenset()
    unknown_claims: frozenset[str] = frozenset()
    pending_ids: frozenset[str] = frozenset()

    @property
    def saved_ids(self) -> frozenset[str]:
        """The ids that a resource names: not those that a pending operation is about to adopt."""
        return self.batch_ids - self.pending_ids

    @classmethod
    def of(cls, exported: Any) -> StackState:
        """Return the state in an exported document, or in the file of a DIY backend. Raises ValueError."""
        deployment = _deployment(exported)
        resources = [one for one in deployment.get("resources") or [] if isinstance(one, dict)]
        operations = [one for one in deployment.get("pending_operations") or [] if isinstance(one, dict)]
        named = [*resources, *(one.get("resource") or {} for one in operations)]
        owners = {str(one["inputs"]["owner"]) for one in named if _is_ours(one)}
        stacks = filter(None, (project_and_stack(str(one.get("urn", ""))) for one in named))
        saved = frozenset(id_ for one in resources for id_ in _ids(one))
        being_adopted = frozenset(_being_adopted(operations))
        return cls(
            batch_ids=saved | being_adopted,
            pending_ids=being_adopted - saved,
            claims=frozenset(claim for one in resources if _has_batch(one) for claim in _strings(one, "claim")),
            unknown_claims=frozenset(
                claim for one in resources if not _has_batch(one) for claim in _strings(one, "claim")
            ),
            owners=frozenset(filter(None, owners)),
            pending=tuple(_pending(operations)),
            stack=next(stacks, None),
            started_ids=frozenset(
                str(one.get("id", ""))
                for one in resources
                if _is_ours(one) and not any(_adopted(one)) and not (one.get("outputs") or {}).get("adopted")
            ),
            adoptions=frozenset(
                (id_, str(one["inputs"]["claim"])) for one in named if _is_ours(one) for id_ in _adopted(one)
            ),
        )


def read_state(stack: str) -> StackState:
    """Return the state of a stack while a run of the engine is under way. Takes no lock. Raises StateUnreadable."""
    place = os.environ.get(FILE_VARIABLE)
    return read_file(Path(place)) if place else export(stack, None)


def read_begun_state(stack: str) -> StackState:
    """Return the state as `read_state` does, from an export that this process may have begun before."""
    return read_state(stack) if os.environ.get(FILE_VARIABLE) else _state_in(lambda: exports.export_begun(stack))


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
    return _state_in(lambda: exports.export(stack, cwd))


def _state_in(export: Callable[[], exports.Exported]) -> StackState:
    try:
        done = export()
        if done.returncode:
            said = (done.stderr.strip() or "no reason was printed").splitlines()[-1].removeprefix("error: ")
            raise StateUnreadable(f"`pulumi stack export` failed: {said}")
        return StackState.of(json.loads(done.stdout))
    except OSError as error:
        raise StateUnreadable(f"Could not run the Pulumi CLI to read the state: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise StateUnreadable(f"`pulumi stack export` timed out after {exports.EXPORT_SECONDS} s") from None
    except ValueError as error:
        raise StateUnreadable(f"`pulumi stack export` printed no state: {error}") from None


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
        if operation.get("type") == "creating" and _is_ours(resource) and not any(_strings(resource, *_BATCH_ID)):
            inputs = resource["inputs"]
            count = inputs.get("count")
            known = int(count) if isinstance(count, (int, float)) else None
            urn, provider = (str(resource.get(name, "")) for name in ("urn", "provider"))
            yield PendingCreate(str(inputs["claim"]), str(inputs["owner"]), urn, known, _provider_name(provider))


def _provider_name(reference: str) -> str:
    # The provider's URN, `::` and its id. The name of a default provider has the version of the plugin in it.
    name = "".join(reference.split("::")[-2:-1])
    return DEFAULT_PROVIDER if name.startswith(f"{DEFAULT_PROVIDER}_") else name


def _being_adopted(operations: list[dict[str, Any]]) -> Iterator[str]:
    for operation in operations:
        yield from _strings(operation.get("resource") or {}, *_BATCH_ID)


def _is_ours(resource: dict[str, Any]) -> bool:
    inputs = resource.get("inputs")
    return isinstance(inputs, dict) and bool(inputs.get("claim")) and "owner" in inputs


def _adopted(resource: dict[str, Any]) -> Iterator[str]:
    yield from _strings({"inputs": resource["inputs"]}, *_BATCH_ID)


def _ids(resource: dict[str, Any]) -> Iterator[str]:
    # Of every resource, not of batches alone: whatever names a batch knows it.
    yield str(resource.get("id", ""))
    yield from _strings(resource, *_BATCH_ID)


def _has_batch(resource: dict[str, Any]) -> bool:
    # The create of one of unknown outcome may have started a batch, which the state does not have.
    return UNKNOWN_OUTCOME not in _strings(resource, "live_status", "liveStatus")


def _strings(resource: dict[str, Any], *names: str) -> Iterator[str]:
    for properties in (resource.get("inputs"), resource.get("outputs")):
        if isinstance(properties, dict):
            yield from (properties[name] for name in names if isinstance(properties.get(name), str))
