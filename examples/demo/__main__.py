"""`make demo`: the root Pulumi program, from `pulumi up` to `pulumi destroy`, against a simulated API.

It starts 60 browsers, waits for three, cancels the batch while the others are still being started, deletes the batch
and destroys the stack. After each step it compares Pulumi's outputs with the truth of the simulator; it ends with 1
where the two differ, or where a browser is left running. `--rehearsal` needs no Pulumi CLI.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pulumi_cli
from clock import CREATION_SECONDS, Clock
from report import show
from runners import Engine, Rehearsed, Runner
from steps import Row, Untrue, run_steps

from pulumi_anchorbrowser.simulator import Simulator, SimulatorSettings

ROOT = Path(__file__).resolve().parents[2]


def choose_runner(folder: Path, url: str, rehearse: bool) -> Runner:
    """Return a real engine where there is one; otherwise the same program on the real provider host."""
    if rehearse:
        return Rehearsed(ROOT, folder, url)
    found = pulumi_cli.find(ROOT / ".pulumi")
    print(found.told, flush=True)
    if not found.command:
        return Rehearsed(ROOT, folder, url)
    return Engine(ROOT, folder, url, found.command, found.version)


def run(runner: Runner, simulator: Simulator) -> Untrue | None:
    """Run all steps and print what they did. Return the first report that is not true; None where all are."""
    rows: list[Row] = []
    error = None
    try:
        for row in run_steps(runner, simulator):
            rows.append(row)
            print(f"    => {row.counts}; {row.live}", flush=True)
    except Untrue as untrue:
        error = untrue
    finally:
        runner.close()
    show(rows, runner.name, left=len(simulator.live_sessions()))
    return error


def main() -> int:
    """Run the demo. Return the exit code."""
    settings = SimulatorSettings(creation_seconds=CREATION_SECONDS)
    clock = Clock()
    with (
        tempfile.TemporaryDirectory(prefix="anchorbrowser-demo-") as folder,
        Simulator(None, settings, clock=clock) as api,
    ):
        clock.simulator = api
        error = run(choose_runner(Path(folder), api.url, rehearse="--rehearsal" in sys.argv[1:]), api)
    if error:
        print(f"The demo failed: {error}", file=sys.stderr)
    return 1 if error else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("Interrupted: the simulator and all its batches are gone.")
