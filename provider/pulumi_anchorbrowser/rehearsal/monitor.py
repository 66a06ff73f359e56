"""The resource monitor that a program talks to: reads its requests, and hands resources to the steps."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.proto import resource_pb2

from .engine_log import EngineLog, LogLine
from .state import ResourceState
from .steps import Steps, WantedState
from .wire import from_struct, secret_names, to_struct

_STACK_TYPE = "pulumi:pulumi:Stack"
_DURATION = re.compile(r"([0-9.]+)(ms|h|m|s)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class _PassThrough(Mocks):
    """Plain mocks for what no provider here serves: invokes and reads of other people's resources."""

    def call(self, args: MockCallArgs) -> Any:
        return args.args, []

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        return args.resource_id or f"{args.name}_id", args.inputs


class RehearsalMonitor(MockMonitor):
    """The SDK's own mock monitor, with registrations carried out for real. Its method names are gRPC's."""

    def __init__(self, steps: Steps, engine: EngineLog, project: str, stack: str) -> None:
        super().__init__(_PassThrough())
        self._steps, self._engine = steps, engine
        self._prefix = f"urn:pulumi:{stack}::{project}::"

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """The URN the engine would give: a parent's types are in it, the stack's type is not."""
        parent_type = parent.split("::")[2] if parent else ""
        qualifier = "" if parent_type in {"", _STACK_TYPE} else f"{parent_type}$"
        return f"{self._prefix}{qualifier}{type_}::{name}"

    def RegisterResource(self, request: Any) -> resource_pb2.RegisterResourceResponse:  # noqa: N802
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == _STACK_TYPE:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        self._warn_of_what_is_not_rehearsed(request, urn)
        state = self._steps.register(self._goal(request, urn))
        self.resources[urn] = MockMonitor.ResourceRegistration(urn, state.id, state.outputs)
        return resource_pb2.RegisterResourceResponse(
            urn=urn, id=state.id, object=to_struct(state.outputs, state.secret_outputs)
        )

    def RegisterResourceOutputs(self, request: Any) -> Empty:  # noqa: N802
        outputs, secrets = from_struct(request.outputs), secret_names(request.outputs)
        state = self._steps.state
        if request.urn.split("::")[2] == _STACK_TYPE:
            state.outputs, state.secret_outputs = outputs, secrets
        elif request.urn in state.resources:
            component = state.resources[request.urn]
            state.put(replace(component, outputs=outputs, secret_outputs=secrets))
        return Empty()

    def _goal(self, request: Any, urn: str) -> WantedState:
        secrets = secret_names(request.object)
        resource = ResourceState(
            urn=urn,
            type=request.type,
            id="",
            inputs=from_struct(request.object),
            outputs={},
            custom=request.custom,
            parent=request.parent,
            dependencies=tuple(request.dependencies),
            protect=request.protect,
            retain_on_delete=request.retainOnDelete,
            provider=request.provider.rpartition("::")[0],
            timeouts=_timeouts(request.customTimeouts),
            secret_inputs=secrets,
            secret_outputs=secrets | set(request.additionalSecretOutputs),
        )
        return WantedState(
            resource,
            aliases=tuple(self._alias_urns(request)),
            ignore_changes=tuple(request.ignoreChanges),
            replace_on_changes=tuple(request.replaceOnChanges),
            delete_before_replace=request.deleteBeforeReplace,
        )

    def _alias_urns(self, request: Any) -> list[str]:
        urns = list(request.aliasURNs)
        for alias in request.aliases:
            spec = alias.spec
            parent = "" if spec.noParent else spec.parentUrn or request.parent
            urns.append(alias.urn or self.make_urn(parent, spec.type or request.type, spec.name or request.name))
        return urns

    def _warn_of_what_is_not_rehearsed(self, request: Any, urn: str) -> None:
        hooks = any(request.hooks.ListFields()) if request.HasField("hooks") else False
        for present, option in ((hooks, "hooks"), (bool(request.transforms), "transforms")):
            if present:
                self._engine.add(LogLine("warning", f"a rehearsal does not run the {option} of this resource", urn))


def _timeouts(custom: Any) -> dict[str, float]:
    """The custom timeouts in seconds; the SDK has them in Go's format for durations, such as `1h30m`."""
    given = {name: getattr(custom, name) for name in ("create", "update", "delete")}
    return {
        name: sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(text))
        for name, text in given.items()
        if text
    }
