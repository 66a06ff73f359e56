"""Each way to get the plugin, on a machine without it: the program of docs/native.md starts a batch and deletes it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from archives import ROOT
from clean_environments import clean_environment
from docs.pages import block_with
from examples_support import API_KEY
from plugin_examples import run_with_an_index
from stages import EngineStage

from pulumi_anchorbrowser import __version__
from pulumi_anchorbrowser.simulator import Simulator

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(shutil.which("pulumi-language-yaml") is None, reason="pulumi-language-yaml is not on PATH"),
]
PROGRAM = yaml.safe_load(block_with("docs/native.md", "name: crawl").text)


@pytest.fixture
def api() -> Iterator[Simulator]:
    with Simulator({API_KEY: "team"}) as running:
        yield running


@pytest.fixture
def machine(empty_machine: EngineStage, api: Simulator) -> EngineStage:
    """An empty machine with the program of the page, without the lines that say where the plugin is."""
    write(empty_machine, {name: part for name, part in PROGRAM.items() if name != "plugins"})
    empty_machine.config(**{"anchorbrowser:baseUrl": api.url, "anchorbrowser:pollInterval": "0.1"})
    empty_machine.set_secret("anchorbrowser:apiKey", API_KEY)
    return empty_machine


def write(machine: EngineStage, program: dict[str, object]) -> None:
    """Write Pulumi.yaml."""
    (machine.project_dir / "Pulumi.yaml").write_text(yaml.safe_dump(program, sort_keys=False), encoding="utf-8")


def goes_up_and_down(machine: EngineStage, api: Simulator) -> None:
    """Start the batch and wait for it; stop its browsers by the status; delete it with the stack."""
    assert machine.up().outputs["ready"] >= 2
    assert len(api.live_sessions()) == 3
    machine.config(**{f"{PROGRAM['name']}:status": "cancelled"})
    outputs = machine.up().outputs
    assert (outputs["endedSessions"], outputs["stillRunning"]) == (3, 0)
    assert api.live_sessions() == []
    machine.destroy()
    assert api.live_sessions() == []


@pytest.fixture
def archive(wheel: Path, tmp_path: Path) -> Path:
    """The archive for this platform, in a folder with those for the others."""
    command = [sys.executable, str(ROOT / ".ci" / "plugin.py"), str(wheel), str(tmp_path / "archives")]
    packed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.splitlines()
    return Path(packed[0])


def test_without_the_plugin_the_program_fails(machine: EngineStage) -> None:
    """So that no other test here passes by a plugin that was there already."""
    assert "anchorbrowser" in machine.up(expect_failure=True).text


def test_by_pip_and_a_path_in_the_project(machine: EngineStage, api: Simulator, wheel: Path) -> None:
    (machine.project_dir / "venv").symlink_to(clean_environment("base", wheel).folder, target_is_directory=True)
    write(machine, PROGRAM)
    goes_up_and_down(machine, api)


def test_by_a_folder_that_package_add_installs(machine: EngineStage, api: Simulator, archive: Path) -> None:
    folder = machine.project_dir / "plugin"
    folder.mkdir()
    shutil.unpack_archive(archive, folder)
    run_with_an_index(machine, "package", "add", "./plugin")
    project = yaml.safe_load((machine.project_dir / "Pulumi.yaml").read_text(encoding="utf-8"))
    assert project["packages"] == {"anchorbrowser": "./plugin"}
    goes_up_and_down(machine, api)


def test_by_an_archive_that_plugin_install_unpacks(machine: EngineStage, api: Simulator, archive: Path) -> None:
    what = ["resource", "anchorbrowser", __version__, "--file", str(archive)]
    run_with_an_index(machine, "plugin", "install", *what)
    goes_up_and_down(machine, api)


def test_by_an_archive_that_the_engine_downloads(machine: EngineStage, api: Simulator, archive: Path) -> None:
    handler = partial(SimpleHTTPRequestHandler, directory=str(archive.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        resources = {
            name: one | {"options": {"version": __version__, "pluginDownloadURL": url}}
            for name, one in PROGRAM["resources"].items()
        }
        write(machine, {**PROGRAM, "plugins": {}, "resources": resources})
        # The first command installs, which takes longer than a command may.
        installed = machine.finished(machine.start_up(), seconds=600)
        assert not installed.failed, installed.text
        goes_up_and_down(machine, api)
        server.shutdown()


def test_the_typescript_program_of_the_page_is_the_example() -> None:
    program = (ROOT / "examples" / "typescript" / "index.ts").read_text(encoding="utf-8")
    assert block_with("docs/native.md", "pulumi-anchorbrowser").text == program
