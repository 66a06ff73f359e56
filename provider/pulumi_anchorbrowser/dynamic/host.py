"""The operations of our resources in the provider host: translate, call the binding, translate back."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from threading import Lock
from typing import Any, ClassVar

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)
from pulumi.output import Unknown
from pulumi.runtime import rpc

from pulumi_anchorbrowser.binding.kinds import BatchCleanupKind, BatchKind, BatchReadyKind, Kind, Target
from pulumi_anchorbrowser.binding.services import Services
from pulumi_anchorbrowser.binding.settings import Settings, refuse_misspelt, unused_settings
from pulumi_anchorbrowser.clock import SystemClock
from pulumi_anchorbrowser.dynamic import sdk_patches
from pulumi_anchorbrowser.dynamic.errors import expected_errors_in_one_line
from pulumi_anchorbrowser.engine import EngineNotices, run_mark, watch_engine

_PROVIDER_KEY = "__provider"


class Operations(ResourceProvider):
    """The operations of one kind of resource. Expected errors are one line; others keep their traceback."""

    kind: ClassVar[Kind]
    _services: Services

    def configure(self, req: ConfigureRequest) -> None:
        """Take the stack's config. The host calls this once for each kind of resource."""
        sdk_patches.report_errors_in_one_line()
        with expected_errors_in_one_line():
            self._services = _services_of_run(req.config)
        # After the debug log has been started, which says where this is not possible.
        sdk_patches.widen_worker_pool()

    @expected_errors_in_one_line()
    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Return the inputs as they are saved, or everything that is wrong with them."""
        inputs = received(news)
        target = self._target(inputs)
        checked = self.kind.check(target, received(olds), inputs)
        for warning in checked.warnings:
            target.notices.warning(warning)
        failures = [CheckFailure(path, reason) for path, reason in checked.problems]
        marked: Any = checked.inputs
        for path in self.kind.secrets:
            marked = _with_secret(marked, path)
        return CheckResult(marked, failures)

    @expected_errors_in_one_line()
    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Return what changed, and what of it needs a new resource."""
        inputs = received(news)
        changes = self.kind.diff(self._target(inputs), id_, received(olds), inputs)
        return DiffResult(
            changes=bool(changes.changed), replaces=changes.replaces, delete_before_replace=changes.deletes_first
        )

    @expected_errors_in_one_line()
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Create the resource."""
        inputs = received(props)
        return CreateResult(*self.kind.create(self._target(inputs), inputs))

    @expected_errors_in_one_line()
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Return the outputs brought up to date; no id where the resource is to be dropped."""
        outputs = received(props)
        seen = self.kind.read(self._target(outputs), outputs)
        return ReadResult(None, {}) if seen is None else ReadResult(id_, seen)

    @expected_errors_in_one_line()
    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Change the resource."""
        inputs = received(news)
        return UpdateResult(self.kind.update(self._target(inputs), received(olds), inputs))

    @expected_errors_in_one_line()
    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Delete the resource."""
        outputs = received(props)
        self.kind.delete(self._target(outputs), outputs)

    def _target(self, props: Mapping[str, Any]) -> Target:
        urn = sdk_patches.urn_of_request()
        return Target(self._services, urn, str(props.get("owner", "")), EngineNotices(urn), is_unknown)


class BatchOperations(Operations):
    """The operations of `Batch`."""

    kind = BatchKind()


class BatchReadyOperations(Operations):
    """The operations of `BatchReady`."""

    kind = BatchReadyKind()


class BatchCleanupOperations(Operations):
    """The operations of `BatchCleanup`."""

    kind = BatchCleanupKind()


# One for all runs: the end of the engine is the end of each.
_clock = SystemClock()
_current: tuple[object, Services] | None = None
_runs = 0
_lock = Lock()


def _services_of_run(config: Any) -> Services:
    """Return the services of this run, the same for every kind of resource.

    A run is told from the next one by its config, of which the SDK has one dictionary for each Configure of the engine.
    The engine starts a host for each run; a rehearsal can use one for several, and nothing of a run outlives it.
    """
    global _current, _runs
    properties, project = sdk_patches.whole_config(config)
    refuse_misspelt(properties or {})
    with _lock:
        if _current is None or _current[0] is not properties:
            notices = EngineNotices()
            settings = Settings.read(config.get, notify=notices.warning)
            for warning in unused_settings(properties or {}, project):
                notices.warning(warning)
            if _current is None:
                watch_engine(_end_without_engine)
            else:
                _current[1].close()
            _current = (properties, Services(settings, notices, run_mark(_runs), _clock))
            _runs += 1
        return _current[1]


def _end_without_engine() -> None:
    """Send nothing more, and end the host as the engine would have.

    SIGINT lets the interpreter end, which waits for every call in flight: ours, and those of other providers.
    """
    _clock.interrupt()
    if os.name == "posix":
        # Elsewhere this would be a kill, in the middle of those calls.
        os.kill(os.getpid(), signal.SIGINT)


def is_unknown(value: object) -> bool:
    """Whether a preview does not know the value yet."""
    return isinstance(value, Unknown)


def received(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties that have a value, without Pulumi's own, and with whole numbers as integers."""
    return {
        name: _with_integers(value) for name, value in properties.items() if value is not None and name != _PROVIDER_KEY
    }


def _with_integers(value: Any) -> Any:
    # The engine knows only one kind of number, so that a count of 5 arrives as 5.0.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {name: _with_integers(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_integers(item) for item in value]
    return value


def _with_secret(value: Any, path: tuple[str, ...]) -> Any:
    """Return the properties with the one at the path marked as secret, however the program has set it."""
    if not path:
        return rpc.wrap_rpc_secret(value) if isinstance(value, str) else value
    if not isinstance(value, Mapping) or path[0] not in value:
        return value
    return {**value, path[0]: _with_secret(value[path[0]], path[1:])}
