"""Every Python block is run: a program as a stack that goes up and down, a test as a test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docs.pages import ROOT, Block, block_with, blocks
from elsewhere import start
from examples_support import API_KEY
from stages import Stage

from pulumi_anchorbrowser.simulator import Simulator

PROGRAMS = [block for block in blocks("python") if "def test_" not in block.text]
TESTS = [block for block in blocks("python") if "def test_" in block.text]
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
    """The block as the stage's program; an id on a page is that of the batch that is there, which is returned."""
    there = start(api, "anothers").id
    stage.env |= {"ANCHORBROWSER_BASE_URL": api.url, "ANCHORBROWSER_API_KEY": API_KEY}
    stage.write_program(AROUND + AN_ID.sub(there, block.text))
    return there


def goes_up_and_down(stage: Stage, api: Simulator, there: str, **destroy: Any) -> None:
    """Up and destroy succeed, and of what the program started nothing runs."""
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


@pytest.mark.parametrize("block", TESTS, ids=str)
def test_a_test_passes(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    names: dict[str, Any] = {}
    code = block.text.replace("path/to/my/project", str(ROOT))
    exec(compile(code, str(block), "exec"), names)  # noqa: S102  # the page's own code
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert len(tests) >= 1
    for test in tests:
        test()


def test_the_smallest_program_starts_25_browsers(rehearsal_stage: Stage, api: Simulator) -> None:
    put(rehearsal_stage, api, block_with("README.md", 'Batch("crawl", count=25)'))
    batch = rehearsal_stage.up().outputs["batch_id"]
    assert len(api.live_sessions(batch_id=batch)) == 25
    rehearsal_stage.destroy()
    assert api.live_sessions(batch_id=batch) == []


def test_the_cleanup_of_the_readme_leaves_young_batches_alone(rehearsal_stage: Stage, api: Simulator) -> None:
    put(rehearsal_stage, api, block_with("README.md", "BatchCleanup("))
    young = start(api, "pr-12")
    rehearsal_stage.up()
    rehearsal_stage.destroy()
    assert len(api.live_sessions(batch_id=young.id)) == 3
    assert [request.method for request in api.requests] == ["POST", "POST", "GET"]


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
