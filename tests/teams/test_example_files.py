"""The files of the examples that no engine here can run are what their own tools take them for."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from stages import NO_ENGINE, engine_is_here
from teams.workflows import ROOT, load, shell_steps

WORKFLOWS = [
    "environment-per-pull-request/pull-request.yml",
    "nightly-sweep/nightly-orphans.yml",
    "nightly-sweep/nightly-sweep.yml",
]
JOBS = [(path, job) for path in WORKFLOWS for job in load(path)["jobs"]]
STACK_FILE = ROOT / "examples" / "kubernetes-operator" / "stack.yaml"
PAGES = [ROOT / "docs" / "teams.md", *(ROOT / "examples").glob("*/README.md")]
RECEIPTS_FOLDER = "/var/lib/anchorbrowser"


def lint(path: Path) -> int:
    """The exit code of the linter for workflows."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(path)]
    return subprocess.run(command, capture_output=True, timeout=60).returncode


@pytest.mark.parametrize("path", WORKFLOWS)
def test_the_linter_accepts_the_workflow_and_would_not_accept_a_wrong_one(path: str, tmp_path: Path) -> None:
    assert lint(ROOT / "examples" / path) == 0
    wrong = tmp_path / "wrong.yml"
    text = (ROOT / "examples" / path).read_text(encoding="utf-8")
    wrong.write_text(text.replace("runs-on:", "run-on:"), encoding="utf-8")
    assert lint(wrong) == 1


@pytest.mark.parametrize(("path", "job"), JOBS)
def test_no_expression_is_pasted_into_a_script(path: str, job: str) -> None:
    assert not any("${{" in step["run"] for step in shell_steps(load(path), job))


def test_the_installations_are_those_that_are_tested_elsewhere() -> None:
    nightly = _install_step(load("nightly-sweep/nightly-sweep.yml"), "sweep")
    assert _install_step(load("nightly-sweep/nightly-orphans.yml"), "orphans") == nightly
    script = _install_step(load("environment-per-pull-request/pull-request.yml"), "browsers")
    assert script.startswith("make -C ../.. setup\n")
    assert re.search(r"^setup:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_runs_of_a_pull_request_wait_for_each_other_and_none_from_a_fork_has_a_key() -> None:
    workflow = load("environment-per-pull-request/pull-request.yml")
    assert workflow["concurrency"]["cancel-in-progress"] is False
    assert "github.event.number" in workflow["concurrency"]["group"]
    assert "head.repo.full_name == github.repository" in workflow["jobs"]["browsers"]["if"]
    artifact = workflow["jobs"]["browsers"]["steps"][-1]
    place = workflow["jobs"]["browsers"]["env"]["ANCHORBROWSER_RECEIPTS"]
    assert artifact["if"] == "always()"
    assert place == "${{ github.workspace }}/" + artifact["with"]["path"].removesuffix("*")


def test_the_stack_of_the_operator_has_what_it_needs_and_its_receipts_are_on_the_volume() -> None:
    objects = {one["kind"]: one for one in yaml.safe_load_all(STACK_FILE.read_text(encoding="utf-8"))}
    stack, claim = objects["Stack"], objects["PersistentVolumeClaim"]
    spec = stack["spec"]
    assert stack["apiVersion"] == "pulumi.com/v1"
    assert spec["stack"].count("/") == 2
    # One source of the program, and one revision of it.
    assert len({"projectRepo", "fluxSource", "programRef"} & spec.keys()) == 1
    assert len({"branch", "commit"} & spec.keys()) == 1
    assert spec["destroyOnFinalize"] is True
    assert spec["serviceAccountName"] == objects["ServiceAccount"]["metadata"]["name"]
    assert objects["ClusterRoleBinding"]["subjects"][0]["name"] == spec["serviceAccountName"]
    assert _values_of(spec["envRefs"])["ANCHORBROWSER_RECEIPTS"].startswith(f"{RECEIPTS_FOLDER}/")
    pod = spec["workspaceTemplate"]["spec"]["podTemplate"]["spec"]
    # The operator's own container has this name.
    [container] = [one for one in pod["containers"] if one["name"] == "pulumi"]
    [mount] = container["volumeMounts"]
    assert mount["mountPath"] == RECEIPTS_FOLDER
    [volume] = [one for one in pod["volumes"] if one["name"] == mount["name"]]
    assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]


def test_nothing_secret_stands_in_the_stack_of_the_operator() -> None:
    [stack] = [one for one in yaml.safe_load_all(STACK_FILE.read_text(encoding="utf-8")) if one["kind"] == "Stack"]
    references = stack["spec"]["envRefs"]
    literal = {"PULUMI_BACKEND_URL", "ANCHORBROWSER_RECEIPTS"}
    assert _values_of(references).keys() == literal
    assert "@" not in _values_of(references)["PULUMI_BACKEND_URL"]
    for name in references.keys() - literal:
        assert references[name]["type"] == "Secret"
        assert references[name]["secret"].keys() == {"name", "key"}
    readme = STACK_FILE.with_name("README.md").read_text(encoding="utf-8")
    assert all(f"--from-literal={references[name]['secret']['key']}=" in readme for name in references.keys() - literal)


def commands(page: Path) -> list[list[str]]:
    """The `pulumi` and `pulumi-anchorbrowser` commands of a page, word by word."""
    blocks = re.findall(r"```bash\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    words = [shlex.split(line, comments=True) for line in lines]
    return [line for line in words if line and line[0] in {"pulumi", "pulumi-anchorbrowser"}]


def scripted() -> list[list[str]]:
    """Those of the workflows."""
    lines = [line for path, job in JOBS for step in shell_steps(load(path), job) for line in step["run"].splitlines()]
    found = [re.search(r"\b(pulumi(?:-anchorbrowser)? [^|>)]*)", line) for line in lines]
    return [shlex.split(one[1]) for one in found if one]


COMMANDS = [*scripted(), *(one for page in PAGES for one in commands(page))]


@pytest.mark.engine
def test_every_command_and_every_option_of_the_page_and_of_the_workflows_exists() -> None:
    if not engine_is_here():
        pytest.skip(NO_ENGINE)
    helped: dict[tuple[str, ...], str] = {}
    unknown = []
    for words in COMMANDS:
        name = tuple(_name(words))
        if name not in helped:
            helped[name] = _help(name)
        options = {word.partition("=")[0] for word in words if word.startswith("--")}
        unknown += [(name, one) for one in options if not re.search(rf"{one}\b", helped[name])]
    assert unknown == []
    assert len(helped) >= 10


def _name(words: list[str]) -> list[str]:
    """The command and its sub-commands, as far as they are plain words; what follows is an argument."""
    depth = {"deployment": 4, "stack": 3, "config": 3}.get(words[1], 2)
    name = words[: 4 if words[1:3] == ["stack", "schedule"] else depth]
    return [word for word in name if not word.startswith("-")]


def _help(name: tuple[str, ...]) -> str:
    ended = subprocess.run([*name, "--help"], capture_output=True, text=True, timeout=60, env=_environment())
    assert ended.returncode == 0, ended.stderr
    # A parent answers for a sub-command that it does not have; its usage, or the names it also goes by, tell.
    names = re.findall(r"^(?:Usage|Aliases):\s+(.+)$", ended.stdout, re.MULTILINE)
    assert re.search(rf"\b{name[-1]}\b", " ".join(names)), (name, ended.stdout)
    return ended.stdout


def _environment() -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "PULUMI_SKIP_UPDATE_CHECK": "true"}


def _install_step(workflow: dict[str, Any], job: str) -> str:
    [step] = [one for one in shell_steps(workflow, job) if one["name"] == "Install"]
    return str(step["run"])


def _values_of(references: dict[str, Any]) -> dict[str, str]:
    return {name: one["literal"]["value"] for name, one in references.items() if one["type"] == "Literal"}
