"""The provider processes of one stack: which of them serves a resource, and with which config."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

from .host import ProviderHost
from .state import RehearsedState, ResourceState


class Providers:
    """A host for each default or explicit provider, started when a resource first needs it; for many threads.

    `new_host(resource, config, inputs)` makes one that is not started yet: `inputs` are those of an explicit provider,
    None for a default one.
    """

    def __init__(
        self,
        state: RehearsedState,
        new_host: Callable[[ResourceState, dict[str, str], dict[str, Any] | None], ProviderHost],
    ) -> None:
        self._state, self._new_host = state, new_host
        self._running: dict[str, tuple[Any, ProviderHost]] = {}
        self._configured: set[str] = set()
        # Many registrations ask at once for the first host of a run.
        self._lock = Lock()

    def begin_run(self) -> None:
        """Have hosts that were kept from an earlier run configured again before they are used."""
        self._configured.clear()

    def of(self, resource: ResourceState, config: dict[str, str], environment: Any) -> ProviderHost:
        """Return the host of a resource: a running one, where config and environment are still the same."""
        inputs = self._explicit_inputs(resource)
        name, key = resource.host, (config if inputs is None else inputs, environment)
        with self._lock:
            known, host = self._running.get(name, (None, None))
            if host is None or known != key:
                self._end(name)
                host = self._new_host(resource, config, inputs).start()
                self._running[name] = (key, host)
            elif name not in self._configured:
                host.configure()
            self._configured.add(name)
            return host

    def kill(self) -> None:
        """Crash every host."""
        for _, host in list(self._running.values()):
            host.kill()

    def restart(self) -> None:
        """Replace every host by a fresh one with the same config."""
        for _, host in list(self._running.values()):
            host.restart()

    def end(self) -> None:
        """End every host."""
        for name in list(self._running):
            self._end(name)

    def __bool__(self) -> bool:
        return bool(self._running)

    def _end(self, name: str) -> None:
        _, host = self._running.pop(name, (None, None))
        if host is not None:
            host.close()

    def _explicit_inputs(self, resource: ResourceState) -> dict[str, Any] | None:
        if resource.is_provider:
            return resource.inputs
        return self._state.resources[resource.provider].inputs if resource.provider else None
