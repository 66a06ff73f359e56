"""`.ci/setup`: what a newcomer sees where the machine lacks something."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    (folder / ".ci").mkdir(parents=True)
    for name in (".ci/setup", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def python_that_fails(folder: Path, condition: str) -> str:
    """A Python that fails whatever it is asked where `condition`, a pattern of the shell, is part of it."""
    path = folder / "some-python"
    path.write_text(f'#!/bin/sh\ncase "$2" in {condition}) exit 1;; esac\n', encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def set_up(clone: Path, python: str) -> str:
    """What set-up says when it fails."""
    done = subprocess.run([str(clone / ".ci" / "setup"), python], capture_output=True, text=True, timeout=180)
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr


def test_a_python_that_is_too_old_is_one_line(clone: Path) -> None:
    python = python_that_fails(clone, "*version_info*")
    assert set_up(clone, python) == (
        f"set-up: {python} is not Python 3.10 or newer. Name another: make PYTHON=/path/to/python3\n"
    )


def test_a_python_without_venv_is_one_line_that_says_what_to_install(clone: Path) -> None:
    python = python_that_fails(clone, "*ensurepip*")
    assert set_up(clone, python) == (
        f"set-up: {python} cannot make virtual environments. "
        "Install its venv package (on Debian and Ubuntu: apt install python3-venv)\n"
    )


def test_what_is_done_already_is_not_done_again(clone: Path) -> None:
    (clone / ".venv").mkdir()
    # As .ci/setup has it: the lock, and what of pyproject.toml decides what is installed.
    settings = (clone / "pyproject.toml").read_bytes()
    both = (clone / "requirements.lock").read_bytes() + settings[: settings.index(b"[tool.pytest")]
    wanted = subprocess.run(["cksum"], input=both, capture_output=True, check=True).stdout.decode().strip()
    (clone / ".venv" / ".made-from").write_text(f"{wanted} {clone}\n", encoding="utf-8")
    done = subprocess.run([str(clone / ".ci" / "setup")], capture_output=True, text=True, timeout=180)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
