"""The operations of our resources in the provider host: translate, call the binding, translate back."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from threading import Lock
from typing import Any

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

from pulumi_anchorbrowser.binding import batch, cleanup, ready
from pulumi_anchorbrowser.binding.services import Checked, Services
from pulumi_anchorbrowser.binding.settings import Settings, refuse_misspelt
from pulumi_anchorbrowser.clock import SystemClock
from pulumi_anchorbrowser.dynamic import sdk_patches
from pulumi_anchorbrowser.dynamic.errors import expected_errors_in_one_line
from pulumi_anchorbrowser.engine import EngineNotices, run_mark, watch_engine
from pulumi_anchorbrowser.lifecycle import Changes

_PROVIDER_KEY = "__provider"
_PATH_TO_PASSWORD = ("configuration", "session", "proxy", "password")


class Operations(ResourceProvider):
    """What all our resources have in common. Expected errors are one line; others keep their traceback."""

    _services: Services

    def configure(self, req: ConfigureRequest) -> None:
        """Take the stack's config. The host calls this once for each kind of resource."""
        sdk_patches.report_errors_in_one_line()
        with expected_errors_in_one_line():
            self._services = _services_of_run(req.config)
        # After the debug log has been started, which says where this is not possible.
        sdk_patches.widen_worker_pool()

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Return the outputs as they are: a record of what was done does not change."""
        return ReadResult(id_, received(props))

    def _checked(self, checked: Checked, urn: str) -> CheckResult:
        notices = EngineNotices(urn)
        for warning in checked.warnings:
            notices.warning(warning)
        failures = [CheckFailure(path, reason) for path, reason in checked.problems]
        return CheckResult(_with_secret(checked.inputs, _PATH_TO_PASSWORD), failures)


class BatchOperations(Operations):
    """The operations of `Batch`."""

    @expected_errors_in_one_line()
    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Return the inputs, with a claim, or everything that is wrong with them."""
        urn, inputs = sdk_patches.urn_of_request(), received(news)
        owner = str(inputs.get("owner", ""))
        checked = batch.check(self._services, received(olds), inputs, urn=urn, owner=owner, is_unknown=is_unknown)
        return self._checked(checked, urn)

    @expected_errors_in_one_line()
    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Return what changed, and what of it needs a new batch."""
        urn = sdk_patches.urn_of_request()
        before, after = received(olds), received(news)
        notices = EngineNotices(urn)
        return _diff_of(batch.diff(self._services, id_, before, after, urn=urn, is_unknown=is_unknown, notices=notices))

    @expected_errors_in_one_line()
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Start or adopt a batch."""
        urn = sdk_patches.urn_of_request()
        return CreateResult(*batch.create(self._services, received(props), urn=urn, notices=EngineNotices(urn)))

    @expected_errors_in_one_line()
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Return the outputs brought up to date; no id where the resource is to be dropped."""
        urn = sdk_patches.urn_of_request()
        outputs = batch.read(self._services, received(props), urn=urn, notices=EngineNotices(urn))
        return ReadResult(None, {}) if outputs is None else ReadResult(id_, outputs)

    @expected_errors_in_one_line()
    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Cancel or delete the batch where the desired status has changed to that; save the rest."""
        urn = sdk_patches.urn_of_request()
        before, after = received(olds), received(news)
        return UpdateResult(batch.update(self._services, before, after, urn=urn, notices=EngineNotices(urn)))

    @expected_errors_in_one_line()
    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Do what `on_destroy` says."""
        urn = sdk_patches.urn_of_request()
        batch.delete(self._services, received(props), urn=urn, notices=EngineNotices(urn))


class BatchReadyOperations(Operations):
    """The operations of `BatchReady`."""

    @expected_errors_in_one_line()
    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Return the inputs with their defaults, or everything that is wrong with them."""
        checked = ready.check(self._services, received(news), is_unknown=is_unknown)
        return self._checked(checked, sdk_patches.urn_of_request())

    @expected_errors_in_one_line()
    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Return what changed: another batch is another wait."""
        return _diff_of(ready.diff(received(olds), received(news), is_unknown=is_unknown))

    @expected_errors_in_one_line()
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Wait. A failure leaves the batch, which is a resource of its own, in the state."""
        urn = sdk_patches.urn_of_request()
        return CreateResult(*ready.create(self._services, received(props), urn=urn, notices=EngineNotices(urn)))

    @expected_errors_in_one_line()
    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Wait again where the inputs ask for another wait."""
        urn = sdk_patches.urn_of_request()
        before, after = received(olds), received(news)
        return UpdateResult(ready.update(self._services, before, after, urn=urn, notices=EngineNotices(urn)))


class BatchCleanupOperations(Operations):
    """The operations of `BatchCleanup`."""

    @expected_errors_in_one_line()
    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Return the inputs with their defaults, or everything that is wrong with them. Report the plan.

        A check in a preview looks like any other, so an `up` reports the plan as well.
        """
        urn, before, after = sdk_patches.urn_of_request(), received(olds), received(news)
        owner, notices = str(after.get("owner", "")), EngineNotices(urn)
        checked = cleanup.check(
            self._services, before, after, urn=urn, owner=owner, is_unknown=is_unknown, notices=notices
        )
        return self._checked(checked, urn)

    @expected_errors_in_one_line()
    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Return what changed. Nothing makes a new cleanup necessary."""
        return _diff_of(cleanup.diff(received(olds), received(news)))

    @expected_errors_in_one_line()
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Run the cleanup where it runs on apply."""
        urn = sdk_patches.urn_of_request()
        return CreateResult(*cleanup.create(self._services, received(props), urn=urn, notices=EngineNotices(urn)))

    @expected_errors_in_one_line()
    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Run the cleanup again where it runs on apply and what it does has changed."""
        urn = sdk_patches.urn_of_request()
        before, after = received(olds), received(news)
        return UpdateResult(cleanup.update(self._services, before, after, urn=urn, notices=EngineNotices(urn)))

    @expected_errors_in_one_line()
    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Run the cleanup where it runs on destroy."""
        urn = sdk_patches.urn_of_request()
        cleanup.delete(self._services, received(props), urn=urn, notices=EngineNotices(urn))


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
    # The names of all keys are found nowhere else.
    properties = getattr(config, "_props", None)
    refuse_misspelt(properties or {})
    with _lock:
        if _current is None or _current[0] is not properties:
            notices = EngineNotices()
            settings = Settings.read(config.get, notify=notices.warning)
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


def _diff_of(changes: Changes) -> DiffResult:
    return DiffResult(changes=bool(changes.changed), replaces=changes.replaces, delete_before_replace=False)
