"""The stack's state in the format of `pulumi stack export`, and the file from which a provider host reads it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .state import PendingOperation, RehearsedState, ResourceState
from .wire import Properties, hidden, shown

STATE_FILE_VARIABLE = "ANCHORBROWSER_STATE_FILE"

_Render = Callable[[ResourceState, bool], str]


def export(
    state: RehearsedState, pending: Iterable[PendingOperation] = (), *, show_secrets: bool = False
) -> dict[str, Any]:
    """Return the state as `pulumi stack export` prints it.

    `pending` are the operations in flight, beside the interrupted creates of the state. Secrets are whole properties,
    marked in the engine's format; without `show_secrets`, `[secret]` stands in place of a ciphertext.
    """

    def render(resource: ResourceState, replaced: bool) -> str:
        return json.dumps(_resource(resource, replaced, shown if show_secrets else hidden))

    exported: dict[str, Any] = json.loads(_rendered(state, pending, render))
    return exported


class StateFile:
    """A file with the state as of the last `write`, secrets hidden. A reader never finds a part of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # The whole state is written at each operation: a resource that has not changed is not rendered again.
        self._texts: dict[tuple[int, bool], tuple[ResourceState, str]] = {}

    def write(self, state: RehearsedState, pending: Iterable[PendingOperation]) -> None:
        """Replace the content."""
        before, self._texts = self._texts, {}

        def render(resource: ResourceState, replaced: bool) -> str:
            key = (id(resource), replaced)
            known = before.get(key)
            if known is None or known[0] is not resource:
                known = (resource, json.dumps(_resource(resource, replaced, hidden)))
            self._texts[key] = known
            return known[1]

        beside = self.path.with_suffix(".new")
        beside.write_text(_rendered(state, pending, render), encoding="utf-8")
        beside.replace(self.path)


def _rendered(state: RehearsedState, pending: Iterable[PendingOperation], render: _Render) -> str:
    resources = [render(resource, False) for resource in state.resources.values()]
    replaced = [render(resource, True) for resource in state.condemned]
    operations = [
        f'{{"resource": {render(operation.resource, False)}, "type": {json.dumps(operation.type)}}}'
        for operation in (*state.pending_creates, *pending)
    ]
    return (
        f'{{"version": 3, "deployment": {{"resources": [{", ".join([*resources, *replaced])}], '
        f'"pending_operations": [{", ".join(operations)}]}}}}\n'
    )


def _resource(
    resource: ResourceState, replaced: bool, mark: Callable[[Properties, Iterable[str]], Properties]
) -> Properties:
    full = {
        "urn": resource.urn,
        "custom": resource.custom,
        "id": resource.id,
        "type": resource.type,
        "inputs": mark(resource.inputs, resource.secret_inputs),
        "outputs": mark(resource.outputs, resource.secret_outputs),
        "parent": resource.parent,
        "dependencies": list(resource.dependencies),
        "protect": resource.protect,
        "retainOnDelete": resource.retain_on_delete,
        "customTimeouts": dict(resource.timeouts),
        "initErrors": list(resource.init_errors),
        "delete": replaced,
    }
    return {name: value for name, value in full.items() if name == "custom" or value not in ("", False, [], {})}
