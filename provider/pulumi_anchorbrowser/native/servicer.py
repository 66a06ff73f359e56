"""The plugin's side of Pulumi's provider protocol: each request of the engine, translated for the binding."""

from __future__ import annotations

import json
import logging
import os
import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple, NoReturn

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import (
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)

from pulumi_anchorbrowser._version import __version__
from pulumi_anchorbrowser.binding.kinds import Target
from pulumi_anchorbrowser.binding.services import Checked, Services
from pulumi_anchorbrowser.binding.settings import (
    FROM_STACK,
    NAMESPACE,
    KeySource,
    Settings,
    refuse_misspelt,
    unused_settings,
    usable_key,
)
from pulumi_anchorbrowser.clock import Interrupted, SystemClock, TimeIsUp, limited_to
from pulumi_anchorbrowser.engine import EngineNotices, engine_stub, run_mark
from pulumi_anchorbrowser.errors import INTERRUPTED, ExpectedError, in_one_line, printed
from pulumi_anchorbrowser.lifecycle.state import DEFAULT_PROVIDER
from pulumi_anchorbrowser.native import names
from pulumi_anchorbrowser.native.kinds import KINDS, Kind, UnknownResource
from pulumi_anchorbrowser.native.properties import (
    DYNAMIC,
    UNKNOWN,
    detailed_diff,
    is_unknown,
    plain,
    received,
    sent,
)
from pulumi_anchorbrowser.native.schema import NAMES, schema_text
from pulumi_anchorbrowser.urns import stack_of_urn

_LOGGER = logging.getLogger("pulumi_anchorbrowser")
_KEY = "apiKey"
_TODAY = KeySource("the stack config of today", FROM_STACK.remedy)
# The engine adds the version and the address of a download, where there is one.
_DEFAULT_PROVIDER = re.compile(rf"{DEFAULT_PROVIDER}(_.+)?")
_STATUS_DETAILS = "grpc-status-details-bin"
_TIME_IS_UP = "The time that customTimeouts allows is over. Raise it, or run the same command again"
_UNKNOWN = 2  # gRPC's code for an error of the service's own


class _Kept(NamedTuple):
    id: str
    properties: struct_pb2.Struct


class _Notices(EngineNotices):
    """Messages in which properties have the names that programs write."""

    def _log(self, severity: Any, text: str, *, ephemeral: bool = False) -> None:
        super()._log(severity, names.text_outside(text, NAMES), ephemeral=ephemeral)


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """Serves one provider of one run of the engine; for many threads."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._engine: Any = None
        self._services: Services | None = None

    # The plugin itself

    def Handshake(self, request: Any, context: Any) -> Any:
        """Say what this plugin understands."""
        response = provider_pb2.ProviderHandshakeResponse
        return response(accept_secrets=False, accept_resources=False, accept_outputs=False)

    def Attach(self, request: Any, context: Any) -> Any:
        """Take the address of an engine that has not started this process: a debugger has."""
        self._engine = engine_stub(request.address)
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """Return the version."""
        return plugin_pb2.PluginInfo(version=__version__)

    def GetSchema(self, request: Any, context: Any) -> Any:
        """Return the schema, from which programs' SDKs are generated."""
        return provider_pb2.GetSchemaResponse(schema=schema_text())

    def Cancel(self, request: Any, context: Any) -> Any:
        """End every wait at once. Calls to the API that are under way are left to finish."""
        self.interrupt()
        return empty_pb2.Empty()

    # The provider's configuration

    def CheckConfig(self, request: Any, context: Any) -> Any:
        """Return the configuration, or what is wrong with it."""
        config = plain(request.news)
        inputs = struct_pb2.Struct()
        inputs.CopyFrom(request.news)
        if isinstance(config.get(_KEY), str):
            inputs.fields[_KEY].CopyFrom(sent(config, [[_KEY]]).fields[_KEY])
        with self._answering(context):
            try:
                refuse_misspelt(f"{NAMESPACE}:{name}" for name in config)
                _settings(config, is_default=False, notify=lambda _: None)
            except ExpectedError as error:
                reason = names.text_outside(printed(error), NAMES)
                return provider_pb2.CheckResponse(inputs=inputs, failures=[provider_pb2.CheckFailure(reason=reason)])
            return provider_pb2.CheckResponse(inputs=inputs)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        """Say whether the configuration changed. No change makes new batches necessary."""
        olds, news = plain(request.olds), plain(request.news)
        changed = sorted(name for name in {*olds, *news} if olds.get(name) != news.get(name))
        return provider_pb2.DiffResponse(changes=_changes(bool(changed)), diffs=changed)

    def Configure(self, request: Any, context: Any) -> Any:
        """Take the configuration."""
        with self._answering(context):
            config = plain(request.args)
            is_default = not request.HasField("name") or _DEFAULT_PROVIDER.fullmatch(request.name) is not None
            name = DEFAULT_PROVIDER if is_default else request.name
            notices = _Notices("", self._engine)
            source = FROM_STACK if is_default else KeySource(f"the provider {name}", "set a valid apiKey there")
            settings = _settings(config, is_default=is_default, notify=notices.warning, source=source)
            for warning in unused_settings({f"{NAMESPACE}:{one}" for one in config}):
                notices.warning(warning)
            self._services = Services(settings, notices, run_mark(), self._clock, name)
        return provider_pb2.ConfigureResponse(
            acceptSecrets=False, supportsPreview=True, acceptResources=False, acceptOutputs=False
        )

    # Resources

    def Check(self, request: Any, context: Any) -> Any:
        """Return the inputs as they are saved, or everything that is wrong with them."""
        with self._serving(request, context) as (kind, target):
            news = received(request.news)
            checked = kind.check(target, received(request.olds), news)
            # A misspelt name is in no schema, and is reported as the program has it.
            known = NAMES | names.all_in(news)
            for warning in checked.warnings:
                target.notices.warning(names.text_outside(warning, known))
            return _check_response(kind, checked, known)

    def Diff(self, request: Any, context: Any) -> Any:
        """Return what changed, down to nested properties, and what of it needs a new resource."""
        with self._serving(request, context) as (kind, target):
            old_outputs, news = received(request.olds), received(request.news)
            is_dynamic = DYNAMIC in request.olds.fields
            changes = kind.diff(target, request.id, old_outputs, news)
            details = detailed_diff(old_outputs, news, changes.changed, changes.replaces)
            if is_dynamic and not changes.changed:
                # An update writes the outputs under the plugin's names; the batch stays as it is.
                details = {DYNAMIC: provider_pb2.PropertyDiff(kind=provider_pb2.PropertyDiff.DELETE)}
            return provider_pb2.DiffResponse(
                changes=_changes(bool(changes.changed) or is_dynamic),
                replaces=[names.outside(name) for name in changes.replaces],
                diffs=[names.outside(name) for name in changes.changed],
                deleteBeforeReplace=changes.deletes_first,
                detailedDiff=details,
                hasDetailedDiff=bool(details),
            )

    def Create(self, request: Any, context: Any) -> Any:
        """Create a resource, or say what is known of it before."""
        kept: list[_Kept] = []
        with self._serving(request, context, kept) as (kind, target):
            news = received(request.properties)
            if request.preview:
                return provider_pb2.CreateResponse(properties=_marked(kind, kind.preview({}, news)))
            id_, outputs = kind.create(
                target, news, lambda known, outputs: kept.append(_Kept(known, _marked(kind, outputs)))
            )
            return provider_pb2.CreateResponse(id=id_, properties=_marked(kind, outputs))

    def Read(self, request: Any, context: Any) -> Any:
        """Bring a resource's outputs up to date; or, where Pulumi knows none, import what exists under the id."""
        with self._serving(request, context) as (kind, target):
            old_outputs = received(request.properties)
            if not old_outputs:
                inputs, outputs = kind.import_(target, request.id)
                return provider_pb2.ReadResponse(
                    id=outputs["batch_id"], properties=_marked(kind, outputs), inputs=sent(inputs)
                )
            seen = kind.read(target, old_outputs)
            if seen is None:
                return provider_pb2.ReadResponse()
            return provider_pb2.ReadResponse(
                id=request.id, properties=_marked(kind, seen), inputs=_marked(kind, received(request.inputs))
            )

    def Update(self, request: Any, context: Any) -> Any:
        """Change a resource, or say what is known of it before."""
        with self._serving(request, context) as (kind, target):
            old_outputs, news = received(request.olds), received(request.news)
            outputs = kind.preview(old_outputs, news) if request.preview else kind.update(target, old_outputs, news)
            return provider_pb2.UpdateResponse(properties=_marked(kind, outputs))

    def Delete(self, request: Any, context: Any) -> Any:
        """Delete a resource."""
        with self._serving(request, context) as (kind, target):
            kind.delete(target, received(request.properties))
            return empty_pb2.Empty()

    # The end

    def interrupt(self) -> None:
        """End every wait, and every later one."""
        self._clock.interrupt()

    def close(self) -> None:
        """Close what is open."""
        if self._services is not None:
            self._services.close()

    @contextmanager
    def _serving(self, request: Any, context: Any, kept: list[_Kept] | None = None) -> Iterator[tuple[Kind, Target]]:
        """Serve a request about a resource, in the time that `customTimeouts` allows."""
        seconds = getattr(request, "timeout", 0.0)
        with self._answering(context, kept), limited_to(seconds):
            kind = _kind_of(request.urn)
            services = self._configured()
            owner = stack_of_urn(request.urn, services.settings.organization) or ""
            yield kind, Target(services, request.urn, owner, _Notices(request.urn, self._engine), is_unknown)

    def _configured(self) -> Services:
        if self._services is None:
            raise RuntimeError("the engine has not configured this provider")
        return self._services

    @contextmanager
    def _answering(self, context: Any, kept: list[_Kept] | None = None) -> Iterator[None]:
        """Answer with one line where the block raises; with what is known of the resource, where something is."""
        try:
            yield
        except ExpectedError as error:
            self._fail(context, printed(error), kept)
        except TimeIsUp:
            self._fail(context, in_one_line(_TIME_IS_UP, "time-is-up"), kept)
        except Interrupted:
            self._fail(context, INTERRUPTED, kept)
        except Exception as error:  # noqa: BLE001  # the engine gets one line, the log the rest
            self._log_unexpected(error)
            self._fail(context, _unexpected(error), kept)

    def _fail(self, context: Any, text: str, kept: list[_Kept] | None) -> NoReturn:
        text = names.text_outside(" ".join(text.split()), NAMES)
        for known in kept or []:
            failed = provider_pb2.ErrorResourceInitFailed(id=known.id, properties=known.properties, reasons=[text])
            status = status_pb2.Status(code=_UNKNOWN, message=text)
            status.details.add().Pack(failed)
            context.set_trailing_metadata(((_STATUS_DETAILS, status.SerializeToString()),))
        context.abort(grpc.StatusCode.UNKNOWN, text)
        raise AssertionError("abort raises")

    def _log_unexpected(self, error: Exception) -> None:
        # Not its text, of which pydantic makes several lines, with the value: that may be a secret.
        trace = "".join([*traceback.format_tb(error.__traceback__), _first_line(error)])
        _LOGGER.debug("unexpected_error", extra={"error": type(error).__name__, "trace": trace})
        _Notices("", self._engine).debug(trace)


def _settings(
    config: Mapping[str, Any],
    *,
    is_default: bool,
    notify: Callable[[str], object],
    source: KeySource = FROM_STACK,
) -> Settings:
    """Return the settings. A value that a preview does not know yet is not looked for in the environment instead."""
    unknown = {name for name, value in config.items() if value is UNKNOWN}
    environ = {name: value for name, value in os.environ.items() if not (unknown and name.endswith("_API_KEY"))}

    def value(key: str) -> str | None:
        found = config.get(key.partition(":")[2])
        return None if found is None or found is UNKNOWN else str(found)

    settings = Settings.read(value, environ, notify, source)
    current = _key_of_today(environ) if is_default else None
    # A key in the environment may be newer than the one that the stack's config still has.
    is_newer = current is not None and current != settings.api_key
    return replace(settings, environment_key=current, environment_key_source=_TODAY) if is_newer else settings


def _key_of_today(environ: Mapping[str, str]) -> str | None:
    """Return the key in the stack's config: a destroy and a refresh configure providers with that of the last `up`."""
    try:
        config = json.loads(environ.get("PULUMI_CONFIG", "{}"))
    except ValueError:
        return None
    # The engine leaves out the namespace, and other namespaces.
    key = config.get(_KEY) if isinstance(config, dict) else None
    return usable_key(key) if isinstance(key, str) else None


def _unexpected(error: Exception) -> str:
    return (
        f"Unexpected error in the provider ({_first_line(error)}). This is a fault of pulumi-anchorbrowser: "
        "report it with the output of the same command with `--debug`."
    )


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {next(iter(str(error).splitlines()), 'no reason was given')}"


def _kind_of(urn: str) -> Kind:
    token = urn.split("::")[2].rpartition("$")[2]
    kind = KINDS.get(token.rpartition(":")[2])
    if kind is None:
        raise UnknownResource(token)
    return kind


def _marked(kind: Kind, properties: Mapping[str, Any]) -> struct_pb2.Struct:
    return sent(properties, kind.secrets)


def _check_response(kind: Kind, checked: Checked, known: frozenset[str]) -> provider_pb2.CheckResponse:
    failures = [
        provider_pb2.CheckFailure(
            property=names.path_outside(problem.property), reason=names.text_outside(problem.reason, known)
        )
        for problem in checked.problems
    ]
    return provider_pb2.CheckResponse(inputs=_marked(kind, checked.inputs), failures=failures)


def _changes(any_changed: bool) -> Any:
    response = provider_pb2.DiffResponse
    return response.DIFF_SOME if any_changed else response.DIFF_NONE
