"""What a stack holds between runs, and what one run did to it: plain data, no I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from .engine_log import LogLine
from .wire import Properties

DYNAMIC_PACKAGE = "pulumi-python"
PLUGIN_PACKAGE = "anchorbrowser"
_PROVIDER_TYPE = "pulumi:providers:"


@dataclass(frozen=True)
class ResourceState:
    """One resource as the stack's state has it: plain values throughout, with the names of those that are secret.

    `secret_inputs` and `secret_outputs` name whole properties. A dynamic resource's have
    `__provider` in them, the pickled provider. `provider` is the URN of an explicit provider; empty for the default
    one. `timeouts` are the custom timeouts in seconds, by `create`, `update` and `delete`. `init_errors` are the
    reasons of a create that has failed after it had made the resource: the next run updates it.
    """

    urn: str
    type: str
    id: str
    inputs: Properties
    outputs: Properties
    custom: bool = True
    parent: str = ""
    dependencies: tuple[str, ...] = ()
    protect: bool = False
    retain_on_delete: bool = False
    provider: str = ""
    timeouts: Mapping[str, float] = field(default_factory=dict)
    init_errors: tuple[str, ...] = ()
    secret_inputs: frozenset[str] = frozenset()
    secret_outputs: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The name the program gave it."""
        return self.urn.split("::", 3)[3]

    @property
    def package(self) -> str:
        """The package of its provider."""
        return self.type.removeprefix(_PROVIDER_TYPE).partition(":")[0]

    @property
    def is_provider(self) -> bool:
        """Whether it is an explicit provider that serves other resources."""
        return self.type.startswith(_PROVIDER_TYPE) and self.package == PLUGIN_PACKAGE

    @property
    def host(self) -> str:
        """What serves it: the URN of an explicit provider, or the package of a default one."""
        return self.urn if self.is_provider else self.provider or self.package

    @property
    def served(self) -> bool:
        """Whether a provider is called for it; everything else is passed through."""
        return self.custom and self.package in {DYNAMIC_PACKAGE, PLUGIN_PACKAGE} and not self.is_provider

    def with_outputs(self, outputs: Properties) -> ResourceState:
        """The same resource after a call that gave these outputs."""
        return replace(self, outputs=outputs, init_errors=())


class PendingOperation(NamedTuple):
    """An operation that has begun and not ended: `creating`, `updating`, `deleting` or `reading` a resource.

    The resource of a create has the inputs that `check` returned, and no id or outputs.
    """

    type: str
    resource: ResourceState


@dataclass
class RehearsedState:
    """Everything kept between runs.

    `resources` by URN in the order of registration; `condemned` are replaced ones that could not be deleted yet;
    `config` is the config of the last `up` that reached a provider, which is what refresh and destroy use;
    `pending_creates` are the creates that were in flight when a run was killed.
    """

    resources: dict[str, ResourceState] = field(default_factory=dict)
    condemned: list[ResourceState] = field(default_factory=list)
    outputs: Properties = field(default_factory=dict)
    secret_outputs: frozenset[str] = frozenset()
    config: dict[str, str] | None = None
    pending_creates: list[PendingOperation] = field(default_factory=list)

    def put(self, resource: ResourceState, old: ResourceState | None = None) -> None:
        """Records a resource as it is now, in place of `old`, which had another URN if it was found by an alias."""
        if old is not None and old.urn != resource.urn:
            self.resources.pop(old.urn, None)
        self.resources[resource.urn] = resource

    def drop(self, resource: ResourceState) -> None:
        """Forgets exactly this one: a replaced resource's successor has the same URN and stays."""
        if self.resources.get(resource.urn) is resource:
            del self.resources[resource.urn]
        self.condemned = [other for other in self.condemned if other is not resource]

    def reorder(self, registered: Iterable[str]) -> None:
        """Puts what this run registered first, in that order, as an engine's snapshot does."""
        first = {urn: self.resources[urn] for urn in registered if urn in self.resources}
        self.resources = {**first, **self.resources}


def dependents_first(resources: Iterable[ResourceState]) -> Iterator[list[ResourceState]]:
    """The resources in the order in which they may be deleted, in groups that may go at the same time.

    A group holds what no remaining resource depends on or has as its parent or provider; within a group, last
    registered first.
    """
    remaining = list(reversed(list(resources)))
    while remaining:
        needed = {urn for resource in remaining for urn in (*resource.dependencies, resource.parent, resource.provider)}
        group = [resource for resource in remaining if resource.urn not in needed] or remaining
        yield group
        remaining = [resource for resource in remaining if not any(resource is done for done in group)]


class ReportedProblem(NamedTuple):
    """One thing that went wrong: the resource's URN, empty for the program itself, and the message verbatim."""

    urn: str
    message: str


class RehearsedOperation(NamedTuple):
    """One step of a run.

    `kind` is `create`, `update`, `replace` (the new one is there), `delete-replaced` (the old one is gone), `delete`,
    `same`, and in a refresh `read` (nothing changed), `update` (its outputs did) or `delete` (it is gone).
    """

    kind: str
    urn: str


@dataclass
class Result:
    """What one run did: the stack's outputs, every operation that succeeded in order, and what was logged meanwhile."""

    outputs: Properties = field(default_factory=dict)
    secret_outputs: frozenset[str] = frozenset()
    operations: list[RehearsedOperation] = field(default_factory=list)
    log: list[LogLine] = field(default_factory=list)
    problems: list[ReportedProblem] = field(default_factory=list)

    @property
    def counts(self) -> Counter[str]:
        """How many operations there were of each kind; 0 for a kind that did not occur."""
        return Counter(operation.kind for operation in self.operations)

    def messages(self, *severities: str) -> list[str]:
        """The logged messages of these severities (of all, where none is named), passing status lines left out."""
        wanted = set(severities)
        return [line.message for line in self.log if not line.ephemeral and (not wanted or line.severity in wanted)]


class RehearsalError(Exception):
    """A run that failed: `problems` say why, verbatim; `result` is what was done before. The state is an engine's."""

    def __init__(self, result: Result) -> None:
        super().__init__("\n".join(f"error: {problem.message}" for problem in result.problems))
        self.result = result

    @property
    def problems(self) -> list[ReportedProblem]:
        """Everything that went wrong, in the order in which it was noticed."""
        return self.result.problems

    @property
    def messages(self) -> list[str]:
        """The messages of the problems."""
        return [problem.message for problem in self.result.problems]


def describe_refusal(resource_type: str, name: str, property_: str, value: Any, reason: str) -> str:
    """A check failure in the engine's own words."""
    if property_:
        value = "<nil>" if value is None else value
        return f"{resource_type} resource '{name}': property {property_} value {{{value}}} has a problem: {reason}"
    return f"{resource_type} resource '{name}' has a problem: {reason}"
