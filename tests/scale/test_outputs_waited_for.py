"""At its end a program waits for everything that uses an output of our resources."""

from __future__ import annotations

from pathlib import Path

import pulumi
import pytest
from scale.test_worker_pool import rehearsal_of

import pulumi_anchorbrowser as anchorbrowser
from pulumi_anchorbrowser.simulator import Fault, Simulator

OUTPUTS = tuple(anchorbrowser.Batch.__annotations__)


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_program_ends_after_everything_that_uses_an_output(sim: Simulator, tmp_path: Path, name: str) -> None:
    seen: list[object] = []

    def program() -> None:
        batch = anchorbrowser.Batch("batch", count=1)
        getattr(batch, name).apply(lambda value: seen.append((name, value)))

    with rehearsal_of(sim, tmp_path, program) as stage:
        stage.up()
        stage.destroy()
    assert len(seen) == 1


def test_a_failed_create_is_reported_once_and_nothing_else_is(
    sim: Simulator, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sim.faults.add(Fault("status", method="POST", status=400, times=None))

    def program() -> None:
        batch = anchorbrowser.Batch("batch", count=1)
        pulumi.export("said", batch.message.apply(lambda message: message))

    with rehearsal_of(sim, tmp_path, program) as stage, pytest.raises(Exception, match="HTTP 400"):
        stage.up()
    assert "never retrieved" not in capfd.readouterr().err
