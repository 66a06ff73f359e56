"""The responses of the provider host, as plain values."""

from __future__ import annotations

from typing import NamedTuple

from .wire import Properties


class HostError(Exception):
    """A call that the host refused, or that ended with the host.

    `method` is the RPC's name, `code` gRPC's name of the status (`UNKNOWN` when the provider raised, `UNAVAILABLE` when
    the host is gone, `DEADLINE_EXCEEDED`), `details` the host's text verbatim, which is also `str(error)`. `made` is
    the resource where a create has failed after it had made one.
    """

    def __init__(self, method: str, code: str, details: str, made: Created | None = None) -> None:
        super().__init__(details)
        self.method, self.code, self.details, self.made = method, code, details, made


class Failure(NamedTuple):
    """One input that `check` refused: the property (empty when it is none in particular), and the reason."""

    property: str
    reason: str


class CheckedInputs(NamedTuple):
    """The inputs as `check` returned them, and every refusal; without a refusal they may be used.

    `secrets` names the inputs that `check` marked as secret itself.
    """

    inputs: Properties
    failures: list[Failure]
    secrets: frozenset[str] = frozenset()


class Diff(NamedTuple):
    """What the provider reports of a change: `changes` is None when the provider leaves that to the engine."""

    changes: bool | None
    replaces: list[str]
    delete_before_replace: bool


class Created(NamedTuple):
    """The id of a new resource and its outputs."""

    id: str
    outputs: Properties


class Read(NamedTuple):
    """A resource as it is now. An empty `id` means it is gone; `inputs` is None where they stay as they were."""

    id: str
    outputs: Properties
    inputs: Properties | None
