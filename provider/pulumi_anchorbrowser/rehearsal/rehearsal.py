"""A stack on a stage: the real program and the real provider host, run again and again, with no engine."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from .engine_log import EngineLog
from .export import STATE_FILE_VARIABLE, StateFile, export
from .host import ProviderHost
from .monitor import RehearsalMonitor
from .program import Program, Stage, root_of, run_program
from .providers import Providers
from .state import RehearsalError, RehearsedState, ResourceState, Result
from .steps import Steps


class Rehearsal:
    """Runs a Pulumi program against the real provider hosts, with no engine, no account and no network.

    `program` is a callable, the path of a folder with a `__main__.py`, or of a Python file; it is run afresh at each
    `up`. `config` and `secret_config` are the stack's (`{"namespace:key": value}`, or a bare key of the project's own
    namespace); both may be changed between runs. `env` is laid over the environment of program and host, where None
    removes a variable; receipts are kept in a file of the rehearsal's own, which ends with it. `project` defaults to
    the name in the folder's Pulumi.yaml, else to `project`.

    Each run has a fresh host, as with the engine. `warm` forks that host from a process that has its imports done,
    where the system can: a run then takes 0.1 s and not 2 s. `reuse_host=True` keeps one host while config and
    environment stay the same: faster again, and everything that the provider keeps in its process stays too; only
    `configure` is called again at each run. `parallel` limits the calls made at once. `on_call(method, urn)` is called
    before each call to the host, and may crash it there with `kill_host()`.

    The host finds the stack's state, in the format of `pulumi stack export`, in the file that the environment variable
    ANCHORBROWSER_STATE_FILE names (`env` may remove it): as of the last create, update, delete or read that began, with
    the operations in flight under `pending_operations`, and secrets hidden.

    Dynamic providers of any package are served, and this package's native plugin, explicit providers of it included. It
    is a rehearsal, not an engine. It checks, diffs, creates, updates, replaces, deletes and reads as the engine does,
    in its order, and keeps the state the engine would keep. It honours `protect`, `retain_on_delete`, `ignore_changes`
    and `replace_on_changes` by property name, `delete_before_replace` (of the resource alone, not of its dependents),
    `aliases`, `additional_secret_outputs`, `custom_timeouts`, parents and dependencies. It has no preview and no
    import, runs no hooks and no transforms (it warns), ignores `deleted_with` and `replace_with`, and passes resources
    of other providers through, inputs as outputs. The stack itself is not among resources or operations.
    """

    def __init__(
        self,
        program: Program,
        *,
        project: str | None = None,
        stack: str = "dev",
        organization: str = "organization",
        config: Mapping[str, str] | None = None,
        secret_config: Mapping[str, str] | None = None,
        env: Mapping[str, str | None] | None = None,
        reuse_host: bool = False,
        warm: bool = True,
        parallel: int = 16,
        timeout: float = 600.0,
        on_call: Callable[[str, str], None] | None = None,
    ) -> None:
        # The program is run in its own folder, where a relative path would be looked for once more.
        self.program: Program = program if callable(program) else Path(program).resolve()
        self.project = project or _project_name(self.program)
        self.stack, self.organization = stack, organization
        self.config, self.secret_config = dict(config or {}), dict(secret_config or {})
        self._folder = tempfile.TemporaryDirectory(prefix="rehearsal-")
        # What is rehearsed is never to be looked for by a real run.
        self.env = {"ANCHORBROWSER_RECEIPTS": str(Path(self._folder.name) / "receipts.sqlite3"), **(env or {})}
        self.parallel, self.timeout, self.reuse_host, self.on_call = parallel, timeout, reuse_host, on_call
        self.engine = EngineLog()
        self.state = RehearsedState()
        self._state_file = StateFile(Path(self._folder.name) / "state.json")
        self._warm = warm
        self._providers = Providers(self.state, self._new_host)
        self._old_config: dict[str, str] = {}
        self._is_killed = False

    @property
    def resources(self) -> dict[str, ResourceState]:
        """The resources in the state by URN, in the order of registration; a copy."""
        return dict(self.state.resources)

    @property
    def outputs(self) -> dict[str, Any]:
        """The stack's outputs as of the last run, plain."""
        return dict(self.state.outputs)

    def resource(self, name: str) -> ResourceState:
        """Return the one resource of this name. Raises KeyError when there is none or more than one."""
        found = [resource for resource in self.state.resources.values() if resource.name == name]
        if len(found) != 1:
            raise KeyError(
                f"need one resource named {name!r}, found {len(found)}; the state has {sorted(self.state.resources)}"
            )
        return found[0]

    def export(self, *, show_secrets: bool = False) -> dict[str, Any]:
        """Return the state as `pulumi stack export` prints it; secrets are marked as whole properties."""
        return export(self.state, show_secrets=show_secrets)

    def clear_pending_creates(self) -> None:
        """Forget the creates that killed runs have left in the state, as `refresh --clear-pending-creates` does."""
        self.state.pending_creates.clear()

    def up(self, *, refresh: bool = False, replace: Collection[str] = ()) -> Result:
        """Run the program and bring the stack to it; then delete what it no longer has. Raises RehearsalError.

        With `refresh`, reads everything first, with the config of the last up, as the engine does. `replace` are URNs
        to replace whatever their diff says.
        """
        config = self._all_config()
        with self._run(lambda resource: self._start_up_host(resource, config), replace) as steps:
            if refresh:
                self._refresh(steps)
            monitor = RehearsalMonitor(steps, self.engine, self.project, self.stack)
            stage = Stage(
                project=self.project,
                stack=self.stack,
                organization=self.organization,
                config=config,
                secret_keys=frozenset(self._full_key(key) for key in self.secret_config),
                env=self.env,
                parallel=self.parallel,
                timeout=self.timeout,
            )
            error = None if steps.result.problems else run_program(self.program, monitor, self.engine, stage)
            if error and not steps.result.problems:
                steps.fail(error)
            steps.finish(self.parallel)
        return steps.result

    def refresh(self) -> Result:
        """Read every resource with the config of the last up, and drop the gone. Raises RehearsalError."""
        with self._run(self._start_old_host) as steps:
            steps.refresh(self.parallel)
        return steps.result

    def destroy(self) -> Result:
        """Delete everything, dependents first, with the config of the last up. Raises RehearsalError."""
        with self._run(self._start_old_host) as steps:
            steps.delete([*self.state.condemned, *self.state.resources.values()], self.parallel)
            if not steps.result.problems:
                self.state.outputs, self.state.secret_outputs = {}, frozenset()
        return steps.result

    def kill_host(self, *, alone: bool = False) -> None:
        """Crash the provider hosts that run: the rest of the run fails; the next run has fresh ones.

        It stands for the kill of the whole run, which leaves its creates in flight in the state as pending, until
        `clear_pending_creates`. With `alone`, only hosts are killed: an engine that lives on drops those entries.
        """
        if self._providers:
            self._is_killed = self._is_killed or not alone
            self._providers.kill()

    def restart_host(self) -> None:
        """Replace the provider hosts that run by fresh ones with the same config."""
        self._providers.restart()

    def close(self) -> None:
        """End the hosts and the engine's server. The state can still be read."""
        self._providers.end()
        self.engine.stop()
        self._folder.cleanup()

    def __enter__(self) -> Rehearsal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def _run(self, host: Callable[[ResourceState], ProviderHost], replace: Collection[str] = ()) -> Iterator[Steps]:
        since = len(self.engine.lines())
        self._old_config = self._all_config() if self.state.config is None else self.state.config
        self._is_killed = False
        self._providers.begin_run()
        steps = self._steps(host, replace)
        try:
            yield steps
        finally:
            if not self.reuse_host:
                self._providers.end()
                # Each run of the engine has an address of its own, by which providers tell runs apart.
                self.engine.stop()
            result = steps.close()
            result.log = self.engine.lines(since)
            result.outputs, result.secret_outputs = dict(self.state.outputs), self.state.secret_outputs
        if result.problems:
            raise RehearsalError(result)

    def _steps(self, host: Callable[[ResourceState], ProviderHost], replace: Collection[str] = ()) -> Steps:
        return Steps(
            self.state,
            host,
            self._start_old_host,
            self.engine,
            replace,
            save=lambda pending: self._state_file.write(self.state, pending),
            killed=lambda: self._is_killed,
        )

    def _refresh(self, steps: Steps) -> None:
        old = self._steps(self._start_old_host)
        old.refresh(self.parallel)
        steps.result.operations += old.result.operations
        steps.result.problems += old.result.problems

    def _start_up_host(self, resource: ResourceState, config: dict[str, str]) -> ProviderHost:
        host = self._providers.of(resource, config, self._surroundings())
        self.state.config = config
        return host

    def _start_old_host(self, resource: ResourceState) -> ProviderHost:
        return self._providers.of(resource, self._old_config, self._surroundings())

    def _surroundings(self) -> tuple[Any, ...]:
        """What a running host has seen at its start, beside its config. A plugin is told the config of today."""
        return dict(self.env), self._all_config()

    def _new_host(self, resource: ResourceState, config: dict[str, str], inputs: dict[str, Any] | None) -> ProviderHost:
        default = f"urn:pulumi:{self.stack}::{self.project}::pulumi:providers:{resource.package}::default"
        return ProviderHost(
            package=resource.package,
            config=config,
            inputs=inputs,
            urn=default if inputs is None else resource.host,
            current_config=self._all_config(),
            project=self.project,
            env={STATE_FILE_VARIABLE: str(self._state_file.path), **self.env},
            cwd=root_of(self.program),
            engine=self.engine,
            call_timeout=self.timeout,
            on_call=self._called,
            warm=self._warm,
        )

    def _called(self, method: str, urn: str) -> None:
        if self.on_call is not None:
            self.on_call(method, urn)

    def _all_config(self) -> dict[str, str]:
        return {self._full_key(key): value for key, value in {**self.config, **self.secret_config}.items()}

    def _full_key(self, key: str) -> str:
        return key if ":" in key else f"{self.project}:{key}"


def _project_name(program: Program) -> str:
    root = root_of(program)
    settings = root / "Pulumi.yaml" if root else None
    if settings is None or not settings.exists():
        return "project"
    return str(yaml.safe_load(settings.read_text(encoding="utf-8"))["name"])
