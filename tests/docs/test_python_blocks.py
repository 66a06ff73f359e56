"""Every Python block is run: a program as a stack that goes up and down, a test as a test, a server as a server."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from docs.pages import ROOT, Block, block_with, blocks
from elsewhere import start
from examples_support import API_KEY
from stages import Stage

from pulumi_anchorbrowser.simulator import Simulator

TESTS = [block for block in blocks("python") if "def test_" in block.text]
# What the tests of a page import, under the name of its function.
HELPER = block_with("docs/testing.md", "def rehearse(")
SERVER = block_with("docs/testing.md", "port=8800")
PROGRAMS = [block for block in blocks("python") if block not in (*TESTS, HELPER, SERVER)]
AN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What a page leaves out where it shows a part of a program.
AROUND = """
import pulumi
from pulumi_anchorbrowser import *

network = pulumi.ComponentResource("example:index:Network", "network")

class Site(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("example:index:Site", name, None, opts)

"""


@pytest.fixture
def api() -> Iterator[Simulator]:
    """The API, with everything in it that a page takes for granted."""
    with Simulator({API_KEY: "team"}) as running:
        yield running


def put(stage: Stage, api: Simulator, block: Block) -> str:
    """Write the block as the stage's program, with the id of a batch that exists. Return that id."""
    there = start(api, "anothers").id
    stage.env |= {"ANCHORBROWSER_BASE_URL": api.url, "ANCHORBROWSER_API_KEY": API_KEY}
    stage.write_program(AROUND + AN_ID.sub(there, block.text))
    if "otherKey" in block.text:
        stage.set_secret("demo:otherKey", API_KEY)
    return there


def goes_up_and_down(stage: Stage, api: Simulator, there: str, **destroy: Any) -> None:
    """Run up and destroy; assert that nothing of what the program started runs."""
    stage.up()
    started = [batch for batch in api.batches if batch != there]
    stage.destroy(**destroy)
    assert [session for batch in started for session in api.live_sessions(batch_id=batch)] == []
    methods = [request.method for request in api.requests]
    assert methods.count("POST") == 1 + len(started)


@pytest.mark.parametrize("block", [one for one in PROGRAMS if "hook" not in one.text], ids=str)
def test_a_program_goes_up_and_down(rehearsal_stage: Stage, api: Simulator, block: Block) -> None:
    goes_up_and_down(rehearsal_stage, api, put(rehearsal_stage, api, block))


@pytest.mark.parametrize("block", [one for one in PROGRAMS if "hook" in one.text], ids=str)
def test_a_program_with_a_hook_does_so_on_the_engine(engine_stage: Stage, api: Simulator, block: Block) -> None:
    """Hooks are the engine's own."""
    goes_up_and_down(engine_stage, api, put(engine_stage, api, block), flags=["--run-program"])


def in_this_project(code: str) -> str:
    return code.replace("path/to/my/project", str(ROOT))


@pytest.mark.parametrize("block", TESTS, ids=str)
def test_a_test_passes(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    # A developer's own settings, which a test must not see.
    monkeypatch.setenv("ANCHORBROWSER_CONFIRM_ACCOUNT", "mine")
    monkeypatch.delitem(sys.modules, "rehearse", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "rehearse.py").write_text(in_this_project(HELPER.text), encoding="utf-8")
    names: dict[str, Any] = {}
    exec(compile(in_this_project(block.text), str(block), "exec"), names)  # noqa: S102  # the page's own code
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert len(tests) >= 1
    for test in tests:
        test()


def test_the_server_of_the_page_serves_until_enter_and_reports_what_runs(tmp_path: Path) -> None:
    script = tmp_path / "serve.py"
    script.write_text(SERVER.text.replace("port=8800", "port=0"), encoding="utf-8")
    server = subprocess.Popen([sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        [url] = re.findall(r"Serving (\S+)\. Press Enter", server.stdout.readline())
        headers = {"anchor-api-key": API_KEY}
        made = httpx.post(f"{url}/v1/batch-sessions", headers=headers, json={"count": 2}, trust_env=False)
        path = f"{url}/v1/batch-sessions/{made.raise_for_status().json()['data']['batch_id']}"
        statuses = [httpx.get(path, headers=headers, trust_env=False).status_code for _ in range(4)]
        assert statuses == [503, 503, 503, 200]
        printed, _ = server.communicate("\n", timeout=60)
    finally:
        server.kill()
    assert printed.count("LiveSession(") == 2


def test_the_smallest_program_starts_25_browsers(rehearsal_stage: Stage, api: Simulator) -> None:
    put(rehearsal_stage, api, block_with("README.md", 'Batch("crawl", count=25)'))
    batch = rehearsal_stage.up().outputs["batch_id"]
    assert len(api.live_sessions(batch_id=batch)) == 25
    rehearsal_stage.destroy()
    assert api.live_sessions(batch_id=batch) == []


def test_the_cleanup_of_the_readme_skips_young_batches(rehearsal_stage: Stage, api: Simulator) -> None:
    put(rehearsal_stage, api, block_with("README.md", "BatchCleanup("))
    young = start(api, "pr-12")
    rehearsal_stage.up()
    rehearsal_stage.destroy()
    assert len(api.live_sessions(batch_id=young.id)) == 3
    assert [request.method for request in api.requests if request.method != "GET"] == ["POST", "POST"]


def test_the_hook_of_the_readme_stops_what_it_selects(engine_stage: Stage, api: Simulator) -> None:
    put(engine_stage, api, block_with("README.md", "teardown_hook("))
    engine_stage.up()
    helpers = start(api, "helpers")
    goes_down: dict[str, Any] = {"flags": ["--run-program"]}
    engine_stage.destroy(**goes_down)
    assert helpers.deleted
    assert api.live_sessions(batch_id=helpers.id) == []


def test_the_adopted_batch_of_the_readme_is_cancelled_and_kept(rehearsal_stage: Stage, api: Simulator) -> None:
    put(rehearsal_stage, api, block_with("README.md", 'Batch("adopted"'))
    (adopted,) = api.batches.values()
    rehearsal_stage.up()
    assert api.live_sessions(batch_id=adopted.id) == []
    rehearsal_stage.destroy()
    assert not adopted.deleted
