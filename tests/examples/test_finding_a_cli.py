"""examples/demo/pulumi_cli.py: a CLI that can be used, or a sentence on why not, within seconds."""

from __future__ import annotations

import importlib
import time
from pathlib import Path
from typing import Any

import pytest
from examples_support import ROOT

GOOD = "#!/bin/sh\necho v3.999.0\n"


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The module, on a machine with nothing but the usual tools on its PATH, and without a network."""
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "demo"))
    module = importlib.import_module("pulumi_cli")
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(module, "REACH", "raise SystemExit('no network here')")
    return module


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def test_without_a_cli_and_a_network_it_says_so(cli: Any, tmp_path: Path) -> None:
    found = cli.find(tmp_path / ".pulumi")
    assert not found.command
    assert found.told == ("No Pulumi CLI could be installed (get.pulumi.com: no network here), so this is a rehearsal.")


def test_an_installer_that_hangs_is_given_up(cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "REACH", "pass")
    monkeypatch.setattr(cli, "INSTALL", "import time; time.sleep(3600)")
    monkeypatch.setattr(cli, "INSTALL_SECONDS", 0.5)
    assert "no response within 0.5 s" in cli.find(tmp_path / ".pulumi").told


def test_an_installed_cli_is_found_without_a_network(cli: Any, tmp_path: Path) -> None:
    installed = program(tmp_path / ".pulumi" / "bin" / "pulumi", GOOD)
    program(installed.with_name("pulumi-language-python"), "")
    found = cli.find(tmp_path / ".pulumi")
    assert (found.command, found.version) == (str(installed), "v3.999.0")


def test_a_cli_without_its_language_host_is_not_used(cli: Any, tmp_path: Path) -> None:
    program(tmp_path / "path" / "pulumi", GOOD)
    found = cli.find(tmp_path / ".pulumi")
    assert not found.command
    assert "has no pulumi-language-python beside it, so this is a rehearsal" in found.told


def test_the_language_host_may_stand_beside_what_the_cli_links_to(cli: Any, tmp_path: Path) -> None:
    real = program(tmp_path / "opt" / "pulumi", GOOD)
    program(real.with_name("pulumi-language-python"), "")
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "pulumi").symlink_to(real)
    assert cli.find(tmp_path / ".pulumi").version == "v3.999.0"


def test_a_cli_that_does_not_run_is_not_used(cli: Any, tmp_path: Path) -> None:
    program(tmp_path / "path" / "pulumi", "#!/bin/sh\necho broken\nexit 3\n")
    found = cli.find(tmp_path / ".pulumi")
    assert not found.command
    assert "does not run (broken)" in found.told


def test_a_command_past_its_time_is_ended_with_everything_it_started(cli: Any, tmp_path: Path) -> None:
    sign = tmp_path / "sign"
    script = program(tmp_path / "slow", f"#!/bin/sh\n(/bin/sleep 2; echo late > {sign}) &\nwait\n")
    code, said = cli.run_limited([str(script)], 0.3)
    assert (code, said) == (1, "no response within 0.3 s")
    # It would be there by now.
    time.sleep(3)
    assert not sign.exists()
