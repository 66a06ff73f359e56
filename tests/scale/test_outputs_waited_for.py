"""At its end a program waits for one output of each of our resources, and for everything that uses an output."""

from __future__ import annotations

from pathlib import Path

import pulumi
import pytest
from pulumi.runtime.settings import SETTINGS
from scale.test_worker_pool import rehearsal_of

import pulumi_anchorbrowser as anchorbrowser
from pulumi_anchorbrowser.simulator import Fault, Simulator

OUTPUTS = tuple(anchorbrowser.Batch.__annotations__)


@pytest.mark.skipif(not hasattr(pulumi.Output, "_untrack"), reason="this SDK waits for outputs in another way")
def test_the_sdk_waits_for_one_output_of_a_batch(sim: Simulator, tmp_path: Path) -> None:
    waited_for: list[int] = []

    def program() -> None:
        before = set(SETTINGS.outputs)
        batch = anchorbrowser.Batch("batch", count=1)
        added = set(SETTINGS.outputs) - before
        ours = {vars(batch)[name]._data for name in OUTPUTS}  # noqa: SLF001
        waited_for.append(len(added & ours))

    with rehearsal_of(sim, tmp_path, program) as stage:
        stage.up()
        stage.destroy()
    assert waited_for == [1]


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
