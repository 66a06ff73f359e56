"""What Pulumi keeps of an interrupted create, and that a provider host finds it wherever the state and the CLI are."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from crashes.killed_runs import KillableStage
from scenarios.one_stack import KEY, browsers
from stages.cli import clean_environment
from trail.machines import Wanderer

from pulumi_anchorbrowser.simulator import Fault, Simulator

SECONDS = 170
OTHER = {"other": {"count": 1}}


def without_the_cli(path: str) -> str:
    """The PATH without the folders that have a Pulumi CLI."""
    return os.pathsep.join(folder for folder in path.split(os.pathsep) if not (Path(folder) / "pulumi").exists())


def killed_after_the_request(stack: Wanderer) -> str:
    """Start a batch, then kill the start of another one when the API has started it. Its id."""
    stack.up(OTHER)
    stack.wants(OTHER | browsers(count=3))
    stack.killed_by(Fault(method="POST", after=lambda _: stack.stage.kill()))
    stack.unlock()
    [left] = stack.live_ids() - stack.known_ids()
    return left


def exported(stage: KillableStage, folder: Path) -> dict[str, Any]:
    """The deployment as any other process exports it: in another folder, with the same backend."""
    env = clean_environment(folder / "home", stage.backend)
    command = ["pulumi", "stack", "export", "--non-interactive", "--stack", "organization/demo/dev"]
    done = subprocess.run(command, cwd="/", env=env, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    deployment: dict[str, Any] = json.loads(done.stdout)["deployment"]
    return deployment


def test_an_export_in_the_middle_of_a_run_takes_no_lock_and_shows_what_the_run_is_doing(
    stack: Wanderer, sim: Simulator, tmp_path: Path
) -> None:
    seen: list[dict[str, Any]] = []
    stack.up(OTHER)
    for method in ("POST", "DELETE"):
        sim.faults.add(
            Fault(method=method, nth=1, before=lambda _: seen.append(exported(stack.stage, tmp_path / "other")))
        )
    stack.up(OTHER | browsers(count=3))
    [sent] = sim.requests_of("POST")
    stack.same_again("destroy")
    in_create, in_delete = seen
    [creating] = in_create["pending_operations"]
    assert creating["type"] == "creating"
    assert f"pulumi-claim:{creating['resource']['inputs']['claim']}" in sent.body["configuration"]["session"]["tags"]
    assert [one for one in in_create["resources"] if one["urn"].endswith("::other")]
    deleting = in_delete["pending_operations"]
    assert {one["type"] for one in deleting} == {"deleting"}
    assert {one["resource"]["id"] for one in deleting} <= {one.get("id") for one in in_delete["resources"]}


def test_the_entry_of_an_interrupted_create_stays_until_somebody_clears_it(stack: Wanderer, tmp_path: Path) -> None:
    stack.up(OTHER)
    stack.wants(OTHER | browsers(count=3))
    stack.killed_by(Fault("no_reply", handled=False, method="POST", before=lambda _: stack.stage.kill()))
    [entry] = stack.pending_creates()
    stack.wants(OTHER)
    for command in (("refresh",), ("up", "--refresh"), ("up",)):
        stack.same_again(command[0], command[1:])
        assert stack.pending_creates() == [entry]
    copy = tmp_path / "copy.json"
    copy.write_text(json.dumps(stack.stage.export()), encoding="utf-8")
    stack.same_again("refresh", ["--clear-pending-creates"])
    assert stack.pending_creates() == []
    # An import drops what it was given.
    assert entry["claim"] in copy.read_text(encoding="utf-8")
    stack.stage.run("stack", "import", "--file", str(copy))
    assert stack.pending_creates() == []
    stack.last_destroy()


@pytest.mark.parametrize("place", ["the project's file", "a login", "compressed files", "another folder"])
def test_the_state_is_read_wherever_the_backend_is_named(stack: Wanderer, place: str) -> None:
    backend = f"file://{stack.stage.backend}"
    if place == "the project's file":
        stack.stage.project_option(backend={"url": backend})
        stack.stage.env["PULUMI_BACKEND_URL"] = ""
    elif place == "a login":
        stack.stage.run_raw("login", backend)
        stack.stage.env["PULUMI_BACKEND_URL"] = ""
    elif place == "compressed files":
        stack.stage.env["PULUMI_DIY_BACKEND_GZIP"] = "true"
    else:
        stack.stage.project_option(main="program/")
        (stack.stage.project_dir / "program").mkdir()
        shutil.move(stack.stage.project_dir / "__main__.py", stack.stage.project_dir / "program")
    left = killed_after_the_request(stack)
    stack.same_again("up")
    assert left not in stack.live_ids()
    assert stack.live_ids() == stack.known_ids()
    stack.last_destroy()


def test_the_state_is_read_by_the_cli_that_runs_the_host_where_none_is_on_the_path(
    stack: Wanderer, sim: Simulator
) -> None:
    left = killed_after_the_request(stack)
    program = str(Path(str(shutil.which("pulumi"))).resolve())
    env = clean_environment(stack.stage.home, stack.stage.backend) | stack.stage.env
    env["PATH"] = without_the_cli(env["PATH"])
    assert shutil.which("pulumi", path=env["PATH"]) is None
    command = [program, "up", "--yes", "--skip-preview", "--non-interactive", "--stack", "dev"]
    sim.clear_requests()
    done = subprocess.run(
        command, cwd=stack.stage.project_dir, env=env, capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"DELETE {left}" in stack.calls
    assert stack.live_ids() == stack.known_ids()
    stack.last_destroy()


SCRIPT = """
import json
import sys

import pulumi.automation as auto

import pulumi_anchorbrowser


def program():
    pulumi_anchorbrowser.Batch("browsers", count=3)


settings = json.loads(sys.stdin.read())
options = auto.LocalWorkspaceOptions(env_vars=settings["env"], pulumi_command=auto.PulumiCommand(settings["root"]))
stack = auto.create_or_select_stack("dev", project_name="demo", program=program, opts=options)
for step in settings["steps"]:
    getattr(stack, step)()
"""


def test_a_program_that_runs_pulumi_itself_with_an_environment_of_its_own_settles_what_a_killed_one_left(
    stack: Wanderer, sim: Simulator, tmp_path: Path
) -> None:
    """The Automation API, with a CLI that is on no PATH of the program, and every setting given to Pulumi alone."""
    whole = clean_environment(stack.stage.home, stack.stage.backend) | stack.stage.env
    own = {name: one for name, one in whole.items() if name.startswith(("PULUMI_", "ANCHORBROWSER_"))}
    outer = {name: one for name, one in whole.items() if name not in own}
    outer |= {"PATH": without_the_cli(outer["PATH"]), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    root = str(Path(str(shutil.which("pulumi"))).resolve().parents[1])

    def start(*steps: str) -> subprocess.Popen[str]:
        script = subprocess.Popen(
            [sys.executable, "-c", SCRIPT],
            cwd=tmp_path,
            env=outer,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert script.stdin is not None
        script.stdin.write(json.dumps({"env": own, "root": root, "steps": steps}))
        script.stdin.close()
        return script

    killed = start("up")
    sim.faults.add(Fault(method="POST", after=lambda _: os.killpg(killed.pid, signal.SIGKILL)))
    assert killed.wait(SECONDS) == -signal.SIGKILL
    [left] = {session.batch_id for session in sim.live_sessions()}
    again = start("cancel", "up")
    assert again.stdout is not None
    said = again.stdout.read()
    assert again.wait(SECONDS) == 0, said
    [batch] = {session.batch_id for session in sim.live_sessions()}
    assert batch != left
    assert sim.batches[left].deleted
    last = start("destroy")
    assert last.wait(SECONDS) == 0
    assert sim.live_sessions() == []
    assert KEY not in said
