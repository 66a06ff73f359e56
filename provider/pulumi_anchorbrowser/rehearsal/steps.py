"""The steps of one run: what an engine asks of a provider for each resource, and what it keeps in the state."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import RLock
from typing import TypeVar

from .engine_log import EngineLog, LogLine
from .host import ProviderHost
from .responses import CheckedInputs, Failure, HostError, Read
from .state import (
    PendingOperation,
    RehearsedOperation,
    RehearsedState,
    ReportedProblem,
    ResourceState,
    Result,
    dependents_first,
    describe_refusal,
)
from .wire import with_value

_T = TypeVar("_T")


@dataclass(frozen=True)
class WantedState:
    """One resource as the program wants it: `resource` has the inputs given and no id or outputs yet."""

    resource: ResourceState
    aliases: tuple[str, ...] = ()
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    delete_before_replace: bool = False


class Stopped(Exception):
    """The run has failed, so nothing new is begun."""


class Steps:
    """One run's steps over the state, from any number of threads; after the first problem every new step is Stopped.

    `host` returns the provider host of a resource, started when it is first needed; `old_host` one with the config of
    the last up.
    `replace_urns` are replaced whatever their diff. `save(pending)` is called at the start, at the end, and before each
    call that reads or changes a resource, with every operation in flight. `killed()` is whether the run counts as
    killed: then its creates in flight stay in the state as pending.
    """

    def __init__(
        self,
        state: RehearsedState,
        host: Callable[[ResourceState], ProviderHost],
        old_host: Callable[[ResourceState], ProviderHost],
        engine: EngineLog,
        replace_urns: Collection[str] = (),
        *,
        save: Callable[[list[PendingOperation]], None],
        killed: Callable[[], bool],
    ) -> None:
        self.state, self.result = state, Result()
        self._host, self._old_host = host, old_host
        self._engine, self._replace_urns = engine, frozenset(replace_urns)
        self._save, self._killed = save, killed
        self._registered: list[str] = []
        self._in_flight: list[PendingOperation] = []
        self._lock = RLock()
        save([])

    def register(self, goal: WantedState) -> ResourceState:
        """Bring one resource to its goal: create, update, replace or keep it. Return the resource as it then is."""
        urn = goal.resource.urn
        with self._lock:
            self._refuse_when_failed()
            if urn in self._registered:
                raise self._problem(urn, f"Duplicate resource URN '{urn}'; try giving it a unique name")
            self._registered.append(urn)
            old = next((self.state.resources[u] for u in (urn, *goal.aliases) if u in self.state.resources), None)
        try:
            return self._managed(goal, old) if goal.resource.served else self._passed_through(goal.resource, old)
        except HostError as error:
            with self._lock:
                raise self._problem(urn, error.details) from None

    def finish(self, parallel: int = 1) -> None:
        """Delete what the program has not registered and what was replaced, dependents first."""
        if self.result.problems:
            return
        self._host = self._host_of_deletes()
        gone = [resource for urn, resource in self.state.resources.items() if urn not in self._registered]
        self.delete([*self.state.condemned, *gone], parallel)

    def delete(self, resources: Iterable[ResourceState], parallel: int = 1) -> None:
        """Delete these, dependents first, up to `parallel` at once; nothing is deleted if one is protected."""
        doomed = list(resources)
        for resource in doomed:
            if resource.protect:
                self._problem(resource.urn, _protected("delete", resource))
        for group in dependents_first(doomed):
            self._each(self._delete, group, parallel)

    def refresh(self, parallel: int = 1) -> None:
        """Read every resource that a provider serves: those that are gone leave the state, the others are updated."""
        self._each(self._read, [r for r in self.state.resources.values() if r.served], parallel)

    def fail(self, message: str) -> None:
        """Record a problem of the run itself, not of one resource."""
        with self._lock:
            self._problem("", message)

    def close(self) -> Result:
        """End the run and return its result; the state takes the order of this run."""
        self.state.reorder(self._registered)
        self._save([])
        return self.result

    def _managed(self, goal: WantedState, old: ResourceState | None) -> ResourceState:
        wanted = self._check(goal, old)
        if old is None:
            return self._create(wanted, None, "create")
        new = replace(wanted, id=old.id, outputs=old.outputs)
        changes, replaces, delete_first = self._diff(goal, new, old)
        if replaces:
            return self._replace(goal, old, delete_first=delete_first)
        if not changes:
            return self._record("same", new, old)

        def update() -> ResourceState:
            timeout = new.timeouts.get("update", 0.0)
            host = self._host(new)
            return new.with_outputs(host.update(new.urn, old.id, old.outputs, new.inputs, old.inputs, timeout))

        return self._operate("updating", old, update, lambda updated: self._record("update", updated, old))

    def _check(self, goal: WantedState, old: ResourceState | None) -> ResourceState:
        """The wanted resource with the inputs that the provider returned."""
        news = goal.resource.inputs
        if old is not None:
            kept = {name: old.inputs[name] for name in goal.ignore_changes if name in old.inputs}
            news = {**news, **kept}
        host = self._host(goal.resource)
        checked: CheckedInputs = host.check(goal.resource.urn, old.inputs if old else {}, news)
        if checked.failures:
            raise self._refused(goal.resource, checked.failures)
        # An engine marks an output as secret where the input of the same name is.
        secret_inputs = goal.resource.secret_inputs | checked.secrets
        secret_outputs = goal.resource.secret_outputs | checked.secrets
        return replace(goal.resource, inputs=checked.inputs, secret_inputs=secret_inputs, secret_outputs=secret_outputs)

    def _diff(self, goal: WantedState, new: ResourceState, old: ResourceState) -> tuple[bool, bool, bool]:
        if new.provider != old.provider:
            return True, True, goal.delete_before_replace
        diff = self._host(new).diff(new.urn, old.id, old.outputs, new.inputs, old.inputs)
        # A provider that does not say leaves it to the engine, which then compares the inputs.
        changes = new.inputs != old.inputs if diff.changes is None else diff.changes
        changed = {n for n in goal.replace_on_changes if n == "*" or new.inputs.get(n) != old.inputs.get(n)}
        replaces = bool(diff.replaces or (changes and changed) or new.urn in self._replace_urns)
        # What a failed create has left is finished by an update, whether or not anything has changed.
        return changes or bool(old.init_errors), replaces, diff.delete_before_replace or goal.delete_before_replace

    def _replace(self, goal: WantedState, old: ResourceState, *, delete_first: bool) -> ResourceState:
        if old.protect:
            with self._lock:
                raise self._problem(old.urn, _protected("replace", old))
        wanted = self._check(goal, None)
        if delete_first:
            self._delete(old, "delete-replaced")
            return self._create(wanted, None, "replace")
        return self._create(wanted, old, "replace")

    def _create(self, wanted: ResourceState, old: ResourceState | None, kind: str) -> ResourceState:
        def create() -> ResourceState:
            try:
                made = self._host(wanted).create(wanted.urn, wanted.inputs, wanted.timeouts.get("create", 0.0))
            except HostError as error:
                if error.made is None:
                    raise
                return replace(wanted, id=error.made.id, outputs=error.made.outputs, init_errors=(error.details,))
            return replace(wanted, id=made.id, outputs=made.outputs)

        def keep(new: ResourceState) -> ResourceState:
            if old is not None:
                self.state.condemned.append(old)
            if new.init_errors:
                self.state.put(new, old)
                raise self._problem(new.urn, _not_initialized(new.init_errors))
            return self._record(kind, new, old)

        return self._operate("creating", wanted, create, keep)

    def _operate(
        self, type_: str, resource: ResourceState, call: Callable[[], _T], keep: Callable[[_T], ResourceState | None]
    ) -> ResourceState:
        """Make one call as an operation in flight; `keep` puts its result into the state in the same moment."""
        pending = PendingOperation(type_, resource)
        # The host is started first: it must not be waited for under the lock.
        self._host(resource)
        with self._lock:
            self._in_flight.append(pending)
            self._save(self._in_flight)
        try:
            value = call()
        except BaseException:
            with self._lock:
                self._land(pending)
                if type_ == "creating" and self._killed():
                    self.state.pending_creates.append(pending)
            raise
        with self._lock:
            self._land(pending)
            return keep(value) or resource

    def _land(self, pending: PendingOperation) -> None:
        self._in_flight = [operation for operation in self._in_flight if operation is not pending]

    def _host_of_deletes(self) -> Callable[[ResourceState], ProviderHost]:
        """The hosts of this run; where the program has registered no resource of a host, the one in the state."""
        new, old = self._host, self._old_host
        used = {self.state.resources[urn].host for urn in self._registered}
        return lambda resource: (new if resource.host in used else old)(resource)

    def _passed_through(self, resource: ResourceState, old: ResourceState | None) -> ResourceState:
        if resource.is_provider:
            # It refuses wrong settings before any resource uses it.
            self._host(resource)
        id_ = (old.id if old else f"{resource.name}_id") if resource.custom else ""
        kind = "create" if old is None else "same" if old.inputs == resource.inputs else "update"
        return self._record(kind, replace(resource, id=id_, outputs=dict(resource.inputs)), old)

    def _delete(self, resource: ResourceState, kind: str = "") -> None:
        condemned = any(resource is other for other in self.state.condemned)

        def keep(_: None) -> None:
            self.state.drop(resource)
            self._did(kind or ("delete-replaced" if condemned else "delete"), resource.urn)

        if not resource.served or resource.retain_on_delete:
            with self._lock:
                keep(None)
            return

        def delete() -> None:
            timeout = resource.timeouts.get("delete", 0.0)
            self._host(resource).delete(resource.urn, resource.id, resource.outputs, resource.inputs, timeout)

        self._operate("deleting", resource, delete, keep)

    def _read(self, resource: ResourceState) -> None:
        def keep(read: Read) -> None:
            if not read.id:
                self.state.drop(resource)
                self._did("delete", resource.urn)
                return
            inputs = resource.inputs if read.inputs is None else read.inputs
            self.state.put(replace(resource, id=read.id, inputs=inputs).with_outputs(read.outputs))
            is_same = with_value(read.outputs) == with_value(resource.outputs)
            self._did("read" if is_same else "update", resource.urn)

        def read() -> Read:
            return self._host(resource).read(resource.urn, resource.id, resource.outputs, resource.inputs)

        self._operate("reading", resource, read, keep)

    def _each(self, step: Callable[[ResourceState], None], resources: list[ResourceState], parallel: int) -> None:
        def guarded(resource: ResourceState) -> None:
            if self.result.problems:
                return
            try:
                step(resource)
            except HostError as error:
                with self._lock:
                    self._problem(resource.urn, error.details)

        with ThreadPoolExecutor(max_workers=parallel, thread_name_prefix="rehearsal-step") as pool:
            list(pool.map(guarded, resources))

    def _record(self, kind: str, resource: ResourceState, old: ResourceState | None) -> ResourceState:
        with self._lock:
            self.state.put(resource, old)
            self._did(kind, resource.urn)
        return resource

    def _did(self, kind: str, urn: str) -> None:
        self.result.operations.append(RehearsedOperation(kind, urn))

    def _refused(self, resource: ResourceState, failures: list[Failure]) -> Stopped:
        with self._lock:
            for failure in failures:
                value = resource.inputs.get(failure.property)
                self._problem(
                    resource.urn,
                    describe_refusal(resource.type, resource.name, failure.property, value, failure.reason),
                )
        return Stopped()

    def _problem(self, urn: str, message: str) -> Stopped:
        self.result.problems.append(ReportedProblem(urn, message))
        self._engine.add(LogLine("error", message, urn))
        return Stopped(message)

    def _refuse_when_failed(self) -> None:
        if self.result.problems:
            raise Stopped("the run has failed already")


def _not_initialized(reasons: Collection[str]) -> str:
    """What the engine prints where a create has failed after it had made the resource."""
    errors = "error" if len(reasons) == 1 else "errors"
    return f"{len(reasons)} {errors} occurred:\n" + "".join(f"\t* {reason}\n" for reason in reasons) + "\n"


def _protected(verb: str, resource: ResourceState) -> str:
    return f'unable to {verb} resource "{resource.urn}"\nas it is currently marked for protection.'
