"""The workflows of the examples, run on runners that are thrown away, with the state in PostgreSQL."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from scenarios.one_stack import KEY
from teams.postgres import LOCKS, Database
from teams.workflows import Runner, load

from pulumi_anchorbrowser.simulator import Fault, LoggedRequest, Simulator

PULL_REQUEST = load("environment-per-pull-request/pull-request.yml")
NIGHTLY = load("nightly-sweep/nightly-orphans.yml")
STACKS = "/.pulumi/stacks/"
COUNT = 5
NewRunner = Callable[..., Runner]


@pytest.fixture
def new_runner(postgres: Database, sim: Simulator, tmp_path: Path) -> NewRunner:
    """A runner with nothing on it but a checkout, for an event or for a stack of the matrix."""
    made: list[Runner] = []
    secrets = {
        "secrets.ANCHORBROWSER_API_KEY": KEY,
        "secrets.PULUMI_BACKEND_URL": postgres.url,
        "secrets.PULUMI_CONFIG_PASSPHRASE": "a passphrase of the team",
    }
    settings = {
        "ANCHORBROWSER_BASE_URL": sim.url,
        "ANCHORBROWSER_MAX_RETRIES": "0",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }

    def make(action: str = "", number: int = 12, stack: str = "") -> Runner:
        values = {
            "github.event.number": number,
            "github.event.action != 'closed'": action != "closed",
            "github.event.action == 'closed'": action == "closed",
            "matrix.stack": stack,
        }
        made.append(Runner(tmp_path / f"runner-{len(made)}", {**secrets, **values}, settings))
        return made[-1]

    return make


def stacks_in(postgres: Database) -> list[str]:
    """The stacks that there are; of one that was removed Pulumi keeps a backup, a `.bak`."""
    return [key for key in postgres.keys(STACKS) if key.endswith(".json")]


def changes(sim: Simulator) -> list[str]:
    return [_told(request) for request in sim.requests if request.method != "GET"]


def killed(runner: Runner, sim: Simulator) -> str:
    """Kills the `up` of a run after the API has started its batch, and throws the runner away. The batch's id."""
    assert not any(runner.run(PULL_REQUEST, "browsers", only="Stack").codes.values())
    before = set(sim.batches)
    killing = Fault(method="POST", after=lambda _: command.kill_all())
    sim.faults.add(killing)
    command = runner.start_up(PULL_REQUEST, "browsers")
    command.wait()
    assert killing.struck == 1, command.text
    runner.throw_away()
    [orphan] = set(sim.batches) - before
    return orphan


def test_browsers_live_as_long_as_the_pull_request_on_three_runners_that_know_nothing_of_each_other(
    new_runner: NewRunner, sim: Simulator, postgres: Database
) -> None:
    told = []
    for action in ("opened", "synchronize", "closed"):
        sim.clear_requests()
        runner = new_runner(action)
        job = runner.run(PULL_REQUEST, "browsers")
        assert not any(job.codes.values()), job.log
        assert ("Destroy" in job.codes, "Up" in job.codes) == (action == "closed", action != "closed")
        assert KEY not in job.log + job.summary
        told.append((changes(sim), len(sim.live_sessions("pr-12")), job.summary))
        runner.throw_away()
    [batch] = sim.batches
    (opened, of_opened, first), (changed, of_changed, _), (closed, of_closed, last) = told
    assert (opened, changed, closed) == (["POST"], [], [f"DELETE {batch}"])
    assert (of_opened, of_changed, of_closed) == (COUNT, COUNT, 0)
    assert "1 batch started" in first
    assert f"| {batch} | done | {COUNT} deleted" in last
    assert "organization/anchorbrowser-pull-request/pr-12" in first
    assert stacks_in(postgres) == postgres.keys(LOCKS) == []


def test_the_next_run_after_a_killed_one_lifts_its_lock_and_deletes_what_it_left(
    new_runner: NewRunner, sim: Simulator, postgres: Database
) -> None:
    orphan = killed(new_runner("opened"), sim)
    assert len(postgres.keys(LOCKS)) == 1
    sim.clear_requests()
    job = new_runner("synchronize").run(PULL_REQUEST, "browsers")
    assert not any(job.codes.values()), job.log
    assert changes(sim) == [f"DELETE {orphan}", "POST"]
    assert f"| {orphan} | done | {COUNT} deleted" in job.summary
    assert orphan not in {session.batch_id for session in sim.live_sessions()}
    assert len(sim.live_sessions("pr-12")) == COUNT
    new_runner("closed").run(PULL_REQUEST, "browsers")
    assert sim.live_sessions() == []
    assert stacks_in(postgres) == []


@pytest.mark.skipif(not shutil.which("jq"), reason="no jq on PATH, which GitHub's runners have")
def test_at_night_a_job_for_each_stack_fails_where_there_are_orphans_and_deletes_none(
    new_runner: NewRunner, sim: Simulator
) -> None:
    new_runner("opened", 12).run(PULL_REQUEST, "browsers")
    orphan = killed(new_runner("opened", 13), sim)
    sim.clear_requests()
    listed = new_runner().run(NIGHTLY, "stacks")
    assert listed.codes == {"List": 0}, listed.log
    name, _, stacks = listed.output.strip().partition("=")
    assert (name, sorted(json.loads(stacks))) == ("stacks", ["pr-12", "pr-13"])
    jobs = {stack: new_runner(stack=stack).run(NIGHTLY, "orphans") for stack in ("pr-12", "pr-13")}
    assert {stack: job.codes for stack, job in jobs.items()} == {"pr-12": {"Orphans": 0}, "pr-13": {"Orphans": 6}}
    assert orphan in jobs["pr-13"].summary
    assert changes(sim) == []


def _told(request: LoggedRequest) -> str:
    return f"{request.method} {request.path.removeprefix('/v1/batch-sessions').removeprefix('/')}".strip()
