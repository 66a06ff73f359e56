"""docs/cleanup.md: its programs run, and its command is one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from docs.pages import block_with
from elsewhere import changes, running, start
from examples_support import API_KEY, ROOT
from stages import RehearsalStage
from stages.cli import is_foreign

from pulumi_anchorbrowser import BatchCleanup
from pulumi_anchorbrowser.simulator import Simulator, SimulatorSettings

PAGE = (ROOT / "docs" / "cleanup.md").read_text(encoding="utf-8")
TEN_MINUTES = 600


def snippet_with(text: str) -> str:
    return block_with("docs/cleanup.md", text).text


def old_and_young(api: Simulator) -> tuple[str, set[str]]:
    """The one batch that the page's selection means, and others."""
    old, kept = start(api, "pr-12").id, {start(api, "pr-1").id, start(api, "pr-12", "keep").id}
    api.advance(-2 * TEN_MINUTES)
    meant = start(api, "pr-12").id
    kept |= {old, start(api, "pr-12", "keep").id}
    api.advance(2 * TEN_MINUTES)
    return meant, kept


def test_the_cleanups_of_the_page_take_what_it_says(rehearsal_stage: RehearsalStage) -> None:
    network = "network = pulumi.ComponentResource('example:index:Network', 'network')\n"
    with Simulator({API_KEY: "team"}, SimulatorSettings(minute_seconds=TEN_MINUTES)) as api:
        rehearsal_stage.env |= {"ANCHORBROWSER_BASE_URL": api.url, "ANCHORBROWSER_API_KEY": API_KEY}
        rehearsal_stage.write_program(snippet_with('"leftovers"') + network + snippet_with("depends_on=[network]"))
        rehearsal_stage.up()
        meant, kept = old_and_young(api)
        by_network = start(api, "uses-the-network").id
        rehearsal_stage.destroy()
        assert set(changes(api)) == {f"DELETE {meant}", f"DELETE {by_network}"}
        assert running(api) == kept


def test_the_command_of_the_page_plans_the_same(tmp_path: Path) -> None:
    command: Any = snippet_with("--exclude-tag keep").split()
    with Simulator({API_KEY: "team"}, SimulatorSettings(minute_seconds=TEN_MINUTES)) as api:
        meant, _ = old_and_young(api)
        env = {name: value for name, value in os.environ.items() if not is_foreign(name)} | {
            "ANCHORBROWSER_API_KEY": API_KEY,
            "ANCHORBROWSER_BASE_URL": api.url,
            "HOME": str(tmp_path),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        }
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=90, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stderr
        assert meant in done.stdout
        assert "Plan: delete 1 batch (3 sessions requested)" in done.stdout
        assert changes(api) == []


def test_the_page_names_every_option() -> None:
    options = BatchCleanup.__init__.__annotations__.keys() - {"resource_name", "opts", "return"}
    assert [option for option in options if f"`{option}`" not in PAGE] == []
