"""Runs a real Pulumi program against the real provider hosts, with no engine, no account and no network.

`Rehearsal` is for your own tests of a program; `ProviderHost` is the layer below it, for tests of a provider alone.

    def program() -> None:
        batch = Batch("crawl", count=3)
        pulumi.export("cancelled", batch.cancelled_sessions)

    with Rehearsal(program, secret_config={"anchorbrowser:apiKey": key}) as stage:
        stage.up()
        stage.destroy()
"""

from .engine_log import EngineLog, LogLine
from .host import ProviderHost
from .rehearsal import Rehearsal
from .responses import CheckedInputs, Created, Diff, Failure, HostError, Read
from .state import PendingOperation, RehearsalError, RehearsedOperation, ReportedProblem, ResourceState, Result

__all__ = [
    "CheckedInputs",
    "Created",
    "Diff",
    "EngineLog",
    "Failure",
    "HostError",
    "LogLine",
    "PendingOperation",
    "ProviderHost",
    "Read",
    "Rehearsal",
    "RehearsalError",
    "RehearsedOperation",
    "ReportedProblem",
    "ResourceState",
    "Result",
]
