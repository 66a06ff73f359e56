"""What was built, installed where nothing else is, and used from there.

The simulator that judges runs in the tests' own process, except where its own extra is what is tried.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from archives import PACKAGE
from clean_environments import CleanEnvironment, empty_machine
from elsewhere import start
from stages import EngineStage, standing_api
from user_programs import PROGRAMS, RIGHT, type_errors

from pulumi_anchorbrowser import __version__
from pulumi_anchorbrowser.simulator import Simulator

pytestmark = pytest.mark.long

KEY = "simulated-key"
PROGRAM = """
import pulumi
import pulumi_anchorbrowser as ab

batch = ab.Batch("crawl", count=3)
ready = ab.BatchReady("crawl-ready", batch_id=batch.batch_id)
pulumi.export("ready", ready.completed_requests)
pulumi.export("installed", ab.__file__)
"""
THREE_JOBS = """
import pulumi
import pulumi_anchorbrowser
from pulumi_anchorbrowser{module} import Batch, BatchCleanup

hook = pulumi_anchorbrowser.teardown_hook("hook", select={{"owner": "any", "tags": ["of-site"]}}, action="end_sessions")
bound = pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(before_delete=[hook]))
crawl = Batch("crawl", count=4, status=pulumi.Config().get("status"))
site = Batch("site", count=1, opts=bound)
once = BatchCleanup("once", select={{"owner": "any", "tags": ["old"]}}, when="apply")
last = BatchCleanup("last", select={{"owner": "any", "tags": ["left"]}})
pulumi.export("crawl", crawl.batch_id)
pulumi.export("site", site.batch_id)
pulumi.export("cancelled", crawl.cancelled_sessions)
pulumi.export("still_running", crawl.still_running)
pulumi.export("deleted", once.deleted_sessions)
pulumi.export("installed", pulumi_anchorbrowser.__file__)
"""
REHEARSED = """
import json, sys
from pulumi_anchorbrowser.rehearsal import Rehearsal

config = {"anchorbrowser:baseUrl": sys.argv[2], "anchorbrowser:pollInterval": "0.1"}
with Rehearsal(sys.argv[1], config=config, secret_config={"anchorbrowser:apiKey": sys.argv[3]}) as stack:
    print(json.dumps(stack.up().outputs))
    stack.destroy()
"""
PATTERN = r"Serving (http://127\.0\.0\.1:\d+) "


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator({KEY: "team"}) as running:
        yield running


def settings(url: str) -> dict[str, str]:
    return {"ANCHORBROWSER_API_KEY": KEY, "ANCHORBROWSER_BASE_URL": url, "ANCHORBROWSER_RECEIPTS": "off"}


def judge(outputs: dict[str, Any], sim: Simulator, environment: CleanEnvironment) -> None:
    """Asserts that three browsers ran and none is left, and that it was the installed package that did both."""
    assert outputs["ready"] == 3
    assert Path(outputs["installed"]).is_relative_to(environment.folder)
    assert [request.method for request in sim.requests if request.method != "GET"] == ["POST", "DELETE"]
    assert {request.user_agent for request in sim.requests} == {f"pulumi-anchorbrowser/{__version__}"}
    assert sim.live_sessions() == []


@pytest.mark.parametrize("name", ["base", "with_cli", "with_simulator", "with_all"])
def test_every_archive_finds_what_it_declares(name: str, request: pytest.FixtureRequest) -> None:
    environment: CleanEnvironment = request.getfixturevalue(name)
    checked = environment.run("python", "-m", "pip", "check")
    assert checked.returncode == 0, checked.stdout
    assert environment.distributions()["pulumi-anchorbrowser"] == __version__


def test_the_provider_alone_runs_a_program_on_the_real_host(
    base: CleanEnvironment, sim: Simulator, tmp_path: Path
) -> None:
    (tmp_path / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    own_home = {"PULUMI_HOME": str(tmp_path / "home")}
    done = base.run("python", "-c", REHEARSED, str(tmp_path), sim.url, KEY, env=own_home)
    assert done.returncode == 0, done.stderr
    judge(json.loads(done.stdout.splitlines()[-1]), sim, base)


@pytest.mark.parametrize("module", ["", ".native"], ids=["dynamic", "native"])
def test_the_provider_alone_does_all_three_jobs_on_the_real_engine(
    module: str, base: CleanEnvironment, engine_stage: EngineStage
) -> None:
    with standing_api({KEY: "team"}) as sim:
        sim.settings.creation_seconds = 1000
        engine_stage.env = empty_machine(base.bin)
        engine_stage.write_program(THREE_JOBS.format(module=module))
        engine_stage.config(**{"anchorbrowser:baseUrl": sim.url, "anchorbrowser:pollInterval": "0.1"})
        engine_stage.set_secret("anchorbrowser:apiKey", KEY)
        old = start(sim, "old")
        outputs = engine_stage.up().outputs
        assert Path(outputs["installed"]).is_relative_to(base.packages)
        assert (outputs["deleted"], old.deleted) == (3, True)

        sim.advance(650)
        running = len(sim.batches[outputs["crawl"]].running())
        engine_stage.config(status="cancelled")
        outputs = engine_stage.up().outputs
        assert running > 0
        assert (outputs["cancelled"], outputs["still_running"]) == (running, 0)
        assert sim.live_sessions(batch_id=outputs["crawl"]) == []

        of_site, left = start(sim, "of-site"), start(sim, "left")
        sim.clear_requests()
        engine_stage.destroy(flags=["--run-program"])
        assert (of_site.deleted, left.deleted) == (False, True)
        assert sim.live_sessions() == []
        # The hook runs before its resource is deleted.
        paths = [request.path.rpartition("/")[2] for request in sim.requests if request.method == "DELETE"]
        assert paths.index(of_site.session_id(0)) < paths.index(outputs["site"])
        assert {request.user_agent for request in sim.requests} == {f"pulumi-anchorbrowser/{__version__}"}


def test_an_extra_brings_only_what_it_needs(
    base: CleanEnvironment, with_cli: CleanEnvironment, with_simulator: CleanEnvironment, with_all: CleanEnvironment
) -> None:
    alone = base.distributions().keys()
    for_cli, for_simulator = with_cli.distributions().keys() - alone, with_simulator.distributions().keys() - alone
    assert alone.isdisjoint({"click", "rich", "fastapi", "starlette", "uvicorn"})
    assert for_cli == {"click", "rich", "markdown-it-py", "mdurl", "pygments"}
    assert for_simulator >= {"fastapi", "starlette", "uvicorn"}
    assert for_simulator.isdisjoint({"rich", "pygments", "pytest", "httpx"})
    assert with_all.distributions().keys() - alone == for_cli | for_simulator


def test_a_type_checker_knows_the_installed_package(base: CleanEnvironment, tmp_path: Path) -> None:
    programs = [PROGRAMS / name for name in (*RIGHT, "wrong.py")]
    found = type_errors(programs, tmp_path / "cache", str(base.bin / "python"))
    assert {error.file for error in found} == {"wrong.py"}
    assert {"arg-type", "call-arg", "typeddict-unknown-key", "attr-defined"} <= {error.code for error in found}


def test_the_command_without_its_extra_says_in_one_line_what_to_install(base: CleanEnvironment) -> None:
    done = base.run("pulumi-anchorbrowser", "list")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: the command line needs the extra `cli`: pip install 'pulumi-anchorbrowser[cli]'\n"


def test_the_command_that_error_lines_name_explains_an_error_without_any_extra(base: CleanEnvironment) -> None:
    done = base.run("pulumi-anchorbrowser", "explain", "no-api-key")
    assert (done.returncode, done.stderr) == (0, "")
    assert "> There is no AnchorBrowser API key." in done.stdout


def test_the_simulator_without_its_extra_says_in_one_line_what_to_install(base: CleanEnvironment) -> None:
    done = base.run("python", "-c", f"import {PACKAGE}.simulator")
    assert done.returncode == 1
    said = re.fullmatch(
        r"ModuleNotFoundError: the simulator needs the extra `simulator` \(\w+ is not installed\): "
        r"pip install 'pulumi-anchorbrowser\[simulator\]'",
        done.stderr.splitlines()[-1],
    )
    assert said, done.stderr
    assert "During handling" not in done.stderr


def test_the_command_with_its_extra_lists_the_batches_of_the_team(with_cli: CleanEnvironment, sim: Simulator) -> None:
    assert with_cli.run("pulumi-anchorbrowser", "--version").stdout.split()[-1] == __version__
    listed = with_cli.run("pulumi-anchorbrowser", "list", "--json", env=settings(sim.url))
    assert json.loads(listed.stdout)["batches"] == []
    assert [request.method for request in sim.requests] == ["GET"]


def test_the_command_with_its_extra_sweeps_what_matches(with_cli: CleanEnvironment, sim: Simulator) -> None:
    old, other = start(sim, "old"), start(sim, "other")
    command = ["pulumi-anchorbrowser", "sweep", "--owner", "any", "--tag", "old", "--yes", "--json"]
    swept = with_cli.run(*command, env=settings(sim.url))
    assert swept.returncode == 0, swept.stderr
    assert json.loads(swept.stdout)["totals"]["deleted_sessions"] == 3
    assert (old.deleted, other.deleted) == (True, False)


def test_the_command_alone_says_what_to_install_for_the_simulator(with_cli: CleanEnvironment) -> None:
    done = with_cli.run("pulumi-anchorbrowser", "simulate")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"Error: the simulator needs the extra `simulator` .*\n", done.stderr)


def test_the_simulator_needs_no_command_line(with_simulator: CleanEnvironment) -> None:
    code = f"from {PACKAGE}.simulator import Simulator\nwith Simulator() as api: print(api.live_sessions())"
    done = with_simulator.run("python", "-c", code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


def test_with_everything_one_command_serves_what_another_lists(with_all: CleanEnvironment) -> None:
    command = str(with_all.bin / "pulumi-anchorbrowser")
    with subprocess.Popen([command, "simulate"], stdout=subprocess.PIPE, text=True, cwd=with_all.folder) as serving:
        try:
            assert serving.stdout is not None
            served = re.match(PATTERN, serving.stdout.readline())
            assert served is not None
            listed = with_all.run("pulumi-anchorbrowser", "list", env=settings(served[1]))
        finally:
            serving.terminate()
    assert (listed.returncode, serving.returncode) == (0, 0), listed.stderr
    assert listed.stderr == "0 batches\n"
