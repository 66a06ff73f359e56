"""A real provider process, called directly over gRPC with plain dictionaries."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.dynamic import ResourceProvider
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from .engine_log import EngineLog
from .process import DYNAMIC_HOST, PLUGIN, HostProcess
from .responses import CheckedInputs, Created, Diff, Failure, HostError, Read
from .state import DYNAMIC_PACKAGE, describe_refusal
from .wire import PROVIDER_KEY, Properties, from_struct, secret_names, to_struct

_CHANNEL_OPTIONS = [
    ("grpc.enable_http_proxy", 0),  # gRPC would send even loopback through HTTP_PROXY
    ("grpc.use_local_subchannel_pool", 1),  # else a port used again after a crash inherits the backoff of the dead host
    ("grpc.max_receive_message_length", 400 * 1024 * 1024),
]
# Else gRPC prints a line of its own when a host ends before a call does. It reads this at its first use.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
_CANCEL_SECONDS = 1.0
_STATUS_DETAILS = "grpc-status-details-bin"


class ProviderHost:
    """A running provider host, configured as the engine would; a context manager that leaves no process behind.

    By default it is the host of dynamic providers. `provider`, if given, is sent with every call and removed from the
    responses, so that properties are the provider's own; without it every properties dictionary must contain
    `__provider` itself. With `package="anchorbrowser"` it is the native plugin, whose properties are in camelCase.

    `config` is the whole stack config, decrypted, as `{"namespace:key": value}`; a plugin gets the keys of its own
    namespace, or in their place `inputs`, those of an explicit provider. `urn` is the provider's own. `current_config`
    is the stack config of today, where `config` is that of the last `up`. `env` is laid over this process's environment
    (None removes a variable). `on_call(method, urn)` is called before each call, and may kill the host there. Calls
    raise HostError, at the latest after `call_timeout` seconds. `warm` forks the host from a process that has the
    imports done, where the system can.
    """

    def __init__(
        self,
        provider: ResourceProvider | None = None,
        *,
        package: str = DYNAMIC_PACKAGE,
        config: Mapping[str, str] | None = None,
        inputs: Mapping[str, Any] | None = None,
        urn: str = "",
        current_config: Mapping[str, str] | None = None,
        project: str = "project",
        env: Mapping[str, str | None] | None = None,
        cwd: Path | None = None,
        engine: EngineLog | None = None,
        call_timeout: float = 600.0,
        on_call: Callable[[str, str], None] | None = None,
        warm: bool = True,
    ) -> None:
        self._own: Properties = {} if provider is None else {PROVIDER_KEY: serialize_provider(provider)}
        self._package, self._config, self._inputs = package, dict(config or {}), inputs
        self._urn = urn or f"urn:pulumi:dev::{project}::pulumi:providers:{package}::default"
        current = _of_namespace(package, self._config if current_config is None else current_config)
        known = {"PULUMI_CONFIG": json.dumps(current)} if current else {}
        self._project, self._env, self._cwd = project, {**known, **(env or {})}, cwd
        self._engine_is_ours = engine is None
        self.engine = EngineLog() if engine is None else engine
        self._call_timeout, self._warm = call_timeout, warm
        self.on_call = on_call
        self._process: HostProcess | None = None
        self._channel: grpc.Channel | None = None
        self._stub: Any = None

    def start(self) -> ProviderHost:
        """Start a fresh process and configure it. Raises RuntimeError when it does not start."""
        self._drop(killing=False)
        self._process = HostProcess(
            PLUGIN if self._is_plugin else DYNAMIC_HOST,
            self.engine,
            cwd=self._cwd,
            env=self._env,
            project=self._project,
            warm=self._warm,
        )
        self._channel = grpc.insecure_channel(f"127.0.0.1:{self._process.port}", options=_CHANNEL_OPTIONS)
        self._stub = provider_pb2_grpc.ResourceProviderStub(self._channel)
        try:
            self.configure()
        except BaseException:
            self._drop(killing=True)
            raise
        return self

    def configure(self) -> None:
        """Begin another run in the same process: every provider is configured again before its next call."""
        args = to_struct(self._config)
        if self._is_plugin:
            # The dynamic host has neither of the two.
            self._call("Handshake", "", provider_pb2.ProviderHandshakeRequest(engine_address=self.engine.address))
            args = self._checked_config()
        variables = {f"{self._package}:config:{key}": value for key, value in from_struct(args).items()}
        request = provider_pb2.ConfigureRequest(
            args=args,
            variables=variables,
            acceptSecrets=True,
            acceptResources=True,
            sends_old_inputs=True,
            sends_old_inputs_to_delete=True,
            **_named(self._urn),
        )
        self._call("Configure", "", request)

    def close(self) -> None:
        """End the host as the engine does, by Cancel, SIGINT and at last SIGKILL; safe to call twice."""
        if self._stub is not None:
            # A host that has ended, or is busy, gets the signal alone.
            with contextlib.suppress(grpc.RpcError):
                self._stub.Cancel(Empty(), timeout=_CANCEL_SECONDS)
        self._drop(killing=False)
        if self._engine_is_ours:
            self.engine.stop()

    def kill(self) -> None:
        """Crash the host with SIGKILL: calls in flight and later ones raise HostError, until `start` is called."""
        if self._process is not None:
            self._process.kill()

    def restart(self) -> ProviderHost:
        """Replace this host's process by a fresh one with the same config and none of the memory."""
        self._drop(killing=True)
        return self.start()

    @property
    def alive(self) -> bool:
        """Whether the host's process runs."""
        return self._process is not None and self._process.alive

    @property
    def pid(self) -> int | None:
        """The process id of the host, None before the start and after the end."""
        return None if self._process is None else self._process.pid

    def __enter__(self) -> ProviderHost:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def check(self, urn: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> CheckedInputs:
        """Validate `news`; `olds` are the inputs of the last run, empty for a create or a replacement."""
        response = self._call(
            "Check",
            urn,
            provider_pb2.CheckRequest(
                # The SDK reads `__provider` from the olds only when it has none in the news; empty must stay empty.
                olds=self._struct(olds) if olds else to_struct({}),
                news=self._struct(news),
                **_named(urn),
            ),
        )
        failures = [Failure(failure.property, failure.reason) for failure in response.failures]
        return CheckedInputs(
            self._properties(response.inputs), failures, secret_names(response.inputs) - set(self._own)
        )

    def diff(
        self,
        urn: str,
        id_: str,
        old_outputs: Mapping[str, Any],
        news: Mapping[str, Any],
        old_inputs: Mapping[str, Any] | None = None,
    ) -> Diff:
        """Ask the provider what `news` would change on a resource with these outputs."""
        request = provider_pb2.DiffRequest(
            id=id_,
            olds=self._struct(old_outputs),
            news=self._struct(news),
            old_inputs=self._struct(old_inputs or {}),
            **_named(urn),
        )
        response = self._call("Diff", urn, request)
        changes = {provider_pb2.DiffResponse.DIFF_SOME: True, provider_pb2.DiffResponse.DIFF_NONE: False}
        return Diff(changes.get(response.changes), list(response.replaces), response.deleteBeforeReplace)

    def create(self, urn: str, inputs: Mapping[str, Any], timeout: float = 0.0) -> Created:
        """Create a resource from these inputs, which `check` returned. `timeout` is the custom one; 0 for none."""
        request = provider_pb2.CreateRequest(
            properties=self._struct(inputs), preview=False, timeout=timeout, **_named(urn)
        )
        response = self._call("Create", urn, request)
        return Created(response.id, self._properties(response.properties))

    def update(
        self,
        urn: str,
        id_: str,
        old_outputs: Mapping[str, Any],
        news: Mapping[str, Any],
        old_inputs: Mapping[str, Any] | None = None,
        timeout: float = 0.0,
    ) -> Properties:
        """Update a resource in place and return its new outputs."""
        request = provider_pb2.UpdateRequest(
            id=id_,
            preview=False,
            timeout=timeout,
            olds=self._struct(old_outputs),
            news=self._struct(news),
            old_inputs=self._struct(old_inputs or {}),
            **_named(urn),
        )
        return self._properties(self._call("Update", urn, request).properties)

    def read(self, urn: str, id_: str, outputs: Mapping[str, Any], inputs: Mapping[str, Any] | None = None) -> Read:
        """Read a resource as a refresh does."""
        request = provider_pb2.ReadRequest(
            id=id_, properties=self._struct(outputs), inputs=self._struct(inputs or {}), **_named(urn)
        )
        response = self._call("Read", urn, request)
        inputs_now = self._properties(response.inputs) if response.HasField("inputs") else None
        return Read(response.id, self._properties(response.properties), inputs_now)

    def delete(
        self,
        urn: str,
        id_: str,
        outputs: Mapping[str, Any],
        old_inputs: Mapping[str, Any] | None = None,
        timeout: float = 0.0,
    ) -> None:
        """Delete a resource."""
        request = provider_pb2.DeleteRequest(
            id=id_,
            timeout=timeout,
            properties=self._struct(outputs),
            old_inputs=self._struct(old_inputs or {}),
            **_named(urn),
        )
        self._call("Delete", urn, request)

    @property
    def _is_plugin(self) -> bool:
        return self._package != DYNAMIC_PACKAGE

    def _checked_config(self) -> Struct:
        """The inputs of the provider itself. Raises HostError in the engine's words where they are refused."""
        given = to_struct(_of_namespace(self._package, self._config) if self._inputs is None else self._inputs)
        request = provider_pb2.CheckRequest(olds=to_struct({}), news=given, **_named(self._urn))
        response = self._call("CheckConfig", "", request)
        if response.failures:
            type_, name = self._urn.split("::", 3)[2:]
            told = (describe_refusal(type_, name, one.property, None, one.reason) for one in response.failures)
            raise HostError("CheckConfig", "INVALID_ARGUMENT", "\n".join(told))
        return response.inputs

    def _call(self, method: str, urn: str, request: Any) -> Any:
        if self.on_call is not None:
            self.on_call(method.lower(), urn)
        if self._stub is None:
            raise HostError(method, "UNAVAILABLE", "the provider host is not running")
        try:
            return getattr(self._stub, method)(request, timeout=self._call_timeout)
        except (grpc.RpcError, ValueError) as error:
            # gRPC raises ValueError for a channel that was closed under the call.
            code = error.code().name if isinstance(error, grpc.Call) else "UNAVAILABLE"
            details = error.details() if isinstance(error, grpc.Call) else str(error)
            raise HostError(method, code, details or code, _made(error)) from None

    def _struct(self, properties: Mapping[str, Any]) -> Any:
        return to_struct({**properties, **self._own})

    def _properties(self, struct: Any) -> Properties:
        properties = from_struct(struct)
        return {name: value for name, value in properties.items() if name not in self._own}

    def _drop(self, *, killing: bool) -> None:
        process, self._process = self._process, None
        channel, self._channel, self._stub = self._channel, None, None
        if channel is not None:
            channel.close()
        if process is not None:
            (process.kill if killing else process.end)()


def _of_namespace(package: str, config: Mapping[str, str]) -> dict[str, str]:
    """The config of one package, without its namespace in the keys."""
    return {key.partition(":")[2]: value for key, value in config.items() if key.startswith(f"{package}:")}


def _made(error: Exception) -> Created | None:
    """The resource that a failed create has made all the same, as the details of the error have it."""
    trailing = dict(error.trailing_metadata() or ()) if isinstance(error, grpc.Call) else {}
    for detail in status_pb2.Status.FromString(trailing.get(_STATUS_DETAILS, b"")).details:
        failed = provider_pb2.ErrorResourceInitFailed()
        if detail.Unpack(failed):
            return Created(failed.id, from_struct(failed.properties))
    return None


def _named(urn: str) -> dict[str, Any]:
    """The name and type that newer engines send beside the URN."""
    parts = urn.split("::", 3)
    return {"urn": urn, "type": parts[2].split("$")[-1], "name": parts[3]} if len(parts) == 4 else {"urn": urn}
