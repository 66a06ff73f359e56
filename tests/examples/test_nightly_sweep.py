"""examples/nightly-sweep: a workflow whose steps do at night what they say."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from elsewhere import changes, running, start
from examples_support import AN_HOUR, API_KEY, ROOT
from stages import standing_api
from stages.cli import is_foreign
from teams.workflows import bash, load, shell_steps

from pulumi_anchorbrowser.simulator import Fault, Simulator

WORKFLOW = load("nightly-sweep/nightly-sweep.yml")
INSTALL, *STEPS = shell_steps(WORKFLOW, "sweep")
AGE = 13 * AN_HOUR
SECRET_KEY = "${{ secrets.ANCHORBROWSER_API_KEY }}"
RUNS_ALTHOUGH_ONE_FAILED = "${{ !cancelled() }}"


@pytest.fixture
def night() -> Iterator[Simulator]:
    """The API on a clock that stands still, 13 hours ago; no browser's time runs out."""
    with standing_api({API_KEY: "team"}, AGE) as api:
        yield api


@dataclass
class Job:
    """What a runner made of the steps after the installation: their exit codes, and the summary."""

    codes: dict[str, int]
    log: str
    summary: str


def run_job(folder: Path, api: Simulator) -> Job:
    """Run the shell steps as GitHub's runner does, the key being the secret."""
    job = WORKFLOW["jobs"]["sweep"]
    summary = folder / "summary.md"
    kept = {name: value for name, value in os.environ.items() if not is_foreign(name)}
    own = {name: value.replace(SECRET_KEY, API_KEY) for name, value in job["env"].items()}
    assert not any("${{" in value for value in own.values())
    env = kept | own
    env |= {
        "ANCHORBROWSER_BASE_URL": api.url,
        "ANCHORBROWSER_MAX_RETRIES": "0",
        "GITHUB_STEP_SUMMARY": str(summary),
        "HOME": str(folder),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    done = Job({}, "", "")
    for step in STEPS:
        if any(done.codes.values()) and step.get("if") != RUNS_ALTHOUGH_ONE_FAILED:
            continue
        ended = bash(step["run"], folder, env)
        done.codes[step["name"]] = ended.returncode
        done.log += ended.stdout
    done.summary = summary.read_text(encoding="utf-8")
    return done


def test_the_install_step_finds_the_package_in_the_clone(tmp_path: Path) -> None:
    # Nothing is installed, and nothing downloaded: 0 is pip's own way to say that builds are not isolated.
    offline = {"PIP_DRY_RUN": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_DEPS": "1", "PIP_NO_INDEX": "1"}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = {**os.environ, **offline, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PATH": path, "TMPDIR": str(tmp_path)}
    done = bash(INSTALL["run"], ROOT, env)
    assert done.returncode == 0, done.stdout
    assert "Would install pulumi-anchorbrowser" in done.stdout


def test_old_batches_of_ci_go_and_the_summary_says_so(tmp_path: Path, night: Simulator) -> None:
    old = {start(night, "ci").id, start(night, "ci", count=2).id}
    kept = {start(night, "other").id, start(night, "ci", "pulumi-protect").id}
    night.advance(AGE)
    kept.add(start(night, "ci").id)
    job = run_job(tmp_path, night)
    assert job.codes == {"Sweep": 0, "Summary": 0}, job.log
    assert set(changes(night)) == {f"DELETE {batch}" for batch in old}
    assert running(night) == kept
    assert "2 calls, 5 sessions stopped (5 deleted)." in job.summary
    for batch in old:
        assert f"| {batch} | done | 3 deleted" in job.summary or f"| {batch} | done | 2 deleted" in job.summary
    assert API_KEY not in job.log + job.summary


def test_a_failure_fails_the_job_and_the_summary_is_written_nevertheless(tmp_path: Path, night: Simulator) -> None:
    batches = {start(night, "ci").id for _ in range(3)}
    night.advance(AGE)
    night.faults.add(Fault("status", method="DELETE", status=400, times=None, nth=3))
    job = run_job(tmp_path, night)
    assert job.codes == {"Sweep": 4, "Summary": 0}, job.log
    (left,) = running(night)
    assert left in batches
    assert "1 refused" in job.summary


def test_a_night_with_nothing_to_do_is_a_good_night(tmp_path: Path, night: Simulator) -> None:
    night.advance(AGE)
    start(night, "ci")
    job = run_job(tmp_path, night)
    assert job.codes == {"Sweep": 0, "Summary": 0}, job.log
    assert changes(night) == []
    assert "0 calls" in job.summary
