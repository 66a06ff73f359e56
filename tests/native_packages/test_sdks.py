"""The packages that Pulumi generates from the schema compile. tests/examples has the one for TypeScript."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from stages.cli import clean_environment

pytestmark = [pytest.mark.engine, pytest.mark.long, pytest.mark.timeout(1500)]
# What the generated package imports its own parts by.
MODULE = "example.com/pulumi-anchorbrowser/sdk/go/anchorbrowser"
COMMAND = Path(sys.executable).with_name("pulumi-resource-anchorbrowser")
_UNREACHABLE = ("dial tcp", "i/o timeout", "no such host", "from versions: none", "connection broken")
PROGRAM = """
import pulumi
from pulumi_anchorbrowser_plugin import Batch, BatchReady, SessionArgs, SessionConfigurationArgs, Status

batch = Batch("crawl", count=3, status=Status.ACTIVE,
              configuration=SessionConfigurationArgs(session=SessionArgs(tags=["nightly"])))
ready = BatchReady("ready", batch_id=batch.batch_id, record_sessions=True)
sessions = ready.sessions
reveal_type(sessions)
"""


def generated(language: str, tmp_path: Path) -> Path:
    """The package for the language, from the plugin of this environment."""
    for needed in ("pulumi", f"pulumi-language-{language}"):
        if shutil.which(needed) is None:
            pytest.skip(f"{needed} is not on PATH")
    env = clean_environment(tmp_path / "home", tmp_path / "backend")
    command = ["pulumi", "package", "gen-sdk", str(COMMAND), "--language", language, "--out", str(tmp_path / "sdks")]
    done(subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120))
    return tmp_path / "sdks" / language


def done(ended: subprocess.CompletedProcess[str]) -> str:
    """What was printed; skips the test where no index of packages can be reached."""
    printed = ended.stdout + ended.stderr
    if ended.returncode != 0 and any(sign in printed for sign in _UNREACHABLE):
        pytest.skip("no index of packages can be reached")
    assert ended.returncode == 0, printed
    return printed


def test_the_go_package_builds(tmp_path: Path) -> None:
    if shutil.which("go") is None:
        pytest.skip("go is not on PATH")
    package = generated("go", tmp_path) / "anchorbrowser"
    for arguments in (["mod", "init", MODULE], ["mod", "tidy"], ["build", "./..."]):
        done(subprocess.run(["go", *arguments], cwd=package, capture_output=True, text=True, timeout=1200))


def test_the_python_package_is_typed_and_does_not_hide_this_one(tmp_path: Path) -> None:
    package, site = generated("python", tmp_path), tmp_path / "site"
    paths = {"PYTHONPATH": str(site), "MYPYPATH": str(package)}
    # Its one need that this environment lacks, and the package without the others.
    for wanted in (["parver"], ["--no-deps", str(package)]):
        done(run(tmp_path, paths, "-m", "pip", "install", "--quiet", "--target", str(site), *wanted))
    imported = "import pulumi_anchorbrowser_plugin, pulumi_anchorbrowser; print(pulumi_anchorbrowser.__version__)"
    done(run(tmp_path, paths, "-c", imported))

    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    # What Pulumi generates is not clean inside; a user's program sees its signatures.
    mypy = ("-m", "mypy", "--strict", "--follow-imports=silent", "--cache-dir", str(tmp_path / "cache"), str(program))
    assert "ReadySession" in done(run(tmp_path, paths, *mypy))
    program.write_text(PROGRAM.replace('tags=["nightly"]', "tags=7"), encoding="utf-8")
    refused = run(tmp_path, paths, *mypy)
    assert refused.returncode == 1
    assert 'Argument "tags" to "SessionArgs" has incompatible type "int"' in refused.stdout


def run(folder: Path, paths: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the tests' own Python."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env={**os.environ, **paths}, capture_output=True, text=True, timeout=300)
