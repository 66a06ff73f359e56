"""Every command on a page is run as the page has it, against a simulator; where it cannot be, the reason is here."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from docs.pages import ROOT, Block, block_with, blocks
from docs.shell import KEY, Reader, commands_of, script_of
from elsewhere import start
from examples_support import AN_HOUR, SOME_MINUTES
from stages import NO_ENGINE, engine_is_here

from pulumi_anchorbrowser.cli.app import app
from pulumi_anchorbrowser.simulator import Fault, Simulator, SimulatorSettings

SHELL = blocks("bash", "console")
# Whole pages whose blocks are run elsewhere, because they need more than a clone.
ELSEWHERE = {
    "docs/observability.md": "needs a log that was written before; tests/observability writes and reads one",
    "docs/teams.md": "needs a database, or Pulumi Cloud; tests/teams runs the one, and parses what is about the other",
    "examples/kubernetes-operator/README.md": "needs a cluster; tests/teams parses its files",
    "docs/native.md": "needs the plugin and other languages; tests/native_packages and tests/native run what it says",
    "examples/typescript/README.md": "needs npm and pip; tests/examples/test_typescript_example.py runs it",
    "examples/automation-api/README.md": "tests/examples/test_automation_api.py runs it in a project of its own",
}
# Commands that are only parsed here.
ONLY_PARSED = {
    "pulumi-anchorbrowser orphans": "needs a state; tests/cli/test_orphans.py runs it with one, and on the engine",
    "pulumi-anchorbrowser completion fish": "is for another shell; tests/cli/test_documented.py prints it",
    "pulumi-anchorbrowser simulate": "does not end; tests/cli/test_simulate.py runs it",
}
# What makes the environment that the tests run in, or runs the tests themselves.
SETS_UP = {"make", "pip", ".ci/run", ".ci/matrix"}
PLAN_ONLY = 3
SOME_ID = "6e019235-bc0d-43f2-b13e-a5ea2acec607"
THERE = {"cwd": str(ROOT), "state": __file__, "log": "log.jsonl"}
AN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_pulumis(block: Block) -> bool:
    return any(words[0] == "pulumi" for words in commands_of(script_of(block)))


def shows_output(block: Block) -> bool:
    return block.language == "console" and is_pulumis(block)


HERE = [block for block in SHELL if block.page not in ELSEWHERE]
ON_ENGINE = [block for block in HERE if is_pulumis(block) and not shows_output(block)]


def lines_of(block: Block) -> list[str]:
    """Return the lines of the block that call our command line."""
    lines = script_of(block).splitlines()
    return [one for one in lines if "pulumi-anchorbrowser" in one and not one.startswith(tuple(ONLY_PARSED))]


WITH_COMMANDS = [block for block in HERE if not is_pulumis(block) and lines_of(block)]
WITH_REQUESTS = [block for block in HERE if any(words[0] == "curl" for words in commands_of(script_of(block)))]
PAGES_ON_ENGINE = sorted({block.page for block in ON_ENGINE if block.page.startswith("examples/")})


@pytest.fixture
def api() -> Iterator[Simulator]:
    """An API whose batches are partly created at once, and then take long; no browser's time runs out."""
    with Simulator({KEY: "team"}, SimulatorSettings(creation_seconds=AN_HOUR, minute_seconds=AN_HOUR)) as running:

        def let_time_pass(_request: object) -> None:
            running.advance(2 * SOME_MINUTES)

        running.faults.add(Fault("callback", method="POST", path="/v1/batch-sessions", times=None, after=let_time_pass))
        yield running


@pytest.fixture
def reader(tmp_path: Path, api: Simulator) -> Reader:
    return Reader(tmp_path, api.url)


@pytest.fixture
def on_engine(reader: Reader) -> Reader:
    if not engine_is_here():
        pytest.skip(NO_ENGINE)
    return reader


def done(ended: subprocess.CompletedProcess[str], *codes: int) -> str:
    assert ended.returncode in (codes or (0,)), f"{ended.args}\nended with {ended.returncode}:\n{ended.stdout}"
    return ended.stdout


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_bash_can_read_it_and_every_command_is_a_known_one(block: Block) -> None:
    script = script_of(block)
    read = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, timeout=60)
    assert read.returncode == 0, read.stderr
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for words in commands_of(script):
        if words[0] == "make":
            # Without the folder to be in, and the variables.
            named = {word for word in words[1:] if not re.search("^-|[=./]", word)}
            assert named
            assert named <= targets
        elif words[0].startswith(".ci/"):
            assert (ROOT / words[0]).exists()
        elif words[0] == "pulumi-anchorbrowser":
            parse(words)


def parse(words: list[str]) -> None:
    """Raise click's own error for a command, an option or a value that does not exist."""
    end = next((n for n, word in enumerate(words) if word.startswith(">")), len(words))
    arguments = re.sub(r"\b[0-9a-f]{4}\.\.\.", SOME_ID, "\n".join(words[1:end]))
    # Files and folders of the reader's own.
    arguments = re.sub(r"(--(cwd|state|log))\n\S+", lambda found: f"{found[1]}\n{THERE[found[2]]}", arguments)
    name, *rest = re.sub(r"^--log\n\S+\n", "", arguments).split("\n")
    app.commands[name].make_context(name, rest)


def test_a_block_that_nobody_runs_only_sets_up_or_is_named_here_with_the_reason() -> None:
    run = {*ON_ENGINE, *WITH_COMMANDS, *WITH_REQUESTS, *(block for block in HERE if shows_output(block))}
    for block in HERE:
        if block not in run:
            commands = [" ".join(words) for words in commands_of(script_of(block)) if words[0] not in SETS_UP]
            assert [command for command in commands if not command.startswith(tuple(ONLY_PARSED))] == [], block


@pytest.mark.parametrize("block", WITH_COMMANDS, ids=str)
def test_the_commands_of_a_block_end_well(reader: Reader, api: Simulator, block: Block) -> None:
    for place in re.findall(r"--file (\S+)", script_of(block)):
        start(api, "nightly")
        variable = f"ANCHORBROWSER_RECEIPTS=$PWD/{place}"
        done(reader.types(f"{variable} pulumi-anchorbrowser sweep --owner any --tag nightly --yes", block.page))
    for line in lines_of(block):
        # Without a terminal and without --yes a command only plans.
        done(reader.types(line, block.page), 0, PLAN_ONLY)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on PATH")
@pytest.mark.parametrize("block", WITH_REQUESTS, ids=str)
def test_a_request_of_a_page_starts_a_batch_that_the_cleanup_of_the_readme_matches(
    reader: Reader, api: Simulator, block: Block
) -> None:
    done(reader.types(script_of(block), block.page))
    assert len(api.live_sessions("pr-12")) == 2


@pytest.mark.engine
@pytest.mark.parametrize("page", PAGES_ON_ENGINE)
def test_the_commands_of_an_example_end_well_and_leave_nothing_running(
    on_engine: Reader, api: Simulator, page: str
) -> None:
    there = start(api, "anothers").id
    script = "".join(AN_ID.sub(there, script_of(block)) for block in HERE if block.page == page)
    done(on_engine.types(script.replace("API_KEY=...", f"API_KEY={KEY}"), page))
    if "pulumi destroy" in script:
        assert api.live_sessions() == api.live_sessions(batch_id=there)


@pytest.mark.engine
@pytest.mark.parametrize("block", [one for one in ON_ENGINE if one.page not in PAGES_ON_ENGINE], ids=str)
def test_a_block_with_pulumi_ends_well_and_leaves_nothing_running(
    on_engine: Reader, api: Simulator, block: Block
) -> None:
    script = script_of(block)
    if "stack init" not in script:
        done(on_engine.types("pulumi stack init dev"))
    printed = done(on_engine.types(script))
    assert api.live_sessions() == []
    if "pulumi destroy" in script:
        assert re.search(r"- +[1-3] deleted", printed)
    if "to see cancelled_sessions" in script:
        assert re.search(r"\+ cancelled_sessions *: [1-9]", printed)


@pytest.mark.engine_decides
@pytest.mark.engine
def test_the_readme_shows_what_pulumi_prints(on_engine: Reader, api: Simulator) -> None:
    block = block_with("README.md", "pulumi config set status cancelled\n$ pulumi up")
    done(on_engine.types("pulumi stack init dev && pulumi config set count 24 && pulumi up"))
    printed = without_what_differs(done(on_engine.types(script_of(block))))
    for line in block.text.splitlines():
        if not line.startswith("$ "):
            assert without_what_differs(line).strip() in printed
    assert api.live_sessions() == []


def without_what_differs(text: str) -> str:
    """Return the text without ids, numbers and the width of columns."""
    return re.sub(r"\s+", " ", re.sub(r"\d+", "N", AN_ID.sub("ID", text)))
