"""What the operations of all our resources have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pulumi.dynamic import CheckFailure, CheckResult, ConfigureRequest, ResourceProvider
from pulumi.output import Unknown

from pulumi_anchorbrowser import logs
from pulumi_anchorbrowser.dynamic.pool import widen_worker_pool
from pulumi_anchorbrowser.dynamic.services import Services, services_for
from pulumi_anchorbrowser.dynamic.settings import Settings
from pulumi_anchorbrowser.dynamic.speech import expected_failures_in_one_line, speak_in_one_line
from pulumi_anchorbrowser.lifecycle import Problem
from pulumi_anchorbrowser.lifecycle.settings import refuse_misspelt

_PROVIDER_KEY = "__provider"


class Operations(ResourceProvider):
    """What a provider does, in the provider host. What it needs it gets in `configure`."""

    _services: Services

    def configure(self, req: ConfigureRequest) -> None:
        """Called once in each host, with the stack's config."""
        speak_in_one_line()
        with expected_failures_in_one_line():
            # The names of all keys are told nowhere else.
            refuse_misspelt(getattr(req.config, "_props", {}))
        self._services = services_for(Settings.read(req.config.get))
        # After the log has been started, which tells where that is not possible.
        widen_worker_pool()

    @contextmanager
    def _operation(self, name: str, urn: str | None, **fields: str | None) -> Iterator[None]:
        """Something the engine asks of a resource: what fails is one line, and the log tells what it is about."""
        run = self._services.receipts.run
        with expected_failures_in_one_line(), logs.operation(name, run=run, urn=urn, **fields):
            yield


def is_unknown(value: object) -> bool:
    """Whether a preview does not know the value yet."""
    return isinstance(value, Unknown)


def received(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties that have a value, without Pulumi's own, and with whole numbers as integers."""
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


def check_result(inputs: dict[str, Any], problems: list[Problem]) -> CheckResult:
    """The inputs, or everything that is wrong with them."""
    return CheckResult(inputs, [CheckFailure(path, reason) for path, reason in problems])
