"""Drive a batch from a Python script: `up`, cancel and destroy through Pulumi's Automation API, with no project files.

    export ANCHORBROWSER_API_KEY=...  PULUMI_BACKEND_URL=file://...  PULUMI_CONFIG_PASSPHRASE=...
    python examples/automation-api

The browsers are gone when it ends, also when a step fails.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

import pulumi
from pulumi import automation
from pulumi.automation.events import EngineEvent

from pulumi_anchorbrowser import Batch, BatchReady

PROJECT, STACK = "anchorbrowser-automation", "dev"
COUNT, MIN_READY = 20, 3
Status = Literal["active", "cancelled"]


def browsers(status: Status) -> None:
    """The program: what `pulumi up` makes true."""
    batch = Batch("browsers", count=COUNT, status=status)
    BatchReady("browsers-ready", batch_id=batch.batch_id, min_ready=MIN_READY)
    for name in ("total_requests", "live_status", "cancelled_sessions", "ended_sessions"):
        pulumi.export(name, getattr(batch, name))


def up(stack: automation.Stack, status: Status) -> None:
    """Bring the batch to this status, and print its counts."""
    outputs = stack.up(program=partial(browsers, status)).outputs
    counts = ", ".join(f"{name} = {output.value}" for name, output in outputs.items() if output.value is not None)
    print(f"{status}: {counts}", flush=True)


def print_infos(event: EngineEvent) -> None:
    """A destroy has no outputs: what it did is in the provider's info lines."""
    diagnostic = event.diagnostic_event
    if diagnostic is not None and diagnostic.severity == "info" and not diagnostic.ephemeral:
        print(f"destroy: {diagnostic.message.strip()}", flush=True)


def main() -> None:
    """Start, cancel, destroy."""
    stack = automation.create_or_select_stack(STACK, project_name=PROJECT, program=partial(browsers, "active"))
    try:
        up(stack, "active")
        up(stack, "cancelled")
    finally:
        stack.destroy(on_event=print_infos)
    stack.workspace.remove_stack(STACK)


if __name__ == "__main__":
    main()
