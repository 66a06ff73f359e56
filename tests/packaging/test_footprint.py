"""What the package loads and weighs: counted where a number means the same everywhere, else only told."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import footprint
import pytest
from clean_environments import CleanEnvironment

import pulumi_anchorbrowser

LOADED = "import json, sys, atexit; atexit.register(lambda: print('\\n' + json.dumps(sorted(sys.modules)))); "
"""Prints at its end what was loaded."""
COMMAND = "from pulumi_anchorbrowser.cli import main; main()"
HEAVY = {"pulumi", "grpc", "fastapi", "uvicorn", "pydantic", "requests", "rich"}


def loaded_by(code: str, *arguments: str) -> set[str]:
    """The heavy modules that this code loads in a process of its own."""
    done = subprocess.run([sys.executable, "-c", LOADED + code, *arguments], capture_output=True, text=True, timeout=60)
    return {name for name in HEAVY if f'"{name}"' in done.stdout.splitlines()[-1]}


def test_the_package_loads_nothing_until_it_is_used() -> None:
    assert loaded_by("import pulumi_anchorbrowser") == set()
    assert loaded_by("import pulumi_anchorbrowser; pulumi_anchorbrowser.__version__") == set()


def test_a_program_that_declares_resources_loads_nothing_but_pulumi() -> None:
    """The rest is for the provider host, and for hooks, and takes as long to import as Pulumi."""
    resources = "import pulumi_anchorbrowser as ours; ours.Batch; ours.BatchReady; ours.BatchCleanup; ours.SessionArgs"
    assert loaded_by(resources) == {"pulumi", "grpc"}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["simulate", "--help"], ["list", "--help"]], ids=" ".join
)
def test_help_loads_neither_pulumi_nor_the_server_nor_the_client(arguments: list[str]) -> None:
    assert loaded_by(COMMAND, *arguments) == set()


def test_a_command_of_the_api_loads_no_pulumi(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANCHORBROWSER_API_KEY", "any")
    monkeypatch.setenv("ANCHORBROWSER_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("ANCHORBROWSER_MAX_RETRIES", "0")
    loaded = loaded_by(COMMAND, "list")
    assert "requests" in loaded, "it went as far as calling"
    assert loaded.isdisjoint({"pulumi", "grpc", "fastapi", "uvicorn"})


def test_every_public_name_is_found_and_listed() -> None:
    package = import_module("pulumi_anchorbrowser")
    assert set(package.__all__) <= set(dir(package))
    for name in package.__all__:
        assert getattr(package, name) is not None


def test_a_public_name_is_the_one_that_type_checkers_read() -> None:
    source = ast.parse(Path(str(pulumi_anchorbrowser.__file__)).read_text(encoding="utf-8"))
    (told,) = (node for node in source.body if isinstance(node, ast.If) and isinstance(node.test, ast.Name))
    names = {one.name: str(node.module) for node in told.body for one in node.names if isinstance(node, ast.ImportFrom)}
    assert {*names, "__version__"} == set(pulumi_anchorbrowser.__all__)
    for name, module in names.items():
        assert getattr(pulumi_anchorbrowser, name) is getattr(import_module(module), name)


def test_a_misspelt_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="module 'pulumi_anchorbrowser' has no attribute 'Bach'"):
        pulumi_anchorbrowser.Bach  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'Bach'"):
        exec("from pulumi_anchorbrowser import Bach")  # noqa: S102


@pytest.mark.long
def test_what_it_weighs_can_be_told(base: CleanEnvironment, with_all: CleanEnvironment) -> None:
    told = "\n".join(footprint.report({"base": base, "all": with_all}))
    assert re.fullmatch(r"(\w+ +[\d.]+ MB\n){2}([\w-]+ +\d+ modules +\d+ ms\n?){4}", told), told
